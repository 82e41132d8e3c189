"""What was recognised on a page, for those who look closely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymupdf
import pytest

from ingest.worker import run_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


def scanned(data: bytes) -> bytes:
    """Return the pages of a PDF as pictures of them."""
    with pymupdf.open(stream=data) as source, pymupdf.open() as target:
        for page in source:
            sheet = target.new_page(width=page.rect.width, height=page.rect.height)
            sheet.insert_image(sheet.rect, pixmap=page.get_pixmap(dpi=150))
        made: bytes = target.tobytes()
    return made


@pytest.fixture
def mixed(client: TestClient, services: Services, make_pdf: MakePdf) -> str:
    """Id of a document with a page of text and a scanned one."""
    text = "产品说明书\n本产品的保修期为三十六个月，自验收之日起计算。\n额定功率为一千五百瓦。"
    with (
        pymupdf.open(stream=make_pdf(text)) as typed,
        pymupdf.open(stream=scanned(make_pdf(text.replace("三十六", "四十八")))) as scan,
    ):
        typed.insert_pdf(scan)
        data = typed.tobytes()
    client.post("/v1/collections", json={"name": "demo"}).raise_for_status()
    sent = client.post("/v1/collections/demo/documents", files=[("files", ("mixed.pdf", data))])
    run_worker(services, until_idle=True)
    return str(sent.json()["documents"][0]["id"])


def test_a_page_s_passages_and_recognised_lines_stand_on_its_text(
    client: TestClient, mixed: str
) -> None:
    def get(path: str) -> dict[str, Any]:
        response = client.get(f"/v1/documents/{mixed}/pages{path}")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    # A page of text is sure of itself; the scan comes first among those to look at.
    assert [page["source"] for page in get("")["pages"]] == ["text", "ocr"]
    worst = get("?order=worst")["pages"]
    assert worst[0]["number"] == 2
    assert 0.8 < worst[0]["ocr_confidence"] <= 1
    assert worst[1]["ocr_confidence"] is None

    hits = client.post("/v1/search", json={"query": "保修期 四十八", "collection": "demo"}).json()
    for number in (1, 2):
        page = get(f"/{number}")
        for chunk in get(f"/{number}/chunks")["chunks"]:
            start, end = chunk["span"]
            hit = next(hit for hit in hits["hits"] if hit["chunk_id"] == chunk["chunk_id"])
            assert hit["text"] == page["text"][start:end]
            assert hit["boxes"] == chunk["boxes"]

    typed, scan = get("/1/recognition"), get("/2/recognition")
    assert typed["ocr_reason"] is None
    assert {line["confidence"] for line in typed["lines"]} == {None}
    assert scan["ocr_reason"] == "image_only"
    line = next(line for line in scan["lines"] if "四十八" in line["text"])
    assert 0.8 < line["confidence"] <= 1
    assert "".join(word["text"] for word in line["words"]) == "".join(line["text"].split())
    assert all(0 < word["confidence"] <= 1 for word in line["words"])
    assert all(line["words"] == [] for line in typed["lines"])
    x0, top, x1, bottom = line["bbox"]
    assert 60 < x0 < 90 < x1 < 400
    assert 90 < top < bottom < 125


@pytest.mark.parametrize("what", ["chunks", "recognition"])
def test_a_page_that_is_not_there_has_no_layers(
    client: TestClient, demo: dict[str, Any], what: str
) -> None:
    response = client.get(f"/v1/documents/{demo['id']}/pages/9/{what}")

    assert response.status_code == 404
    assert client.get(f"/v1/documents/1-99/pages?x={what}").status_code == 404
