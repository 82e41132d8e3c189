"""Which terms of a question are looked for alone, and which together."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ragqa.store.words import ALONE, FIRST, GROUPS, TOGETHER, choose_groups

frequencies = st.lists(st.integers(1, 60_000), max_size=40).map(sorted)


def test_terms_that_few_chunks_have_are_looked_for_one_by_one() -> None:
    assert choose_groups([3, 40, 1900], 100_000) == [(0,), (1,), (2,)]


def test_common_terms_are_looked_for_in_pairs_the_rarest_first() -> None:
    assert choose_groups([100, 900, 1000, 1100], 100_000) == [(0,), (1, 2), (1, 3), (2, 3)]


def test_the_rarest_term_is_looked_for_alone_too_where_it_is_not_rare() -> None:
    assert choose_groups([800, 30_000], 100_000) == [(0,), (0, 1)]
    assert choose_groups([40_000, 40_000], 1_000_000) == []


def test_terms_whose_pairs_are_too_many_are_looked_for_three_together() -> None:
    assert choose_groups([20_000, 20_000, 20_000], 1_000_000) == [(0, 1), (0, 2)]
    assert choose_groups([40_000, 40_000, 40_000], 1_000_000) == [(0, 1, 2)]


def test_of_terms_that_nearly_every_chunk_has_no_group_is_made() -> None:
    assert choose_groups([90_000, 90_000], 100_000) == []


@given(frequencies, st.sampled_from([60_000, 1_000_000]))
def test_no_more_is_asked_for_than_there_is_time_for(rising: list[int], chunks: int) -> None:
    groups = choose_groups(rising, chunks)
    if sum(rising) <= TOGETHER:
        assert groups == [(place,) for place in range(len(rising))]
        return
    assert len(groups) <= max(GROUPS, ALONE)
    alone = [place for place, *more in groups if not more]
    assert sum(rising[place] for place in alone) <= ALONE or alone == [0]
    assert sum(rising[place] for place in alone) <= FIRST
    assert len(groups) == len(set(groups))
    together = [set(group) for group in groups if len(group) > 1]
    for one, other in combinations(together, 2):
        assert not one <= other
