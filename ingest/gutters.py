"""Gutters: strips of white that part columns of prose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = 3.0
"""Points between the places where a gutter is looked for."""
COLUMN_EMS = 7.0
"""Columns of prose are wider than this; narrower ones beside each other are a table's."""
_TABLE_EMS = 4.0
"""What is higher than this is a table, which makes a column by itself."""
_ALONE = 3.0
"""So much more does a line that crosses a gutter, with words beside it, count against it."""
_MOST_PLACES = 60


def find_gutter(boxes: NDArray[np.float32], em: float) -> float | None:
    """Return the x of the best strip of white that has prose on both sides, or None."""
    left_edge, right_edge = float(boxes[:, 0].min()), float(boxes[:, 2].max())
    if right_edge - left_edge < 2 * COLUMN_EMS * em:
        return None
    places = np.arange(left_edge + 3 * em, right_edge - 3 * em, _STEP, dtype=np.float32)
    if not len(places):
        return None
    heights = boxes[:, 3] - boxes[:, 1]
    lefts, rights = (_heights_up_to(boxes[:, side], heights) for side in (2, 0))
    ended = np.searchsorted(lefts[0], places + 1, side="right")
    begun = np.searchsorted(rights[0], places - 1, side="left")
    scores = np.minimum(lefts[1][ended], rights[1][-1] - rights[1][begun])
    # Going right, boxes only leave the right side and join the left: counts tell places apart.
    _, kinds = np.unique(ended * (len(boxes) + 1) + begun, return_index=True)
    kinds = kinds[scores[kinds] >= 2.5 * em]
    kinds = kinds[np.argsort(-scores[kinds], kind="stable")[:_MOST_PLACES]]
    if not len(kinds):
        return None
    is_left = boxes[:, 2][None, :] <= places[kinds, None] + 1
    is_right = boxes[:, 0][None, :] >= places[kinds, None] - 1
    scores = scores[kinds]
    # What crosses a gutter stands alone in its row; words beside it say that there is none.
    crosses = ~(is_left | is_right)
    wide = np.flatnonzero(crosses.any(axis=0))
    if len(wide):
        beside = _beside(boxes, wide).astype(np.float32)
        shared = crosses[:, wide] & ((~crosses).astype(np.float32) @ beside.T > 0)
        for number in np.flatnonzero(shared.any(axis=1)).tolist():
            scores[number] -= _ALONE * heights[wide[shared[number]]].sum()
    for index in np.argsort(-scores, kind="stable"):
        if scores[index] < 2.5 * em:
            break
        place = _settle(boxes, is_left[index], is_right[index], em)
        if place is not None:
            return place
    return None


def _heights_up_to(
    sides: NDArray[np.float32], heights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return sides of boxes in order, and the sum of heights before each and after the last."""
    by_side = np.argsort(sides, kind="stable")
    sums = np.concatenate([np.zeros(1, np.float32), np.cumsum(heights[by_side])])
    return sides[by_side], sums


def _beside(boxes: NDArray[np.float32], some: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which boxes stand in one row with some of them; shape (len(some), len(boxes))."""
    tops, bottoms = boxes[:, 1], boxes[:, 3]
    heights = bottoms - tops
    shared = np.minimum.outer(bottoms[some], bottoms) - np.maximum.outer(tops[some], tops)
    return np.asarray(shared > 0.5 * np.minimum.outer(heights[some], heights))


def _settle(
    boxes: NDArray[np.float32],
    is_left: NDArray[np.bool_],
    is_right: NDArray[np.bool_],
    em: float,
) -> float | None:
    """Check that two sides stand beside each other as columns of prose, and place the gutter."""
    left, right = boxes[is_left].T, boxes[is_right].T
    top = max(left[1].min(), right[1].min())
    bottom = min(left[3].max(), right[3].max())
    left = left[:, (left[3] > top) & (left[1] < bottom)]
    right = right[:, (right[3] > top) & (right[1] < bottom)]
    if not (_is_high(left, em) and _is_high(right, em)):
        return None
    gap = (float(left[2].max()), float(right[0].min()))
    if gap[1] - gap[0] < 0.5 * em:
        return None
    if (_is_narrow(left, em) or _is_narrow(right, em)) and _aligned(left, right):
        return None
    return (gap[0] + gap[1]) / 2


def _is_high(side: NDArray[np.float32], em: float) -> bool:
    """Tell whether there are two lines, or a table as high as some; boxes of shape (4, n)."""
    return side.shape[1] > 1 or bool((side[3] - side[1]).max(initial=0) > _TABLE_EMS * em)


def _is_narrow(side: NDArray[np.float32], em: float) -> bool:
    """Tell whether its lines are too short for prose: labels, numbers, page references.

    Args:
        side: Boxes, shape (4, n).
        em: In points.
    """
    widths = sorted((side[2] - side[0]).tolist())
    place = 0.7 * (len(widths) - 1)
    below, above = widths[int(place)], widths[min(int(place) + 1, len(widths) - 1)]
    return bool(below + (above - below) * (place - int(place)) < COLUMN_EMS * em)


def _aligned(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    """Tell whether the rows of the shorter side mostly stand on baselines of the longer."""
    few, many = sorted((left[3], right[3]), key=len)
    distance = np.abs(np.subtract.outer(few, many)).min(axis=1)
    return int(np.count_nonzero(distance < 1.5)) / len(few) > 0.6
