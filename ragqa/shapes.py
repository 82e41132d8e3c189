"""The contract's JSON shapes of our nouns: for the API, the command line and receipts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ragqa.heads import heads_to_json
from ragqa.types import DocumentId, Filter, Id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ragqa.types import (
        Answer,
        Block,
        Box,
        Citation,
        Collection,
        Correction,
        Document,
        Hit,
        Notice,
        Page,
        Refusal,
        Sentence,
        TableCell,
        Version,
    )

    Json = dict[str, Any]


def collection_to_json(collection: Collection) -> Json:
    """Return the shape Collection."""
    return {
        "name": collection.name,
        "embedding_model": collection.embedding_model,
        "dimension": collection.dimension,
        "documents": collection.documents,
        "chunks": collection.chunks,
        "created_at": time_to_json(collection.created_at),
    }


def document_to_json(document: Document) -> Json:
    """Return the shape Document."""
    error = document.error
    return {
        "id": str(document.id),
        "collection": document.collection,
        "filename": document.filename,
        "sha256": document.sha256,
        "bytes": document.bytes,
        "status": document.status,
        "version": document.version,
        "pages": document.pages,
        "ocr_pages": document.ocr_pages,
        "tables": document.tables,
        "chunks": document.chunks,
        "error": {"code": error.code, "message": error.message} if error else None,
        "warnings": notices_to_json(document.warnings),
        "progress": {
            "stage": document.progress.stage,
            "done": document.progress.done,
            "total": document.progress.total,
            "rate": document.progress.rate,
            "seconds_left": _rounded(document.progress.seconds_left),
        },
        "created_at": time_to_json(document.created_at),
        "updated_at": time_to_json(document.updated_at),
        "metadata": dict(document.metadata),
    }


def notices_to_json(notices: Iterable[Notice]) -> list[Json]:
    """Return the shape of warnings."""
    return [{"page": n.page, "code": n.code, "message": n.message} for n in notices]


def correction_to_json(correction: Correction) -> Json:
    """Return a correction of a line."""
    return {
        "read_as": correction.read_as,
        "text": correction.text,
        "corrected_by": correction.by,
        "corrected_at": time_to_json(correction.at),
    }


def page_to_json(page: Page) -> Json:
    """Return the shape ParsedPage."""
    return {
        "number": page.number,
        "width": round(float(page.width), 2),
        "height": round(float(page.height), 2),
        "source": page.source,
        "ocr_confidence": None
        if page.ocr_confidence is None
        else round(float(page.ocr_confidence), 4),
        "text": page.text,
        "blocks": [block_to_json(block) for block in page.blocks],
    }


def block_to_json(block: Block) -> Json:
    """Return the shape Block."""
    return {
        "kind": block.kind,
        "bbox": [round(float(edge), 2) for edge in block.bbox],
        "text": block.text,
        "span": [block.span.start, block.span.end] if block.span else None,
        "rows": [list(row) for row in block.rows],
        "level": block.level,
        **ties_to_json(block),
        **heads_to_json(block),
    }


def ties_to_json(block: Block) -> Json:
    """Return what a block is tied to: a table, a figure, a paragraph of another page."""
    ties: Json = {}
    if block.of is not None:
        bbox = [round(float(edge), 2) for edge in block.of.bbox]
        ties["of"] = {"kind": block.of.kind, "number": block.of.number, "bbox": bbox}
    if block.goes_on:
        ties["goes_on"] = True
    if block.continues:
        ties["continues"] = True
    return ties


def hit_to_json(hit: Hit, rank: int) -> Json:
    """Return the shape Hit; ``rank`` counts from 1."""
    chunk = hit.chunk
    return {
        "rank": rank,
        "score": float(hit.score),
        "chunk_id": str(hit.chunk_id),
        "document_id": str(hit.document_id),
        "filename": hit.filename,
        "page": chunk.page_number,
        "span": [chunk.span.start, chunk.span.end],
        "text": chunk.text,
        "kind": chunk.kind,
        "source": hit.source,
        "ocr_confidence": hit.ocr_confidence,
        "headings": list(chunk.headings),
        "boxes": boxes_to_json(hit.boxes),
        "stages": [
            {"stage": stage, "rank": place, "score": float(score)}
            for stage, place, score in hit.stages
        ],
    }


def hits_to_json(hits: Iterable[Hit]) -> list[Json]:
    """Return hits with their ranks."""
    return [hit_to_json(hit, rank) for rank, hit in enumerate(hits, start=1)]


def boxes_to_json(boxes: Iterable[Box]) -> list[Json]:
    """Return the shape of boxes, in points."""
    return [
        {"page": box.page, "bbox": [round(float(edge), 2) for edge in box.bbox]} for box in boxes
    ]


def citation_to_json(citation: Citation) -> Json:
    """Return the shape Citation."""
    return {
        "marker": citation.marker,
        "chunk_id": str(citation.chunk_id),
        "document_id": str(citation.document_id),
        "filename": citation.filename,
        "page": citation.page,
        "span": [citation.span.start, citation.span.end],
        "quote": citation.quote,
        "boxes": boxes_to_json(citation.boxes),
        "cell": cell_to_json(citation.cell) if citation.cell else None,
    }


def cell_to_json(cell: TableCell) -> Json:
    """Return the shape of a cited cell of a table."""
    return {
        "text": cell.text,
        "row": cell.row,
        "column": cell.column,
        "boxes": boxes_to_json(cell.boxes),
    }


def sentence_to_json(sentence: Sentence) -> Json:
    """Return the shape of a sentence."""
    return {
        "text": sentence.text,
        "markers": list(sentence.markers),
        "supported": sentence.supported,
        "reasons": list(sentence.reasons),
    }


def refusal_to_json(refusal: Refusal) -> Json:
    """Return the shape of a refusal."""
    return {
        "reason": refusal.reason,
        "message": refusal.message,
        "nearest": hits_to_json(refusal.nearest),
        "unread": refusal.unread,
    }


def filter_to_json(only: Filter) -> Json:
    """Return a filter as ``filter_from_json`` reads it."""
    return {
        "documents": [str(document) for document in only.documents],
        "pages": list(only.pages) if only.pages else None,
        "kind": only.kind,
        "metadata": dict(only.metadata),
        "since": time_to_json(only.since) if only.since else None,
        "until": time_to_json(only.until) if only.until else None,
    }


def filter_from_json(record: Json) -> Filter:
    """Return the filter that was kept with an answer."""
    since, until = record["since"], record["until"]
    return Filter(
        documents=tuple(DocumentId(Id.parse(text, "document")) for text in record["documents"]),
        pages=(record["pages"][0], record["pages"][1]) if record["pages"] else None,
        kind=record["kind"],
        metadata=tuple(record["metadata"].items()),
        since=dt.datetime.fromisoformat(since) if since else None,
        until=dt.datetime.fromisoformat(until) if until else None,
    )


def answer_to_json(answer: Answer) -> Json:
    """Return the shape Answer."""
    timings, usage, models = answer.timings, answer.usage, answer.models
    return {
        "id": str(answer.id) if answer.id else None,
        "question": answer.question,
        "standalone_question": answer.standalone_question,
        "conversation_id": answer.conversation_id,
        "collection": answer.collection,
        "answered": answer.answered,
        "confidence": None if answer.confidence is None else round(answer.confidence, 4),
        "text": answer.text,
        "refusal": refusal_to_json(answer.refusal) if answer.refusal else None,
        "citations": [citation_to_json(citation) for citation in answer.citations],
        "sentences": [sentence_to_json(sentence) for sentence in answer.sentences],
        "hits": hits_to_json(answer.hits),
        "timings_ms": {
            "retrieve": round(timings.retrieve, 1),
            "first_token": None if timings.first_token is None else round(timings.first_token, 1),
            "total": round(timings.total, 1),
        },
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
        },
        "models": {
            "embedding": models.embedding,
            "reranker": models.reranker,
            "generator": models.generator,
        },
    }


def version_to_json(version: Version) -> Json:
    """Return one kept version of a document."""
    return {
        "version": version.version,
        "sha256": version.sha256,
        "bytes": version.bytes,
        "status": version.status,
        "pages": version.pages,
        "served": version.served,
        "created_at": time_to_json(version.created_at),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def time_to_json(moment: dt.datetime) -> str:
    """Return RFC 3339 in UTC, to the millisecond."""
    utc = moment.astimezone(dt.UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
