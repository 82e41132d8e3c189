"""Passes of a model that run at the same time share the cores."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import torch

from ragqa.models.cores import Cores


def test_a_pass_that_begins_alone_has_all_cores_and_each_of_several_its_share() -> None:
    cores = Cores()
    cores.count = 6

    with ExitStack() as passes:
        had = [passes.enter_context(cores.shared()) for _ in range(8)]

    assert had == [6, 3, 2, 1, 1, 1, 1, 1]
    with cores.shared() as alone:
        assert alone == torch.get_num_threads() == 6


def test_what_one_thread_was_given_does_not_change_what_another_computes_with() -> None:
    cores = Cores()
    cores.count = 2
    begun, other_ended = threading.Event(), threading.Event()
    had = []

    def other() -> None:
        begun.wait(5)
        with cores.shared():
            had.append(torch.get_num_threads())
        other_ended.set()

    thread = threading.Thread(target=other)
    thread.start()
    with cores.shared():
        begun.set()
        other_ended.wait(5)
        had.append(torch.get_num_threads())
    thread.join()

    assert had == [1, 2]
