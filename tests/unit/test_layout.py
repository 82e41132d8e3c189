"""Reading order of boxes; expected orders by hand."""

from __future__ import annotations

import numpy as np
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


def test_a_column_is_read_in_one_piece_where_only_a_table_stands_beside_it() -> None:
    heading, table = BBox(400, 40, 560, 52), BBox(400, 150, 560, 240)
    left = column(50, 280, [180, 196, 212, 228])
    assert order([heading, table, *left]) == [2, 3, 4, 5, 0, 1]


def test_bullets_beside_their_text_are_no_column() -> None:
    left = column(50, 260, [100, 116, 132, 148, 164, 180, 196])
    prose, bullets = column(285, 480, [100, 116, 132]), column(285, 288, [148, 164, 180, 196])
    items = column(299, 500, [148, 164, 180, 196])
    more = column(293, 500, [240, 256, 272, 288, 304, 320, 336, 352, 368])
    right = [*prose, *(box for pair in zip(bullets, items, strict=True) for box in pair), *more]
    assert order([*left, *right]) == list(range(len(left) + len(right)))


def test_a_rule_across_the_gutter_parts_what_is_above_from_what_is_below() -> None:
    left, right = column(50, 280, [100, 116, 132]), column(310, 540, [100, 116, 132])
    under = [*column(50, 280, [170, 186, 202]), *column(310, 540, [170, 186, 202])]
    rule = np.array([[50, 156, 540, 157]], np.float32)
    assert order([*left, *right, *under]) == [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]
    assert order([*left, *right, *under], rules=rule) == list(range(12))


def test_a_short_heading_in_a_shaded_strip_over_both_columns_parts_them() -> None:
    left, right = column(50, 280, [100, 116, 132]), column(310, 540, [100, 116, 132])
    heading = column(55, 160, [160])
    under = [*column(50, 280, [184, 200, 216]), *column(310, 540, [184, 200, 216])]
    strip = np.array([[50, 156, 540, 176]], np.float32)
    assert order([*left, *right, *heading, *under], rules=strip) == list(range(13))


def test_headings_on_one_baseline_begin_both_columns_anew() -> None:
    above = [*column(50, 280, [100, 116, 132, 148]), *column(310, 540, [100, 116, 132])]
    below = [*column(50, 280, [180, 196, 212]), *column(310, 540, [180, 196, 212])]
    strong = [False] * 7 + [True, False, False] * 2
    assert order([*above, *below], strong=strong) == list(range(13))


def test_the_last_paragraph_of_a_longer_column_is_read_with_its_column() -> None:
    left = column(50, 280, [100, 116, 132, 160, 176, 192, 220, 236, 252, 268])
    right = column(310, 540, [100, 116, 132, 148, 164, 180, 196])
    assert order([*left, *right]) == list(range(17))


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
