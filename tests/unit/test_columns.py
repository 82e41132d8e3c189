"""Columns of prose and of an index are told from a table's."""

from __future__ import annotations

import time

import numpy as np

from ingest.columns import Band, find_bands


def bands(left: list[str], right: list[str], lower: float = 0.0) -> list[Band]:
    """Two columns of lines, the right one lower by some points; a character is five wide."""
    texts = [*left, *right]
    places = [(50.0, 100 + 14.0 * n) for n in range(len(left))]
    places += [(320.0, 100 + lower + 14.0 * n) for n in range(len(right))]
    boxes = np.array(
        [(x, y, x + 5 * len(text), y + 10) for (x, y), text in zip(places, texts, strict=True)],
        np.float32,
    )
    return find_bands(boxes, texts)


def test_entries_of_an_index_stand_in_columns() -> None:
    (band,) = bands(
        [f"packing of valve {n}, {n}, 12" for n in range(8)],
        [f"nozzle of pump {n}, 2{n}" for n in range(8)],
    )
    assert 190 < band.x < 320


def test_lines_that_fill_their_column_stand_in_columns() -> None:
    line = "the pump is checked every month by them"
    assert len(bands([line] * 8, [line] * 8)) == 1


def test_short_lines_on_baselines_of_their_own_stand_in_columns() -> None:
    short = ["open the drain of it slowly", "a", "close the valve", "it"] * 2
    assert bands(short, short) == []
    assert len(bands(short, short, lower=6)) == 1


def test_numbers_beside_words_are_no_column() -> None:
    words = [f"sales of region {n} in the whole year" for n in range(8)]
    assert bands(words, [f"{n},{n}04.00 (1{n}.0 %)" for n in range(8)]) == []


def test_a_long_number_after_a_comma_is_looked_at_in_no_time() -> None:
    line = "serial number of the pump in question, " + "4711" * 30 + "x"
    begun = time.process_time()
    assert len(bands([line[:40]] * 8, [line] * 8)) == 1
    assert time.process_time() - begun < 1
