"""Does this page need OCR, and why: decided from the text layer and what is drawn, in no time."""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ingest.outlines import outlined_regions
from ragqa.types import meet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.types import Layer
    from ragqa.types import BBox

OcrReason = Literal[
    "", "image_only", "drawn_text", "garbage_text", "invisible_layer", "little_text", "asked"
]
_MOST_BAD = 0.15
_ENOUGH = 24
_USUAL = (
    "abacadagaialamanaparasatavaybeblcacechcicoctdadedieaecedeeelemeneresetevexfefffifofr"
    "geghhahehihoiaicidieigiliminioirisitivkelaldlelilllolymamemimompnancndnengninonsntof"
    "olomonoooporosotouowpapeplpoprqurarerirorsrtrysaseshsisospssstsutatethtitotrtstutyui"
    "ulunurusutveviwawewhwiwo"
)
_PLAIN = re.compile("[ -~]+")
_LETTERS = 26
_USUAL_AFTER = np.zeros((_LETTERS + 1, _LETTERS + 1), np.bool_)
"""Whether a letter, a to z, is usual after another; such pairs make up most English text."""
for _first, _second in zip(_USUAL[::2], _USUAL[1::2], strict=True):
    _USUAL_AFTER[ord(_first) - ord("a"), ord(_second) - ord("a")] = True
_SHORTEST_WORD = 4
_ENOUGH_PAIRS = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether OCR should read the page, why, and how sure the text layer looked."""

    reason: OcrReason
    regions: tuple[BBox, ...] = ()
    """Pictures on a page with a good text layer that may hold text of their own."""
    drawn: tuple[BBox, ...] = ()
    """Words that are drawn as outlines on such a page."""

    @property
    def needs_ocr(self) -> bool:
        """True when the whole page should be read by OCR."""
        return bool(self.reason)


def judge(layer: Layer) -> Verdict:
    """Decide about one page."""
    solid = len("".join(layer.text.split()))
    covered = image_share(layer.images, layer.width, layer.height)
    if not solid:
        if covered >= 0.02:
            return Verdict("image_only")
        return Verdict("drawn_text") if len(layer.rules) >= 8 else Verdict("")
    if is_garbage(layer.text):
        return Verdict("garbage_text")
    if layer.invisible > solid / 2 and covered > 0.5:
        return Verdict("invisible_layer")
    if covered > 0.6 and solid < 60:
        return Verdict("little_text")
    pictures = picture_regions(layer)
    return Verdict("", pictures, _drawn_beside(pictures, layer))


def image_share(images: Sequence[BBox], width: float, height: float) -> float:
    """Return how much of the page pictures cover, in [0, 1]; a scan may come in many strips."""
    total = sum((box.x1 - box.x0) * (box.bottom - box.top) for box in images)
    return min(1.0, total / max(1.0, width * height))


def picture_regions(layer: Layer) -> tuple[BBox, ...]:
    """Return pictures that are large enough to hold text and have none of the layer's over them."""
    found = []
    for box in layer.images:
        wide, high = box.x1 - box.x0, box.bottom - box.top
        if wide < 60 or high < 24 or wide * high < 0.02 * layer.width * layer.height:
            continue
        if not any(meet(line.bbox, box) for line in layer.lines):
            found.append(box)
    return tuple(found)


def _drawn_beside(pictures: Sequence[BBox], layer: Layer) -> tuple[BBox, ...]:
    """Return words drawn as outlines, but for those on pictures, which are read with them."""
    return tuple(
        box
        for box in outlined_regions(layer)
        if not any(meet(picture, box) for picture in pictures)
    )


def is_garbage(text: str) -> bool:
    """Tell whether a text layer cannot be what the page shows.

    Three signs: characters that no font shows, mojibake, and letters or ideographs whose
    statistics fit neither English nor Chinese (a font whose map to Unicode is missing or shifted).
    """
    sample = text[:8000]
    solid = len("".join(sample.split()))
    if not solid:
        return False
    counts = Counter(_PLAIN.sub("", sample))
    bad = sum(count for char, count in counts.items() if _is_bad(char))
    if bad > _MOST_BAD * solid:
        return True
    ideographs = {char: n for char, n in counts.items() if "\u3400" <= char <= "\u9fff"}
    if _is_mojibake(sample, counts, solid) or _is_unlike_chinese(ideographs):
        return True
    # Names of commands among Chinese are unlike English too: there the Chinese decides.
    chinese = sum(ideographs.values())
    if chinese and chinese >= sum(map(sample.count, string.ascii_lowercase)):
        return False
    return _is_unlike_english(sample)


@functools.lru_cache(maxsize=8192)
def _is_bad(char: str) -> bool:
    if char == "\ufffd":
        return True
    return char not in "\n\t" and unicodedata.category(char) in ("Co", "Cn", "Cc", "Cs")


def _is_mojibake(text: str, counts: Counter[str], solid: int) -> bool:
    """UTF-8 or GBK bytes shown as Latin-1: many accented letters and signs, few plain ones."""
    high = sum(count for char, count in counts.items() if "\x80" <= char <= "\xff")
    if solid < _ENOUGH or high <= 0.3 * solid:
        return False
    return high > sum(map(text.count, string.ascii_letters)) / 2


def _is_unlike_english(text: str) -> bool:
    """Compare the pairs of letters inside words with those usual in European languages."""
    letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32) - np.uint32(ord("a"))
    small = np.concatenate([[False], letters < _LETTERS, [False]])
    borders = np.flatnonzero(small[1:] != small[:-1])
    begins, ends = borders[::2], borders[1::2]
    words = ends - begins >= _SHORTEST_WORD
    total = int((ends - begins - 1)[words].sum())
    if total < _ENOUGH_PAIRS:
        return False
    known = np.minimum(letters, _LETTERS)
    usual = np.concatenate([[0], np.cumsum(_USUAL_AFTER[known[:-1], known[1:]])])
    return int((usual[ends - 1] - usual[begins])[words].sum()) < 0.35 * total


def _is_unlike_chinese(ideographs: Mapping[str, int]) -> bool:
    """Count ideographs outside the few thousand that nearly all text is written with."""
    total = sum(ideographs.values())
    if total < _ENOUGH:
        return False
    rare = sum(n for char, n in ideographs.items() if not _is_common(char))
    return rare > 0.35 * total


@functools.lru_cache(maxsize=8192)
def _is_common(char: str) -> bool:
    """Tell whether the ideograph is in the first level of GB 2312 or Big5."""
    simplified = char.encode("gb2312", "ignore")
    if simplified and 0xB0 <= simplified[0] <= 0xD7:
        return True
    traditional = char.encode("big5", "ignore")
    return bool(traditional) and 0xA4 <= traditional[0] <= 0xC6
