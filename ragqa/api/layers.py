"""Routes of how a document was read: each page's lot, its passages, its lines as recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query

from ragqa.api.access import Given
from ragqa.api.documents import parse_id
from ragqa.api.pages import PageNumber
from ragqa.shapes import boxes_to_json, correction_to_json
from ragqa.store import documents, recognition

if TYPE_CHECKING:
    from ragqa.store.recognition import PageLot

router = APIRouter(prefix="/documents/{document_id}/pages", tags=["pages"])

# A page that says nothing is worse than one read badly; most other notes are remarks.
DOUBTS = {
    "unreadable_page": 1.0,
    "ocr_missing": 1.0,
    "ocr_found_nothing": 1.0,
    "page_too_long": 0.5,
}
LEAST_DOUBT = 0.02


@router.get("")
def list_all(
    document_id: str,
    services: Given,
    order: Annotated[
        Literal["number", "worst"],
        Query(description="`worst`: first the pages that may be read wrongly."),
    ] = "number",
) -> dict[str, Any]:
    """List the pages that are served: where the text of each came from, and how sure it is."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        noted: dict[int, list[str]] = {}
        for notice in documents.find_document(conn, key).warnings:
            if notice.page is not None:
                noted.setdefault(notice.page, []).append(notice.code)
        lots = recognition.list_pages(conn, key)
    if order == "worst":
        lots.sort(key=lambda lot: (-_doubt(lot, noted), lot.number))
    return {
        "pages": [
            {
                "number": lot.number,
                "source": lot.source,
                "ocr_confidence": _share(lot.ocr_confidence),
                "characters": lot.characters,
                "warnings": noted.get(lot.number, []),
            }
            for lot in lots
        ]
    }


@router.get("/{number}/chunks")
def show_chunks(document_id: str, number: PageNumber, services: Given) -> dict[str, Any]:
    """Show which passages a page was cut into, and where they stand."""
    with services.database.transaction() as conn:
        pieces = recognition.list_pieces(conn, parse_id(document_id), number)
    return {
        "chunks": [
            {
                "chunk_id": str(piece.chunk_id),
                "span": [piece.span.start, piece.span.end],
                "kind": piece.kind,
                "headings": list(piece.headings),
                "boxes": boxes_to_json(piece.boxes),
            }
            for piece in pieces
        ]
    }


@router.get("/{number}/recognition")
def show_recognition(document_id: str, number: PageNumber, services: Given) -> dict[str, Any]:
    """Show why OCR read a page (null: it did not), and each line: what was read, and how sure.

    A line that somebody corrected has its `correction`; the page's text has that in its place.
    """
    with services.database.transaction() as conn:
        found = recognition.read_recognition(conn, parse_id(document_id), number)
    return {
        "source": found.source,
        "ocr_reason": found.ocr_reason or None,
        "lines": [
            {
                "text": line.text,
                "bbox": [round(float(edge), 2) for edge in line.bbox],
                "confidence": _share(line.confidence),
                "words": [{"text": word, "confidence": _share(sure)} for word, sure in line.words],
                "correction": line.correction and correction_to_json(line.correction),
            }
            for line in found.lines
        ],
    }


def _doubt(lot: PageLot, noted: dict[int, list[str]]) -> float:
    """Return how much there is to look at on a page; 0: nothing."""
    unsure = 1 - lot.ocr_confidence if lot.ocr_confidence is not None else 0.0
    return unsure + sum(DOUBTS.get(code, LEAST_DOUBT) for code in noted.get(lot.number, []))


def _share(share: float | None) -> float | None:
    return None if share is None else round(float(share), 4)
