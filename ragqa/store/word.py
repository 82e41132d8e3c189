"""The text of a Word document, paragraph by paragraph, headings marked as in Markdown."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ragqa.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_BYTES = 200 << 20
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read_docx(path: Path) -> str:
    """Return paragraphs and tables in their order; a table row is one line, cells apart by tabs.

    Raises:
        UnreadableFile: If it is damaged, or unpacks to far more than a document has.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("word/document.xml")
            if info.file_size > _MOST_BYTES:
                raise UnreadableFile(f"{path.name} unpacks to {info.file_size} bytes of text")
            data = archive.read(info)
        if b"<!DOCTYPE" in data[:2000] or b"<!ENTITY" in data:
            raise UnreadableFile(f"{path.name} defines entities, as no word processor writes them")
        root = ET.fromstring(data)  # noqa: S314 - entities, the only danger, are refused above
    except (zipfile.BadZipFile, KeyError, ET.ParseError, OSError) as error:
        raise UnreadableFile(f"{path.name} is a damaged Word document: save it again") from error
    body = root.find(f"{_W}body")
    return "\n".join(_lines(body)) if body is not None else ""


def _lines(body: ET.Element) -> Iterator[str]:
    for element in body:
        if element.tag == f"{_W}p":
            text = _text(element)
            if text.strip():
                yield _marks(element) + text
        elif element.tag == f"{_W}tbl":
            for row in element.iter(f"{_W}tr"):
                cells = (
                    " ".join(_text(p) for p in cell.iter(f"{_W}p")) for cell in row.iter(f"{_W}tc")
                )
                yield "    ".join(cell.strip() for cell in cells)


def _text(paragraph: ET.Element) -> str:
    pieces = []
    for node in paragraph.iter():
        if node.tag == f"{_W}t":
            pieces.append(node.text or "")
        elif node.tag in (f"{_W}tab", f"{_W}br"):
            pieces.append(" ")
    return "".join(pieces)


def _marks(paragraph: ET.Element) -> str:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = style.get(f"{_W}val", "") if style is not None else ""
    match = re.fullmatch(r"(?:heading|标题)?\s*(\d)", name, re.IGNORECASE)
    if name.casefold() == "title":
        return "# "
    return "#" * min(6, int(match[1])) + " " if match and int(match[1]) else ""
