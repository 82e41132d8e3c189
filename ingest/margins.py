"""Running heads stand apart from the text; titles, table heads and marks of lists do not."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ingest.types import HeadPlace

_APART = 0.8
"""Ems of the body between a running head and the text, at least."""
_TITLE_APART, _TITLE = 1.4, 1.06
"""The same for lines that are larger than the body by the factor that follows."""
_LARGE, _SCAN_LARGE = 1.15, 1.35
"""What is larger by more heads a section, however often its words return."""


class Seen(NamedTuple):
    """A line at an edge of a page."""

    page: int
    offset: float
    """From the edge to the line's middle, in points."""
    size: float
    scanned: bool
    reach: float
    """From the edge to the side of the line that faces the text."""

    def stands_at(self, place: HeadPlace) -> bool:
        """Tell whether a running head stands there in that size."""
        return is_at(place, self.offset, self.size)


class Near(NamedTuple):
    """One of the lines nearest to an edge: its shape, and how far its outer side is from it."""

    offset: float
    shape: str


Places = dict[str, "tuple[HeadPlace, ...]"]


def is_at(place: HeadPlace, offset: float, size: float) -> bool:
    """Tell whether a line so far from the edge and so large is the running head of this place."""
    return (
        place.nearest - 0.01 <= offset <= place.farthest + 0.01
        and place.smallest - 0.01 <= size <= place.largest + 0.01
    )


def apart_from_text(
    found: Places,
    seen: Mapping[str, Sequence[Seen]],
    near: Mapping[int, Sequence[Near]],
    body: float,
) -> Places:
    """Return what of ``found``, the places of each shape of line at one edge, is a running head.

    Done again whenever a line turned out to be text, since it may be close to another.

    Args:
        found: Where lines repeat.
        seen: The lines of each shape.
        near: The lines nearest to the edge on each page, nearest first.
        body: The font size of most text.
    """
    while True:
        kept: Places = {}
        for words, places in found.items():
            left = tuple(
                place
                for place in places
                if _is_apart(
                    [line for line in seen[words] if line.stands_at(place)], near, found, body
                )
            )
            if left:
                kept[words] = left
        if kept == found:
            return found
        found = kept


def _is_apart(
    lines: Sequence[Seen],
    near: Mapping[int, Sequence[Near]],
    heads: Collection[str],
    body: float,
) -> bool:
    size = statistics.median(line.size for line in lines)
    if size > (_SCAN_LARGE if lines[0].scanned else _LARGE) * body:
        return False
    gaps = [gap for line in lines if (gap := _gap(line, near[line.page], heads)) is not None]
    if not gaps:
        return True
    return statistics.median(gaps) >= (_TITLE_APART if size > _TITLE * body else _APART) * body


def _gap(line: Seen, near: Sequence[Near], heads: Collection[str]) -> float | None:
    """Return how far the first line of text is from this one; None where there is none."""
    for other in near:
        if other.offset > line.offset and other.shape not in heads:
            return other.offset - line.reach
    return None
