"""From the image of a page to lines with the place of every character, in points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.types import Line
from ragqa.types import BBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import OcrEngine, Recognized


@dataclass(frozen=True, slots=True, eq=False)
class ScanText:
    """What OCR read: text, boxes ``(len(text), 4)`` in points, lines, mean confidence."""

    text: str
    char_boxes: NDArray[np.float32]
    lines: tuple[Line, ...]
    confidence: float | None


def read_scan(engine: OcrEngine, image: NDArray[np.uint8], area: BBox) -> ScanText:
    """Read an image that shows ``area`` of a page.

    Args:
        engine: The engine.
        image: BGR, ``(height, width, 3)``.
        area: Which part of the page it shows, in points.

    Raises:
        ModelMissing: If the engine is not there.
    """
    return to_points(engine.recognize(image), image.shape[:2], area)


def to_points(found: Sequence[Recognized], shape: tuple[int, ...], area: BBox) -> ScanText:
    """Map lines from pixels of an image to points of the page it shows ``area`` of."""
    scale = np.array(
        [(area.x1 - area.x0) / max(1, shape[1]), (area.bottom - area.top) / max(1, shape[0])],
        np.float32,
    )
    origin = np.array([area.x0, area.top], np.float32)
    texts: list[str] = []
    boxes: list[NDArray[np.float32]] = []
    lines: list[Line] = []
    at = 0
    for number, line in enumerate(found):
        corners = line.corners * scale + origin
        places = _along(corners, line.edges)
        keep = _trim(line.text)
        text = line.text[keep]
        if not text:
            continue
        low, high = corners.min(axis=0), corners.max(axis=0)
        bbox = BBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        side = float(np.linalg.norm(corners[3] - corners[0]))
        length = float(np.linalg.norm(corners[1] - corners[0]))
        vertical = side > 1.5 * length and len(text) > 1
        lines.append(
            Line(
                at,
                at + len(text),
                bbox,
                size=round((length if vertical else side) * 0.78, 2),
                block=number,
                vertical=vertical,
                confidence=line.confidence,
            )
        )
        texts.append(text)
        boxes.append(places[keep])
        at += len(text)
    weights = [line.end - line.start for line in lines]
    sure = (
        float(np.average([line.confidence or 0.0 for line in lines], weights=weights))
        if lines
        else None
    )
    stacked = np.concatenate(boxes) if boxes else np.zeros((0, 4))
    return ScanText("".join(texts), stacked.astype(np.float32), tuple(lines), sure)


def _along(corners: NDArray[np.float32], edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the upright box of each character of a line with these corners."""
    top_left, top_right, bottom_right, bottom_left = corners
    if np.linalg.norm(bottom_left - top_left) > 1.5 * np.linalg.norm(top_right - top_left):
        # A column of characters: the engine read it turned, from top to bottom.
        top_left, top_right, bottom_right, bottom_left = (
            top_right,
            bottom_right,
            bottom_left,
            top_left,
        )
    begin, end = edges[:, :1], edges[:, 1:]
    points = np.stack(
        [
            top_left + (top_right - top_left) * begin,
            top_left + (top_right - top_left) * end,
            bottom_left + (bottom_right - bottom_left) * begin,
            bottom_left + (bottom_right - bottom_left) * end,
        ],
        axis=1,
    )
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def _trim(text: str) -> slice:
    return slice(len(text) - len(text.lstrip()), len(text.rstrip()))
