"""Queries that come at the same time are embedded in one pass, and the last ones are remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

AT_ONCE = 8
"""Queries of one pass: eight take half the processor time of eight alone, more gain no more."""
REMEMBERED = 1024
"""Queries whose vectors are kept: who turns a page or narrows a filter asks the same again."""


class Together:
    """Embeds queries for several threads: while one pass runs, the next gathers."""

    def __init__(self, embed: Callable[[Sequence[str]], NDArray[np.float32]]) -> None:
        """Embed by ``embed``, which gives a row for each text."""
        self._embed = embed
        self._state = threading.Lock()
        self._passing = threading.Lock()
        self._waiting: OrderedDict[str, Future[NDArray[np.float32]]] = OrderedDict()
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def __call__(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a text; it cannot be written to."""
        with self._state:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
                return known
            mine = self._waiting.setdefault(text, Future())
        while not mine.done():
            with self._passing:
                # Whoever had the turn before may have taken this one along.
                if not mine.done():
                    self._pass()
        return mine.result()

    def _pass(self) -> None:
        """Embed those that wait the longest; whoever holds the turn does it for all of them."""
        with self._state:
            batch = {text: self._waiting.pop(text) for text in self._choose()}
        try:
            vectors = self._embed(list(batch))
        except BaseException as error:  # noqa: BLE001  (everybody who waits gets it)
            for future in batch.values():
                future.set_exception(error)
            return
        vectors.flags.writeable = False
        rows = dict(zip(batch, vectors, strict=True))
        with self._state:
            self._known.update(rows)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        for text, future in batch.items():
            future.set_result(rows[text])

    def _choose(self) -> list[str]:
        """Return texts of much the same length: the shorter ones are padded to the longest."""
        first = len(next(iter(self._waiting)))
        alike = [text for text in self._waiting if first <= 2 * len(text) <= 4 * first]
        return alike[:AT_ONCE]
