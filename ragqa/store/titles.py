"""The names of a collection's documents, kept in memory while the collection stays as it is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ragqa.retrieval.naming import NameIndex

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

MOST_NAMES = 5_000
"""Documents of a collection up to which their names are held against each question."""

NAMES = """
SELECT document_id, name FROM documents
 WHERE collection_id = %s AND current_version IS NOT NULL
 LIMIT %s
"""

MOST_KEPT = 64
"""Collections whose names are kept in memory."""


class NamesKept:
    """The names of collections, looked at once for each state of a collection; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[bytes, bytes, bytes, int], tuple[int, NameIndex]] = (
            OrderedDict()
        )

    def get(self, conn: Connection[Row], collection_id: CollectionId, generation: int) -> NameIndex:
        """Return the names of a collection as it is in the transaction of ``conn``."""
        server = conn.pgconn
        key = (server.host, server.port, server.db, int(collection_id))
        with self._lock:
            known = self._kept.get(key)
            if known is not None and known[0] == generation:
                self._kept.move_to_end(key)
                return known[1]
        rows = conn.execute(NAMES, [collection_id, MOST_NAMES + 1]).fetchall()
        few = len(rows) <= MOST_NAMES
        names = NameIndex({row["document_id"]: row["name"] for row in rows} if few else {})
        with self._lock:
            self._kept[key] = (generation, names)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return names


NAMES_KEPT = NamesKept()
