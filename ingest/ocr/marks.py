"""Marks that OCR passes over: the dots before the items of a list, and those that lead to a number.

Engines are trained on words. What they leave out is found in the pixels beside the lines they
read: a blot before a line, and a row of even dots between two lines that share a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import Recognized

BULLET = "•"
_READ_AS = "·●∙▪■•"
"""What engines read where such a mark stands."""
_OPENING = "(（[【<《“‘「『\"'`$\\/~_"
"""What a line may begin with besides letters and digits to be an item."""
_BEFORE = 2.4
"""Ems, the height of the line, in which a mark is looked for before a line."""
_SMALL, _LARGE = 0.15, 0.62
"""How wide and high a mark is, in ems."""
_SOLID = 0.6
"""Least share of its box that a mark fills: a disc fills four fifths, letters less."""
_GAP = 0.2
"""Least white between a mark and its item, in ems."""
_LOWEST = 0.3
"""Least height of what follows a mark, in ems: another mark is no letter."""
_OFF = 0.25
"""Most by which a mark's middle is off the line's, in ems."""
_FEWEST = 4
_DOT = 0.25
"""Most of a dot that leads, in ems."""
_LONGEST_PITCH = 1.2
_NEAR = 6.0
"""Ems before what they lead to in which the dots end; those of an ellipsis end far from it."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Ink beside a line, turned level: (rows, columns), the line's middle in the middle row."""

    ink: NDArray[np.bool_]
    em: float


def with_marks(image: NDArray[np.uint8], found: Sequence[Recognized]) -> list[Recognized]:
    """Return the lines of an image, with the marks and leading dots that belong to them.

    Args:
        image: BGR, ``(height, width, 3)``.
        found: What an engine read on it.
    """
    level = [is_level(line) for line in found]
    boxes = np.array(
        [(*line.corners.min(axis=0), *line.corners.max(axis=0)) for line in found], np.float32
    ).reshape(-1, 4)
    grey = image[:, :, 1]
    lines = []
    for index, line in enumerate(found):
        if level[index] and line.text.strip():
            beside = np.delete(boxes, index, axis=0)
            line = _with_bullet(grey, line, beside)
            line = _with_leader(grey, line, beside)
        lines.append(line)
    return lines


def is_level(line: Recognized) -> bool:
    """Tell whether a line runs from left to right, tilted a little at most."""
    across = line.corners[1] - line.corners[0]
    return bool(abs(across[1]) < 0.15 * across[0]) and across[0] > _em(line) / 2


def _em(line: Recognized) -> float:
    return float(np.linalg.norm(line.corners[3] - line.corners[0]))


def _length(line: Recognized) -> float:
    return float(np.linalg.norm(line.corners[1] - line.corners[0]))


def _with_bullet(
    grey: NDArray[np.uint8], line: Recognized, beside: NDArray[np.float32]
) -> Recognized:
    first = line.text.lstrip()[0]
    if first in _READ_AS:
        return (
            replace(line, text=line.text.replace(first, BULLET, 1))
            if _is_blot(grey, line)
            else line
        )
    if not (first.isalnum() or first in _OPENING):
        return line
    em, length = _em(line), _length(line)
    middle = float(line.edges[0].mean()) * length
    blot = _blot(strip_of(grey, line, -_BEFORE * em, middle), at_border=False)
    if blot is None:
        return line
    begin = blot[0] - _BEFORE * em
    longer = _stretched(line, min(0.0, begin), length, beside)
    if longer is None:
        return line
    return replace(
        longer,
        text=f"{BULLET} {line.text}",
        edges=np.concatenate([_places(begin, blot[1] - blot[0], longer), longer.edges]),
        sure=(line.confidence, line.confidence, *line.sure) if line.sure else (),
    )


def _is_blot(grey: NDArray[np.uint8], line: Recognized) -> bool:
    """Tell whether a line begins with a small solid mark."""
    return _blot(strip_of(grey, line, 0.0, 1.5 * _em(line)), at_border=True) is not None


def _blot(strip: Strip, *, at_border: bool) -> tuple[int, int] | None:
    """Return from where to where the first thing in a strip reaches, if it is a mark of a list.

    Args:
        strip: What is beside a line, up to the middle of its first character.
        at_border: The mark may begin where the strip begins.
    """
    em = strip.em
    runs = _runs(strip.ink.sum(axis=0) >= max(1.0, 0.06 * em))
    runs = [run for run in runs if run[1] - run[0] > 0.05 * em]
    if len(runs) < 2 or (runs[0][0] == 0 and not at_border):
        return None
    (begin, end), (following, beyond) = runs[:2]
    mark = strip.ink[:, begin:end]
    top, bottom = _extent(mark, em)
    first, last = _extent(strip.ink[:, following:beyond], em)
    if following - end < _GAP * em or last - first < _LOWEST * em:
        return None
    wide, high = end - begin, bottom - top
    fits = all(_SMALL * em <= side <= _LARGE * em for side in (wide, high))
    middle = abs((top + bottom - len(strip.ink)) / 2) <= _OFF * em
    if not (fits and middle and 0.6 < wide / high < 1.67):
        return None
    return (begin, end) if mark[top:bottom].mean() >= _SOLID else None


def _extent(ink: NDArray[np.bool_], em: float) -> tuple[int, int]:
    """Return the rows from the first to the last in which more than a speck is drawn."""
    rows = np.flatnonzero(ink.sum(axis=1) >= max(1.0, 0.06 * em))
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)


