"""Single characters that stand alone: numbers of pages, cells of tables. Detectors pass over them.

What is drawn outside the lines that were found, and is as large as a character of them, is handed
to the recogniser too, which then has to be sure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SURE = 0.9
"""Confidence below which what stands alone is a stain or part of a drawing."""
_LOW, _HIGH = 0.33, 1.2
"""How high a character is, in heights of the lines on the page."""
_THIN, _WIDE = 0.08, 3.0
_MOST = 60
"""More such things are a drawing."""
_BARS = 3
"""More upright strokes are the marks of an axis, or a broken rule."""
_DARK = 70
"""Ink is darker than the paper around it by so many steps of grey."""
_COARSE = 8


def lone_characters(image: NDArray[np.uint8], lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the corners of what may be characters outside the lines, shape (n, 4, 2).

    Args:
        image: BGR, ``(height, width, 3)``.
        lines: Corners of the lines that were found, shape (m, 4, 2), m > 0.
    """
    import cv2

    em = float(np.median(np.linalg.norm(lines[:, 3] - lines[:, 0], axis=1)))
    ink = _ink(image[:, :, 1])
    cv2.fillPoly(ink, [np.round(corners).astype(np.int32) for corners in lines], 0)
    reach = max(1, round(0.17 * em))
    joined = cv2.dilate(ink, np.ones((1, 2 * reach + 1), np.uint8))
    _, _, found, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    x, y, wide, high = found[1:, :4].T.astype(np.float32)
    x, wide = x + reach, wide - 2 * reach
    fits = (high >= _LOW * em) & (high <= _HIGH * em)
    fits &= (wide >= _THIN * em) & (wide <= _WIDE * em)
    bars = fits & (wide < 0.25 * high)
    if bars.sum() > _BARS:
        fits &= ~bars
    if fits.sum() > _MOST:
        return np.zeros((0, 4, 2), np.float32)
    left, right = (x - 0.35 * em)[fits], (x + wide + 0.35 * em)[fits]
    top, bottom = (y - 0.2 * em)[fits], (y + high + 0.2 * em)[fits]
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1)
    limits = np.array([image.shape[1] - 1, image.shape[0] - 1], np.float32)
    return np.clip(corners.reshape(-1, 4, 2), 0, limits).astype(np.float32)


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 1 where it is darker than the paper around, (height, width)."""
    import cv2

    height, width = grey.shape
    small = (max(1, width // _COARSE), max(1, height // _COARSE))
    paper = cv2.medianBlur(cv2.resize(grey, small, interpolation=cv2.INTER_AREA), 5)
    paper = cv2.resize(cv2.dilate(paper, np.ones((5, 5), np.uint8)), (width, height))
    dark: NDArray[np.bool_] = grey.astype(np.int16) < paper.astype(np.int16) - _DARK
    return dark.astype(np.uint8)
