"""Other readers of PDFs, each behind one function: texts of the pages, and tables as grids.

Runs under any Python that has the readers, without ours; ``benchmarks/parsing.py`` starts it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Grid = list[list[str]]
    Reading = tuple[list[str], list[Grid]]


def by_dict(path: Path) -> Reading:
    """PyMuPDF's plain dictionary of a page: the measure of speed."""
    import pymupdf

    texts = []
    for page in pymupdf.open(path):
        blocks = page.get_text("dict")["blocks"]
        lines = [line for block in blocks for line in block.get("lines", ())]
        texts.append("\n".join("".join(s["text"] for s in line["spans"]) for line in lines))
    return texts, []


def by_pymupdf(path: Path) -> Reading:
    """PyMuPDF's text in its own order, and its table finder."""
    import pymupdf

    texts, tables = [], []
    for page in pymupdf.open(path):
        texts.append(page.get_text(sort=True))
        tables += [_solid(table.extract()) for table in page.find_tables().tables]
    return texts, tables


def by_pymupdf4llm(path: Path) -> Reading:
    """Markdown of each page."""
    import pymupdf4llm

    chunks = pymupdf4llm.to_markdown(str(path), page_chunks=True, show_progress=False)
    texts = [chunk["text"] for chunk in chunks]
    return [_without_marks(text) for text in texts], [t for text in texts for t in _grids(text)]


def by_pdfplumber(path: Path) -> Reading:
    """Text and tables with default settings."""
    import pdfplumber

    texts, tables = [], []
    with pdfplumber.open(path) as document:
        for page in document.pages:
            texts.append(page.extract_text() or "")
            tables += [_solid(table) for table in page.extract_tables()]
    return texts, tables


def by_pypdf(path: Path) -> Reading:
    """Text alone."""
    import pypdf

    return [page.extract_text() for page in pypdf.PdfReader(path).pages], []


def by_markitdown(path: Path) -> Reading:
    """Markdown of the whole file: it knows no pages."""
    import markitdown

    text = markitdown.MarkItDown().convert(str(path)).markdown
    return [_without_marks(text)], _grids(text)


def by_langchain(path: Path) -> Reading:
    """LangChain's PyMuPDFLoader."""
    from langchain_community.document_loaders import PyMuPDFLoader

    return [document.page_content for document in PyMuPDFLoader(str(path)).load()], []


def by_tesseract(path: Path) -> Reading:
    """Pages drawn at 200 dots an inch and read by tesseract in Chinese and English."""
    import pypdfium2

    texts = []
    with tempfile.TemporaryDirectory() as folder:
        for page in pypdfium2.PdfDocument(path):
            picture = Path(folder) / "page.png"
            page.render(scale=200 / 72).to_pil().save(picture)
            command = ["tesseract", str(picture), "-", "-l", "chi_sim+eng"]
            done = subprocess.run(command, capture_output=True, check=True)
            texts.append(done.stdout.decode("utf-8", "replace"))
    return texts, []


READERS: dict[str, Callable[[Path], Reading]] = {
    "pymupdf-dict": by_dict,
    "pymupdf": by_pymupdf,
    "pymupdf4llm": by_pymupdf4llm,
    "pdfplumber": by_pdfplumber,
    "pypdf": by_pypdf,
    "markitdown": by_markitdown,
    "langchain-pymupdf": by_langchain,
    "tesseract": by_tesseract,
}


def serve(read: Callable[[Path], Reading]) -> None:
    """Read the files named on standard input, a line of JSON each, and write what they gave.

    The first file is read twice, so that imports and models are not counted.
    """
    warm = False
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        texts: list[str] = []
        tables: list[Grid] = []
        error = ""
        seconds = 0.0
        for _ in range(1 if warm else 2):
            begun = _seconds()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    texts, tables = read(path)
            except ImportError as missing:
                error = f"missing: {missing}"
            except Exception as broken:  # noqa: BLE001 - whatever a reader raises is its result
                error = f"{type(broken).__name__}: {broken}"
            seconds = _seconds() - begun
        warm = True
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = {"texts": texts, "tables": tables, "seconds": seconds, "mb": peak, "error": error}
        print(json.dumps(found), flush=True)


def _seconds() -> float:
    """Processor seconds of this process and of the programs it ran."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + spent.ru_utime + spent.ru_stime


def _solid(rows: list[list[str | None]]) -> Grid:
    return [[cell or "" for cell in row] for row in rows]


def _grids(markdown: str) -> list[Grid]:
    """Return the tables of a Markdown text."""
    found: list[Grid] = []
    rows: Grid = []
    for line in [*markdown.splitlines(), ""]:
        if line.lstrip().startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            if not all(re.fullmatch(r"\s*:?-+:?\s*", cell) for cell in cells):
                rows.append([_without_marks(cell).strip() for cell in cells])
        elif rows:
            width = max(map(len, rows))
            found.append([row + [""] * (width - len(row)) for row in rows])
            rows = []
    return found


def _without_marks(markdown: str) -> str:
    """Take away what Markdown adds to a text."""
    text = re.sub(r"<br\s*/?>", " ", markdown)
    text = re.sub(r"^\s*\|?(?:\s*:?-{3,}:?\s*\|)+\s*$|^#{1,6} ", "", text, flags=re.MULTILINE)
    text = re.sub(r"\*\*==>.*?<==\*\*|!\[[^\]]*\]\([^)]*\)|</?(?:sup|sub|u)>", "", text)
    return text.replace("**", "").replace("|", " ").replace("`", "").replace("\\", "")
