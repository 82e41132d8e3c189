"""Reading order: which line comes after which on a page of one, two or more columns."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from ingest.gutters import COLUMN_EMS, find_gutter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.types import BBox

_DEEPEST = 8
_STRIP_EMS = 3.0
"""A shaded strip higher than this is the ground of something, not a heading's."""
_THIN = 3.0
_MOST_RULES = 60
_TAIL = 3
"""A heading at the foot of a column has at most so many lines."""
_MOSTLY = 0.4
"""Pages with a larger share of upright lines are written that way."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """Where things stand on a page, whatever they say."""

    boxes: NDArray[np.float32]
    """Shape (n, 4): what is read, then the rules that part it."""
    strong: NDArray[np.bool_]
    """Which of them look like headings."""
    count: int
    """So many are read."""
    em: float


def order(
    boxes: Sequence[BBox],
    upended: Sequence[bool] = (),
    *,
    strong: Sequence[bool] = (),
    rules: NDArray[np.float32] | None = None,
) -> list[int]:
    """Return the indexes of ``boxes`` in reading order.

    The page is cut at gutters, strips of white between columns. What crosses a gutter (a heading
    over both columns, a wide figure, a rule) cuts the page into bands; so do headings that begin
    both columns anew on one baseline. Within a band the columns are read one after the other.
    Where there is no gutter, boxes on one baseline are read from left to right.

    Args:
        boxes: Of lines and tables.
        upended: Which of them stand upright along an edge of the page or the axis of a chart: a
            few such lines part no columns and are read last.
        strong: Which of them look like headings.
        rules: Level rules and shaded strips, shape (m, 4).
    """
    if len(boxes) < 2:
        return list(range(len(boxes)))
    array = np.array(boxes, np.float32).reshape(-1, 4)
    em = float(np.median(array[:, 3] - array[:, 1])) or 10.0
    last = np.array(upended, np.bool_) if len(upended) else np.zeros(len(boxes), np.bool_)
    if last.mean() > _MOSTLY:
        last[:] = False
    drawn = np.zeros((0, 4), np.float32) if rules is None else rules
    array, thin = _with_rules(array, drawn, em)
    heavy = np.zeros(len(array), np.bool_)
    heavy[: len(strong)] = strong
    sheet = _Sheet(array, heavy, len(boxes), em)
    first = np.concatenate([~last, np.ones(len(thin), np.bool_)])
    ordered = _cut(sheet, np.flatnonzero(first), 0)
    return ordered + (_cut(sheet, np.flatnonzero(last), 0) if last.any() else [])


def _with_rules(
    boxes: NDArray[np.float32], rules: NDArray[np.float32], em: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Widen what stands alone in a shaded strip to the strip, and append thin rules.

    What is drawn inside a box that is read, such as a table, parts nothing.
    """
    if not len(rules):
        return boxes, rules
    heights, widths = rules[:, 3] - rules[:, 1], rules[:, 2] - rules[:, 0]
    level = rules[(widths > 2 * COLUMN_EMS * em) & (heights < _STRIP_EMS * em)]
    heights = level[:, 3] - level[:, 1]
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    wide = boxes.copy()
    for x0, top, x1, bottom in level[heights > 0.8 * em].tolist():
        inside = (middles > top) & (middles < bottom) & (boxes[:, 0] >= x0 - 1)
        inside &= boxes[:, 2] <= x1 + 1
        if inside.sum() == 1:
            wide[inside, 0] = np.minimum(wide[inside, 0], x0)
            wide[inside, 2] = np.maximum(wide[inside, 2], x1)
    thin = level[heights < _THIN]
    y = (thin[:, 1] + thin[:, 3]) / 2
    held = (boxes[None, :, 1] <= y[:, None] + 1) & (boxes[None, :, 3] >= y[:, None] - 1)
    held &= (boxes[None, :, 0] < thin[:, None, 2]) & (boxes[None, :, 2] > thin[:, None, 0])
    thin = thin[~held.any(axis=1)][:_MOST_RULES]
    return np.concatenate([wide, thin]), thin


