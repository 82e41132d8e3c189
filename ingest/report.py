"""A reading shown: as the contract's JSON, and as HTML to look at, page beside text."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, Any

from ragqa.heads import count_head_columns, count_heads, heads_to_json
from ragqa.shapes import ties_to_json
from ragqa.store.recognition import words_of
from ragqa.store.rendering import render_png
from ragqa.tables import carried_heads, tables_of, to_csv, to_markdown, with_heads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.reading import Parsed
    from ingest.types import RawPage
    from ragqa.types import Block, Page

_COLORS = {
    "heading": "#b3261e",
    "text": "#1b6ef3",
    "list": "#0b8a6b",
    "table": "#8e24aa",
    "caption": "#c77700",
    "header": "#777",
    "footer": "#777",
}
_STYLE = """
body{font:15px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;margin:0;background:#f4f4f2;color:#222}
h1{font-size:20px;margin:20px 24px}section{display:flex;gap:20px;padding:16px 24px;
border-top:1px solid #ddd;flex-wrap:wrap}.page{position:relative;width:min(560px,100%);
align-self:flex-start;box-shadow:0 1px 6px #0003;background:#fff}.page img{width:100%;display:block}
.box{position:absolute;border:1.5px solid var(--c);background:color-mix(in srgb,var(--c) 9%,
transparent)}.box b{position:absolute;left:-1px;top:-1.1em;font:11px/1.2 system-ui;color:#fff;
background:var(--c);padding:0 4px;border-radius:2px}.text{flex:1;min-width:320px}
.block{border-left:3px solid var(--c);padding:2px 10px;margin:6px 0;white-space:pre-wrap}
.block small{color:var(--c);display:block;font-size:11px}table{border-collapse:collapse;
background:#fff;font-size:13px}td,th{border:1px solid #ccc;padding:2px 6px;
text-align:left}tr:has(td) th{font-weight:400}.notice{color:#b3261e}
"""


def to_json(path: Path, parsed: Parsed) -> dict[str, Any]:
    """Return the contract's ParsedDocument."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "filename": path.name,
        "sha256": sha256,
        "pages": [
            {**page_json(page), **_recognition(raw)}
            for page, raw in zip(parsed.pages, parsed.raws, strict=True)
        ],
        "warnings": [
            {"page": notice.page, "code": notice.code, "message": notice.message}
            for notice in parsed.notices
        ],
    }


def _recognition(raw: RawPage) -> dict[str, Any]:
    """Return the lines that OCR read, and how sure it is of each and its words; or nothing."""
    lines = [
        {
            "text": raw.text[line.start : line.end],
            "bbox": [round(value, 2) for value in line.bbox],
            "confidence": round(line.confidence, 4),
            "words": [
                {"text": word, "confidence": sure}
                for word, sure in words_of(raw.text[line.start : line.end], line.sure)
            ],
        }
        for line in raw.lines
        if line.confidence is not None
    ]
    return {"recognition": {"ocr_reason": raw.ocr_reason or None, "lines": lines}} if lines else {}


def page_json(page: Page) -> dict[str, Any]:
    """Return the contract's ParsedPage."""
    return {
        "number": page.number,
        "width": round(page.width, 2),
        "height": round(page.height, 2),
        "source": page.source,
        "ocr_confidence": page.ocr_confidence,
        "text": page.text,
        "blocks": [_block_json(block) for block in page.blocks],
    }


def _block_json(block: Block) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "kind": block.kind,
        "bbox": [round(value, 2) for value in block.bbox],
        "text": block.text,
        "span": [block.span.start, block.span.end] if block.span else None,
    }
    if block.kind == "table":
        shape["rows"] = [list(row) for row in block.rows]
    if block.level is not None:
        shape["level"] = block.level
    return {**shape, **ties_to_json(block), **heads_to_json(block)}


def write_tables(parsed: Parsed, folder: Path) -> list[Path]:
    """Write every table as ``p<page>-<number>.csv`` and ``.md``; return the files.

    The head of a table that goes on from the page before is repeated.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    pages = {page.number: page for page in parsed.pages}
    for page in parsed.pages:
        for number, block in enumerate(tables_of(page), start=1):
            stem = folder / f"p{page.number}-{number}"
            table = with_heads(block, carried_heads(page, pages.get) if number == 1 else None)
            for suffix, text in ((".csv", to_csv(table.rows)), (".md", to_markdown(table))):
                file = stem.with_suffix(suffix)
                file.write_text(text, encoding="utf-8")
                written.append(file)
    return written


def write_html(path: Path, parsed: Parsed, out: Path, *, password: str | None = None) -> None:
    """Write one HTML file: each page's picture with its blocks, beside its text and tables."""
    with out.open("w", encoding="utf-8") as file:
        file.write(
            f"<!doctype html><meta charset=utf-8><title>{html.escape(path.name)}</title>"
            f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
            f"<h1>{html.escape(path.name)}</h1>"
        )
        for notice in parsed.notices:
            file.write(f"<p class=notice style='margin:0 24px'>{html.escape(notice.message)}</p>")
        for page in parsed.pages:
            file.writelines(_section(path, page, password))


def _section(path: Path, page: Page, password: str | None) -> Iterator[str]:
    png = render_png(path, page.number, 110, password=password)
    encoded = base64.b64encode(png).decode()
    yield f"<section><div class=page><img alt='' src='data:image/png;base64,{encoded}'>"
    for order, block in enumerate(page.blocks, start=1):
        yield (
            f"<div class=box style='--c:{_COLORS[block.kind]};{_place(page, block)}'>"
            f"<b>{order}</b></div>"
        )
    sure = f", confidence {page.ocr_confidence:.3f}" if page.ocr_confidence is not None else ""
    yield f"</div><div class=text><p>Page {page.number}: {page.source}{sure}</p>"
    for order, block in enumerate(page.blocks, start=1):
        level = f" {block.level}" if block.level else ""
        content = _grid(block) if block.rows else html.escape(block.text)
        yield (
            f"<div class=block style='--c:{_COLORS[block.kind]}'><small>{order} {block.kind}"
            f"{level}{_ties(block)}</small>{content}</div>"
        )
    yield "</div></section>"


def _ties(block: Block) -> str:
    return (
        (", goes on" if block.goes_on else "")
        + (", continued" if block.continues else "")
        + (f", of {block.of.kind} {block.of.number or ''}" if block.of else "")
    )


def _place(page: Page, block: Block) -> str:
    x0, top, x1, bottom = block.bbox
    across, down = 100 / page.width, 100 / page.height
    return (
        f"left:{across * x0:.2f}%;top:{down * top:.2f}%;"
        f"width:{across * (x1 - x0):.2f}%;height:{down * (bottom - top):.2f}%"
    )


def _grid(table: Block) -> str:
    """Return a table as HTML, its heads as heads and its wide cells wide."""
    heads = count_heads(table.rows)
    columns = count_head_columns(table.rows, heads)
    wide = {span[:2]: span[2:] for span in table.spans}
    covered = {
        (span.row + down, span.column + right)
        for span in table.spans
        for down in range(span.rows)
        for right in range(span.columns)
    } - wide.keys()
    body = ""
    for row, cells in enumerate(table.rows):
        body += "<tr>"
        for column, cell in enumerate(cells):
            if (row, column) in covered and not cell:
                continue
            down, right = wide.get((row, column), (1, 1))
            kind = "th" if row < heads or column < columns else "td"
            body += f"<{kind} rowspan={down} colspan={right}>{html.escape(cell)}</{kind}>"
        body += "</tr>"
    return f"<table>{body}</table>"
