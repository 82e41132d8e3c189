"""What a search may see, as conditions and parameters of a query over ``chunks c``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import CollectionId, Filter

    Row = dict[str, Any]

FEW = 2_000
"""Chunks that a filter may leave for all of them to be scored exactly."""

CONDITIONS = """
   AND (%(documents)s::bigint[] IS NULL OR c.document_id = ANY(%(documents)s))
   AND (%(first)s::int IS NULL OR c.page_number BETWEEN %(first)s AND %(last)s)
   AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
"""

SOME = (
    "SELECT c.chunk_id FROM chunks c WHERE c.collection_id = %(collection_id)s"
    + CONDITIONS
    + " LIMIT %(limit)s"
)


def parameters(collection_id: CollectionId, only: Filter | None) -> dict[str, Any]:
    """Return the parameters of ``CONDITIONS``; None restricts nothing."""
    pages = only.pages if only else None
    documents = [document.number for document in only.documents] if only else []
    return {
        "collection_id": collection_id,
        "documents": documents or None,
        "first": pages[0] if pages else None,
        "last": pages[1] if pages else None,
        "kind": only.kind if only else None,
    }


def few_chunks(
    conn: Connection[Row], collection_id: CollectionId, only: Filter | None
) -> list[int] | None:
    """Return all chunks that a selective filter leaves; None when they are many.

    An index that is asked for the nearest and filtered afterwards returns too few; chunks that
    are known one by one are scored exactly.
    """
    if only is None:
        return None
    rows = conn.execute(SOME, {**parameters(collection_id, only), "limit": FEW + 1}).fetchall()
    return [row["chunk_id"] for row in rows] if len(rows) <= FEW else None