def _cut(sheet: _Sheet, members: NDArray[np.intp], depth: int) -> list[int]:
    boxes, em = sheet.boxes, sheet.em
    solid = members[members < sheet.count]
    gutter = find_gutter(boxes[solid], em) if depth < _DEEPEST and len(solid) > 3 else None
    if gutter is None:
        return rows(boxes, solid)
    of = boxes[members]
    crossing = (of[:, 0] < gutter - 1) & (of[:, 2] > gutter + 1)
    middles = (of[:, 1] + of[:, 3]) / 2
    fresh = _fresh_starts(sheet, members[~crossing & (members < sheet.count)], gutter)
    walls = np.sort(np.concatenate([middles[crossing], fresh]))
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
            left, tail = _without_tail(boxes, left, right, em, followed=number < len(walls))
            for side in (left, right):
                ordered += _cut(sheet, side, depth + 1) if len(side) else []
            pending += tail[tail < sheet.count].tolist()
        if number < len(walls):
            here = members[crossing & (middles == walls[number])]
            pending += here[here < sheet.count].tolist()
    ordered += rows(boxes, np.array(sorted(set(pending)), np.intp)) if pending else []
    return list(dict.fromkeys(ordered))


def _fresh_starts(sheet: _Sheet, members: NDArray[np.intp], gutter: float) -> NDArray[np.float32]:
    """Return the heights at which both columns begin anew, each with a heading on one baseline."""
    boxes, em = sheet.boxes, sheet.em
    heads = members[sheet.strong[members]]
    left = heads[boxes[heads, 2] < gutter + 1]
    found = []
    for index in left.tolist():
        top, bottom = boxes[index, 1], boxes[index, 3]
        level = np.abs(boxes[members, 3] - bottom) < 0.1 * em
        across = members[level & (boxes[members, 0] > gutter - 1)]
        above = members[boxes[members, 3] <= top + 1]
        straddling = (boxes[members, 1] < top - 1) & (boxes[members, 3] > top + 1)
        if not len(across) or not sheet.strong[across].all() or straddling.any():
            continue
        sides = [above[boxes[above, 0] < gutter], above[boxes[above, 0] >= gutter]]
        if all(len(side) and top - boxes[side, 3].max() > 0.7 * em for side in sides):
            found.append(top)
    return np.array(found, np.float32)


def _without_tail(
    boxes: NDArray[np.float32],
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    em: float,
    *,
    followed: bool,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Part off what stands below both columns: a short heading of what comes after them."""
    if not len(left) or not len(right):
        return left, left[:0]
    below = boxes[left, 1] >= boxes[right, 3].max() - 1
    if below.all() or not below.any():
        return left, left[:0]
    rest = boxes[left[~below]]
    tail = left[below][np.argsort(boxes[left[below], 1], kind="stable")]
    usual = _widest_step(rest)
    for cut in range(len(tail)):
        above = max(float(rest[:, 3].max()), float(boxes[tail[:cut], 3].max(initial=0.0)))
        gap = float(boxes[tail[cut], 1]) - above
        wide = gap > 0.7 * em if followed else gap > 1.5 * em
        if len(tail) - cut <= _TAIL and wide and gap > (0.95 if followed else 1.2) * usual:
            return np.concatenate([left[~below], tail[:cut]]), tail[cut:]
        usual = max(usual, gap)
    return left, left[:0]


def _widest_step(boxes: NDArray[np.float32]) -> float:
    """Return the largest white between rows that follow each other."""
    by_top = boxes[np.argsort(boxes[:, 1], kind="stable")]
    lows = np.maximum.accumulate(by_top[:, 3])
    return float((by_top[1:, 1] - lows[:-1]).max(initial=0.0))


def rows(boxes: NDArray[np.float32], members: NDArray[np.intp]) -> list[int]:
    """Return members top to bottom, those on one baseline from left to right."""
    if not len(members):
        return []
    by_top = members[np.argsort(boxes[members, 1], kind="stable")]
    of = boxes[by_top]
    middles, heights = ((of[:, 1] + of[:, 3]) / 2).tolist(), (of[:, 3] - of[:, 1]).tolist()
    found: list[list[tuple[float, int]]] = []
    top = bottom = 0.0
    for member, box, middle, height in zip(
        by_top.tolist(), of.tolist(), middles, heights, strict=True
    ):
        overlap = min(bottom, box[3]) - max(top, box[1])
        shortest = max(0.1, min(bottom - top, height))
        if found and top <= middle <= bottom and overlap > 0.5 * shortest:
            found[-1].append((box[0], member))
        else:
            found.append([(box[0], member)])
            top, bottom = box[1], box[3]
    return [member for row in found for _, member in sorted(row, key=itemgetter(0))]
