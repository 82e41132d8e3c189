r"""Ours beside other readers: speed, memory, character error, table relations, scans.

Every reader reads the same files in a process of its own on one thread: pages drawn evenly from
born-digital documents of the evaluation data, the ICDAR 2013 tables, and some scanned pages. Speed
is pages a second of processor time, imports not counted. The other readers are looked for in the
Python that ``RAGQA_BENCH_PYTHON`` names, else in this one; those not installed are left out:

    python -m venv V && V/bin/pip install pymupdf4llm pdfplumber pypdf 'markitdown[pdf]' \
        langchain-community pypdfium2 pillow

Run: ``RAGQA_EVAL_DATA=… RAGQA_BENCH_PYTHON=V/bin/python python -m benchmarks.parsing``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from parsing_others import READERS  # noqa: E402 - shared with a Python that lacks ours
from parsing_tables import expected, relations  # noqa: E402
from parsing_text import character_error  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OURS = ("ragqa-text", "ragqa")
OF_SCANS = ("ragqa", "tesseract")
_FILES = 14


def ours(path: Path, *, tables: bool) -> tuple[list[str], list[Any]]:
    """Read a file in this process, as a worker's child does."""
    from ingest.assemble import assemble
    from ingest.ocr.choice import choose_engine
    from ingest.page import read_page
    from ingest.readers.source import open_source
    from ingest.reading import running_heads
    from ingest.tables.finder import GridFinder
    from ingest.types import ReadOptions

    class NoTables:
        def find(self, page: object) -> list[Any]:
            """Find none."""
            del page
            return []

    scanned = "scan" in path.parts
    options = ReadOptions(ocr="auto" if scanned else "never")
    engine, finder = choose_engine(options), GridFinder() if tables else NoTables()
    source = open_source(path)
    numbers = range(1, source.pages + 1)
    raws = [read_page(source, n, options, engine=engine, tables=finder) for n in numbers]
    heads = running_heads(raws)
    pages = [assemble(raw, heads) for raw in raws]
    grids = [list(map(list, b.rows)) for p in pages for b in p.blocks if b.kind == "table"]
    return [_whole(page) for page in pages], grids


def _whole(page: Any) -> str:
    """Return a page's text with its running heads, which the others keep too."""
    edges = [b.text for b in page.blocks if b.kind in ("header", "footer")]
    return "\n".join([page.text, *edges])


