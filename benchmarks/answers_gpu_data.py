"""Questions with their passages, as ``benchmarks/answers_gpu_record.py`` wrote them.

Reading them needs neither a database nor the documents: a machine lent for its GPU has neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.types import (
    BBox,
    Box,
    Chunk,
    ChunkId,
    CollectionId,
    DocumentId,
    Hit,
    Id,
    Message,
    Span,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its passages, and the prompt that was written for it."""

    id: str
    question: str
    answers: tuple[str, ...]
    hits: tuple[Hit, ...]
    more: tuple[str, ...]
    """Passages that were found behind the hits."""
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """A long prompt, and one with another question about the same passages."""

    messages: tuple[Message, ...]
    follow_up: tuple[Message, ...]


class Recorded:
    """The retriever and the quotes of recorded questions: fills both ports without a database."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self._hits = {one.question: list(one.hits) for one in asked}

    def retrieve(self, question: str, collection: str, **given: Any) -> list[Hit]:
        """Return what was found for that question."""
        del collection
        return self._hits[question][: given["limit"]]

    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        """Return the passage's text inside ``span``."""
        start = hit.chunk.span.start
        text = Span(span.start - start, span.end - start).of(hit.chunk.text)
        return text, (Box(hit.chunk.page_number, BBox(0, 0, 1, 1)),)


def read_recorded(path: Path) -> tuple[list[Asked], list[Timed]]:
    """Return what was recorded: the questions, and the long prompts to be timed."""
    asked, timed = [], []
    for line in map(json.loads, path.read_text("utf-8").splitlines()):
        messages = _messages(line["messages"])
        if "follow_up" in line:
            timed.append(Timed(messages, _messages(line["follow_up"])))
            continue
        asked.append(
            Asked(
                line["id"],
                line["question"],
                tuple(line["answers"]),
                tuple(map(_hit, line["hits"])),
                tuple(line["more"]),
                messages,
            )
        )
    return asked, timed


def _messages(told: Sequence[dict[str, Any]]) -> tuple[Message, ...]:
    return tuple(Message(**one) for one in told)


def _hit(told: dict[str, Any]) -> Hit:
    chunk = told["chunk"]
    return Hit(
        ChunkId(_id(told["chunk_id"])),
        DocumentId(_id(told["document_id"])),
        told["filename"],
        Chunk(
            chunk["page_number"],
            Span(**chunk["span"]),
            chunk["text"],
            chunk["kind"],
            tuple(chunk["headings"]),
            chunk["before"],
            chunk["after"],
        ),
        told["source"],
        told["score"],
        ocr_confidence=told["ocr_confidence"],
        stages=tuple((name, rank, score) for name, rank, score in told["stages"]),
    )


def _id(told: dict[str, int]) -> Id:
    return Id(CollectionId(told["collection_id"]), told["number"])
