"""What a search may see, as conditions and parameters of a query over ``chunks c``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.types.json import Jsonb

from ragqa.types import DocumentId, Filter, Id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

FEW = 2_000
"""Chunks that a filter may leave for all of them to be scored exactly."""

SOME = """
SELECT c.chunk_id FROM chunks c
 WHERE c.collection_id = %(collection_id)s {conditions}
 LIMIT %(limit)s
"""

DOCUMENTS = """
SELECT document_id FROM documents
 WHERE collection_id = %(collection_id)s
   AND metadata @> %(metadata)s
   AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
   AND (%(documents)s::bigint[] IS NULL OR document_id = ANY(%(documents)s))
"""

_NOBODY = 0
"""Number of no document: they count from 1."""


def as_array(numbers: Iterable[int]) -> str:
    """Return numbers as Postgres writes an array: in a tenth of the time that a list takes."""
    return f"{{{','.join(map(str, numbers))}}}"


def conditions(only: Filter | None) -> LiteralString:
    """Return what to append to the WHERE of a query; nothing where nothing is restricted."""
    if only is None:
        return ""
    parts: list[LiteralString] = []
    if only.documents:
        parts.append(" AND c.document_id = ANY(%(documents)s::bigint[])")
    if only.pages:
        parts.append(" AND c.page_number BETWEEN %(first)s AND %(last)s")
    if only.kind:
        parts.append(" AND c.kind = %(kind)s")
    return "".join(parts)


def parameters(collection_id: CollectionId, only: Filter | None) -> dict[str, Any]:
    """Return the parameters of ``conditions``; None restricts nothing."""
    pages = only.pages if only else None
    documents = [document.number for document in only.documents] if only else []
    return {
        "collection_id": collection_id,
        "documents": documents or None,
        "first": pages[0] if pages else None,
        "last": pages[1] if pages else None,
        "kind": only.kind if only else None,
    }


def narrow(
    conn: Connection[Row], collection_id: CollectionId, only: Filter | None
) -> Filter | None:
    """Return the filter with what it says about documents replaced by the documents it means."""
    if only is None or only == Filter():
        return None
    if not (only.metadata or only.since or only.until):
        return only
    rows = conn.execute(
        DOCUMENTS,
        {
            **parameters(collection_id, only),
            "metadata": Jsonb(dict(only.metadata)),
            "since": only.since,
            "until": only.until,
        },
    ).fetchall()
    numbers = [row["document_id"] for row in rows] or [_NOBODY]
    documents = tuple(DocumentId(Id(collection_id, number)) for number in numbers)
    return replace(only, documents=documents, metadata=(), since=None, until=None)


def few_chunks(
    conn: Connection[Row], collection_id: CollectionId, only: Filter | None
) -> list[int] | None:
    """Return all chunks that a selective filter leaves; None when they are many.

    An index that is asked for the nearest and filtered afterwards returns too few; chunks that
    are known one by one are scored exactly.
    """
    if only is None:
        return None
    query = SOME.format(conditions=conditions(only))
    rows = conn.execute(query, {**parameters(collection_id, only), "limit": FEW + 1}).fetchall()
    return [row["chunk_id"] for row in rows] if len(rows) <= FEW else None
