"""Collections: created, listed, deleted with everything in them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import psycopg

from ragqa.errors import Conflict, InvalidInput, NotFound
from ragqa.types import Collection, CollectionId

if TYPE_CHECKING:
    from psycopg import Connection

    Row = dict[str, Any]

SELECT = """
SELECT c.collection_id, c.name, c.embedding_model, c.dimension, c.created_at,
       c.answer_from,
       (SELECT count(*) FROM documents d WHERE d.collection_id = c.collection_id) AS documents,
       coalesce((SELECT s.chunks FROM collection_stats s
                  WHERE s.collection_id = c.collection_id), 0) AS chunks
  FROM collections c
"""

INSERT = """
INSERT INTO collections (name, embedding_model, dimension)
VALUES (%(name)s, %(embedding_model)s, %(dimension)s)
RETURNING collection_id
"""

UNREAD = """
SELECT count(*) AS unread
  FROM documents d
  JOIN versions v ON (v.collection_id, v.document_id, v.version)
                   = (d.collection_id, d.document_id, d.newest_version)
 WHERE d.collection_id = %(collection_id)s AND v.status IN ('queued', 'processing')
"""


def create_collection(
    conn: Connection[Row], name: str, *, embedding_model: str, dimension: int
) -> Collection:
    """Make an empty collection that is bound to one embedding model.

    Raises:
        InvalidInput: If the name cannot be one.
        Conflict: If there is one of that name.
    """
    name = check_name(name)
    try:
        with conn.transaction():
            conn.execute(
                INSERT, {"name": name, "embedding_model": embedding_model, "dimension": dimension}
            )
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"there is already a collection {name!r}") from error
    return find_collection(conn, name)


def find_collection(conn: Connection[Row], name: str) -> Collection:
    """Return the collection of that name.

    Raises:
        NotFound: If there is none.
    """
    row = conn.execute(SELECT + " WHERE c.name = %s", [name.replace("\0", "")]).fetchone()
    if row is None:
        raise NotFound(f"no collection {name!r}", code="collection_not_found")
    return collection_from_row(row)


def find_collection_by_id(conn: Connection[Row], collection_id: CollectionId) -> Collection:
    """Return the collection with that number.

    Raises:
        NotFound: If there is none.
    """
    row = conn.execute(SELECT + " WHERE c.collection_id = %s", [collection_id]).fetchone()
    if row is None:
        raise NotFound(f"no collection {collection_id}", code="collection_not_found")
    return collection_from_row(row)


def list_collections(conn: Connection[Row]) -> list[Collection]:
    """Return all collections by name."""
    return [collection_from_row(row) for row in conn.execute(SELECT + " ORDER BY c.name")]


def count_unread(conn: Connection[Row], collection_id: CollectionId) -> int:
    """Return how many documents of a collection wait to be read, or are being read."""
    row = conn.execute(UNREAD, {"collection_id": collection_id}).fetchone()
    return int(row["unread"]) if row else 0


def set_answer_from(
    conn: Connection[Row], collection_id: CollectionId, threshold: float | None
) -> None:
    """Keep from which confidence on a collection answers; None: the default."""
    conn.execute(
        "UPDATE collections SET answer_from = %s WHERE collection_id = %s",
        [threshold, collection_id],
    )


def delete_collection(conn: Connection[Row], collection_id: CollectionId) -> None:
    """Remove a collection and every row of it; its vectors are removed with its chunks."""
    conn.execute("DELETE FROM collections WHERE collection_id = %s", [collection_id])


def check_name(name: str) -> str:
    """Return ``name`` in NFC.

    Raises:
        InvalidInput: If it is empty, too long, or has slashes or control characters.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= 100:
        raise InvalidInput(f"a collection's name has 1 to 100 characters, this one {len(name)}")
    if "/" in name or any(unicodedata.category(c) in {"Cc", "Cs"} for c in name):
        raise InvalidInput(f"a collection's name has no slash and no control character: {name!r}")
    return name


def collection_from_row(row: Row) -> Collection:
    """Build a collection from a row."""
    return Collection(
        id=CollectionId(row["collection_id"]),
        name=row["name"],
        embedding_model=row["embedding_model"],
        dimension=row["dimension"],
        created_at=row["created_at"],
        documents=row["documents"],
        chunks=row["chunks"],
        answer_from=row["answer_from"],
    )
