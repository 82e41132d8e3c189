"""Queries of several threads share passes of the model."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ragqa.models.together import AT_ONCE, REMEMBERED, Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Passes:
    """Embeds a text as its number; the first pass goes on until it is told to end."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.began = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a row with the number of each text."""
        self.batches.append(list(texts))
        self.began.set()
        assert self.may_end.wait(10)
        return np.array([[float(text)] for text in texts], dtype=np.float32)


def ask_while_a_pass_runs(passes: Passes, texts: Sequence[str]) -> list[float]:
    """Ask for ``texts`` while the pass for another one runs."""
    together = Together(passes)
    with ThreadPoolExecutor(len(texts) + 1) as threads:
        first = threads.submit(together, "10")
        assert passes.began.wait(10)
        others = [threads.submit(together, text) for text in texts]
        while len(together._waiting) < len(set(texts)):
            assert not first.done()
        passes.may_end.set()
        assert first.result(10)[0] == 10
        return [float(other.result(10)[0]) for other in others]


def test_what_comes_during_a_pass_shares_the_next_one() -> None:
    passes = Passes()

    found = ask_while_a_pass_runs(passes, ["11", "12", "13"])

    assert found == [11, 12, 13]
    assert [sorted(batch) for batch in passes.batches] == [["10"], ["11", "12", "13"]]


def test_the_same_query_is_embedded_once_for_all_who_ask_it() -> None:
    passes = Passes()

    found = ask_while_a_pass_runs(passes, ["11", "11", "11"])

    assert found == [11, 11, 11]
    assert passes.batches == [["10"], ["11"]]


def test_a_pass_takes_no_more_than_it_can_carry() -> None:
    passes = Passes()

    found = ask_while_a_pass_runs(passes, [str(number) for number in range(11, 31)])

    assert found == list(range(11, 31))
    assert [len(batch) for batch in passes.batches] == [1, AT_ONCE, AT_ONCE, 4]


def test_a_short_query_is_not_padded_to_a_long_one() -> None:
    passes = Passes()

    ask_while_a_pass_runs(passes, ["11", "1" * 20, "12"])

    assert sorted(map(sorted, passes.batches[1:])) == [["11", "12"], ["1" * 20]]


def test_a_vector_is_remembered_and_cannot_be_changed() -> None:
    passes = Passes()
    passes.may_end.set()
    together = Together(passes)

    first, again = together("7"), together("7")

    assert passes.batches == [["7"]]
    assert first is again
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0


def test_the_oldest_vector_is_forgotten_first() -> None:
    passes = Passes()
    passes.may_end.set()
    together = Together(passes)
    for number in range(REMEMBERED + 1):
        together(str(number))

    together("1")
    together("0")

    assert len(passes.batches) == REMEMBERED + 2


def test_a_failed_pass_fails_those_who_are_in_it_and_nobody_after_them() -> None:
    passes = Passes()
    passes.may_end.set()
    together = Together(passes)

    with pytest.raises(ValueError, match="could not convert"):
        together("no number")

    assert together("5")[0] == 5
