"""Reading order of boxes; expected orders by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.layout import order
from ragqa.types import BBox


def column(x0: float, x1: float, tops: list[float]) -> list[BBox]:
    return [BBox(x0, top, x1, top + 12) for top in tops]


def test_two_columns_are_read_one_after_the_other() -> None:
    left, right = column(50, 280, [100, 116, 132, 148]), column(310, 540, [100, 116, 132, 148])
    assert order([*right, *left]) == [4, 5, 6, 7, 0, 1, 2, 3]


def test_three_columns_are_read_one_after_the_other() -> None:
    tops = [100.0, 116.0, 132.0, 148.0]
    boxes = [*column(40, 200, tops), *column(220, 380, tops), *column(400, 560, tops)]
    assert order(boxes) == list(range(12))


def test_a_heading_over_both_columns_parts_what_is_above_from_what_is_below() -> None:
    above = [*column(50, 280, [100, 116, 132]), *column(310, 540, [100, 116, 132])]
    heading = [BBox(50, 170, 540, 186)]
    below = [*column(50, 280, [200, 216, 232]), *column(310, 540, [200, 216, 232])]
    assert order([*above, *heading, *below]) == list(range(13))


def test_a_short_heading_below_two_columns_is_read_after_both() -> None:
    columns = [*column(50, 280, [100, 116, 132]), *column(310, 540, [100, 116, 132])]
    heading, text = [BBox(50, 180, 140, 196)], column(50, 540, [210, 226])
    assert order([*columns, *heading, *text]) == list(range(9))


def test_labels_and_their_numbers_are_read_row_by_row() -> None:
    labels, numbers = column(50, 250, [100, 116, 132, 148]), column(500, 540, [100, 116, 132, 148])
    assert order([*labels, *numbers]) == [0, 4, 1, 5, 2, 6, 3, 7]


def test_upright_lines_at_the_edge_part_no_columns_and_are_read_last() -> None:
    edge = [BBox(560, 40, 575, 150), BBox(560, 200, 575, 390)]
    left, right = column(50, 280, [100, 116, 132, 148]), column(310, 540, [100, 116, 132, 148])
    upended = [True, True, *[False] * 8]
    assert order([*edge, *right, *left], upended) == [6, 7, 8, 9, 2, 3, 4, 5, 0, 1]


def test_pages_of_upright_lines_are_read_like_others() -> None:
    boxes = [BBox(50, 40, 500, 150), *column(50, 60, [200.0])]
    assert order(boxes, [True, True]) == [0, 1]


@given(
    st.lists(
        st.tuples(st.floats(0, 500), st.floats(0, 700), st.floats(1, 300), st.floats(1, 60)),
        max_size=40,
    )
)
def test_every_box_is_read_exactly_once(places: list[tuple[float, float, float, float]]) -> None:
    boxes = [BBox(x, y, x + wide, y + high) for x, y, wide, high in places]
    assert sorted(order(boxes)) == list(range(len(boxes)))
