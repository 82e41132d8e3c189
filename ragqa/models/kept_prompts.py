"""What a llama.cpp model has read lately, kept so that it need not be read again."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOM = 96 << 20
"""Bytes that are kept. A prompt of 500 tokens is 6 MB with a model of half a billion weights."""
WORTH = 24
"""Tokens that must be spared for a kept prompt to be put back: that takes as long as some."""


class KeptPrompts:
    """Keys and values of the last prompts, each put back when a new one begins like it.

    llama.cpp itself keeps only the very last prompt: two conversations that take turns, or two
    languages with a constant part each, would read everything again and again.
    """

    def __init__(self, llama: Any, room: int = ROOM) -> None:
        """Keep prompts of ``llama``, at most ``room`` bytes of them."""
        self._llama = llama
        self._room = room
        self._kept: OrderedDict[tuple[int, ...], ctypes.Array[ctypes.c_uint8]] = OrderedDict()

    def put_back(self, prompt: Sequence[int]) -> None:
        """Make the model remember the kept prompt that begins most like this one.

        Nothing happens when it remembers as much already.
        """
        import llama_cpp

        llama = self._llama
        here = shared(llama.input_ids[: llama.n_tokens].tolist(), prompt)
        best = max(self._kept, key=lambda kept: shared(kept, prompt), default=())
        if shared(best, prompt) < here + WORTH:
            return
        self._kept.move_to_end(best)
        state = self._kept[best]
        if not llama_cpp.llama_state_seq_set_data(llama.ctx, state, len(state), 0):
            llama.reset()
            return
        # One token is always read, for only reading tells what comes next.
        known = min(len(best), len(prompt) - 1)
        llama.input_ids[:known] = best[:known]
        llama.n_tokens = known

    def keep(self) -> None:
        """Keep what the model has read, and as much of what was kept before as there is room."""
        import llama_cpp

        llama = self._llama
        read = tuple(llama.input_ids[: llama.n_tokens].tolist())
        if read in self._kept:
            self._kept.move_to_end(read)
            return
        size = llama_cpp.llama_state_seq_get_size(llama.ctx, 0)
        if size > self._room:
            return
        state = (ctypes.c_uint8 * size)()
        llama_cpp.llama_state_seq_get_data(llama.ctx, state, size, 0)
        self._kept[read] = state
        while sum(len(state) for state in self._kept.values()) > self._room:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Keep nothing."""
        self._kept.clear()


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two prompts have in common at their beginning."""
    count = 0
    for here, there in zip(one, other, strict=False):
        if here != there:
            break
        count += 1
    return count
