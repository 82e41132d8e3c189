"""Files that are no PDF, or a damaged one: what can be read is, and the rest is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymupdf
import pytest

from ingest.reading import inspect, parse
from ingest.types import ReadOptions
from ragqa.errors import UnreadableFile

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = ReadOptions(ocr_engine="none")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"this is no PDF at all", "is not a PDF"),
        (b"<!DOCTYPE html><html><body>503</body></html>", "is a web page"),
        (b"%PDF-1.7\n1 0 obj\n<<", "damaged beyond repair"),
    ],
)
def test_what_is_no_pdf_is_refused_with_a_reason(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "upload.pdf"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=sentence):
        inspect(file, PLAIN)


def without_a_page_tree(contents: bytes) -> bytes:
    """A PDF whose catalogue leads to a page where the tree of pages should be."""
    objects = (
        b"<</Type/Catalog/Pages 3 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R"
        b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(contents), contents),
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % item for item in enumerate(objects, start=1))
    return b"%PDF-1.7\n" + body + b"trailer<</Size 5/Root 1 0 R>>\n%%EOF"


def test_what_only_another_reader_can_rebuild_is_read_and_reported(tmp_path: Path) -> None:
    file = tmp_path / "no_tree.pdf"
    file.write_bytes(without_a_page_tree(b"BT /F 12 Tf 20 100 Td (The valve is closed.) Tj ET"))
    read = parse(file, PLAIN)
    assert [page.text for page in read.pages] == ["The valve is closed."]
    assert [notice.code for notice in read.notices] == ["repaired"]


def test_a_rebuilt_file_that_says_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "blank.pdf"
    file.write_bytes(without_a_page_tree(b"10 10 180 180 re S"))
    with pytest.raises(UnreadableFile, match="damaged beyond repair"):
        inspect(file, PLAIN)


def test_a_file_whose_list_of_pages_leads_back_into_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "round.pdf"
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 72), "Page one")
        document.new_page()
        second = document[1].xref
        root = int(document.xref_get_key(document.pdf_catalog(), "Pages")[1].split()[0])
        # The second page becomes a branch of the tree that holds itself.
        document.update_object(second, f"<</Type/Pages/Kids[{second} 0 R]/Count 1>>")
        kids = f"<</Type/Pages/Kids[{document[0].xref} 0 R {second} 0 R]/Count 2>>"
        document.update_object(root, kids)
        document.save(file)
    with pytest.raises(UnreadableFile, match="leads back into itself"):
        inspect(file, PLAIN)
