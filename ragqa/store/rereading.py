"""Lines corrected, and everything that shows them made anew: rows and jobs in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import Conflict, NotFound
from ragqa.store import corrections, documents
from ragqa.store.documents import document_key
from ragqa.store.jobs import enqueue_version
from ragqa.store.recognition import read_recognition
from ragqa.types import DocumentId, Id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

    from ragqa.store.recognition import RecognizedLine
    from ragqa.types import CollectionId, Correction

    Row = dict[str, Any]

SHOWING = """
SELECT DISTINCT d.document_id
  FROM pages p JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                 = (p.collection_id, p.document_id, p.version)
 WHERE p.collection_id = %s AND p.content = %s
 ORDER BY d.document_id
"""

CORRECTED = """
SELECT p.page_number
  FROM pages p JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                 = (p.collection_id, p.document_id, p.version)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND EXISTS (SELECT FROM corrections c
                WHERE c.collection_id = p.collection_id AND c.content = p.content)
 ORDER BY p.page_number
"""

NEWEST = """
SELECT status, sha256, bytes, version FROM versions
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
 ORDER BY version DESC LIMIT 1 FOR UPDATE
"""

SERVED = """
SELECT v.sha256, v.bytes
  FROM versions v JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                    = (v.collection_id, v.document_id, v.version)
 WHERE v.collection_id = %(collection_id)s AND v.document_id = %(document_id)s
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a line is to say."""

    line: int
    """Number of the line on its page, from 0, as ``read_recognition`` lists them."""
    text: str
    before: str | None = None
    """What the caller saw there; refused when that has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class CorrectedLine:
    """A correction, and which line of which page it is about."""

    page: int
    line: int
    correction: Correction


def correct_lines(
    conn: Connection[Row],
    document_id: DocumentId,
    page_number: int,
    changes: Sequence[Change],
    *,
    by: str,
) -> None:
    """Correct lines of a page, and queue every document of the collection that shows the page.

    What is served stays served until the corrected version is ready. A line that is to say what was
    read loses its correction; one that says so already changes nothing.

    Raises:
        NotFound: If the document is not served, or has no such page or line.
        Conflict: If a line says something else than the caller saw.
        InvalidInput: If a text is longer than a line can be.
    """
    collection_id = document_id.collection_id
    corrections.hold_corrections(conn, collection_id)
    found = read_recognition(conn, document_id, page_number)
    changed = False
    for change in changes:
        line = _line(found.lines, change, page_number)
        text = corrections.line_of_text(change.text)
        if text == _says(line):
            continue
        changed = True
        place = line.correction.place if line.correction else line.bbox
        if text == line.text:
            corrections.remove_correction(conn, collection_id, found.content, place)
        else:
            corrections.write_correction(
                conn,
                collection_id,
                found.content,
                place=place,
                read_as=line.text,
                text=text,
                by=by,
            )
    if changed:
        _reread(conn, collection_id, found.content)


def undo_corrections(
    conn: Connection[Row], document_id: DocumentId, page_number: int, line: int | None = None
) -> None:
    """Take the correction of a line back, or of all lines of a page.

    Raises:
        NotFound: If the document is not served, or has no such page, or the line no correction.
    """
    corrections.hold_corrections(conn, document_id.collection_id)
    found = read_recognition(conn, document_id, page_number)
    undone = [
        one.correction
        for number, one in enumerate(found.lines)
        if one.correction is not None and line in (None, number)
    ]
    if line is not None and not undone:
        raise NotFound(
            f"line {line} of page {page_number} has no correction", code="correction_not_found"
        )
    for correction in undone:
        corrections.remove_correction(
            conn, document_id.collection_id, found.content, correction.place
        )
    if undone:
        _reread(conn, document_id.collection_id, found.content)


def list_corrections(conn: Connection[Row], document_id: DocumentId) -> list[CorrectedLine]:
    """Return the corrections of the pages that are served, in the order of the pages."""
    pages = conn.execute(CORRECTED, document_key(document_id)).fetchall()
    return [one for page in pages for one in _of_page(conn, document_id, page["page_number"])]


def _of_page(
    conn: Connection[Row], document_id: DocumentId, page_number: int
) -> Iterator[CorrectedLine]:
    found = read_recognition(conn, document_id, page_number)
    for number, line in enumerate(found.lines):
        if line.correction is not None:
            yield CorrectedLine(page_number, number, line.correction)


def _line(lines: Sequence[RecognizedLine], change: Change, page_number: int) -> RecognizedLine:
    if change.line >= len(lines):
        raise NotFound(
            f"page {page_number} has {len(lines)} lines, counted from 0: there is no line "
            f"{change.line}",
            code="line_not_found",
        )
    line = lines[change.line]
    if change.before is not None and change.before not in (_says(line), line.text):
        raise Conflict(
            f"line {change.line} says {_says(line)!r} now, not {change.before!r}: look again",
            code="line_changed",
        )
    return line


def _says(line: RecognizedLine) -> str:
    return line.text if line.correction is None else line.correction.text


def _reread(conn: Connection[Row], collection_id: CollectionId, content: str) -> None:
    """Queue a new version of every document that shows the page; its pages are kept as read."""
    for row in conn.execute(SHOWING, [collection_id, content]).fetchall():
        document_id = DocumentId(Id(collection_id, row["document_id"]))
        documents.lock_document(conn, document_id)
        newest = conn.execute(NEWEST, document_key(document_id)).fetchone()
        if newest is None or newest["status"] == "queued":
            continue  # whoever takes it up finds the correction
        if newest["status"] == "failed":  # what is served is what was looked at
            newest = conn.execute(SERVED, document_key(document_id)).fetchone()
        if newest is not None:
            version = documents.add_content(conn, document_id, newest["sha256"], newest["bytes"])
            enqueue_version(conn, document_id, version)
