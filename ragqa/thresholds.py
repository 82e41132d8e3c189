"""How sure must the evidence be for a collection to answer? Measured on questions, not guessed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.answering.answerer import Finished
from ragqa.answering.terms import language_of
from ragqa.errors import InvalidInput
from ragqa.evaluation.answers import contains, risk_coverage, spoken
from ragqa.evaluation.datasets import Place, Question
from ragqa.store.chunks import sample_chunks
from ragqa.store.collections import find_collection, set_answer_from
from ragqa.types import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.ports import Generator, Retriever
    from ragqa.types import Answer, Filter, Hit
    from ragqa.wiring import Services

LEAST = 20
"""Questions; fewer say nothing about a risk."""
_TOLD = {
    "zh": "写一个问题，答案在下面这段话里。只写问题。\n\n{}",
    "en": "Write one question that is answered by the passage below. Only the question.\n\n{}",
}


@dataclass(frozen=True, slots=True)
class Without:
    """A retriever that finds everything but one page: the question is then unanswerable."""

    retriever: Retriever
    place: Place

    def retrieve(
        self,
        question: str,
        collection: str | Sequence[str],
        *,
        limit: int,
        only: Filter | None = None,
    ) -> list[Hit]:
        """Return at most ``limit`` hits, best first, none of them on the page."""
        hits = self.retriever.retrieve(question, collection, limit=limit + 20, only=only)
        others = [hit for hit in hits if not self.place.holds(hit.filename, hit.chunk.page_number)]
        return others[:limit]


def calibrate_collection(
    services: Services,
    collection: str,
    questions: Sequence[Question] | None = None,
    *,
    risk: float = 0.1,
    size: int = 40,
    keep: bool = True,
) -> dict[str, Any]:
    """Find from which confidence on at most ``risk`` of the extractive answers are wrong.

    Args:
        services: With the generator that writes questions when none are given.
        collection: Its name.
        questions: Labelled ones. None: the generator writes one about each of ``size`` passages,
            and each is also asked without its page, where every answer is wrong.
        risk: Most wrong answers among those given, 0 to 1.
        size: Passages to write questions about.
        keep: Whether to write the threshold to the collection.

    Returns:
        ``threshold``, ``coverage`` and ``risk`` there, ``questions``, ``kept`` and the curve.

    Raises:
        NotFound: If there is no such collection.
        InvalidInput: If there are too few questions, or no threshold keeps the risk.
    """
    with services.database.transaction() as conn:
        found = find_collection(conn, collection)
    judged: list[tuple[float, bool]] = []
    if questions is None:
        for question in _write_questions(services, collection, size):
            judged.append(_judge(services, collection, question))
            judged.append(_judge(services, collection, question, without=True))
    else:
        judged = [_judge(services, collection, question) for question in questions]
    if len(judged) < LEAST:
        raise InvalidInput(
            f"{len(judged)} questions say nothing about a risk: give at least {LEAST}, or take in "
            "more documents"
        )
    points = risk_coverage([c for c, _ in judged], [r for _, r in judged], asked=len(judged))
    fine = [point for point in points if point["risk"] <= risk]
    if not fine:
        lowest = min(points, key=lambda point: point["risk"])
        raise InvalidInput(
            f"no threshold keeps the wrong answers at {risk:.0%}: the surest are "
            f"{lowest['risk']:.0%} wrong; ask for a higher --risk, or look at the documents with "
            "`ragqa evaluate`"
        )
    best = max(fine, key=lambda point: point["coverage"])
    if keep:
        with services.database.transaction() as conn:
            set_answer_from(conn, found.id, best["threshold"])
    return {**best, "questions": len(judged), "kept": keep, "risk_coverage": points}


def _judge(
    services: Services, collection: str, question: Question, *, without: bool = False
) -> tuple[float, bool]:
    """Return how sure the extractive answer is, and whether it is right."""
    with services.database.transaction() as conn:
        model = find_collection(conn, collection).embedding_model
    retriever = services.retriever(model)
    hidden = Without(retriever, question.places[0]) if without else None
    asked = services.answerer(model, use_llm=False, threshold=0.0, retriever=hidden)
    with closing(asked.ask(question.text, collection, use_llm=False)) as events:
        *_, last = events
    assert isinstance(last, Finished)
    right = question.answerable and not without and _is_right(question, last.answer)
    return last.answer.confidence or 0.0, right


def _is_right(question: Question, answer: Answer) -> bool:
    if question.answers:
        return contains(spoken(answer), question.answers)
    return any(
        place.holds(citation.filename, citation.page)
        for place in question.places
        for citation in answer.citations
    )


def _write_questions(services: Services, collection: str, size: int) -> list[Question]:
    with services.database.transaction() as conn:
        found = find_collection(conn, collection)
        samples = sample_chunks(conn, found.id, limit=4 * size)
    generator = services.plain_generator()
    questions: list[Question] = []
    for filename, page, text in samples:
        if len(questions) == size:
            break
        asked = _ask_for_question(generator, text)
        if asked:
            questions.append(Question(str(len(questions)), asked, (), (Place(filename, page),)))
    return questions


def _ask_for_question(generator: Generator, text: str) -> str:
    told = _TOLD[language_of(text)].format(text[:600])
    tokens = generator.generate([Message("user", told)], max_tokens=48, stop=("\n",))
    with closing(tokens):
        asked = "".join(token.text for token in tokens).strip()
    return asked if asked.endswith(("?", "？")) and 6 <= len(asked) <= 200 else ""
