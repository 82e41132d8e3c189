"""The seams of reading: what pages need from readers, table finders and OCR engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ingest.types import RawTable
    from ragqa.types import BBox


@dataclass(frozen=True, slots=True, eq=False)
class Recognized:
    """One line that OCR read off an image."""

    text: str
    corners: NDArray[np.float32]
    """Shape (4, 2): the line's corners in pixels, from its own top-left clockwise."""
    confidence: float
    edges: NDArray[np.float32]
    """Shape (len(text), 2): where each character begins and ends along the line, in [0, 1]."""
    sure: tuple[float, ...] = ()
    """Confidence of each character; empty for engines that give that of the line alone."""


class OcrEngine(Protocol):
    """Reads the text of an image. Keeps its models; one caller at a time."""

    @property
    def name(self) -> str:
        """Engine and model, part of every page key."""
        ...

    def recognize(self, image: NDArray[np.uint8], *, enlarge: bool = True) -> list[Recognized]:
        """Return the lines of a BGR image ``(height, width, 3)``, in no promised order.

        Args:
            image: The image.
            enlarge: Whether it may be blown up where it is small, since its text may be too.

        Raises:
            ModelMissing: If the engine or its weights are not on this machine.
        """
        ...


class TableFinder(Protocol):
    """Finds the grids on a page."""

    def find(self, page: Ink) -> list[RawTable]:
        """Return the tables, top to bottom; the ranges of cells point into ``page.text``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """What a table finder looks at: characters, lines of text and drawn rules of one page."""

    text: str
    char_boxes: NDArray[np.float32]
    lines: Sequence[tuple[int, int]]
    """Ranges of the text that share a baseline."""
    rules: NDArray[np.float32]
    """Shape (n, 4): thin or filled rectangles that the page draws."""
    width: float
    height: float
    images: Sequence[BBox] = ()
