"""What the commands share: settings, log, JSON out, JSON lines in."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragqa.errors import InvalidInput
from ragqa.logs import start_log
from ragqa.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from ragqa.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CollectionName = Annotated[str, typer.Option("--collection", "-c", help="Name of the collection.")]
TopK = Annotated[int, typer.Option("--top-k", "-k", min=1, max=100, help="Most hits.")]


def open_settings() -> Settings:
    """Read the settings and let the log go to stderr."""
    settings = load_settings()
    # Before any model library is imported: threads that spin while they wait take the cores from
    # those that work (measured: 3 to 4 s for a short answer, against up to 60 s on a busy machine).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251  (not a setting of ours)
    # Code that is made for one length of text and kept for a thousand lengths: 130 MB that save
    # nothing (measured over 1,024 passages: the same seconds).
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")  # noqa: TID251  (nor this one)
    # The same once more, by each thread that computes: 1,024 lengths unless told (the same time).
    os.environ.setdefault("LRU_CACHE_CAPACITY", "8")  # noqa: TID251  (PyTorch's)
    start_log(settings.log_level, settings.log_format)
    return settings


def print_json(record: Any) -> None:
    """Print exactly one JSON document on stdout."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False, indent=2) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON objects, one a line.

    Raises:
        InvalidInput: If it is not one; the sentence names the line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: a file of JSON lines was expected ({error})") from error
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise InvalidInput(f"{path}, line {number}: a JSON object was expected")
        records.append(record)
    return records
