"""What the ingestion benchmark brings in: small files, manuals, broken files among good ones."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pymupdf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SETTLED = 3600.0
"""Seconds by which files are made older: one written just now waits for the next run."""
MOST_GOOD_PAGES = 12


def small_files(folder: Path, count: int) -> None:
    """Write files of one page in folders of a hundred: PDF and plain text in turns."""
    for number in range(count):
        below = folder / f"{number // 100:02}"
        below.mkdir(parents=True, exist_ok=True)
        lines = [f"File {number}, line {line}: pump {number * line} is read." for line in range(12)]
        if number % 2:
            (below / f"{number}.txt").write_text("\n".join(lines))
            continue
        with pymupdf.open() as pdf:
            page = pdf.new_page()
            page.insert_text((72, 90), lines, fontsize=11)
            pdf.save(below / f"{number}.pdf")
    settle(folder)


def settle(folder: Path) -> None:
    """Make every file look as if it had been there for a while."""
    then = time.time() - SETTLED
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def manual(data: Path, target: Path, pages: int) -> None:
    """Join born-digital reports of the evaluation data until there are enough pages."""
    joined = pymupdf.open()
    reports = sorted((data / "pdf/en").glob("*_10K.pdf"))
    while joined.page_count < pages:
        for file in reports:
            with pymupdf.open(file) as part:
                joined.insert_pdf(part, to_page=pages - joined.page_count - 1)
            if joined.page_count >= pages:
                break
    joined.save(target)
    joined.close()


def edit(source: Path, target: Path, pages: Sequence[int]) -> None:
    """Write a copy with a sentence more on some pages, counted from 1."""
    with pymupdf.open(source) as pdf:
        for number in pages:
            # Smaller than the text, so that it is no heading, which would be part of what follows.
            words = f"Amendment {number}: this page was revised."
            pdf[number - 1].insert_text((72, 60), words, fontsize=6)
        pdf.save(target)


def digital(data: Path, folder: Path, pages: int) -> None:
    """Write the first pages of born-digital documents, Chinese and English in turns."""
    files = [sorted((data / "pdf" / language).glob("*.pdf")) for language in ("zh", "en")]
    turns = [file for pair in zip(*files, strict=False) for file in pair]
    left = pages
    for file in turns:
        with pymupdf.open(file) as pdf:
            if left <= 0:
                break
            last = min(pdf.page_count, left, 15) - 1
            pdf.select(range(last + 1))
            pdf.save(folder / file.name, garbage=3)
            left -= last + 1
    settle(folder)


def broken_among_good(data: Path, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Copy the robustness set and good files; return the rows of the set, and the good names."""
    lines = (data / "documents.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    odd = [row for row in rows if row["set"] == "robustness"]
    for row in odd:
        shutil.copyfile(data / row["file"], folder / row["file"].rsplit("/", 1)[-1])
    good = [
        row["file"]
        for row in rows
        if row["kind"] in ("born-digital", "table") and row["pages"] <= MOST_GOOD_PAGES
    ]
    good = [file for file in good if file.endswith(".pdf")][:30]
    names = []
    for number, file in enumerate(good):
        names.append(f"{'az'[number % 2]}-good-{file.rsplit('/', 1)[-1]}")
        shutil.copyfile(data / file, folder / names[-1])
    settle(folder)
    return odd, names
