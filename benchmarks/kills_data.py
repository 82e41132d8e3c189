"""Two states of a folder for the kill benchmark, and what a database holds of it, ids aside."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pymupdf
from psycopg import sql
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psycopg

SCANS, TABLES, BROKEN, NOTES = 3, 12, 12, 6
MOST_PAGES = 9
DOCUMENTS = 60

KEY = " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s"
SERVED = KEY + " AND version = %(current_version)s"
OF_DOCUMENT = {
    "pages": (
        "SELECT page_number, page_key, width, height, source, ocr_confidence, text, blocks::text,"
        " encode(sha256(char_boxes), 'hex') AS boxes FROM pages" + SERVED + " ORDER BY page_number"
    ),
    "chunks": (
        "SELECT ordinal, page_number, span_start, span_end, kind, headings, text, terms,"
        " encode(embedded_hash, 'hex') AS hash, encode(sha256(bag), 'hex') AS bag, e.vector"
        " FROM chunks LEFT JOIN (SELECT collection_id, chunk_id, embedding::text AS vector"
        " FROM {table}) e USING (collection_id, chunk_id)" + KEY + " ORDER BY ordinal"
    ),
    "page_texts": "SELECT page_number, squeezed FROM page_texts" + KEY + " ORDER BY page_number",
    "page_reads": "SELECT page_key FROM page_reads" + KEY + " ORDER BY page_key",
    "passage_embeddings": "SELECT model FROM passage_embeddings" + KEY,
    "versions": (
        "SELECT sha256, status, error_code, pages, ocr_pages, tables, chunks, warnings::text"
        " FROM versions" + KEY + " ORDER BY version DESC"
    ),
}


def build_states(data: Path, folder: Path) -> list[Path]:
    """Write the two states below ``folder``; most files differ, some are renamed or missing."""
    first, second = folder / "first", folder / "second"
    first.mkdir(parents=True)
    second.mkdir()
    for number, source in enumerate(_chosen(data)):
        shutil.copyfile(source, first / f"{number:02}-{source.name}")
    for number in range(NOTES):
        text = "\n\n".join(
            f"Note {number}, paragraph {line}: tighten by hand." for line in range(40)
        )
        (first / f"note-{number}.{'md' if number % 2 else 'txt'}").write_text(text)
    for number, path in enumerate(sorted(first.iterdir())):
        if number % 15 == 7:  # vanishes
            continue
        renamed = number % 15 == 11
        target = second / (f"moved-{path.name}" if renamed else path.name)
        changed = None if renamed or number % 3 == 0 else _changed(path)
        target.write_bytes(changed or path.read_bytes())
    return [first, second]


def _chosen(data: Path) -> list[Path]:
    lines = (data / "documents.jsonl").read_text("utf-8").splitlines()
    listed = sorted((json.loads(line) for line in lines), key=lambda one: one["file"])
    there = [one for one in listed if (data / one["file"]).suffix.casefold() == ".pdf"]

    def some(kind: str, most: int, pages: int = MOST_PAGES) -> list[Path]:
        found = [one for one in there if one["kind"] == kind and (one.get("pages") or 1) <= pages]
        step = max(1, len(found) // most)
        return [data / one["file"] for one in found[::step][:most]]

    chosen = some("scanned", SCANS, 1) + some("broken", BROKEN) + some("table", TABLES)
    digital = some("born-digital", 1000)
    return (chosen + digital + some("table", 1000)[TABLES:])[: DOCUMENTS - NOTES]


def _changed(path: Path) -> bytes | None:
    """Return the file with its last page first and one page more; None when it cannot be opened."""
    if path.suffix in {".md", ".txt"}:
        return path.read_bytes().replace(b"tighten", b"loosen")
    try:
        with pymupdf.open(path) as pdf:
            if pdf.needs_pass or not pdf.page_count:
                return None
            pdf.move_page(-1, 0)
            pdf.new_page().insert_text((72, 90), f"An amendment to {path.name}.")
            written: bytes = pdf.tobytes()
            return written
    except (RuntimeError, ValueError):
        return None


def dump(conn: psycopg.Connection[Any], files: Path) -> dict[str, Any]:
    """Return all rows of the one collection, ids and times aside, and the names of its files."""
    cursor = conn.cursor(row_factory=dict_row)
    table = cursor.execute("SELECT table_key FROM embedding_models").fetchone()
    assert table is not None
    name = sql.Identifier(f"embeddings_{table['table_key']}")
    rows: dict[str, Any] = {}
    documents = cursor.execute(
        "SELECT d.*, v.sha256 FROM documents d LEFT JOIN versions v USING"
        " (collection_id, document_id) WHERE v.version IS NOT DISTINCT FROM d.current_version"
        " OR d.current_version IS NULL AND v.version = d.newest_version"
    ).fetchall()
    for document in documents:
        one: dict[str, Any] = {"served": document["current_version"] and document["sha256"]}
        for kind, query in OF_DOCUMENT.items():
            found = cursor.execute(sql.SQL(query).format(table=name), document).fetchall()
            one[kind] = json.loads(json.dumps(found))
        rows[document["name"]] = one
    totals = cursor.execute("SELECT chunks, terms FROM collection_stats").fetchall()
    terms = cursor.execute("SELECT term, df FROM term_stats ORDER BY term").fetchall()
    wanted = cursor.execute("SELECT DISTINCT sha256 FROM versions ORDER BY 1").fetchall()
    stored = sorted(path.name for path in files.rglob("*") if path.is_file())
    return {
        "documents": rows,
        "names": len(documents),
        "totals": totals,
        "terms": hashlib.sha256(json.dumps(terms).encode()).hexdigest(),
        "files_missing": [r["sha256"] for r in wanted if r["sha256"] not in stored],
        "files_too_many": sorted(set(stored) - {r["sha256"] for r in wanted}),
    }


def differences(expected: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Say in what two dumps differ."""
    found = [
        f"{name}: {'missing' if name in expected['documents'] else 'too many'}"
        for name in sorted(expected["documents"].keys() ^ got["documents"].keys())
    ]
    for name in sorted(expected["documents"].keys() & got["documents"].keys()):
        one, other = expected["documents"][name], got["documents"][name]
        found += [
            f"{name}: {kind} {_first(one[kind], other[kind])}"
            for kind in one
            if one[kind] != other[kind]
        ]
    found += [key for key in ("names", "totals", "terms") if expected[key] != got[key]]
    found += [f"{key}: {got[key]}" for key in ("files_missing", "files_too_many") if got[key]]
    return found


def _first(one: Sequence[Any] | str, other: Sequence[Any] | str) -> str:
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pair = next((a, b) for a, b in zip(one, other, strict=True) if a != b)
        keys = [key for key in pair[0] if pair[0][key] != pair[1][key]]
        return str([(key, str(pair[0][key])[:80], str(pair[1][key])[:80]) for key in keys])
    return f"{str(one)[:100]} / {str(other)[:100]}"
