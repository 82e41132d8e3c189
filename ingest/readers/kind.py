"""What a file is, told from its first bytes; a name may lie."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from ragqa.errors import UnreadableFile

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.types import FileKind

_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"GIF8")
_PLAIN = (".txt", ".md", ".markdown", ".text")
SUFFIXES = (".pdf", *_PLAIN, ".docx", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Names of files that we try to read."""


def kind_of(path: Path) -> FileKind:
    """Return the kind of a file.

    Raises:
        UnreadableFile: If it is empty, or none of the kinds we read.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise UnreadableFile(f"{path.name} is empty (0 bytes): upload it again")
    suffix = path.suffix.casefold()
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if head[:4] == b"PK\x03\x04" and _is_docx(path):
        return "docx"
    if suffix in _PLAIN:
        return "plain"
    return _unmarked(path, head, suffix)


def _unmarked(path: Path, head: bytes, suffix: str) -> FileKind:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        raise UnreadableFile(
            f"{path.name} is a web page, not a PDF: the download may have been an error page; "
            "download the file itself again"
        )
    with path.open("rb") as file:
        data = file.read(1 << 20)
    if suffix in (".pdf", "") and (b"endobj" in data or b"startxref" in data):
        return "pdf"  # the header is lost; MuPDF finds the objects
    if suffix == ".pdf":
        raise UnreadableFile(
            f"{path.name} is not a PDF: it should begin with %PDF- and begins with "
            f"{head[:12]!r}; export it as PDF again"
        )
    if not suffix and b"\0" not in head:
        return "plain"
    raise UnreadableFile(
        f"{path.name} is of a kind that cannot be read: expected {', '.join(SUFFIXES)}"
    )


def _is_docx(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "word/document.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
