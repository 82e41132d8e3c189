"""How often are contradicting passages noticed, and how often are agreeing ones accused?

    RAGQA_EVAL_DATA=... python benchmarks/answers_conflicts.py [--words] [--models FOLDER]
        [--size 200] [--show]

rgb-*-fact: the corpus holds true and falsified passages. planted: questions about typeset pages
whose own passage is there a second time, with another number, date or name as its answer. The
others have nothing false: who is accused there is accused wrongly, unless two sources disagree.
``--words``: without the embedder.
"""

from __future__ import annotations

import argparse
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import rjieba
from answers_data import MemoryRetriever, contains, passages, qa_pdf_pages, questions, sample

from ragqa.answering.calibration import CALIBRATION
from ragqa.answering.conflicts import find_conflict
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.questions import answer_type
from ragqa.answering.shortening import rank_again, read_ranked
from ragqa.answering.signs import signs_of
from ragqa.settings import load_settings
from ragqa.types import Span
from ragqa.wiring import build_embedder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from answers_data import Question

    from ragqa.ports import Embedder
    from ragqa.types import Hit


class Asked(NamedTuple):
    """A question, the passages found for it, and what was planted in them, if anything."""

    question: Question
    hits: list[Hit]
    fake: str = ""


def falsify(q: Question, some: list[Question], rng: random.Random) -> str | None:
    """Return another value in the place of a question's answer: a number, a date or a name."""
    answer = q.answers[0]
    if (figure := re.search(r"[1-9]\d*", answer)) is not None:
        value = int(figure.group())
        other = value + rng.randint(1, max(2, min(value // 2, 60)))
        return answer[: figure.start()] + str(other) + answer[figure.end() :]
    if answer_type(q.question) not in ("who", "where") or not _is_name(answer):
        return None
    others = [
        o.answers[0]
        for o in some
        if o.language == q.language
        and answer_type(o.question) == answer_type(q.question)
        and _is_name(o.answers[0])
        and not contains(o.answers[0], q.answers)
        and not contains(answer, o.answers)
    ]
    return rng.choice(others) if others else None


def _is_name(answer: str) -> bool:
    if answer.isascii():
        return len(answer.split()) <= 4 and all(word[0].isupper() for word in answer.split())
    return len(answer) <= 8 and all(tag.startswith("n") for _, tag in rjieba.tag(answer))


def plant(some: list[Question], found: MemoryRetriever, seed: int = 7) -> Iterator[Asked]:
    """Yield questions beside whose passage it stands once more with another answer."""
    rng = random.Random(seed)
    for q in some:
        fake = falsify(q, some, rng)
        hits = found.retrieve(q.question, "", limit=7)
        at = next((n for n, hit in enumerate(hits) if q.answers[0] in hit.chunk.text), None)
        if fake is None or at is None:
            continue
        text = hits[at].chunk.text.replace(q.answers[0], fake)
        chunk = replace(hits[at].chunk, span=Span(0, len(text)), text=text)
        hits.insert(at + 1, replace(hits[at], filename="planted.pdf", chunk=chunk))
        yield Asked(q, hits, fake)


def gather(size: int) -> Iterator[tuple[str, list[Asked]]]:
    """Yield each set of questions with its hits."""
    for name in ("rgb-zh-fact", "rgb-en-fact", "rgb-zh"):
        found = MemoryRetriever(passages(name))
        yield (
            name,
            [
                Asked(q, found.retrieve(q.question, "", limit=8), q.raw.get("fake_answer", ""))
                for q in sample(questions(name), size)
            ],
        )
    found = MemoryRetriever(qa_pdf_pages())
    answerable = [q for q in questions("qa-pdf") if q.answerable and not q.raw.get("scanned")]
    for language in ("zh", "en"):
        some = [q for q in answerable if q.language.startswith(language)]
        planted = list(plant(sample(some, 4 * size, seed=5), found))[:size]
        yield f"planted {language}", planted
        asked = sample(some, size)
        yield (
            f"qa-pdf {language}",
            [Asked(q, found.retrieve(q.question, "", limit=8)) for q in asked],
        )


def main() -> None:
    """Print how many questions of each set are told a conflict, and how many both values."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--words", action="store_true")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    embedder: Embedder | None = None
    if not options.words:
        given = {"models": options.models} if options.models else {}
        settings = load_settings(offline=True, **given)
        embedder = build_embedder(settings.embedding_model, settings)
    for name, asked in gather(options.size):
        noticed = both = answered = 0
        for q, hits, fake in asked:
            ranked = rank_sentences(q.question, hits, embedder)
            read = read_ranked(q.question, hits, ranked, embedder) if embedder else []
            ranked = rank_again(ranked, read)
            if not ranked or not CALIBRATION.suffices(signs_of(q.question, hits, ranked)):
                continue
            answered += 1
            other = find_conflict(q.question, ranked)
            if other is None:
                continue
            noticed += 1
            told = f"{ranked[0].text} {other.text}"
            right = contains(told, q.answers) and contains(told, [fake])
            both += right
            if options.show and not right:
                print(q.question, q.answers, ranked[0].text, other.text, sep="\n  ")
        print(
            f"{name:12} n={len(asked)} answered {answered}, conflict told {noticed}, "
            f"both values {both}"
        )


if __name__ == "__main__":
    main()
