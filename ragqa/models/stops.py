"""Ending a completion where a stop string begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def cut_at(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Pass ``pieces`` on up to the first occurrence of any ``stop`` string, which may span pieces.

    What could still turn out to begin a stop string is held back until that is known.
    """
    held = ""
    for piece in pieces:
        held += piece
        found = [place for word in stop if word and (place := held.find(word)) >= 0]
        if found:
            if held[: min(found)]:
                yield held[: min(found)]
            return
        keep = max((_overlap(held, word) for word in stop), default=0)
        if ready := held[: len(held) - keep]:
            yield ready
        held = held[len(held) - keep :]
    if held:
        yield held


def _overlap(text: str, word: str) -> int:
    """Return how many characters at the end of ``text`` begin ``word``."""
    for count in range(min(len(word) - 1, len(text)), 0, -1):
        if text.endswith(word[:count]):
            return count
    return 0
