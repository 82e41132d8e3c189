"""Every kind of file that people drop in a folder: read and found, or listed as skipped."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pymupdf
import pytest
from PIL import Image

from ingest.batch import run_batch
from ragqa.store.collections import find_collection
from ragqa.store.documents import list_documents
from ragqa.store.rendering import render_png

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from ragqa.types import Document
    from ragqa.wiring import Services

PARAGRAPH = '<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
CELL = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
ROW = f"<w:tr>{CELL}{CELL}</w:tr>"


def write_docx(path: Path) -> None:
    """A document as word processors write it: heading, paragraph, table."""
    body = (
        PARAGRAPH.format(style="Heading1", text="保修条款")
        + PARAGRAPH.format(style="Normal", text="本产品保修期为三十六个月。")
        + "<w:tbl>"
        + ROW.format("型号", "功率")
        + ROW.format("K-200", "450 W")
        + "</w:tbl>"
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
        )


def write_picture(path: Path, *, pages: int = 1) -> None:
    """Print as a picture, in the format that the name says."""
    with pymupdf.open() as document:
        page = document.new_page(width=420, height=200)
        page.insert_text((30, 60), "The warranty lasts", fontsize=24)
        page.insert_text((30, 110), "thirty six months", fontsize=24)
        drawn = page.get_pixmap(dpi=150)
    picture = Image.frombytes("RGB", (drawn.width, drawn.height), drawn.samples)
    if pages == 1:
        picture.save(path, dpi=(150, 150))
        return
    more = [picture.copy() for _ in range(pages - 1)]
    picture.save(path, dpi=(150, 150), save_all=True, append_images=more)


def settle(root: Path) -> None:
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    root = tmp_path / "mixed"
    root.mkdir()
    write_docx(root / "warranty.docx")
    for name in ("shot.png", "photo.jpg", "fax.tiff"):
        write_picture(root / name, pages=2 if name == "fax.tiff" else 1)
    (root / "notes.md").write_text("# Heading\n\nA line of Markdown.\n")
    for name in ("film.mp4", "sheet.xlsx", "Makefile"):
        (root / name).write_bytes(b"no text")
    settle(root)
    return root


def documents_of(services: Services) -> dict[str, Document]:
    with services.database.transaction() as conn:
        listed, _ = list_documents(conn, find_collection(conn, "papers").id)
    return {one.filename: one for one in listed}


def test_a_folder_of_every_kind_is_read_and_the_rest_is_listed_as_skipped(
    services: Services, mixed: Path
) -> None:
    report = run_batch(services, [mixed], "papers")

    assert report["failed"] == []
    assert report["added"] == 5
    assert [one["file"] for one in report["skipped"]] == ["Makefile", "film.mp4", "sheet.xlsx"]
    assert ".mp4" in report["skipped"][1]["reason"]
    read = documents_of(services)
    assert {one.status for one in read.values()} == {"ready"}
    assert [read[name].ocr_pages for name in ("shot.png", "photo.jpg", "fax.tiff")] == [1, 1, 2]

    retriever = services.retriever("hashing")
    words = [hit.chunk.text for hit in retriever.retrieve("warranty months", "papers", limit=5)]
    assert sum("thirty six months" in text.lower() for text in words) >= 3
    (best, *_) = retriever.retrieve("保修期多久", "papers", limit=1)
    assert "三十六个月" in best.chunk.text
    assert best.chunk.headings == ("保修条款",)
    cells = [hit.chunk.text for hit in retriever.retrieve("K-200 功率", "papers", limit=1)]
    assert "450 W" in cells[0]


def test_every_kind_is_uploaded_cited_and_drawn(
    client: TestClient, services: Services, mixed: Path
) -> None:
    from ingest.worker import run_worker

    services.create_collection("papers")
    kinds = ("warranty.docx", "shot.png", "photo.jpg", "fax.tiff", "notes.md")
    sent = client.post(
        "/v1/collections/papers/documents",
        files=[("files", (name, (mixed / name).read_bytes())) for name in kinds],
    )
    assert sent.status_code == 202
    run_worker(services, until_idle=True)

    assert {one.status for one in documents_of(services).values()} == {"ready"}
    hits = client.post("/v1/search", json={"query": "保修期", "collection": "papers"}).json()[
        "hits"
    ]
    assert hits[0]["filename"] == "warranty.docx"
    assert hits[0]["boxes"]
    for one in sent.json()["documents"]:
        drawn = client.get(f"/v1/documents/{one['id']}/pages/1/image")
        assert drawn.status_code == 200
        assert drawn.content.startswith(b"\x89PNG")
    plain = render_png(mixed / "warranty.docx", 1, 40)
    assert plain.startswith(b"\x89PNG")