def _with_leader(
    grey: NDArray[np.uint8], line: Recognized, beside: NDArray[np.float32]
) -> Recognized:
    """Append the dots that lead from a line to what stands after it on its baseline."""
    em, length = _em(line), _length(line)
    centre = line.corners.mean(axis=0)
    after = beside[
        (beside[:, 0] > line.corners[:, 0].max() - em)
        & (beside[:, 1] < centre[1] + 0.2 * em)
        & (beside[:, 3] > centre[1] - 0.2 * em)
    ]
    text = line.text.rstrip(". ·")
    if not len(after) or not text:
        return line
    reach = float(after[:, 0].min() - line.corners[0, 0])
    begin = float(line.edges[len(text) - 1, 1]) * length
    if reach - begin < _FEWEST * 0.3 * em:
        return line
    dots = _dots(strip_of(grey, line, begin, reach))
    longer = _stretched(line, 0.0, reach, np.zeros((0, 4), np.float32)) if dots else None
    if longer is None:
        return line
    scale = length / max(length, reach)
    start = float(longer.edges[len(text) - 1, 1])
    borders = np.linspace(start, max(start, scale, 1.0), dots + 2, dtype=np.float32)
    places = np.stack([borders[:-1], borders[1:]], axis=1)
    return replace(
        longer,
        text=f"{text} {'.' * dots}",
        edges=np.concatenate([longer.edges[: len(text)], places]).astype(np.float32),
        sure=(*line.sure[: len(text)], *(line.confidence,) * (dots + 1)) if line.sure else (),
    )


def _dots(strip: Strip) -> int:
    """Return how many dots of one size stand at one distance in a strip; 0 for anything else."""
    em = strip.em
    runs = _runs(strip.ink.sum(axis=0) > 0)
    dots = []
    for begin, end in runs:
        rows = np.flatnonzero(strip.ink[:, begin:end].any(axis=1))
        if end - begin <= _DOT * em and rows[-1] - rows[0] < _DOT * em:
            dots.append(((begin + end) / 2, float(rows.mean())))
    if len(dots) < _FEWEST or len(dots) < 0.7 * len(runs):
        return 0
    places = np.array(dots)
    places = places[np.abs(places[:, 1] - np.median(places[:, 1])) < 0.2 * em]
    if len(places) < _FEWEST or strip.ink.shape[1] - places[-1, 0] > _NEAR * em:
        return 0
    steps = np.diff(places[:, 0])
    pitch = float(np.median(steps))
    even = np.abs(steps - pitch) < 0.3 * pitch
    if not 0.1 * em < pitch < _LONGEST_PITCH * em or even.mean() < 0.7:
        return 0
    return round(float(places[-1, 0] - places[0, 0]) / float(steps[even].mean())) + 1


def strip_of(grey: NDArray[np.uint8], line: Recognized, begin: float, end: float) -> Strip:
    """Return what is drawn along a line, from ``begin`` to ``end`` pixels after its start."""
    em = _em(line)
    across = line.corners[1] - line.corners[0]
    slope = float(across[1] / across[0])
    x0, y0 = (line.corners[0] + line.corners[3]) / 2
    columns = np.arange(round(begin), max(round(begin), round(end))) + round(float(x0))
    half = max(2, round(em / 2))
    columns = columns[(columns >= 0) & (columns < grey.shape[1])]
    rows = np.arange(-half, half + 1)[:, None] + np.round(
        y0 + slope * (columns - float(x0))
    ).astype(int)
    seen = grey[np.clip(rows, 0, len(grey) - 1), columns]
    if not seen.size:
        return Strip(np.zeros((1, 0), np.bool_), em)
    whole = grey[
        max(0, int(y0 - em)) : int(y0 + em) + 1,
        max(0, int(x0)) : max(1, int(x0 + across[0])),
    ]
    paper, ink = np.percentile(whole if whole.size else seen, [75, 3])
    missing = max(0, round(end) - round(begin) - seen.shape[1]) if begin < 0 else 0
    drawn = np.pad(seen < paper - 0.5 * (paper - ink), ((0, 0), (missing, 0)))
    return Strip(drawn if paper - ink > 40 else np.zeros_like(drawn), em)


def _stretched(
    line: Recognized, begin: float, end: float, beside: NDArray[np.float32]
) -> Recognized | None:
    """Return a line that reaches from ``begin`` to ``end``, pixels from its start, at least.

    None if it would run into another line.
    """
    length = _length(line)
    along = (line.corners[1] - line.corners[0]) / length
    end = max(end, length)
    corners = line.corners.copy()
    corners[[0, 3]] += along * begin
    corners[[1, 2]] += along * (end - length)
    low, high = corners.min(axis=0), corners[:, 1].mean()
    em = _em(line)
    start = line.corners[:, 0].min()
    hit = (beside[:, 2] > low[0]) & (beside[:, 0] < start) & (beside[:, 2] < start + 0.5 * em)
    hit &= (beside[:, 1] < high) & (beside[:, 3] > corners[0, 1])
    if hit.any():
        return None
    edges = (line.edges * length - begin) / (end - begin)
    return replace(line, corners=corners.astype(np.float32), edges=edges.astype(np.float32))


def _places(begin: float, wide: float, longer: Recognized) -> NDArray[np.float32]:
    """Return where a mark and the blank after it stand on the longer line."""
    length = _length(longer)
    first = float(longer.edges[0, 0])
    shift = begin - min(0.0, begin)
    low, high = shift / length, (shift + wide) / length
    return np.array([(low, min(high, first)), (min(high, first), first)], np.float32)


def _runs(inked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    borders = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(np.int8)))
    return list(zip(borders[::2].tolist(), borders[1::2].tolist(), strict=True))
