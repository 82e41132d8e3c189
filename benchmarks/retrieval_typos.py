"""What does a slip in a question cost, and does taking the word for another ever hurt?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval_typos.py [--tasks qa-pdf,en] [--size 300]``

In every question that has one, an English word of six letters or more gets one slip: a letter left
out, put in, mistaken, or exchanged with the one before. Of questions in Chinese, which are not
respelt, a word of three characters or more gets a wrong one, out of the other questions. Both
questions are asked with words respelt and without. ``--groups FILE`` names characters that are
taken for each other, a group a line: those that sound the same. Then it is one of these that a
Chinese word of two characters or more gets instead, as who picks the wrong word of a list writes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import string
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rjieba
from retrieval import MEASURES, open_services
from retrieval_data import CACHE, HOME, make_task, write_results

import ragqa.retrieval.gathering
from ingest.batch import run_batch
from ragqa.evaluation.metrics import compare
from ragqa.evaluation.run import evaluate_retrieval
from ragqa.retrieval.folding import fold
from ragqa.retrieval.spelling import words_to_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval import CachingServices

    from ragqa.evaluation.datasets import Question

TASKS = ("qa-pdf", "en", "zh", "tatqa", "financebench")
CHINESE = ("zh",)
RESULTS = Path(__file__).parent / "results" / "retrieval_typos.json"
SEED = 5
_LONG = re.compile(r"[A-Za-z]{6,}")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def main() -> None:
    """Ask every task's questions as they are and with a slip; print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--size", type=int, default=300, help="most questions a set")
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--home", type=Path, default=HOME, help="what is ingested is kept there")
    parser.add_argument("--groups", type=Path, default=None, help="characters taken for another")
    options = parser.parse_args()
    groups = options.groups.read_text("utf-8").split() if options.groups else []
    results: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with open_services(options.home, options.models, options.cache) as services:
        for name in options.tasks.split(","):
            task = make_task(name, Path(options.home, "tasks", name), size=options.size)
            run_batch(services, [task.folder], name)
            drawn = random.Random(SEED)
            if name in CHINESE:
                asked, slipped = mistake_characters(task.questions, drawn, groups)
            else:
                asked = [q for q in task.questions if _LONG.search(q.text)]
                slipped = [replace(q, text=make_slip(q.text, drawn)) for q in asked]
            results[f"{name}, groups" if groups and name in CHINESE else name] = {
                "as asked": compare_on(services, name, asked),
                "with a slip": compare_on(services, name, slipped),
            }
    print(write_results("retrieval_typos", results))


def compare_on(
    services: CachingServices, collection: str, questions: Sequence[Question]
) -> dict[str, Any]:
    """Ask the questions with words respelt and without."""
    row: dict[str, Any] = {"questions": len(questions)}
    ranks: list[list[float]] = []
    for kind, check in (("respelt", words_to_check), ("as spelt", lambda _: [])):
        ragqa.retrieval.gathering.words_to_check = check
        found = evaluate_retrieval(
            lambda text: services.retrieve(text, collection, limit=10), questions
        )
        row[kind] = {measure: found["intervals"][measure] for measure in MEASURES}
        ranks.append([question["measures"]["mrr@10"] for question in found["questions"]])
        figures = "  ".join(f"{m} {found['metrics'][m]:.3f}" for m in MEASURES)
        print(f"{collection:14} {len(questions):4} {kind:10} {figures}", flush=True)
    row["p"] = compare(*ranks)
    ragqa.retrieval.gathering.words_to_check = words_to_check
    return row


def make_slip(text: str, drawn: random.Random) -> str:
    """Return the text with one thing wrong inside one of its long English words."""
    word = drawn.choice(list(_LONG.finditer(text)))
    at = drawn.randrange(word.start() + 1, word.end())
    letter = drawn.choice(string.ascii_lowercase)
    return drawn.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + letter + text[at:],
            text[:at] + letter + text[at + 1 :],
            text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :],
        )
    )


def mistake_characters(
    questions: Sequence[Question], drawn: random.Random, groups: Sequence[str] = ()
) -> tuple[list[Question], list[Question]]:
    """Return the questions that have a long Chinese word, and the same with a wrong character.

    Where there are ``groups``, the wrong one is out of the right one's group, and two characters
    are long enough.
    """
    everything = sorted({c for q in questions for c in _HAN.findall(q.text)})
    like = {c: [o for o in group if fold(o) != fold(c)] for group in groups for c in group}
    shortest = 2 if groups else 3
    asked: list[Question] = []
    slipped: list[Question] = []
    for question in questions:
        cut = rjieba.cut(question.text)
        words = [w for w in cut if len(w) >= shortest and _HAN.fullmatch(w[0])]
        if not words:
            continue
        word = drawn.choice(words)
        at = question.text.index(word) + drawn.randrange(len(word))
        characters = like.get(question.text[at], []) if groups else everything
        if characters:
            wrong = question.text[:at] + drawn.choice(characters) + question.text[at + 1 :]
            asked.append(question)
            slipped.append(replace(question, text=wrong))
    return asked, slipped


if __name__ == "__main__":
    main()
