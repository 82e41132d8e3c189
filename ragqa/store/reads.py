"""What earlier attempts left: pages that were read, passages that were embedded.

Both are found by their content, so a killed attempt is gone on with and an edited document costs
what was edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.errors import NotFound
from ragqa.store.documents import document_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.types import DocumentId

    Row = dict[str, Any]

SUPERSEDED = "the document was deleted, or had a newer version, while it was read"
READ_TOGETHER = 16
"""Pages to a question: for one page each, asking costs more than the answer."""

OF_DOCUMENT = " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s"

KEEP_READ = """
INSERT INTO page_reads (collection_id, document_id, page_key, raw, given_up)
VALUES (%(collection_id)s, %(document_id)s, %(page_key)s, %(raw)s, %(given_up)s)
ON CONFLICT (collection_id, document_id, page_key)
DO UPDATE SET raw = excluded.raw, given_up = excluded.given_up
"""

KEEP_EMBEDDING = """
INSERT INTO passage_embeddings (collection_id, document_id, model, embedded_hash, embedding)
VALUES (%(collection_id)s, %(document_id)s, %(model)s, %(embedded_hash)s, %(embedding)s)
ON CONFLICT (collection_id, document_id, model, embedded_hash) DO NOTHING
"""

DROP_READS = """
DELETE FROM page_reads r
 WHERE r.collection_id = %(collection_id)s AND r.document_id = %(document_id)s
   AND NOT EXISTS (
       SELECT FROM pages p
        WHERE p.collection_id = r.collection_id AND p.document_id = r.document_id
          AND p.page_key = r.page_key)
"""


def known_reads(
    conn: Connection[Row], document_id: DocumentId, page_keys: Sequence[str], *, given_up: bool
) -> set[str]:
    """Return which of the pages need not be read.

    Args:
        conn: The caller's transaction.
        document_id: Whose pages.
        page_keys: Which ones, by content.
        given_up: Whether those count that were given up.
    """
    rows = conn.execute(
        "SELECT page_key FROM page_reads"
        + OF_DOCUMENT
        + " AND page_key = ANY(%(page_keys)s) AND (%(given_up)s OR NOT given_up)",
        {**document_key(document_id), "page_keys": list(page_keys), "given_up": given_up},
    )
    return {row["page_key"] for row in rows}


def write_reads(
    conn: Connection[Row], document_id: DocumentId, reads: Iterable[tuple[str, bytes, bool]]
) -> None:
    """Keep what reading pages gave: key, result, and whether the page was given up."""
    key = document_key(document_id)
    with conn.cursor() as cursor:
        cursor.executemany(
            KEEP_READ,
            [
                {**key, "page_key": page_key, "raw": raw, "given_up": given_up}
                for page_key, raw, given_up in reads
            ],
        )


def stream_reads(
    conn: Connection[Row], document_id: DocumentId, page_keys: Sequence[str]
) -> Iterator[bytes]:
    """Yield what reading gave for each of ``page_keys``, in their order, a few pages in memory.

    Raises:
        NotFound: If the document is deleted or superseded meanwhile, and its pages with it.
    """
    for first in range(0, len(page_keys), READ_TOGETHER):
        wanted = page_keys[first : first + READ_TOGETHER]
        rows = conn.execute(
            "SELECT page_key, raw FROM page_reads"
            + OF_DOCUMENT
            + " AND page_key = ANY(%(page_keys)s)",
            {**document_key(document_id), "page_keys": list(wanted)},
        )
        raws = {row["page_key"]: row["raw"] for row in rows}
        if not raws.keys() >= set(wanted):
            raise NotFound(SUPERSEDED)
        yield from (raws[page_key] for page_key in wanted)


def read_embeddings(
    conn: Connection[Row], document_id: DocumentId, model: str
) -> dict[bytes, NDArray[np.float32]]:
    """Return the vectors that interrupted attempts left, by the hash of what was embedded."""
    rows = conn.execute(
        "SELECT embedded_hash, embedding FROM passage_embeddings"
        + OF_DOCUMENT
        + " AND model = %(model)s",
        {**document_key(document_id), "model": model},
    )
    return {
        bytes(row["embedded_hash"]): np.frombuffer(row["embedding"], "<f4").astype(np.float32)
        for row in rows
    }


def write_embeddings(
    conn: Connection[Row],
    document_id: DocumentId,
    model: str,
    vectors: Mapping[bytes, NDArray[np.float32]],
) -> None:
    """Keep vectors until the version that they are for is served."""
    key = {**document_key(document_id), "model": model}
    with conn.cursor() as cursor:
        cursor.executemany(
            KEEP_EMBEDDING,
            [
                {**key, "embedded_hash": hash_, "embedding": vector.astype("<f4").tobytes()}
                for hash_, vector in vectors.items()
            ],
        )


def drop_leftovers(conn: Connection[Row], document_id: DocumentId) -> None:
    """Forget what no kept version has use for, in the transaction that serves a version."""
    key = document_key(document_id)
    conn.execute(DROP_READS, key)
    conn.execute("DELETE FROM passage_embeddings" + OF_DOCUMENT, key)
