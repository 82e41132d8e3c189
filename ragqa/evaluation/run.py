"""Ask labelled questions of a collection, and say how well it did."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ragqa.answering.answerer import Finished
from ragqa.errors import InvalidInput
from ragqa.evaluation.datasets import Question, read_questions
from ragqa.evaluation.metrics import MEASURES, estimate
from ragqa.evaluation.report import render_report
from ragqa.retrieval.folding import squeeze

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from ragqa.types import Answer, Filter, Hit

DEPTH = 10


class Asked(Protocol):
    """What is evaluated: something that retrieves and answers."""

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return hits, best first."""
        ...

    def ask(self, question: str, collection: str) -> Generator[Any, None, None]:
        """Yield events; the last one is ``Finished``."""
        ...


def evaluate_collection(
    services: Asked, collection: str, lines: Sequence[Mapping[str, Any]], *, answers: bool = False
) -> dict[str, Any]:
    """Measure retrieval, and answers if asked to, on question lines.

    Returns:
        ``metrics`` (name to mean), ``intervals`` (name to mean, 95 % interval and n), the
        ``questions`` one by one, and how long searching took.

    Raises:
        InvalidInput: If a line is no question, or there is none.
        NotFound: If there is no such collection.
    """
    questions = read_questions(lines)
    if not questions:
        raise InvalidInput("there are no questions: expected one JSON object a line")
    result = evaluate_retrieval(
        lambda text: services.retrieve(text, collection, limit=DEPTH), questions
    )
    result["collection"] = collection
    if answers:
        judged = [
            judge_answer(question, _last_answer(services, question.text, collection))
            for question in questions
        ]
        result["answers"] = judged
        add_means(result, judged)
    return result


def evaluate_retrieval(
    retrieve: Callable[[str], Sequence[Hit]], questions: Sequence[Question]
) -> dict[str, Any]:
    """Measure one way to retrieve on the questions that have a right place."""
    records = []
    for question in questions:
        if not (question.answerable and question.places):
            continue
        started = time.perf_counter()
        hits = retrieve(question.text)
        milliseconds = (time.perf_counter() - started) * 1000
        records.append({**judge_hits(question, hits), "milliseconds": milliseconds})
    result: dict[str, Any] = {"metrics": {}, "intervals": {}, "questions": records}
    add_means(result, [record["measures"] for record in records])
    times = [record["milliseconds"] for record in records]
    if times:
        result["milliseconds"] = {
            f"p{percent}": float(np.percentile(times, percent)) for percent in (50, 95, 99)
        }
    return result


def judge_hits(question: Question, hits: Sequence[Hit]) -> dict[str, Any]:
    """Measure one ranking.

    A hit is right when its file and page are the question's. Several hits on one page count
    once: recall is of places, not of chunks.
    """
    left = list(question.places)
    relevant, gains = [], []
    for hit in hits:
        here = [p for p in question.places if p.holds(hit.filename, hit.chunk.page_number)]
        fresh = [place for place in here if place in left]
        left = [place for place in left if place not in here]
        relevant.append(bool(here))
        gains.append(bool(fresh))
    total = len(question.places)
    measures = {
        name: measure(gains if name.startswith(("recall", "ndcg")) else relevant, total)
        for name, measure in MEASURES.items()
    }
    return {
        "id": question.id,
        "question": question.text,
        "expected": [asdict(place) for place in question.places],
        "found": [
            {
                "filename": hit.filename,
                "page": hit.chunk.page_number,
                "score": hit.score,
                "right": right,
                "text": hit.chunk.text[:300],
            }
            for hit, right in zip(hits, relevant, strict=True)
        ],
        "measures": measures,
    }


def judge_answer(question: Question, answer: Answer) -> dict[str, float]:
    """Measure one answer: refused or not as it should, containing the answer, citing its place."""
    measures = {"answered_rightly": float(answer.answered == question.answerable)}
    if not question.answerable:
        return measures
    said = squeeze(answer.text) if answer.answered else ""
    measures["contains_answer"] = float(
        any(squeeze(expected) in said for expected in question.answers)
    )
    measures["answer_f1"] = max((_f1(said, squeeze(e)) for e in question.answers), default=0.0)
    if question.places:
        measures["cites_place"] = float(
            any(p.holds(c.filename, c.page) for p in question.places for c in answer.citations)
        )
    return measures


def add_means(result: dict[str, Any], records: Sequence[Mapping[str, float]]) -> None:
    """Add mean and interval of every measure that the records have."""
    names = dict.fromkeys(name for record in records for name in record)
    for name in names:
        estimated = estimate([record[name] for record in records if name in record])
        result["metrics"][name] = round(estimated.mean, 4)
        result["intervals"][name] = asdict(estimated)


def write_report(result: Mapping[str, Any], path: Path) -> None:
    """Write one HTML page: the figures with their intervals, and every question that failed."""
    Path(path).write_text(render_report(result), "utf-8")


def _last_answer(services: Asked, question: str, collection: str) -> Answer:
    answer: Answer | None = None
    for event in services.ask(question, collection):
        if isinstance(event, Finished):
            answer = event.answer
    assert answer is not None, "asking ends with an answer or raises"
    return answer


def _f1(said: str, expected: str) -> float:
    """Return the overlap of the terms of two texts, as SQuAD measures it."""
    ours, right = _units(said), _units(expected)
    common = sum(min(ours.count(unit), right.count(unit)) for unit in set(ours))
    if not common:
        return 0.0
    precision, recall = common / len(ours), common / len(right)
    return 2 * precision * recall / (precision + recall)


def _units(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+|[^\W_]", text)
