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
from ragqa.store.reads import SUPERSEDED
from ragqa.types import Chunk, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from psycopg import Connection

    from ragqa.store.moves import Analyzed
    from ragqa.types import DocumentId, PageSource

    Row = dict[str, Any]

SERVED = """
SELECT p.version, p.page_number, p.made_of, p.leaves, p.source
  FROM pages p JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                 = (p.collection_id, p.document_id, p.version)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND p.made_of IS NOT NULL
"""

ANALYZED_BY = """
SELECT FROM versions v JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                         = (v.collection_id, v.document_id, v.version)
 WHERE v.collection_id = %(collection_id)s AND v.document_id = %(document_id)s
   AND v.analyzed_by = %(analyzed_by)s
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


@dataclass(frozen=True, slots=True)
class Served:
    """What of the version that is served may be of use to the next one."""

    pages: Mapping[bytes, ServedPage]
    """The pages that can be taken over, by what they were made of."""
    analyzed: Analyzed


def read_served(
    conn: Connection[Row], document_id: DocumentId, embedded: Set[bytes], analyzed_by: str
) -> Served:
    """Read what may be taken over of a document.

    Args:
        conn: The caller's transaction.
        document_id: Which document.
        embedded: Hashes of the texts that have vectors of the model.
        analyzed_by: By what terms are found now; those that something else found are left out.
    """
    key = document_key(document_id)
    analyzed: Analyzed = {}
    chunks: defaultdict[int, list[Row]] = defaultdict(list)
    bare: set[int] = set()
    same = conn.execute(ANALYZED_BY, {**key, "analyzed_by": analyzed_by}).fetchone() is not None
    for row in conn.execute(STORED, key):
        number, hash_ = row["page_number"], bytes(row["embedded_hash"])
        chunks[number].append(row)
        if hash_ not in embedded:
            bare.add(number)
        if same:
            analyzed[hash_] = tuple(row["headings"]), bytes(row["bag"])
    pages = {
        bytes(page["made_of"]): ServedPage(
            page["version"], number, page["source"], page["leaves"], chunks[number]
        )
        for page in conn.execute(SERVED, key)
        if (number := page["page_number"]) not in bare
    }
    return Served(pages, analyzed)


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
        raise NotFound(SUPERSEDED)
