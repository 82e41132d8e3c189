"""Passes of a model that run at the same time share the cores."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ragqa.models.cores import Cores

SECONDS = 5


def test_a_pass_that_begins_alone_has_all_cores_and_each_of_several_its_share() -> None:
    cores = Cores(6)
    begun = [threading.Event() for _ in range(6)]
    ended = threading.Event()

    def passing(number: int) -> int:
        begun[number].set()
        ended.wait(SECONDS)
        return torch.get_num_threads()

    with ThreadPoolExecutor(6) as callers:
        had = []
        for number in range(6):
            had.append(callers.submit(cores.compute, lambda number=number: passing(number)))
            assert begun[number].wait(SECONDS)
        ended.set()

    assert [one.result() for one in had] == [6, 3, 2, 1, 1, 1]
    assert cores.compute(torch.get_num_threads) == 6


def test_no_more_passes_run_at_once_than_there_are_cores() -> None:
    cores = Cores(2)
    both = threading.Barrier(3)
    running, most = [], []

    def passing(number: int) -> int:
        running.append(number)
        most.append(len(running))
        if number < 2:
            both.wait(SECONDS)
        running.remove(number)
        return number

    with ThreadPoolExecutor(8) as callers:
        passes = [
            callers.submit(cores.compute, lambda number=number: passing(number))
            for number in range(8)
        ]
        both.wait(SECONDS)
        assert [one.result() for one in passes] == list(range(8))

    assert max(most) == 2


def test_a_pass_that_fails_tells_whoever_asked_and_gives_its_cores_back() -> None:
    cores = Cores(2)

    def fail() -> None:
        raise ValueError("no such length")

    with pytest.raises(ValueError, match="no such length"):
        cores.compute(fail)
    assert cores.compute(torch.get_num_threads) == 2


def test_a_pass_keeps_nothing_that_training_would_need() -> None:
    assert Cores(1).compute(torch.is_inference_mode_enabled)
