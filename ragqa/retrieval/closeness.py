"""Which of a few passages that come out nearly alike has the answer: they are read for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ragqa.types import Hit

WORTH = 0.1
"""What a passage gains that surely has the answer, and how near passages must come to be read:
where the second is further behind, nothing that is read could change which is first."""
MOST = 3
"""Pages that are read. Where more come as near, they hold much the same and none is read."""
SEEN = 10
"""Hits among which such pages are looked for."""
SOFT = 3.0
"""What logits are divided by: a reader fitted on one sort of text is too sure of others."""


@dataclass(frozen=True, slots=True)
class CloseReader:
    """Reads passages together with a question, where that costs few searches anything."""

    read: Callable[[str, Sequence[str]], Sequence[float]]
    """Returns for each text the logit of there being a short answer in it; nothing where the
    embedder cannot be used so."""
    most_chunks: int
    """Chunks of all that is searched up to which passages are read. The more there are, the more
    come out nearly alike."""


def find_close(hits: Sequence[Hit]) -> list[int]:
    """Return where the first hits stand of the pages that come near the first one.

    Args:
        hits: Best first; none in which the question stands word for word.

    Returns:
        Places in ``hits``, the first one among them; none where there is nothing to choose between.
    """
    pages: dict[tuple[object, int], int] = {}
    for at, hit in enumerate(hits[:SEEN]):
        if hits[0].score - hit.score >= WORTH:
            break
        pages.setdefault((hit.document_id, hit.chunk.page_number), at)
    return list(pages.values()) if 2 <= len(pages) <= MOST else []


def read_closely(question: str, hits: Sequence[Hit], reader: CloseReader) -> list[Hit]:
    """Return the hits in the order that they have when those that come near are read.

    What was read says so among its stages: ``("reader", rank, probability of an answer)``.
    """
    close = find_close(hits)
    logits = reader.read(question, [hits[at].chunk.text for at in close]) if close else ()
    if not logits:
        return list(hits)
    sure = {at: 1 / (1 + math.exp(-told / SOFT)) for at, told in zip(close, logits, strict=True)}
    ranked = sorted(close, key=lambda at: -sure[at])
    told = [
        replace(
            hit,
            score=hit.score + WORTH * sure[at],
            stages=(*hit.stages, ("reader", ranked.index(at) + 1, sure[at])),
        )
        if at in sure
        else hit
        for at, hit in enumerate(hits)
    ]
    return sorted(told, key=lambda hit: -hit.score)
