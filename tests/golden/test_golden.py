"""What reading our files gives, to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.reading import assembled_here
from ingest.report import page_json
from ingest.types import ReadOptions

DATA = Path(__file__).parents[1] / "data"
GOLDEN = Path(__file__).parent
FILES = ["manual_zh", "turned_zh", "policy_en", "hidden_en", "form_en"]


@pytest.mark.parametrize("name", FILES)
def test_reading_a_file_gives_its_golden_json(name: str, request: pytest.FixtureRequest) -> None:
    pages = assembled_here(DATA / f"{name}.pdf", ReadOptions(ocr_engine="none"))
    got = json.dumps([page_json(page) for page in pages], ensure_ascii=False, indent=1) + "\n"
    golden = GOLDEN / f"{name}.json"
    if request.config.getoption("--regenerate", default=False):
        golden.write_text(got, encoding="utf-8")
    assert got == golden.read_text("utf-8")
