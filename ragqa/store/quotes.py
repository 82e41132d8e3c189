"""Cutting quotes out of stored pages: the only place a quote ever comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragqa.errors import NotFound
from ragqa.store.pages import boxes_of, unpack_boxes

if TYPE_CHECKING:
    from ragqa.store.db import Database
    from ragqa.types import Box, Hit, Span

SELECT = """
SELECT substr(p.text, %(start)s + 1, %(length)s) AS quote, p.char_boxes
  FROM chunks c
  JOIN pages p USING (collection_id, document_id, version, page_number)
 WHERE c.collection_id = %(collection_id)s AND c.chunk_id = %(chunk_id)s
   AND c.span_start <= %(start)s AND c.span_end >= %(end)s
"""


class StoredQuotes:
    """Fills the ``QuoteCutter`` port from the pages in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        """Return the stored text of ``span`` (page coordinates, inside the hit) and its boxes.

        Raises:
            NotFound: If the passage was replaced or deleted since it was found.
        """
        with self._database.transaction() as conn:
            row = conn.execute(
                SELECT,
                {
                    "collection_id": hit.chunk_id.collection_id,
                    "chunk_id": hit.chunk_id.number,
                    "start": span.start,
                    "end": span.end,
                    "length": span.end - span.start,
                },
            ).fetchone()
        if row is None:
            raise NotFound(
                f"passage {hit.chunk_id} of {hit.filename} was replaced meanwhile: ask again",
                code="passage_replaced",
            )
        boxes = boxes_of(hit.chunk.page_number, unpack_boxes(row["char_boxes"]), span)
        return row["quote"], boxes
