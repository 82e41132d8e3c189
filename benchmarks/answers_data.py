"""Questions, passages and an in-memory BM25 retriever for the benchmarks of answering.

The data folder is named by ``RAGQA_EVAL_DATA``.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import random
import re
import string
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.answering.sentences import split_sentences
from ragqa.answering.terms import question_terms, terms
from ragqa.retrieval.folding import fold
from ragqa.types import (
    BBox,
    Box,
    Chunk,
    ChunkId,
    CollectionId,
    DocumentId,
    Filter,
    Hit,
    Id,
    Span,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATA = Path(os.environ.get("RAGQA_EVAL_DATA", "data"))


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the evaluation data."""

    id: str
    set: str
    language: str
    question: str
    answers: tuple[str, ...]
    answerable: bool
    kind: str
    pages: tuple[tuple[str, int], ...]
    passages: tuple[str, ...]
    raw: dict[str, Any]


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a jsonl file of the data folder."""
    with (DATA / name).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


class Records:
    """What was asked already, kept in a file if one is named, by kind and question."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        read = path.read_text("utf-8").splitlines() if path and path.exists() else []
        self._known = {(row["kind"], row["id"]): row for row in map(json.loads, read)}

    def get(self, kind: str, question: Question) -> dict[str, Any] | None:
        """Return what came of a question, if it was asked."""
        return self._known.get((kind, question.id))

    def add(self, row: dict[str, Any]) -> dict[str, Any]:
        """Keep what came of a question, and return it."""
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return row


def questions(wanted: str) -> list[Question]:
    """Return the questions of one set."""
    found = []
    for raw in lines("questions.jsonl"):
        if raw["set"] != wanted:
            continue
        pages = raw.get("pages") or ([raw["page"]] if raw.get("page") else [])
        found.append(
            Question(
                raw["id"],
                raw["set"],
                raw["language"],
                raw["question"],
                tuple(raw["answers"]),
                raw["answerable"],
                raw["kind"],
                tuple((raw["document"], page) for page in pages),
                tuple(raw.get("passages") or ()),
                raw,
            )
        )
    return found


@cache
def typeset_passages() -> frozenset[str]:
    """Return the passages that the typeset and scanned PDFs of qa-pdf were made of."""
    return frozenset(passage for q in questions("qa-pdf") for passage in q.passages)


def questions_to_fit(wanted: str) -> list[Question]:
    """Return the questions of one set that qa-pdf does not ask, about passages it does not show."""
    taken = {q.question for q in questions("qa-pdf")}
    return [
        q
        for q in questions(wanted)
        if q.question not in taken
        and q.passages
        and q.passages[0] not in typeset_passages()
        and q.kind != "gold_withheld"
    ]


def sample(items: Sequence[Question], size: int, seed: int = 7) -> list[Question]:
    """Return ``size`` of ``items``, the same ones every time."""
    shuffled = list(items)
    random.Random(seed).shuffle(shuffled)
    return shuffled[:size]


def cut_page(text: str) -> list[Span]:
    """Cut a page into chunks of whole sentences, about 300 Chinese or 700 other characters."""
    chunks: list[Span] = []
    start: int | None = None
    previous = 0
    for span in split_sentences(text):
        limit = 300 if sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 4 else 700
        if start is not None and span.end - start > limit:
            chunks.append(Span(start, previous))
            start = None
        start = span.start if start is None else start
        previous = span.end
    if start is not None:
        chunks.append(Span(start, previous))
    return chunks


