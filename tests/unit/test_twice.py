"""Pages that are gone through twice are read twice only when they are too many to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.twice import twice
from ingest.types import RawPage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(("most", "readings"), [(10 * 16 * 100, 1), (10 * 16 * 100 - 1, 2), (0, 2)])
def test_both_passes_see_every_page_in_order(most: int, readings: int) -> None:
    pages = [
        RawPage(number=number, width=1, height=1, source="text", text="x" * 100)
        for number in range(1, 11)
    ]
    read = 0

    def reading() -> Iterator[RawPage]:
        nonlocal read
        read += 1
        yield from pages

    first, second = twice(reading, most=most)

    assert list(first) == pages
    assert list(second) == pages
    assert read == readings


def test_a_first_pass_that_was_left_is_not_taken_for_all_pages() -> None:
    pages = [
        RawPage(number=number, width=1, height=1, source="text", text="x") for number in (1, 2)
    ]
    first, second = twice(lambda: iter(pages))

    assert next(first) is pages[0]

    assert list(second) == pages
