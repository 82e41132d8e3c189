"""Black-and-white pictures, as fax machines and old scanners make them, drawn for OCR to read.

They have no shades: thin strokes break into dust, and specks are as black as letters. Networks that
were trained on photographs and screens miss whole lines of it. Softened and made smaller, broken
strokes meet again and specks fade.

Of 575 characters of a page with thin type the detector missed half as it was, and a twelfth so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.types import BBox

_FINEST = 300.0
_COARSEST = 120.0
"""Below, there is nothing to soften: strokes are a pixel wide."""
_SOFTER = 0.005
"""Standard deviation of the blur, in inches: a pixel at 200 dots an inch."""


def fax_dpi(pixels: int, pictures: Sequence[BBox], dpi: float) -> float | None:
    """Return at how many dots an inch a black-and-white page is to be drawn before it is softened.

    Args:
        pixels: How many its pictures have, all of them black and white; 0: they are not.
        pictures: Where they stand.
        dpi: What it is made smaller to.

    Returns:
        None for other pages, and for those too coarse to gain.
    """
    area = sum((box.x1 - box.x0) * (box.bottom - box.top) for box in pictures)
    if not pixels or area <= 0:
        return None
    own = min(72 * float(pixels / area) ** 0.5, _FINEST)
    return own if own > max(dpi, _COARSEST) else None


def softened(image: NDArray[np.uint8], own_dpi: float, dpi: float) -> NDArray[np.uint8]:
    """Blur an image drawn at ``own_dpi`` and return it at ``dpi``, (height, width, 3)."""
    import cv2

    height, width = image.shape[:2]
    soft = cv2.GaussianBlur(image[:, :, 1], (0, 0), _SOFTER * own_dpi)
    size = (max(1, round(width * dpi / own_dpi)), max(1, round(height * dpi / own_dpi)))
    small = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.repeat(small[:, :, None], 3, axis=2), np.uint8)
