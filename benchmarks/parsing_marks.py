"""Marks made by hand on pages of the evaluation data: which file each of them belongs to."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDERS = ("pdf/*", "table/icdar2013")


def marked_files(marks: Path, data: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Yield the marked files with their marks, by name; files are told by their SHA-256.

    Args:
        marks: JSON, an array of objects that have at least ``sha256`` and ``page``.
        data: The evaluation data.
    """
    by_file: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for mark in json.loads(marks.read_text("utf-8")):
        by_file[mark["sha256"]].append(mark)
    for file in sorted(path for folder in _FOLDERS for path in data.glob(f"{folder}/*.pdf")):
        found = by_file.get(hashlib.sha256(file.read_bytes()).hexdigest())
        if found:
            yield file, found
