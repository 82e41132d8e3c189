"""Columns of a page: strips of white with running text on both sides, told from a table's white."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_STEP = 3.0
"""Points between the places where a gutter is looked for."""
_LEAST_ROWS = 5
_NARROWEST_EMS = 7.0
_ENTRY = re.compile(
    r"(?=[^,，…]*\w)[^,，…]*+[,，…]\s*+\d++"
    r"(?:(?:\s*+[–—-]\s*+(?!\d\s*+[–—-])|\s*+[,，]\s*+|\s++)\d++)*+\s*+[,，]?"
)
"""An entry of an index: words, then the numbers of pages. Nothing is tried twice (possessive): a
long number after a comma would else take for ever."""
_NUMBER = re.compile(r"[\s\d.,，%()（）$¥€£+\-–—−/:*]+")


class Band(NamedTuple):
    """A part of the page where a gutter at ``x`` parts two columns."""

    x: float
    top: float
    bottom: float


def find_bands(boxes: NDArray[np.float32], texts: Sequence[str]) -> list[Band]:
    """Return the bands of the best gutter, from top to bottom; none where there are no columns.

    What crosses a gutter parts the page into bands. A band is one of columns when running text
    stands on both sides: pieces that fill their column, or whose baselines differ from those
    beside them, or entries of an index. Numbers beside words are a table's.

    Args:
        boxes: Where pieces of text stand, parted where the white is wide; shape (n, 4).
        texts: What they say, in the same order.
    """
    if len(boxes) < 2 * _LEAST_ROWS:
        return []
    heights = boxes[:, 3] - boxes[:, 1]
    em = float(np.median(heights)) or 10.0
    left_edge, right_edge = float(boxes[:, 0].min()), float(boxes[:, 2].max())
    least = _NARROWEST_EMS * em
    places = np.arange(left_edge + least, right_edge - least, _STEP, dtype=np.float32)
    if not len(places):
        return []
    is_left = boxes[:, 2][None, :] <= places[:, None] + 0.5
    is_right = boxes[:, 0][None, :] >= places[:, None] - 0.5
    scores = np.minimum(is_left @ heights, is_right @ heights)
    tried: set[bytes] = set()
    for index in np.argsort(-scores, kind="stable")[:40]:
        if scores[index] < _LEAST_ROWS * 0.8 * em:
            break
        sides = np.packbits(np.concatenate([is_left[index], is_right[index]])).tobytes()
        if sides in tried:
            continue  # the same lines on both sides as at another place
        tried.add(sides)
        bands = _bands(boxes, is_left[index], is_right[index], texts, em)
        if bands:
            return bands
    return []


def _bands(
    boxes: NDArray[np.float32],
    is_left: NDArray[np.bool_],
    is_right: NDArray[np.bool_],
    texts: Sequence[str],
    em: float,
) -> list[Band]:
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    walls = np.sort(middles[~is_left & ~is_right])
    part = np.searchsorted(walls, middles)
    counts = [np.bincount(part[side], minlength=len(walls) + 1) for side in (is_left, is_right)]
    found: list[Band] = []
    for number in np.flatnonzero(np.minimum(*counts) >= _LEAST_ROWS):
        inside = part == number
        left, right = inside & is_left, inside & is_right
        x0, x1 = float(boxes[left, 2].max()), float(boxes[right, 0].min())
        if x1 - x0 < 0.6 * em or not _beside(boxes[left], boxes[right]):
            continue
        both = left | right
        top, bottom = float(boxes[both, 1].min()), float(boxes[both, 3].max())
        if _are_columns(boxes, left, right, texts, em):
            found.append(Band((x0 + x1) / 2, top, bottom))
    return found


def _beside(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    """Tell whether two sides share at least two rows' height."""
    top = max(left[:, 1].min(), right[:, 1].min())
    bottom = min(left[:, 3].max(), right[:, 3].max())
    return bool(bottom - top > 1.5 * float(np.median(left[:, 3] - left[:, 1])))


def _are_columns(
    boxes: NDArray[np.float32],
    left: NDArray[np.bool_],
    right: NDArray[np.bool_],
    texts: Sequence[str],
    em: float,
) -> bool:
    """Tell whether running text stands on both sides."""
    sides = [boxes[left], boxes[right]]
    rows = [_baselines(side, em) for side in sides]
    if min(map(len, rows)) < _LEAST_ROWS:
        return False
    says = [[texts[index] for index in np.flatnonzero(side)] for side in (left, right)]
    if min(_share(_is_entry, side) for side in says) > 0.6:
        return True
    if max(_share(_is_numeric, side) for side in says) > 0.2:
        return False
    widths = [float(side[:, 2].max() - side[:, 0].min()) for side in sides]
    if min(widths) < _NARROWEST_EMS * em:
        return False
    if all(_is_filled(side, width, em) for side, width in zip(sides, widths, strict=True)):
        return True
    few, many = sorted(rows, key=len)
    low, high = max(r.min() for r in rows) - em, min(r.max() for r in rows) + em
    few = few[(few > low) & (few < high)]
    if len(few) < _LEAST_ROWS:
        return False
    apart = np.abs(few[:, None] - many[None, :]).min(axis=1)
    return bool((apart > 0.15 * em).mean() > 0.5) and len(few) > 0.5 * len(many)


def _share(test: Callable[[str], bool], texts: Sequence[str]) -> float:
    return sum(map(test, texts)) / len(texts)


@functools.lru_cache(maxsize=4096)
def _is_numeric(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


@functools.lru_cache(maxsize=4096)
def _is_entry(text: str) -> bool:
    return not _is_numeric(text) and _ENTRY.fullmatch(text) is not None


def _is_filled(side: NDArray[np.float32], width: float, em: float) -> bool:
    """Tell whether most lines reach over most of their column, as running text does."""
    lengths = side[:, 2] - side[:, 0]
    return bool(np.median(lengths) > max(0.72 * width, 9 * em))


def _baselines(side: NDArray[np.float32], em: float) -> NDArray[np.float32]:
    bottoms = np.sort(side[:, 3])
    return np.asarray(bottoms[np.concatenate([[True], np.diff(bottoms) > 0.4 * em])])
