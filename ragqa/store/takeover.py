"""Pages that the next version has again, with their chunks: their rows are taken over."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import NotFound
from ragqa.store.chunks import NewChunk
from ragqa.store.corrections import content_of
from ragqa.store.documents import document_key
from ragqa.store.filters import as_array
from ragqa.store.moves import STORED, terms_of
from ragqa.types import Chunk, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from psycopg import Connection

    from ragqa.types import DocumentId, PageSource

    Row = dict[str, Any]

SERVED = """
SELECT p.version, p.page_number, p.made_of, p.leaves, p.source
  FROM pages p JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                 = (p.collection_id, p.document_id, p.version)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND p.made_of IS NOT NULL
"""

TAKE_OVER = """
INSERT INTO pages (collection_id, document_id, version, page_number, page_key, content, width,
                   height, source, ocr_confidence, text, blocks, char_boxes, made_of, leaves)
SELECT p.collection_id, p.document_id, %(version)s, n.page_number, n.page_key, n.content, p.width,
       p.height, p.source, p.ocr_confidence, p.text, p.blocks, p.char_boxes, p.made_of, p.leaves
  FROM unnest(%(old)s::int[], %(new)s::int[], %(keys)s::text[], %(contents)s::text[])
       AS n (old, page_number, page_key, content)
  JOIN pages p ON p.page_number = n.old
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND p.version = %(served)s
"""


@dataclass(frozen=True, slots=True)
class ServedPage:
    """A page of the version that is served."""

    version: int
    number: int
    source: PageSource
    leaves: Mapping[str, Any]
    """What was stored with it."""
    rows: Sequence[Row]
    """Its chunks as they are stored."""

    def chunks(self, page_number: int, ordinal: int) -> list[NewChunk]:
        """Return its chunks as those of another page, counted from ``ordinal``."""
        return [
            NewChunk(
                ordinal=ordinal + n,
                chunk=Chunk(
                    page_number,
                    Span(row["span_start"], row["span_end"]),
                    row["text"],
                    row["kind"],
                    tuple(row["headings"]),
                ),
                embedded_hash=bytes(row["embedded_hash"]),
                terms=terms_of(bytes(row["bag"])),
            )
            for n, row in enumerate(self.rows)
        ]


def served_pages(
    conn: Connection[Row], document_id: DocumentId, embedded: Set[bytes]
) -> dict[bytes, ServedPage]:
    """Return the pages that can be taken over, by what they were made of.

    All chunks of such a page have vectors: their hashes are among ``embedded``.
    """
    key = document_key(document_id)
    pages = conn.execute(SERVED, key).fetchall()
    if not pages:
        return {}
    chunks: defaultdict[int, list[Row]] = defaultdict(list)
    bare: set[int] = set()
    for row in conn.execute(STORED, key):
        chunks[row["page_number"]].append(row)
        if bytes(row["embedded_hash"]) not in embedded:
            bare.add(row["page_number"])
    return {
        bytes(page["made_of"]): ServedPage(
            page["version"],
            page["page_number"],
            page["source"],
            page["leaves"],
            chunks[page["page_number"]],
        )
        for page in pages
        if page["page_number"] not in bare
    }


def take_over(
    conn: Connection[Row],
    document_id: DocumentId,
    version: int,
    pages: Sequence[tuple[ServedPage, int, str]],
) -> None:
    """Write pages of a version as copies of served ones.

    Args:
        conn: The caller's transaction.
        document_id: Whose pages.
        version: The new version.
        pages: The served page, the number it has in the new version, and its key there.

    Raises:
        NotFound: If the served version is gone, and its pages with it.
    """
    if not pages:
        return
    copied = conn.execute(
        TAKE_OVER,
        {
            **document_key(document_id, version),
            "served": pages[0][0].version,
            "old": as_array(page.number for page, _, _ in pages),
            "new": as_array(number for _, number, _ in pages),
            "keys": [key for _, _, key in pages],
            "contents": [content_of(key) for _, _, key in pages],
        },
    )
    if copied.rowcount != len(pages):
        raise NotFound("the document was deleted, or had a newer version, while it was read")
