"""Odd, broken and locked PDFs: does each end as it should, in time, and never silently empty.

Without OCR: a page whose text layer is worth nothing counts as told when a notice says so.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_odd``
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ingest.reading import parse
from ingest.types import ReadOptions
from ragqa.errors import PasswordRequired, RagqaError

_SECONDS = 60.0


def outcome(path: Path, password: str | None) -> str:
    """Return ``text``, ``told`` (nothing read, and said so), ``silent``, or the error's name."""
    try:
        parsed = parse(path, ReadOptions(ocr="never", ocr_engine="none", password=password))
    except RagqaError as error:
        return type(error).__name__
    if any(page.text for page in parsed.pages):
        return "text"
    return "told" if parsed.notices else "silent"


def ends_as_expected(row: dict[str, Any], bare: str, opened: str | None) -> bool:
    """Compare what came of a file, without and with its password, with what should."""
    expect = row["expect"]
    if "only with" in expect:
        return bare == PasswordRequired.__name__ and opened in ("text", "told")
    if "password required" in expect:
        return bare == PasswordRequired.__name__
    if "must fail" in expect or expect == "clean error":
        return bare not in ("text", "told", "silent")
    if "or" in expect.split() and "clean error" in expect:
        return bare != "silent"
    return bare in ("text", "told")


def main() -> None:
    """Print what did not end as it should, and how many did."""
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    lines = (data / "documents.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["set"] == "robustness"]
    right, slowest = 0, 0.0
    for row in rows:
        begun = time.monotonic()
        bare = outcome(data / row["file"], None)
        opened = outcome(data / row["file"], row["password"]) if row.get("password") else None
        seconds = time.monotonic() - begun
        slowest = max(slowest, seconds)
        good = ends_as_expected(row, bare, opened) and seconds < _SECONDS
        right += good
        if not good:
            print(json.dumps({"file": row["file"], "expect": row["expect"], "got": [bare, opened]}))
    print(json.dumps({"right": right, "of": len(rows), "slowest_s": round(slowest, 1)}))


if __name__ == "__main__":
    main()
