"""Searching collections, all in one snapshot."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragqa.errors import Conflict, NotFound
from ragqa.store.beside import PLANNING, Beside
from ragqa.store.embeddings import EmbeddingsTable
from ragqa.store.snapshot import StoredSnapshot
from ragqa.types import CollectionId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

    from ragqa.store.db import Database

    Row = dict[str, Any]

OPEN = f"""
SELECT c.collection_id, c.embedding_model, m.table_key, m.dimension,
       coalesce(s.generation, 0) AS generation,
       coalesce(s.chunks, 0) AS chunks, coalesce(s.terms, 0) AS terms,
       ARRAY(SELECT l.word FROM lexicon l WHERE l.collection_id = c.collection_id ORDER BY l.word)
           AS lexicon,
       {PLANNING}
  FROM collections c
  LEFT JOIN collection_stats s USING (collection_id)
  LEFT JOIN embedding_models m ON m.name = %(model)s
 WHERE c.name = %(name)s
"""


class StoredChunks:
    """The chunks of all collections; fills the port ``ChunkSearch``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def open(self, collections: Sequence[str], *, model: str) -> Iterator[list[StoredSnapshot]]:
        """Look at collections through the vectors of one embedding model, all at one moment.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If a collection has chunks, but no vectors of that model.
        """
        with (
            self._database.transaction(repeatable=True) as conn,
            Beside(self._database) as beside,
        ):
            yield [_look_at(conn, beside, name, model) for name in dict.fromkeys(collections)]


def _look_at(conn: Connection[Row], beside: Beside, name: str, model: str) -> StoredSnapshot:
    key = {"name": name.replace("\0", ""), "model": model}
    row = conn.execute(OPEN, key, prepare=True).fetchone()
    if row is None:
        raise NotFound(f"no collection {name!r}", code="collection_not_found")
    table = None
    if row["table_key"] is not None:
        table = EmbeddingsTable.of_key(row["table_key"], row["dimension"])
    elif row["chunks"]:
        raise Conflict(
            f"collection {name!r} has no vectors of {model!r}, only of "
            f"{row['embedding_model']!r}: search it with that model, or make them: "
            f"ragqa reembed {name}"
        )
    return StoredSnapshot(
        conn,
        beside,
        CollectionId(row["collection_id"]),
        name,
        table,
        row["generation"],
        (row["chunks"], row["terms"]),
        row["lexicon"],
    )
