"""How good answers are: right, narrow, cited where they stand, refused where there is none."""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from ragqa.answering.citations import MARKER
from ragqa.answering.mentions import find_mentions, missing_dates, missing_numbers
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ragqa.evaluation.datasets import Question
    from ragqa.types import Answer

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_UNITS = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W_\u2e80-\u9fff\uf900-\ufaff]+")
MOST_SHOWN = 300


def judge_answer(
    question: Question, answer: Answer, extractive: Answer | None = None
) -> dict[str, float]:
    """Measure one answer; a measure that a question has nothing for is left out.

    Args:
        question: With the answers that are right and the places where they stand.
        answer: What was said in the end.
        extractive: What was said first, in the documents' own words.
    """
    measures = {"answered_rightly": float(answer.answered == question.answerable)}
    measures["seconds"] = answer.timings.total / 1000
    measures["prompt_tokens"] = float(answer.usage.prompt_tokens)
    measures["completion_tokens"] = float(answer.usage.completion_tokens)
    if extractive is not None:
        measures["evidence_seconds"] = extractive.timings.total / 1000
    if not answer.answered:
        measures["refusal_precision"] = float(not question.answerable)
    if not question.answerable:
        return measures | {"refusal_recall": float(not answer.answered)}
    said = spoken(answer)
    measures["contains_answer"] = float(contains(said, question.answers))
    measures["exact_match"] = float(any(units(said) == units(gold) for gold in question.answers))
    measures["answer_f1"] = overlap(said, question.answers)
    if extractive is not None:
        measures["extractive_contains"] = float(contains(spoken(extractive), question.answers))
    numeric = [gold for gold in question.answers if find_mentions(gold).numbers]
    if numeric:
        measures["number_exact"] = float(any(_has_numbers(said, gold) for gold in numeric))
    if question.places:
        cited = {(citation.filename, citation.page) for citation in answer.citations}
        right = [any(place.holds(*there) for place in question.places) for there in cited]
        if cited:
            measures["citation_precision"] = sum(right) / len(right)
        found = [any(place.holds(*there) for there in cited) for place in question.places]
        measures["citation_recall"] = sum(found) / len(found)
        measures["cites_place"] = float(any(right))
    return measures


def spoken(answer: Answer) -> str:
    """Return an answer's text without markers; nothing for a refusal."""
    return MARKER.sub("", answer.text) if answer.answered else ""


def contains(said: str, answers: Sequence[str]) -> bool:
    """Say whether one of ``answers`` stands in a text; case, width and punctuation aside."""
    flat = "".join(_letters(said))
    return any(gold in flat for gold in ("".join(_letters(answer)) for answer in answers) if gold)


def overlap(said: str, answers: Sequence[str]) -> float:
    """Return the best F1 of a text against ``answers``: of characters in Chinese, else of words.

    Source: Rajpurkar et al., "SQuAD: 100,000+ questions for machine comprehension of text", 2016;
    characters: Cui et al., "A span-extraction dataset for Chinese machine reading
    comprehension", 2019.
    """
    ours = Counter(units(said))
    best = 0.0
    for answer in answers:
        right = Counter(units(answer))
        common = sum((ours & right).values())
        if common:
            best = max(best, 2 * common / (sum(ours.values()) + sum(right.values())))
    return best


def units(text: str) -> list[str]:
    """Return what F1 counts: each Chinese character, every other word; English articles aside."""
    return _UNITS.findall(_ARTICLES.sub(" ", fold(text)))


def risk_coverage(
    confidences: Sequence[float | None], right: Sequence[bool], *, asked: int
) -> list[dict[str, float]]:
    """Return the curve of answering only the surest questions, surest first.

    Args:
        confidences: Of the questions that were answered; None counts as least sure.
        right: Whether each was answered right.
        asked: All questions, refused ones included.

    Returns:
        Points ``{threshold, coverage, risk}``: the share of questions answered when only those at
        least so sure are, and the share of these that is wrong.

    Source: El-Yaniv and Wiener, "On the foundations of noise-free selective classification", 2010.
    """
    ordered = sorted(
        zip((c if c is not None else 0.0 for c in confidences), right, strict=True), reverse=True
    )
    points: list[dict[str, float]] = []
    wrong = 0
    for n, (confidence, fine) in enumerate(ordered, 1):
        wrong += not fine
        if n == len(ordered) or ordered[n][0] < confidence:
            points.append({"threshold": confidence, "coverage": n / asked, "risk": wrong / n})
    return points


def judged_to_json(
    question: Question, answer: Answer, measures: Mapping[str, float]
) -> dict[str, Any]:
    """Return what the report shows of one question."""
    return {
        "id": question.id,
        "question": question.text,
        "expected": list(question.answers) if question.answerable else [],
        "answerable": question.answerable,
        "said": answer.text if answer.answered else "",
        "refusal": answer.refusal.reason if answer.refusal else None,
        "confidence": answer.confidence,
        "cited": [f"{c.filename}, p. {c.page}" for c in answer.citations],
        "measures": dict(measures),
    }


def curve_of(judged: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return the risk–coverage curve of judged questions."""
    answered = [one for one in judged if one["refusal"] is None]
    return risk_coverage(
        [one["confidence"] for one in answered],
        [one["measures"].get("contains_answer", 0.0) == 1 for one in answered],
        asked=max(1, len(judged)),
    )


def render_answers(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report's part about answers: the curve, then every question that went wrong."""
    judged: Sequence[Mapping[str, Any]] = result.get("answers") or ()
    if not judged:
        return
    yield "<h2>Risk by coverage</h2>"
    yield _draw(result["risk_coverage"])
    wrong = [
        one
        for one in judged
        if one["measures"].get("contains_answer", one["measures"]["answered_rightly"]) != 1
    ]
    yield f"<h2>Answers that are not right: {len(wrong)} of {len(judged)}</h2>"
    for one in wrong[:MOST_SHOWN]:
        said = one["said"] or f"refused: {one['refusal']}"
        expected = " / ".join(one["expected"]) or "a refusal"
        yield (
            f"<details><summary>{escape(one['question'])} <small>{escape(said[:120])}</small>"
            f"</summary><p>Expected: {escape(expected)}</p><p>Said: {escape(said)}</p>"
            f"<p><small>{escape('; '.join(one['cited']))}</small></p></details>"
        )


def _draw(points: Sequence[Mapping[str, float]]) -> str:
    """Draw risk (upwards, 0 to 1) over coverage (0 to 1) on 400 by 160 pixels."""
    path = " ".join(f"{400 * p['coverage']:.1f},{160 * (1 - p['risk']):.1f}" for p in points)
    return (
        '<svg width="460" height="190" role="img" viewBox="-30 -10 460 190">'
        '<rect width="400" height="160" fill="#f4f4f4"/>'
        f'<polyline points="{path}" fill="none" stroke="#a33" stroke-width="2"/>'
        '<text x="0" y="176" font-size="12">0</text><text x="330" y="176" font-size="12">coverage 1'
        '</text><text x="-28" y="160" font-size="12">risk</text></svg>'
    )


def _letters(text: str) -> list[str]:
    return re.findall(r"[^\W_]", fold(text))


def _has_numbers(said: str, gold: str) -> bool:
    there, wanted = find_mentions(said), find_mentions(gold)
    return not missing_numbers(wanted, there) and not missing_dates(wanted, there)
