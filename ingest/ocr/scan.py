"""From the image of a page to lines with the place of every character, in points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.ocr.logo import with_logos
from ingest.ocr.marks import with_marks
from ingest.types import Line
from ragqa.types import BBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import OcrEngine, Recognized


_SURE = 0.88
"""Mean confidence of text that stands upright; upside down it is far lower."""
_WORTH_TURNING = 30
"""Characters; a picture on a written page in which fewer are found stands as the page does."""


@dataclass(frozen=True, slots=True, eq=False)
class ScanText:
    """What OCR read: text, boxes ``(len(text), 4)`` in points, lines, mean confidence."""

    text: str
    char_boxes: NDArray[np.float32]
    lines: tuple[Line, ...]
    confidence: float | None
    turned: int = 0
    """Degrees clockwise by which the text stands."""


def read_scan(
    engine: OcrEngine, image: NDArray[np.uint8], area: BBox, *, picture: bool = False
) -> ScanText:
    """Read an image that shows ``area`` of a page, whichever way up it lies.

    Args:
        engine: The engine.
        image: BGR, ``(height, width, 3)``.
        area: Which part of the page it shows, in points.
        picture: Whether it is one among text that is written: its letters are as large as that
            shows, and it seldom lies otherwise.

    Raises:
        ModelMissing: If the engine is not there.
    """
    found, turned = _read_any_way_up(engine, image, picture=picture)
    return to_points(found, image.shape[:2], area, turned=turned)


def _read_any_way_up(
    engine: OcrEngine, image: NDArray[np.uint8], *, picture: bool
) -> tuple[list[Recognized], int]:
    """Read the image; where that goes badly, turned, and keep what reads best.

    Text on its side or upside down is found all the same, but read with little confidence.
    """
    found = _lines(engine, image, enlarge=not picture)
    length = sum(len(line.text) for line in found)
    if length < (_WORTH_TURNING if picture else 1):
        return found, 0
    sideways = sum(len(line.text) for line in found if _is_tall(line.corners)) / length
    sure = sum(line.confidence * len(line.text) for line in found) / length
    if sure > _SURE and sideways < 0.5:
        return found, 0
    best, turned = found, 0
    for degrees in (90, 270) if sideways >= 0.5 else (180,):
        other = np.ascontiguousarray(np.rot90(image, degrees // 90))
        again = [
            replace(line, corners=_turned_back(line.corners, degrees, image.shape))
            for line in _lines(engine, other, enlarge=not picture)
        ]
        if _worth(again) > 1.02 * _worth(best):
            best, turned = again, degrees
    return best, turned


def _lines(engine: OcrEngine, image: NDArray[np.uint8], *, enlarge: bool) -> list[Recognized]:
    return with_logos(image, with_marks(image, engine.recognize(image, enlarge=enlarge)))


def _worth(found: Sequence[Recognized]) -> float:
    return sum(len(line.text) * line.confidence**4 for line in found)


def _is_tall(corners: NDArray[np.float32]) -> bool:
    across = float(np.linalg.norm(corners[1] - corners[0]))
    return float(np.linalg.norm(corners[3] - corners[0])) > 1.5 * across


def _turned_back(
    corners: NDArray[np.float32], degrees: int, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Place corners found on the turned image on the image as it was."""
    x, y = corners[:, 0], corners[:, 1]
    height, width = shape[:2]
    places = {90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}
    return np.stack(places[degrees], axis=1).astype(np.float32)


def to_points(
    found: Sequence[Recognized], shape: tuple[int, ...], area: BBox, *, turned: int = 0
) -> ScanText:
    """Map lines from pixels of an image to points of the page it shows ``area`` of.

    The boxes of characters are where they stand; those of lines are where they would stand if the
    page were not tilted, so that lines keep their order.
    """
    scale = np.array(
        [(area.x1 - area.x0) / max(1, shape[1]), (area.bottom - area.top) / max(1, shape[0])],
        np.float32,
    )
    origin = np.array([area.x0, area.top], np.float32)
    middle = np.array([area.x0 + area.x1, area.top + area.bottom], np.float32) / 2
    level = _levelling(found)
    texts: list[str] = []
    boxes: list[NDArray[np.float32]] = []
    lines: list[Line] = []
    at = 0
    for number, line in enumerate(found):
        keep = _trim(line.text)
        text = line.text[keep]
        if not text:
            continue
        corners = line.corners * scale + origin
        tall = _is_tall(corners) and len(text) > 1
        side = float(np.linalg.norm(corners[3] - corners[0]))
        across = float(np.linalg.norm(corners[1] - corners[0]))
        straight = (corners - middle) @ level + middle
        low, high = straight.min(axis=0), straight.max(axis=0)
        lines.append(
            Line(
                at,
                at + len(text),
                BBox(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
                size=round((across if tall else side) * 0.78, 2),
                block=number,
                vertical=tall != (turned in (90, 270)),
                confidence=line.confidence,
                sure=line.sure[keep],
            )
        )
        texts.append(text)
        boxes.append(_along(corners, line.edges)[keep])
        at += len(text)
    weights = [line.end - line.start for line in lines]
    sure = (
        float(np.average([line.confidence or 0.0 for line in lines], weights=weights))
        if lines
        else None
    )
    stacked = np.concatenate(boxes) if boxes else np.zeros((0, 4))
    return ScanText("".join(texts), stacked.astype(np.float32), tuple(lines), sure, turned)


def _levelling(found: Sequence[Recognized]) -> NDArray[np.float32]:
    """Return the rotation that makes most lines level or upright; none beyond 8 degrees."""
    angles = []
    for line in found:
        along = line.corners[1] - line.corners[0]
        if len(line.text) >= 6 and not _is_tall(line.corners):
            angle = float(np.arctan2(along[1], along[0]))
            angles.append((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    tilt = float(np.median(angles)) if len(angles) >= 3 else 0.0
    if abs(tilt) < 0.002 or abs(tilt) > np.radians(8):
        tilt = 0.0
    cosine, sine = np.cos(tilt), np.sin(tilt)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)


def _along(corners: NDArray[np.float32], edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the upright box of each character of a line with these corners."""
    top_left, top_right, bottom_right, bottom_left = corners
    if _is_tall(corners) and len(edges) > 1:
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
