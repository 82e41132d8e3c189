"""How often is there a refusal where the documents have no answer, and where they have one?

    RAGQA_EVAL_DATA=... python benchmarks/answers_refusals.py [--size 40] [--alone 40]
        [--parts rgb-zh qa-pdf squad2] [--half 0|1] [--llm PRESET] [--models FOLDER]
        [--records FILE] [--minutes 4]

rgb-zh: only passages beside the point are there (negative rejection), against its noisy ones.
qa-pdf: questions whose passage was kept out of the typeset documents, against the answerable ones.
squad2: adversarial questions in the article they were written about, against its answerable ones;
the model alone, without its adapter, gets the four best passages and the usual prompt: say that
you don't know.

Passages are found by BM25. With ``--records`` what was asked is not asked again, so that a run may
end after ``--minutes`` and be continued. ``--half`` takes every other question only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers_data import (
    MemoryRetriever,
    Records,
    contains,
    passages,
    qa_pdf_pages,
    questions,
    sample,
)

from ragqa.answering.answerer import Answerer, Evidence, Finished
from ragqa.answering.calibration import CALIBRATION
from ragqa.answering.citations import MARKER
from ragqa.answering.refusal import declines
from ragqa.evaluation.answers import risk_coverage
from ragqa.settings import load_settings
from ragqa.types import Message
from ragqa.wiring import build_embedder, build_generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from answers_data import Question

    from ragqa.ports import Generator
    from ragqa.types import Hit

RESULTS = Path(__file__).parent / "results"
ALONE = (
    "Use the following pieces of context to answer the question at the end. If you don't know the "
    "answer, just say that you don't know, don't try to make up an answer.\n\n{context}\n\n"
    "Question: {question}\nHelpful Answer:"
)
"""The prompt that tutorials of retrieval chains have used for years."""


class InArticle:
    """Finds passages of one article of squad2; the article is named as the collection."""

    def __init__(self) -> None:
        self._pages: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for page in passages("squad2"):
            self._pages[page[0].rsplit("/", 1)[0]].append(page)
        self._opened: dict[str, MemoryRetriever] = {}

    def of(self, article: str) -> MemoryRetriever:
        """Return the retriever over one article."""
        if article not in self._opened:
            self._opened[article] = MemoryRetriever(self._pages[article])
        return self._opened[article]

    def retrieve(self, question: str, collection: str, **given: Any) -> list[Hit]:
        """Return hits of the article."""
        return self.of(collection).retrieve(question, collection, **given)


def ask_alone(model: Generator, question: str, hits: list[Hit]) -> str:
    """Return what the model says to the four best passages without any of our checks."""
    context = "\n\n".join(hit.chunk.text for hit in hits[:4])
    told = ALONE.format(context=context, question=question)
    return "".join(t.text for t in model.generate([Message("user", told)], max_tokens=64))


def gather(parts: list[str], size: int, half: int) -> Iterator[tuple[str, Question, Any]]:
    """Yield (kind, question, retriever), kinds in turn so that an early end loses all alike."""
    kinds: list[tuple[str, list[Question], Any]] = []
    if "rgb-zh" in parts:
        found = MemoryRetriever(passages("rgb-zh"))
        asked = questions("rgb-zh")
        kinds.append(("rgb-zh negative", [q for q in asked if not q.answerable], found))
        kinds.append(("rgb-zh answerable", [q for q in asked if q.answerable], found))
    if "qa-pdf" in parts:
        found = MemoryRetriever(qa_pdf_pages())
        asked = [q for q in questions("qa-pdf") if not q.raw.get("scanned")]
        kinds.append(("qa-pdf withheld", [q for q in asked if q.kind == "gold_withheld"], found))
        kinds.append(("qa-pdf answerable", [q for q in asked if q.answerable], found))
    if "squad2" in parts:
        asked = questions("squad2")
        inside = InArticle()
        kinds.append(("squad2 adversarial", [q for q in asked if not q.answerable], inside))
        kinds.append(("squad2 answerable", [q for q in asked if q.answerable], inside))
    chosen = [(kind, sample(some, size), found) for kind, some, found in kinds]
    for number in range(size):
        for kind, some, found in chosen:
            if number < len(some) and half in (-1, number % 2):
                yield kind, some[number], found


def main() -> None:
    """Print shares of refusals by kind, and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--alone", type=int, default=40, help="of each kind put to the bare model")
    parser.add_argument("--parts", nargs="*", default=["rgb-zh", "qa-pdf", "squad2"])
    parser.add_argument("--half", type=int, default=-1)
    parser.add_argument("--llm", default="")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--records", type=Path, default=None)
    parser.add_argument("--minutes", type=float, default=600)
    options = parser.parse_args()
    given = {"models": options.models, "llm_model": options.llm}
    settings = load_settings(offline=True, **{k: v for k, v in given.items() if v})
    model = build_generator(settings)
    plain = build_generator(settings, adapted=False) if options.alone else None
    embedder = build_embedder(settings.embedding_model, settings)
    records = Records(options.records)
    rows: list[dict[str, Any]] = []
    counts: dict[str, int] = defaultdict(int)
    until = time.monotonic() + 60 * options.minutes
    for kind, q, found in gather(options.parts, options.size, options.half):
        counts[kind] += 1
        row = records.get(kind, q)
        if row is None and time.monotonic() < until:
            alone = kind.startswith("squad2") and counts[kind] <= options.alone
            row = records.add(_ask(kind, q, found, model, embedder, plain if alone else None))
        if row is not None:
            rows.append(row)
    result: dict[str, Any] = {"llm": model.name, "threshold": CALIBRATION.threshold}
    for kind in counts:
        result[kind] = _summarize([row for row in rows if row["kind"] == kind])
        print(f"{kind:20}", result[kind])
    for part in options.parts:
        result[f"{part} risk by coverage"] = _curve([r for r in rows if r["kind"].startswith(part)])
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "answers_refusals.json"
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def _ask(
    kind: str, q: Question, found: Any, model: Generator, embedder: Any, plain: Generator | None
) -> dict[str, Any]:
    article = q.passages[0].rsplit("/", 1)[0] if kind.startswith("squad2") else ""
    hits = found.retrieve(q.question, article, limit=8)
    cutter = found.of(article) if article else found
    answerer = Answerer(model, embedder, found, cutter)
    first = last = None
    for event in answerer.ask(q.question, article, limit=8):
        if isinstance(event, Evidence):
            first = event.answer
        elif isinstance(event, Finished):
            last = event.answer
    assert first is not None
    assert last is not None
    row: dict[str, Any] = {
        "kind": kind,
        "id": q.id,
        "question": q.question,
        "confidence": last.confidence,
        "before": first.confidence,
        "refused": not last.answered,
        "evidence refused": not first.answered,
        "said": MARKER.sub("", last.text),
        "right": last.answered and contains(MARKER.sub("", last.text), q.answers),
        "seconds": last.timings.total / 1000,
    }
    if plain is not None:
        said = ask_alone(plain, q.question, hits)
        row |= {"alone": said, "alone refused": declines(said)}
        row |= {"alone right": contains(said, q.answers)}
    return row


def _curve(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return of one set, with and without an answer, what is wrong when the surest are answered.

    Each point is the last one up to another tenth of the questions.
    """
    answered = [row for row in rows if not row["refused"]]
    points = risk_coverage(
        [row["confidence"] for row in answered],
        [row["right"] for row in answered],
        asked=max(1, len(rows)),
    )
    tenths = {int(10 * point["coverage"] + 1e-9): point for point in points}
    return [{name: round(value, 3) for name, value in p.items()} for p in tenths.values()]


def _summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("refused", "evidence refused", "right", "alone refused", "alone right")
    summary: dict[str, Any] = {"n": len(rows)}
    for name in names:
        values = [float(row[name]) for row in rows if name in row]
        if values:
            summary[name] = round(sum(values) / len(values), 3)
    alone = [row for row in rows if "alone refused" in row]
    if alone:
        summary["n alone"] = len(alone)
    return summary


if __name__ == "__main__":
    main()
