"""Stored pages: what was read, where each character stands, and the boxes of a quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib as zlib
from psycopg.types.json import Jsonb

from ragqa.errors import NotFound
from ragqa.shapes import block_to_json
from ragqa.store.corrections import content_of
from ragqa.store.documents import find_document
from ragqa.types import BBox, Block, Box, Captioned, CellSpan, DocumentId, Page, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.types import BlockKind

    Row = dict[str, Any]

INSERT = """
INSERT INTO pages (collection_id, document_id, version, page_number, page_key, content, width,
                   height, source, ocr_confidence, text, blocks, char_boxes, made_of, leaves)
VALUES (%(collection_id)s, %(document_id)s, %(version)s, %(page_number)s, %(page_key)s,
        %(content)s, %(width)s, %(height)s, %(source)s, %(ocr_confidence)s, %(text)s, %(blocks)s,
        %(char_boxes)s, %(made_of)s, %(leaves)s)
"""

SELECT = """
SELECT p.* FROM pages p
  JOIN documents d USING (collection_id, document_id)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND p.page_number = %(page_number)s AND p.version = d.current_version
"""


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page to be stored."""

    key: str
    """Tells what it shows and how it was read."""
    page: Page
    made_of: bytes | None = None
    """Told by all that the page and its chunks are made of; None: it cannot be taken over."""
    leaves: Mapping[str, Any] | None = None
    """What whoever takes it over must know."""


def insert_pages(
    conn: Connection[Row], document_id: DocumentId, version: int, pages: Iterable[NewPage]
) -> None:
    """Write pages of a version."""
    with conn.cursor() as cursor:
        cursor.executemany(
            INSERT,
            (
                {
                    "collection_id": document_id.collection_id,
                    "document_id": document_id.number,
                    "version": version,
                    "page_number": page.number,
                    "page_key": new.key,
                    "content": content_of(new.key),
                    "width": page.width,
                    "height": page.height,
                    "source": page.source,
                    "ocr_confidence": page.ocr_confidence,
                    "text": page.text,
                    "blocks": Jsonb([block_to_json(block) for block in page.blocks]),
                    "char_boxes": pack_boxes(page.char_boxes),
                    "made_of": new.made_of,
                    "leaves": new.leaves and Jsonb(new.leaves),
                }
                for new in pages
                for page in (new.page,)
            ),
        )


def read_page(conn: Connection[Row], document_id: DocumentId, page_number: int) -> Page:
    """Return a page of the version that is served.

    Raises:
        NotFound: If the document is not served or has no such page.
    """
    row = conn.execute(
        SELECT,
        {
            "collection_id": document_id.collection_id,
            "document_id": document_id.number,
            "page_number": page_number,
        },
    ).fetchone()
    if row is None:
        raise no_page(conn, document_id, page_number)
    return page_from_row(row)


def no_page(conn: Connection[Row], document_id: DocumentId, page_number: int) -> NotFound:
    """Return what to raise when a document has no such page now.

    Raises:
        NotFound: If it is the document that does not exist.
    """
    document = find_document(conn, document_id)
    has = f"it has {document.pages} pages" if document.pages else f"it is {document.status}"
    return NotFound(
        f"document {document_id} has no page {page_number} that can be read now: {has}",
        code="page_not_found",
    )


def page_from_row(row: Mapping[str, Any]) -> Page:
    """Build a page from a row of ``pages``."""
    return Page(
        number=row["page_number"],
        width=row["width"],
        height=row["height"],
        source=row["source"],
        text=row["text"],
        char_boxes=unpack_boxes(row["char_boxes"]),
        blocks=tuple(block_from_json(block) for block in row["blocks"]),
        ocr_confidence=row["ocr_confidence"],
    )


def block_from_json(record: Mapping[str, Any]) -> Block:
    """Read what ``block_to_json`` wrote."""
    kind: BlockKind = record["kind"]
    of = record.get("of")
    return Block(
        kind=kind,
        bbox=BBox(*record["bbox"]),
        text=record["text"],
        span=Span(*record["span"]) if record["span"] else None,
        rows=tuple(tuple(row) for row in record["rows"]),
        level=record.get("level"),
        of=Captioned(of["kind"], BBox(*of["bbox"]), of["number"]) if of else None,
        goes_on=record.get("goes_on", False),
        continues=record.get("continues", False),
        spans=tuple(CellSpan(*span) for span in record.get("spans", ())),
    )


def pack_boxes(boxes: NDArray[np.float32]) -> bytes:
    """Compress boxes of shape ``(characters, 4)``; columns first, they compress better."""
    return zlib.compress(np.ascontiguousarray(boxes.T, dtype="<f4").tobytes(), 1)


def unpack_boxes(packed: bytes) -> NDArray[np.float32]:
    """Return boxes of shape ``(characters, 4)``."""
    return look_at_boxes(packed).astype(np.float32)


def look_at_boxes(packed: bytes) -> NDArray[np.float32]:
    """Return the same boxes, not to be written to: of a whole page few are needed for a hit."""
    return np.frombuffer(zlib.decompress(packed), "<f4").reshape(4, -1).T


def boxes_of(page_number: int, char_boxes: NDArray[np.float32], span: Span) -> tuple[Box, ...]:
    """Return one box for each line that the characters of ``span`` stand on, in reading order.

    Characters without ink (separators) have no box. A new line begins where a character does not
    overlap the line so far by half of its height, or goes back to the left of where the line is.
    """
    return boxes_of_pieces([(page_number, char_boxes[span.start : span.end])])[0]


def boxes_of_pieces(pieces: Sequence[tuple[int, NDArray[np.float32]]]) -> list[tuple[Box, ...]]:
    """Return the same for pieces of pages, each its page and the boxes of its characters."""
    if not pieces:
        return []
    boxes = np.concatenate([chars for _, chars in pieces]).astype(np.float64)
    owners = np.repeat(np.arange(len(pieces)), [len(chars) for _, chars in pieces])
    inked = ~np.isnan(boxes[:, 0])
    boxes, owners = boxes[inked], owners[inked]
    lines: list[list[Box]] = [[] for _ in pieces]
    if len(boxes):
        goes_on = _continues(boxes[:-1], boxes[1:]) & (owners[:-1] == owners[1:])
        starts = np.flatnonzero(np.concatenate(([True], ~goes_on)))
        low = np.minimum.reduceat(boxes[:, :2], starts)
        high = np.maximum.reduceat(boxes[:, 2:], starts)
        for owner, line in zip(
            owners[starts].tolist(), np.hstack((low, high)).tolist(), strict=True
        ):
            lines[owner].append(Box(pieces[owner][0], BBox(*line)))
    return [tuple(of_piece) for of_piece in lines]


def _continues(last: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say for each pair of boxes, shape ``(n, 4)`` each, whether they stand on one line."""
    heights, last_heights = box[:, 3] - box[:, 1], last[:, 3] - last[:, 1]
    overlap = np.minimum(last[:, 3], box[:, 3]) - np.maximum(last[:, 1], box[:, 1])
    height = np.maximum(np.minimum(last_heights, heights), 0.01)
    wide = np.maximum(last_heights, heights)
    gap = box[:, 0] - last[:, 2]
    one_line: NDArray[np.bool_] = (overlap >= height / 2) & (-wide / 2 <= gap) & (gap <= 4 * wide)
    return one_line
