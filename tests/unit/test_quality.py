"""Which text layers are believed."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.quality import is_garbage, judge
from ingest.types import Layer, Line
from ragqa.types import BBox

CHINESE = (
    "水泵每运行五百小时应检查一次密封圈，发现渗漏立即停机更换。更换前须关闭进水阀，并放净余水。"
)
TRADITIONAL = "臺灣的鐵路網絡連接各大城市，旅客可以憑證件購買優惠車票，並於乘車前完成劃位手續。"
ENGLISH = (
    "Travellers are reimbursed for economy fares. A fare above the limit needs written consent. "
)


def layer(text: str, *, images: tuple[BBox, ...] = (), rules: int = 0, invisible: int = 0) -> Layer:
    line = (Line(0, len(text), BBox(50, 50, 500, 62), 10.0),) if text else ()
    return Layer(
        1, 595, 842, text, np.tile(np.array([[50, 50, 60, 62]], np.float32), (len(text), 1)),
        line, np.zeros((rules, 4), np.float32), images, invisible=invisible,
    )  # fmt: skip


COMMANDS = CHINESE * 3 + "tlmgr xzvf fmtutil ksh mktexlsr pwd kpsewhich dvipdfmx xdvik cjk " * 2


@pytest.mark.parametrize(
    "text", [CHINESE, TRADITIONAL, ENGLISH, COMMANDS, "1,204 3.5% 12", "E=mc²", ""]
)
def test_real_text_is_believed(text: str) -> None:
    assert not is_garbage(text)


@pytest.mark.parametrize(
    "text",
    [
        "\ufffd" * 40,
        "\ue001\ue052\ue113" * 20,
        CHINESE.encode().decode("latin-1"),
        "".join(chr((ord(c) - 97 + 5) % 26 + 97) if c.islower() else c for c in ENGLISH * 3),
        "".join(chr(ord(c) + 0x700) for c in CHINESE),
    ],
    ids=["no map", "private use", "mojibake", "shifted letters", "shifted ideographs"],
)
def test_a_layer_that_cannot_be_what_the_page_shows_is_garbage(text: str) -> None:
    assert is_garbage(text)


def test_a_page_is_given_to_ocr_with_its_reason() -> None:
    whole = (BBox(0, 0, 595, 842),)
    strips = tuple(BBox(0, top, 595, top + 84) for top in range(0, 840, 84))
    assert judge(layer("", images=whole)).reason == "image_only"
    assert judge(layer("", images=strips)).reason == "image_only"
    assert judge(layer("", rules=300)).reason == "drawn_text"
    assert judge(layer(CHINESE, images=whole, invisible=40)).reason == "invisible_layer"
    assert judge(layer("7", images=whole)).reason == "little_text"
    assert judge(layer("")).reason == ""
    assert judge(layer(CHINESE)).reason == ""


def test_a_picture_beside_good_text_is_read_as_a_region() -> None:
    picture = BBox(100, 200, 400, 500)
    verdict = judge(layer(CHINESE, images=(picture,)))
    assert not verdict.needs_ocr
    assert verdict.regions == (picture,)