def read_all(name: str, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Read files with one reader in a process of its own."""
    other = os.environ.get("RAGQA_BENCH_PYTHON") or sys.executable
    code = (
        f"import parsing_others as o; o.serve(o.READERS[{name!r}])"
        if name in READERS
        else f"import parsing as p, parsing_others as o, functools as f; o.serve(f.partial(p.ours, "
        f"tables={name == 'ragqa'}))"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            [str(HERE)] if name in READERS else [str(HERE), str(HERE.parent)]
        ),
        "OMP_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
    }
    done = subprocess.run(
        [other if name in READERS else sys.executable, "-W", "ignore", "-c", code],
        input="".join(f"{file}\n" for file in files),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(found) < len(files):
        raise RuntimeError(f"{name} ended after {len(found)} files: {done.stderr[-400:]}")
    return found


def draw(data: Path, documents: Iterable[dict[str, Any]], folder: Path, most: int) -> list[Any]:
    """Write small files of evenly drawn pages; return (file, truth by page or None)."""
    import pymupdf

    drawn = []
    for document in documents:
        whole = pymupdf.open(data / document["file"])
        step = max(1, -(-whole.page_count // most))
        numbers = list(range(step // 2, whole.page_count, step))[:most]
        truth = None
        if "text_gt" in document:
            rows = map(json.loads, (data / document["text_gt"]).read_text("utf-8").splitlines())
            by_page = {row["page"]: row["text"] for row in rows}
            truth = [by_page.get(number + 1, "") for number in numbers]
        whole.select(numbers)
        file = folder / Path(document["file"]).name
        whole.save(file, garbage=3)
        drawn.append((file, len(numbers), truth))
    return drawn


def errors(readings: Sequence[dict[str, Any]], drawn: Sequence[Any]) -> list[float]:
    """Return the character error of each page, or of a whole file where a reader knows none."""
    found = []
    for reading, (_, _, truth) in zip(readings, drawn, strict=True):
        if truth is None:
            continue
        if len(reading["texts"]) == len(truth):
            found += [
                character_error(want, got)
                for want, got in zip(truth, reading["texts"], strict=True)
                if want.strip()
            ]
        else:
            found.append(character_error("".join(truth), "".join(reading["texts"])))
    return found


def relations_f1(readings: Sequence[dict[str, Any]], truths: Sequence[Path]) -> dict[str, float]:
    """Return precision, recall and F1 of the relations between neighbouring cells."""
    right = found = wanted = 0
    for reading, truth in zip(readings, truths, strict=True):
        got = sum((relations(grid) for grid in reading["tables"]), Counter())
        want = expected(truth)
        right += (got & want).total()
        found, wanted = found + got.total(), wanted + want.total()
    precision, recall = right / max(1, found), right / wanted
    both = 2 * precision * recall / max(1e-9, precision + recall)
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(both, 3)}


def measure(data: Path, folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for each reader that is asked for and installed."""
    documents = [json.loads(s) for s in (data / "documents.jsonl").read_text("utf-8").splitlines()]
    by_set: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for document in documents:
        if document["kind"] == "born-digital" and document["set"] != "olmocr-sample":
            by_set[document["set"]].append(document)
    chosen = [d for group in by_set.values() for d in group[:: max(1, len(group) * 4 // _FILES)]]
    drawn = draw(data, chosen, folder, arguments.pages)
    tables = [] if arguments.no_tables else sorted((data / "table/icdar2013").glob("*.pdf"))
    truths = [data / "gt/tables" / f"{file.stem}.json" for file in tables]
    (folder / "scan").mkdir()
    scanned = [d for d in documents if d["kind"] == "scanned" and "text_gt" in d]
    pictures = draw(data, scanned, folder / "scan", 1)[: arguments.scans]
    rows = []
    for name in arguments.readers:
        row: dict[str, Any] = {"reader": name}
        if name != "tesseract":
            readings = read_all(name, [file for file, _, _ in drawn])
            missing = next((r["error"] for r in readings if r["error"]), "")
            if missing:
                print(f"{name}: left out, {missing}", file=sys.stderr)
                continue
            row["pages_per_second"] = round(
                sum(count for _, count, _ in drawn) / sum(r["seconds"] for r in readings), 1
            )
            row["mb"] = round(readings[-1]["mb"])
            row["character_error"] = round(statistics.mean(errors(readings, drawn)), 4)
            found = read_all(name, tables)
            if any(reading["tables"] for reading in found):
                row["tables"] = relations_f1(found, truths)
        if name in OF_SCANS and pictures:
            readings = read_all(name, [file for file, _, _ in pictures])
            if not any(r["error"] for r in readings):
                row["scan_error"] = round(statistics.mean(errors(readings, pictures)), 4)
                row["scan_seconds"] = round(statistics.mean(r["seconds"] for r in readings), 2)
                row["scan_mb"] = round(readings[-1]["mb"])
        rows.append(row)
        print(line_of(row), flush=True)
    return rows


def line_of(row: dict[str, Any]) -> str:
    """Return a row of the table that is printed."""
    table = row.get("tables", {})
    cells = [
        f"{row['reader']:18}",
        f"{row.get('pages_per_second', '')!s:>8}",
        f"{row.get('mb', '')!s:>6}",
        f"{row.get('character_error', '')!s:>8}",
        *(f"{table.get(key, '')!s:>7}" for key in ("precision", "recall", "f1")),
        *(f"{row.get(key, '')!s:>9}" for key in ("scan_error", "scan_seconds", "scan_mb")),
    ]
    return " ".join(cells)


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=6, help="pages of each born-digital file")
    parser.add_argument("--scans", type=int, default=11, help="scanned pages; 0: none")
    parser.add_argument("--no-tables", action="store_true", help="leave the ICDAR files out")
    parser.add_argument("--readers", nargs="*", default=[*OURS, *READERS])
    parser.add_argument("--out", type=Path, default=HERE / "results" / "parsing.json")
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    print(
        "reader              pages/s     MB    error  P       R       F1  scan err  s/page      MB"
    )
    known = json.loads(arguments.out.read_text("utf-8")) if arguments.out.exists() else []
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(data, Path(folder), arguments)
    names = {row["reader"] for row in rows}
    rows += [row for row in known if row["reader"] not in names]
    rows.sort(key=lambda row: [*OURS, *READERS].index(row["reader"]))
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
