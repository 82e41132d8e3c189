"""The measures against arithmetic written out by hand, and against each other."""

from __future__ import annotations

from math import log2

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragqa.evaluation.metrics import (
    MEASURES,
    compare,
    estimate,
    hit_at,
    ndcg_at,
    recall_at,
    reciprocal_rank,
)

RANKING = [False, True, False, True, False]


def test_a_hit_is_anything_right_among_the_first() -> None:
    assert (hit_at(RANKING, 1), hit_at(RANKING, 2), hit_at([], 5)) == (0, 1, 0)


def test_recall_is_the_share_of_what_there_is_not_of_what_was_shown() -> None:
    assert recall_at(RANKING, 3, total=4) == 1 / 4
    assert recall_at(RANKING, 5, total=4) == 2 / 4


def test_reciprocal_rank_counts_from_one_and_ends_at_k() -> None:
    assert reciprocal_rank(RANKING) == 1 / 2
    assert reciprocal_rank([False] * 10 + [True]) == 0
    assert reciprocal_rank([False] * 9 + [True]) == 1 / 10


def test_ndcg_is_the_gain_over_the_best_possible_gain() -> None:
    gain = 1 / log2(2 + 1) + 1 / log2(4 + 1)
    best = 1 / log2(1 + 1) + 1 / log2(2 + 1) + 1 / log2(3 + 1)
    assert ndcg_at(RANKING, 10, total=3) == pytest.approx(gain / best)
    assert ndcg_at([True, True, False], 10, total=2) == 1


@given(st.lists(st.booleans(), max_size=20), st.integers(0, 5))
def test_moving_something_right_up_never_lowers_a_measure(ranking: list[bool], more: int) -> None:
    total = max(1, sum(ranking) + more)
    better = sorted(ranking, reverse=True)
    assert reciprocal_rank(better) >= reciprocal_rank(ranking)
    assert 1 >= ndcg_at(better, 10, total=total) >= ndcg_at(ranking, 10, total=total) - 1e-12


def test_the_interval_holds_the_mean_and_narrows_with_more_questions() -> None:
    few, many = estimate([0, 1] * 20), estimate([0, 1] * 500)
    assert few.low < few.mean == 0.5 < few.high
    # The standard error of a mean of n fair coins is 1 / (2 sqrt n).
    assert many.high - many.low == pytest.approx(2 * 1.96 / (2 * 1000**0.5), rel=0.1)
    assert few.high - few.low > many.high - many.low


def test_a_clear_difference_is_significant_and_noise_is_not() -> None:
    # 12 wins, no loss: of 2^12 ways to sign them, 2 are as extreme.
    assert compare([1] * 12 + [0] * 50, [0] * 62) == pytest.approx(2 / 2**12, abs=5e-4)
    assert compare([1, 0] * 30, [0, 1] * 30) > 0.9
    assert compare([1, 0, 1], [1, 0, 1]) == 1
    with pytest.raises(ValueError, match="not the same questions"):
        compare([1], [1, 0])


def test_measures_agree_with_scikit_learn() -> None:
    from sklearn.metrics import ndcg_score

    relevant = [False, True, True, False, True, False, False, False, False, True]
    theirs = ndcg_score([[float(r) for r in relevant]], [list(range(10, 0, -1))], k=10)
    assert ndcg_at(relevant, 10, total=4) == pytest.approx(theirs)


RANKINGS = st.lists(st.booleans(), min_size=1, max_size=15)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RANKINGS, st.integers(0, 4)), min_size=1, max_size=6))
def test_measures_agree_with_ir_measures_which_asks_trec_eval(
    drawn: list[tuple[list[bool], int]],
) -> None:
    """Of every question some right things stand in the ranking, and ``missed`` more do not."""
    qrels, run, ours = [], [], {}
    for number, (ranking, missed) in enumerate(drawn):
        question = f"q{number}"
        for rank, right in enumerate(ranking):
            run.append(ir_measures.ScoredDoc(question, f"d{rank}", -float(rank)))
            qrels.append(ir_measures.Qrel(question, f"d{rank}", int(right)))
        qrels += [ir_measures.Qrel(question, f"m{more}", 1) for more in range(missed)]
        total = sum(ranking) + missed
        ours[question] = {name: measure(ranking, total) for name, measure in MEASURES.items()}
    theirs = {
        "hit@1": ir_measures.Success @ 1,
        "hit@3": ir_measures.Success @ 3,
        "hit@5": ir_measures.Success @ 5,
        "hit@10": ir_measures.Success @ 10,
        "recall@10": ir_measures.R @ 10,
        "mrr@10": ir_measures.RR @ 10,
        "ndcg@10": ir_measures.nDCG @ 10,
    }
    assert theirs.keys() == MEASURES.keys()
    named = {str(measure): name for name, measure in theirs.items()}
    told = list(ir_measures.iter_calc(list(theirs.values()), qrels, run))
    assert len(told) == len(drawn) * len(MEASURES)
    for one in told:
        assert ours[one.query_id][named[str(one.measure)]] == pytest.approx(one.value)
