"""An OCR engine whose models are given back when pages no longer need it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragqa.memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ingest.ports import OcrEngine, Recognized

PAGES_WITHOUT = 200
"""Pages in a row that needed no OCR: loading the models again takes half as long as they did."""


class RestingOcr:
    """Another engine, built anew after it rested.

    One picture among a thousand written pages left each reader with 180 MB of networks.
    """

    def __init__(self, build: Callable[[], OcrEngine]) -> None:
        self._build = build
        self._engine = build()
        self._pages_since: int | None = None

    @property
    def name(self) -> str:
        """That of the engine."""
        return self._engine.name

    def recognize(self, image: NDArray[np.uint8], *, enlarge: bool = True) -> list[Recognized]:
        """Return the lines of a BGR image, as the engine does."""
        self._pages_since = 0
        return self._engine.recognize(image, enlarge=enlarge)

    @contextmanager
    def for_page(self) -> Iterator[None]:
        """Read a page within; then the models are given back when enough have not needed them."""
        yield
        if self._pages_since is None:
            return
        self._pages_since += 1
        if self._pages_since > PAGES_WITHOUT:
            self._engine, self._pages_since = self._build(), None
            gc.collect()
            give_back()
