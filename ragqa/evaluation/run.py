"""Ask labelled questions of a collection, and say how well it did."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ragqa.answering.answerer import Evidence, Finished
from ragqa.errors import InvalidInput
from ragqa.evaluation.answers import contains, curve_of, judge_answer, judged_to_json
from ragqa.evaluation.datasets import Place, Question, read_questions
from ragqa.evaluation.metrics import MEASURES, compare, estimate
from ragqa.evaluation.report import render_report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from ragqa.types import Answer, Filter, Hit

DEPTH = 10
PASSAGE = "passage_"


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
        ``questions`` one by one, and how long searching took; with ``answers`` also the answers
        one by one and ``risk_coverage``, the curve of answering only the surest.

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
        judged = []
        for question in questions:
            first, last = ask_for_answers(services, question.text, collection)
            judged.append(judged_to_json(question, last, judge_answer(question, last, first)))
        result["answers"] = judged
        result["risk_coverage"] = curve_of(judged)
        add_means(result, [one["measures"] for one in judged])
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
    once: recall is of places, not of chunks. Measures whose names begin with ``passage`` ask for
    more: the hit itself must reach into the question's span or, where it has none, hold one of its
    answers word for word; a question with neither has none of these measures.
    """
    found = [
        [p for p in question.places if p.holds(hit.filename, hit.chunk.page_number)] for hit in hits
    ]
    relevant = [bool(here) for here in found]
    measures = _measure(found, len(question.places))
    if question.answers or any(place.span for place in question.places):
        passages = [
            [place for place in here if _is_passage(question, place, hit)]
            for hit, here in zip(hits, found, strict=True)
        ]
        close = _measure(passages, len(question.places))
        measures |= {f"{PASSAGE}{name}": value for name, value in close.items()}
    return {
        "id": question.id,
        "question": question.text,
        "expected": [_place_to_json(place) for place in question.places],
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


def _measure(found: Sequence[Sequence[Place]], total: int) -> dict[str, float]:
    """Measure a ranking, given as the places that each hit is right about."""
    left: set[Place] = {place for here in found for place in here}
    gains = []
    for here in found:
        gains.append(bool(left & set(here)))
        left -= set(here)
    relevant = [bool(here) for here in found]
    return {
        name: measure(gains if name.startswith(("recall", "ndcg")) else relevant, total)
        for name, measure in MEASURES.items()
    }


def _is_passage(question: Question, place: Place, hit: Hit) -> bool:
    if place.span is None:
        return contains(hit.chunk.text, question.answers)
    return hit.chunk.span.start < place.span.end and place.span.start < hit.chunk.span.end


def _place_to_json(place: Place) -> dict[str, Any]:
    return {"filename": place.filename, "page": place.page}


def add_means(result: dict[str, Any], records: Sequence[Mapping[str, float]]) -> None:
    """Add mean and interval of every measure that the records have."""
    names = dict.fromkeys(name for record in records for name in record)
    for name in names:
        estimated = estimate([record[name] for record in records if name in record])
        result["metrics"][name] = round(estimated.mean, 4)
        result["intervals"][name] = asdict(estimated)


def set_against(result: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Add how a result differs from what another configuration gave on the same questions.

    ``against`` has for every measure of retrieval both means, how many questions did better and
    worse than before, and the p-value of a difference as great by chance; each question gets
    ``found_before``.

    Raises:
        InvalidInput: If ``other`` is no evaluation, or one of other questions.
    """
    try:
        before = {question["id"]: question for question in other["questions"]}
        texts = {key: question["question"] for key, question in before.items()}
    except (KeyError, TypeError) as error:
        raise InvalidInput("that is not what `ragqa evaluate --json` prints") from error
    if texts != {question["id"]: question["question"] for question in result["questions"]}:
        raise InvalidInput("the two evaluations did not ask the same questions")
    result["against"] = {}
    for name in (*MEASURES, *(f"{PASSAGE}{name}" for name in MEASURES)):
        both = [
            (question["measures"], before[question["id"]]["measures"])
            for question in result["questions"]
        ]
        ours = [new[name] for new, old in both if name in new and name in old]
        theirs = [old[name] for new, old in both if name in new and name in old]
        if not ours and name not in MEASURES:
            continue
        pairs = list(zip(ours, theirs, strict=True))
        result["against"][name] = {
            "mean": float(np.mean(ours)) if ours else 0.0,
            "before": float(np.mean(theirs)) if theirs else 0.0,
            "better": sum(new > old for new, old in pairs),
            "worse": sum(new < old for new, old in pairs),
            "p": compare(ours, theirs),
        }
    for question in result["questions"]:
        question["found_before"] = before[question["id"]]["found"]


def write_report(result: Mapping[str, Any], path: Path) -> None:
    """Write one HTML page: the figures with their intervals, and every question that failed."""
    Path(path).write_text(render_report(result), "utf-8")


def ask_for_answers(
    services: Asked, question: str, collection: str
) -> tuple[Answer | None, Answer]:
    """Return the extractive answer that came first, if any, and the one that came last."""
    first: Answer | None = None
    last: Answer | None = None
    for event in services.ask(question, collection):
        if isinstance(event, Evidence):
            first = event.answer
        elif isinstance(event, Finished):
            last = event.answer
    assert last is not None, "asking ends with an answer or raises"
    return first, last
