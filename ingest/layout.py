"""Reading order: which line comes after which on a page of one, two or more columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.types import BBox

_STEP = 3.0
"""Points between the places where a gutter is looked for."""
_COLUMN_EMS = 7.0
"""Columns of prose are wider than this; narrower ones beside each other are a table's."""
_DEEPEST = 8
_MOSTLY = 0.4
"""Pages with a larger share of upright lines are written that way."""


def order(boxes: Sequence[BBox], upended: Sequence[bool] = ()) -> list[int]:
    """Return the indexes of ``boxes`` in reading order.

    The page is cut at gutters, strips of white between columns. A box that crosses a gutter (a
    heading over both columns, a wide figure) cuts the page into bands; within a band the columns
    are read one after the other. Where there is no gutter, boxes on one baseline are read from
    left to right.

    Args:
        boxes: Of lines and tables.
        upended: Which of them stand upright along an edge of the page or the axis of a chart: a
            few such lines part no columns and are read last.
    """
    if len(boxes) < 2:
        return list(range(len(boxes)))
    array = np.array(boxes, np.float32).reshape(-1, 4)
    em = float(np.median(array[:, 3] - array[:, 1])) or 10.0
    last = np.array(upended, np.bool_) if len(upended) else np.zeros(len(boxes), np.bool_)
    if last.mean() > _MOSTLY:
        last[:] = False
    ordered = _cut(array, np.flatnonzero(~last), em, 0)
    return ordered + (_cut(array, np.flatnonzero(last), em, 0) if last.any() else [])


def _cut(boxes: NDArray[np.float32], members: NDArray[np.intp], em: float, depth: int) -> list[int]:
    gutter = _gutter(boxes[members], em) if depth < _DEEPEST and len(members) > 3 else None
    if gutter is None:
        return rows(boxes, members)
    of = boxes[members]
    crossing = (of[:, 0] < gutter - 1) & (of[:, 2] > gutter + 1)
    middles = (of[:, 1] + of[:, 3]) / 2
    walls = np.sort(middles[crossing])
    band = np.searchsorted(walls, middles)
    ordered: list[int] = []
    pending: list[int] = []
    for number in range(len(walls) + 1):
        inside = members[(band == number) & ~crossing]
        if len(inside):
            ordered += rows(boxes, np.array(pending, np.intp)) if pending else []
            pending = []
            left = inside[(boxes[inside, 0] + boxes[inside, 2]) / 2 < gutter]
            right = inside[(boxes[inside, 0] + boxes[inside, 2]) / 2 >= gutter]
            left, tail = _without_tail(boxes, left, right, em)
            for side in (left, right):
                ordered += _cut(boxes, side, em, depth + 1) if len(side) else []
            pending += tail.tolist()
        if number < len(walls):
            pending += members[crossing & (middles == walls[number])].tolist()
    ordered += rows(boxes, np.array(sorted(set(pending)), np.intp)) if pending else []
    return list(dict.fromkeys(ordered))


def _without_tail(
    boxes: NDArray[np.float32], left: NDArray[np.intp], right: NDArray[np.intp], em: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Part off what stands below both columns: a short heading of what comes after them."""
    if not len(left) or not len(right):
        return left, left[:0]
    below = boxes[left, 1] >= boxes[right, 3].max() - 1
    if below.all() or not below.any():
        return left, left[:0]
    gap = boxes[left[below], 1].min() - boxes[left[~below], 3].max()
    return (left[~below], left[below]) if gap > 0.7 * em else (left, left[:0])


def _gutter(boxes: NDArray[np.float32], em: float) -> float | None:
    """Return the x of the best strip of white that has prose on both sides, or None."""
    left_edge, right_edge = float(boxes[:, 0].min()), float(boxes[:, 2].max())
    if right_edge - left_edge < 2 * _COLUMN_EMS * em:
        return None
    places = np.arange(left_edge + 3 * em, right_edge - 3 * em, _STEP, dtype=np.float32)
    if not len(places):
        return None
    heights = boxes[:, 3] - boxes[:, 1]
    is_left = boxes[:, 2][None, :] <= places[:, None] + 1
    is_right = boxes[:, 0][None, :] >= places[:, None] - 1
    scores = np.minimum(is_left @ heights, is_right @ heights)
    tried: set[bytes] = set()
    for index in np.argsort(-scores, kind="stable")[:60]:
        if scores[index] < 2.5 * em:
            break
        sides = is_left[index].tobytes() + is_right[index].tobytes()
        if sides in tried:
            continue  # the same boxes on both sides as at another place
        tried.add(sides)
        place = _settle(boxes, is_left[index], is_right[index], em)
        if place is not None:
            return place
    return None


def _settle(
    boxes: NDArray[np.float32],
    is_left: NDArray[np.bool_],
    is_right: NDArray[np.bool_],
    em: float,
) -> float | None:
    """Check that two sides stand beside each other as columns of prose, and place the gutter."""
    left, right = boxes[is_left], boxes[is_right]
    top = max(left[:, 1].min(), right[:, 1].min())
    bottom = min(left[:, 3].max(), right[:, 3].max())
    left = left[(left[:, 3] > top) & (left[:, 1] < bottom)]
    right = right[(right[:, 3] > top) & (right[:, 1] < bottom)]
    if min(len(left), len(right)) < 2:
        return None
    gap = (float(left[:, 2].max()), float(right[:, 0].min()))
    if gap[1] - gap[0] < 0.5 * em:
        return None
    if _aligned(left, right) and (_is_narrow(left, em) or _is_narrow(right, em)):
        return None
    return (gap[0] + gap[1]) / 2


def _is_narrow(side: NDArray[np.float32], em: float) -> bool:
    """Tell whether its lines are too short for prose: labels, numbers, page references."""
    widths = np.sort(side[:, 2] - side[:, 0])
    place = 0.7 * (len(widths) - 1)
    below, above = float(widths[int(place)]), float(widths[min(int(place) + 1, len(widths) - 1)])
    return below + (above - below) * (place - int(place)) < _COLUMN_EMS * em


def _aligned(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    """Tell whether the rows of the shorter side mostly stand on baselines of the longer."""
    few, many = sorted((left[:, 3], right[:, 3]), key=len)
    distance = np.abs(few[:, None] - many[None, :]).min(axis=1)
    return bool((distance < 1.5).mean() > 0.6)


def rows(boxes: NDArray[np.float32], members: NDArray[np.intp]) -> list[int]:
    """Return members top to bottom, those on one baseline from left to right."""
    if not len(members):
        return []
    sorted_members = members[np.argsort(boxes[members, 1], kind="stable")]
    found: list[list[int]] = []
    top = bottom = 0.0
    for member in sorted_members.tolist():
        box = boxes[member]
        middle = (box[1] + box[3]) / 2
        overlap = min(bottom, float(box[3])) - max(top, float(box[1]))
        shortest = max(0.1, min(bottom - top, float(box[3] - box[1])))
        if found and top <= middle <= bottom and overlap > 0.5 * shortest:
            found[-1].append(member)
        else:
            found.append([member])
            top, bottom = float(box[1]), float(box[3])
    return [member for row in found for member in sorted(row, key=lambda m: float(boxes[m, 0]))]
