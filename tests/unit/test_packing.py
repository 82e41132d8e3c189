"""Padding is left out of what a model computes, and nothing is mixed up by that."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ragqa.models.packing import EVEN, MOST_PACKED, find_packing


@given(st.lists(st.integers(0, 90), min_size=1, max_size=20))
def test_each_token_comes_back_to_its_place_and_little_padding_is_kept(lengths: list[int]) -> None:
    longest = max(1, *lengths)
    read = torch.arange(longest) < torch.tensor(lengths)[:, None]
    packing = find_packing(read)
    tokens = sum(lengths)
    if packing is None:
        assert tokens == 0 or min(tokens + EVEN, read.numel()) > MOST_PACKED * read.numel()
        return

    states = torch.arange(read.numel()).view(*read.shape, 1)
    packed = packing.pack(states)

    assert tokens <= len(packed) < tokens + EVEN
    assert len(packed) % EVEN == 0 or len(packed) == read.numel()
    assert torch.equal(packing.spread(packed)[read], states[read])
