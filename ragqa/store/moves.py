"""Chunks that a new version only moves: they keep their rows, vectors and ids."""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.store.filters import as_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from psycopg import Connection

    from ragqa.store.chunks import NewChunk

    Row = dict[str, Any]

STORED = """
SELECT chunk_id, ordinal, page_number, span_start, span_end, kind, headings, text, embedded_hash,
       bag
  FROM chunks
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
 ORDER BY ordinal
"""

# Places are taken in two steps: two chunks never have the same, not even on the way.
STEP_ASIDE = """
UPDATE chunks SET ordinal = -1 - ordinal
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(moved)s::bigint[])
"""

PLACE = """
UPDATE chunks c
   SET version = %(version)s, ordinal = n.ordinal, page_number = n.page_number,
       span_start = n.span_start, span_end = n.span_end
  FROM unnest(%(chunk_ids)s::bigint[], %(ordinals)s::int[], %(pages)s::int[], %(starts)s::int[],
              %(ends)s::int[]) AS n (chunk_id, ordinal, page_number, span_start, span_end)
 WHERE c.collection_id = %(collection_id)s AND c.chunk_id = n.chunk_id
"""


Analyzed = dict[bytes, tuple[tuple[str, ...], bytes]]
"""Headings and terms of chunks by the hash of what was embedded; those two and the document's title
tell the text that was analyzed."""


def terms_of(bag: bytes) -> array[int]:
    """Return the terms that ``bag_of`` packed."""
    terms = array("i", bag)
    if sys.byteorder == "little":
        terms.byteswap()
    return terms


def compare(
    stored: Sequence[Row], chunks: Sequence[NewChunk], embedded: Set[bytes]
) -> tuple[list[tuple[Row, NewChunk]], list[int], list[NewChunk]]:
    """Part chunks into those that are stored already, but for their place, and all others.

    Returns:
        Pairs of a stored row and the chunk it becomes; ids of the rows that go; chunks that come.
    """
    there: defaultdict[tuple[Any, ...], deque[Row]] = defaultdict(deque)
    for row in stored:
        if bytes(row["embedded_hash"]) in embedded:
            there[_content(row)].append(row)
    kept: list[tuple[Row, NewChunk]] = []
    fresh: list[NewChunk] = []
    for new in chunks:
        same = there.get(_content_of(new)) if new.embedding is None else None
        if same:
            kept.append((same.popleft(), new))
        else:
            fresh.append(new)
    stays = {row["chunk_id"] for row, _ in kept}
    return kept, [row["chunk_id"] for row in stored if row["chunk_id"] not in stays], fresh


def _content(row: Row) -> tuple[Any, ...]:
    hash_, bag = bytes(row["embedded_hash"]), bytes(row["bag"])
    return hash_, row["kind"], tuple(row["headings"]), row["text"], bag


def _content_of(new: NewChunk) -> tuple[Any, ...]:
    chunk = new.chunk
    return new.embedded_hash, chunk.kind, tuple(chunk.headings), chunk.text, bag_of(new)


def bag_of(new: NewChunk) -> bytes:
    """Return the terms of a chunk as they are stored for counting: four bytes each."""
    return np.asarray(new.terms, ">i4").tobytes()


def place(
    conn: Connection[Row], key: Mapping[str, Any], kept: Sequence[tuple[Row, NewChunk]]
) -> None:
    """Put stored chunks where they stand in the new version."""
    if not kept:
        return
    moved = as_array(row["chunk_id"] for row, new in kept if row["ordinal"] != new.ordinal)
    conn.execute(STEP_ASIDE, {**key, "moved": moved})
    places = {
        "chunk_ids": as_array(row["chunk_id"] for row, _ in kept),
        "ordinals": as_array(new.ordinal for _, new in kept),
        "pages": as_array(new.chunk.page_number for _, new in kept),
        "starts": as_array(new.chunk.span.start for _, new in kept),
        "ends": as_array(new.chunk.span.end for _, new in kept),
    }
    conn.execute(PLACE, {**key, **places})
