"""Embedding beside everything else: the slowest stage works while pages are still being cut.

Vectors are kept in the database as they come, so that a killed attempt embeds nothing twice.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Self

from ragqa.memory import give_back_much
from ragqa.store.chunks import ensure_embeddings_table, known_hashes
from ragqa.store.reads import read_embeddings, write_embeddings
from ragqa.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from ingest.passages import Passage
    from ingest.turns import Turn
    from ingest.watch import Watch
    from ragqa.ports import Embedder
    from ragqa.store.db import Database
    from ragqa.types import DocumentId

    Vectors = dict[bytes, NDArray[np.float32]]

SORTED_TOGETHER = 512
"""Passages that are put in order of length before they are embedded: batches of like lengths hold
little padding."""
WORTH_STARTING = 64
"""Passages that are not waited for more of."""
AT_ONCE = 16
"""Passages to a call: between calls the work may be stopped, or ask to be kept."""
KEPT_TOGETHER = 96
"""Vectors to a transaction."""


def in_order_of_length(texts: Mapping[bytes, str], embedder: Embedder) -> list[bytes]:
    """Return the keys of texts, those of the fewest of the model's tokens first.

    Rows of figures have many more tokens than prose of as many characters: put in order of
    characters, a fifth of what the model reads is padding.
    """
    lengths = {key: embedder.count_tokens(text) for key, text in texts.items()}
    return sorted(texts, key=lengths.__getitem__)


class Embedding:
    """Threads that embed the passages it is given; ``with`` ends it, finished or not."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        document_id: DocumentId,
        watch: Watch,
        turn: Turn,
        *,
        calls: int | None = None,
    ) -> None:
        """Find out what is embedded already: of the version that is served, and of attempts.

        Makes at most ``calls`` of the model at once; None: as many as the turn has places.
        """
        self._database = database
        self._embedder = embedder
        self._document_id = document_id
        self._watch = watch
        self._turn = turn
        with database.transaction() as conn:
            ensure_embeddings_table(conn, embedder.name, embedder.dimension)
            self.served = known_hashes(conn, document_id, embedder.name)
            self.vectors: Vectors = read_embeddings(conn, document_id, embedder.name)
        self._texts: dict[bytes, str] = {}
        self._seen: set[bytes] = set()
        self._error: BaseException | None = None
        self._more = threading.Condition()
        self._keeping = threading.Lock()  # what is told of the progress never goes back
        self._complete = self._left = False
        self._batches: deque[dict[bytes, str]] = deque()
        self._fresh: Vectors = {}
        self._threads = [
            threading.Thread(target=self._run, name="embedding", daemon=True)
            for _ in range(min(turn.places, calls or turn.places))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._more:
            self._left = True
            self._more.notify_all()
        self._join()

    def add(self, passages: Sequence[Passage]) -> None:
        """Hand over passages; those that have a vector cost nothing.

        Raises:
            Exception: What made the embedding of earlier ones fail.
        """
        with self._more:
            if self._error is not None:
                raise self._error
            for passage in passages:
                hash_ = passage.embedded_hash
                if hash_ not in self._seen and hash_ not in self.served:
                    self._seen.add(hash_)
                    if hash_ not in self.vectors:
                        self._texts[hash_] = passage.embedded
            self._more.notify()

    def finish(self) -> Vectors:
        """Wait for the rest; return the vectors of all passages the served version lacks.

        Raises:
            Exception: What made the embedding fail, or stopped it.
        """
        with self._more:
            self._complete = True
            stage = self._stage()
            self._more.notify_all()
        self._watch.report(stage)
        self._join()
        if self._error is not None:
            raise self._error
        return self.vectors

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while batch := self._taken():
                self._embed(batch)
            self._keep()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for the result
            with self._more:
                self._error = self._error or error
                self._left = True
                self._more.notify_all()

    def _taken(self) -> dict[bytes, str]:
        """Wait for enough passages, or for the last ones; empty when there are no more."""
        with self._more:
            self._more.wait_for(
                lambda: (
                    self._left
                    or self._batches
                    or self._complete
                    or len(self._texts) >= WORTH_STARTING
                )
            )
            if self._left:
                return {}
            if not self._batches:
                taken = dict(islice(self._texts.items(), SORTED_TOGETHER))
                self._texts = dict(islice(self._texts.items(), len(taken), None))
                order = in_order_of_length(taken, self._embedder)
                for start in range(0, len(order), AT_ONCE):
                    batch = order[start : start + AT_ONCE]
                    self._batches.append({hash_: taken[hash_] for hash_ in batch})
                self._more.notify_all()
            return self._batches.popleft() if self._batches else {}

    def _embed(self, batch: dict[bytes, str]) -> None:
        self._watch.check()
        with self._more:
            left = len(self._batches) + len(self._texts) // AT_ONCE
        with self._turn.taken(self._watch.check, left=left):
            rows = self._embedder.embed_passages(list(batch.values()))
        with self._more:
            self._fresh.update(zip(batch, rows, strict=True))
            worth_keeping = len(self._fresh) >= KEPT_TOGETHER
        # Each call is for another length of text, and its pieces of memory fit no other's: without
        # this a worker grew by 400 MB over 1,024 passages.
        give_back_much()
        if worth_keeping:
            self._keep()

    def _keep(self) -> None:
        with self._keeping:
            with self._more:
                fresh, self._fresh = self._fresh, {}
                self.vectors.update(fresh)
                stage = self._stage() if self._complete else None
            if fresh and not self._left:
                with self._watch.keeping(stage) as conn:
                    write_embeddings(conn, self._document_id, self._embedder.name, fresh)

    def _stage(self) -> Progress:
        return Progress("embed", len(self._seen & self.vectors.keys()), len(self._seen))