class MemoryRetriever:
    """BM25 over chunks in memory; also cuts quotes. Fills the ports of answering."""

    def __init__(self, pages: Sequence[tuple[str, int, str]], *, whole: bool = False) -> None:
        self.hits: list[Hit] = []
        self.pages = {(name, number): text for name, number, text in pages}
        names = {name: n for n, name in enumerate(dict.fromkeys(p[0] for p in pages), 1)}
        for name, number, text in pages:
            if not text.strip():
                continue
            for span in [Span(0, len(text))] if whole else cut_page(text):
                self.hits.append(
                    Hit(
                        ChunkId(Id(CollectionId(1), len(self.hits) + 1)),
                        DocumentId(Id(CollectionId(1), names[name])),
                        name,
                        Chunk(number, span, span.of(text)),
                        "text",
                        0.0,
                    )
                )
        self.lengths = []
        self.postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, hit in enumerate(self.hits):
            bag = Counter(terms(hit.chunk.text))
            self.lengths.append(sum(bag.values()))
            for term, count in bag.items():
                self.postings[term].append((number, count))
        self.average = sum(self.lengths) / max(1, len(self.lengths))

    def retrieve(
        self,
        question: str,
        collection: str,
        *,
        limit: int,
        only: Filter | None = None,
        hidden: frozenset[str] = frozenset(),
    ) -> list[Hit]:
        """Return the best chunks by BM25 (k1 1.2, b 0.75)."""
        del collection, only
        scores: dict[int, float] = defaultdict(float)
        for term in question_terms(question):
            postings = self.postings.get(term, ())
            idf = math.log(1 + (len(self.hits) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, count in postings:
                norm = 1.2 * (0.25 + 0.75 * self.lengths[number] / self.average)
                scores[number] += idf * count * 2.2 / (count + norm)
        best = sorted(scores, key=lambda number: -scores[number])
        found = [
            dataclasses.replace(self.hits[number], score=scores[number])
            for number in best
            if self.hits[number].filename not in hidden
        ]
        return found[:limit]

    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        """Return the page's text inside ``span``."""
        text = self.pages[hit.filename, hit.chunk.page_number]
        return span.of(text), (Box(hit.chunk.page_number, BBox(0, 0, 1, 1)),)


def qa_pdf_pages(*, scanned: bool = False) -> list[tuple[str, int, str]]:
    """Return (document, page number, text) of the typeset question-answering PDFs."""
    pages = []
    for document in lines("documents.jsonl"):
        if document["set"] != "qa-pdf" or (document["kind"] == "scanned") != scanned:
            continue
        pages.extend(
            (document["id"], page["page"], page["text"]) for page in lines(document["text_gt"])
        )
    return pages


def passages(*sets: str) -> list[tuple[str, int, str]]:
    """Return (passage id, 1, text) of passage-level sets."""
    return [(p["id"], 1, p["text"]) for p in lines("passages.jsonl") if p["set"] in sets]


_PUNCTUATION = re.compile(
    rf"[{re.escape(string.punctuation)}，。、；：？！“”‘’（）《》〈〉「」『』【】…—·\s]+"
)


def squeeze(text: str) -> str:
    """Return ``text`` folded and without punctuation and white space."""
    return _PUNCTUATION.sub("", fold(text))


def contains(text: str, answers: Sequence[str]) -> bool:
    """Say whether any of ``answers`` stands in ``text``."""
    given = squeeze(text)
    return any(squeeze(answer) in given for answer in answers if squeeze(answer))


def units(text: str) -> list[str]:
    """Return the units F1 counts: Chinese characters, other words."""
    return re.findall(r"[\u3400-\u9fff]|[a-z0-9]+", re.sub(r"\b(a|an|the)\b", " ", fold(text)))


def is_kept_back(passage: str) -> bool:
    """Say whether the reader of short answers is measured on a passage instead of fitted on it."""
    return zlib.crc32(passage.encode()) % 10 == 0


def f1(text: str, answers: Sequence[str]) -> float:
    """Return the best F1 of ``text`` against ``answers``."""
    given = Counter(units(text))
    best = 0.0
    for answer in answers:
        gold = Counter(units(answer))
        common = sum((given & gold).values())
        if common:
            precision, recall = common / sum(given.values()), common / sum(gold.values())
            best = max(best, 2 * precision * recall / (precision + recall))
    return best
