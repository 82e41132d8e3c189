"""The order of a result: verbatim first, no text twice, many pages before many chunks of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragqa.ports import Scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from ragqa.ports import Place

CLOSE = 10
"""First ranks, where the best verbatim chunks stand however few documents they come from."""
REPEATED = 0.75
"""What a further chunk of a page that is among the hits already keeps of its score."""


def spread(
    scores: Mapping[int, float], places: Mapping[int, Place], verbatim: Set[int]
) -> list[Scored]:
    """Return the chunks in the order they are shown; the returned scores fall.

    Args:
        scores: Each chunk's fused score, at least 0.
        places: Where each chunk stands, and its text.
        verbatim: Chunks in which the question stands word for word.
    """
    ranked = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    first = _turn_documents([c for c in ranked if c in verbatim], places)
    rest = _hold_back([c for c in ranked if c not in verbatim], scores, places)
    above = max((scored.score for scored in rest), default=0.0)
    step = 1 / (len(first) + 1)
    shown = [
        Scored(chunk_id, above + (len(first) - rank) * step) for rank, chunk_id in enumerate(first)
    ]
    return shown + rest


def _turn_documents(ranked: list[int], places: Mapping[int, Place]) -> list[int]:
    """Let every document come before any has its second turn, the first ranks excepted."""
    close, beyond = ranked[:CLOSE], ranked[CLOSE:]
    seen = {places[chunk_id].document for chunk_id in close}
    fresh: list[int] = []
    others: list[int] = []
    for chunk_id in beyond:
        document = places[chunk_id].document
        (others if document in seen else fresh).append(chunk_id)
        seen.add(document)
    return close + fresh + others


def _hold_back(
    ranked: list[int], scores: Mapping[int, float], places: Mapping[int, Place]
) -> list[Scored]:
    pages: set[tuple[int, int]] = set()
    texts: set[str] = set()
    kept: list[Scored] = []
    for chunk_id in ranked:
        place = places[chunk_id]
        page, text = (place.document, place.page), "".join(place.text.split()).casefold()
        held = scores[chunk_id]
        if text in texts:
            held *= REPEATED**2
        elif page in pages:
            held *= REPEATED
        pages.add(page)
        texts.add(text)
        kept.append(Scored(chunk_id, held))
    return sorted(kept, key=lambda scored: (-scored.score, scored.chunk_id))
