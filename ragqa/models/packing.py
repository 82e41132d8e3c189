"""Tokens of several texts without the padding between them.

Only attention needs texts side by side; all else works on single tokens, and padding is a tenth of
what a batch of one document's passages holds. What comes out is the same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

EVEN = 32
"""Multiplications are prepared anew for each number of tokens: there are not to be too many."""
MOST_PACKED = 0.93
"""Share of a batch that is no padding, above which leaving the rest out gains little, and each
other number of tokens leaves pieces of memory that fit nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """Where the tokens of texts stand that are not left out."""

    places: Tensor
    """Counted over all texts, ascending. Shape: ``(packed,)``."""
    ranks: Tensor
    """Of each place the number of its token; of padding that of a token beside it."""
    shape: tuple[int, int]
    """Texts, and tokens of the longest one."""

    def pack(self, states: Tensor) -> Tensor:
        """Leave padding out. Shape: from ``(texts, tokens, width)`` to ``(packed, width)``."""
        return states.flatten(0, 1).index_select(0, self.places)

    def spread(self, states: Tensor) -> Tensor:
        """Put tokens where they stand, with anything where padding was; the shapes vice versa."""
        return states.index_select(0, self.ranks).view(*self.shape, -1)


def find_packing(read: Tensor) -> Packing | None:
    """Return how to pack texts; None where hardly anything is padding.

    Args:
        read: Which tokens are none. Shape: ``(texts, tokens)``.
    """
    flat = read.flatten()
    count = int(flat.sum())
    count += min(-count % EVEN, len(flat) - count)
    if not 0 < count <= MOST_PACKED * len(flat):
        return None
    # Some of the padding stays, so that the number is even.
    kept = flat | ((~flat).cumsum(0) <= count - int(flat.sum()))
    ranks = (kept.cumsum(0) - 1).clamp(min=0)
    return Packing(kept.nonzero().flatten(), ranks, (read.shape[0], read.shape[1]))
