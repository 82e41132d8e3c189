"""Labelled questions: our own lines, evaluation folders of passages, and BEIR's folders."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import InvalidInput
from ragqa.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer stands: a file, and a page of it and a passage there when they are known."""

    filename: str
    page: int | None = None
    span: Span | None = None
    """Code points of the page's text."""

    def holds(self, filename: str, page: int) -> bool:
        """Say whether a hit on that page of that file is right."""
        return self.filename == filename and self.page in {None, page}


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers and the places that are right."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a retrieval corpus; its id is the file it becomes."""

    id: str
    text: str
    title: str = ""


def read_questions(lines: Iterable[Mapping[str, Any]]) -> list[Question]:
    """Read question lines ``{id, question, answers, document, page, answerable}``.

    ``pages`` may list several right pages, ``span`` tells where on ``page`` the answer stands;
    without ``answerable`` a question is answerable.

    Raises:
        InvalidInput: If a line lacks a question, or its span is none; the message says which.
    """
    questions = []
    for number, line in enumerate(lines, start=1):
        if not isinstance(line.get("question"), str) or not line["question"].strip():
            raise InvalidInput(f"line {number} has no question: expected {{id, question, …}}")
        document = line.get("document")
        pages = line.get("pages") or [line.get("page")]
        span = _read_span(line, number)
        questions.append(
            Question(
                id=str(line.get("id", number)),
                text=line["question"],
                answers=tuple(line.get("answers") or ()),
                places=tuple(
                    Place(document, page, span if page == line.get("page") else None)
                    for page in pages
                )
                if document
                else (),
                answerable=bool(line.get("answerable", True)),
            )
        )
    return questions


def _read_span(line: Mapping[str, Any], number: int) -> Span | None:
    if line.get("span") is None:
        return None
    try:
        start, end = line["span"]
        return Span(start, end)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"line {number}: expected a span [start, end) of the page's text, got {line['span']!r}"
        ) from error


def read_passage_set(folder: Path, sets: Iterable[str]) -> tuple[list[Passage], list[Question]]:
    """Read passages and the questions about them from ``passages.jsonl`` and ``questions.jsonl``.

    Returns:
        The passages of all ``sets`` joined into one corpus, and their answerable questions; a
        question's places are its gold passages.
    """
    wanted = set(sets)
    passages = [
        Passage(line["id"], line["text"], line.get("title") or "")
        for line in read_lines(folder / "passages.jsonl")
        if line["set"] in wanted
    ]
    questions = [
        Question(
            id=line["id"],
            text=line["question"],
            answers=tuple(line["answers"]),
            places=tuple(Place(passage) for passage in line["passages"]),
        )
        for line in read_lines(folder / "questions.jsonl")
        if line["set"] in wanted and line["answerable"] and line["passages"]
    ]
    return passages, questions


def read_beir(folder: Path, split: str = "test") -> tuple[list[Passage], list[Question]]:
    """Read a BEIR folder: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<split>.tsv``.

    Source: Thakur et al., "BEIR: a heterogeneous benchmark for zero-shot evaluation of
    information retrieval models", 2021.
    """
    passages = [
        Passage(line["_id"], line["text"], line.get("title") or "")
        for line in read_lines(folder / "corpus.jsonl")
    ]
    right: dict[str, list[Place]] = {}
    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            if int(row["score"]) > 0:
                right.setdefault(row["query-id"], []).append(Place(row["corpus-id"]))
    questions = [
        Question(id=line["_id"], text=line["text"], places=tuple(right[line["_id"]]))
        for line in read_lines(folder / "queries.jsonl")
        if line["_id"] in right
    ]
    return passages, questions


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of JSON lines.

    Raises:
        InvalidInput: If a line is not JSON.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise InvalidInput(f"{path.name}, line {number}: not JSON ({error})") from error
