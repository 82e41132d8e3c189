"""``pytest tests/golden --regenerate`` rewrites the golden files; look at the diff before keeping it."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="rewrite the golden files")
