"""Fit when evidence is enough to answer, and report answered shares per kind of question.

    RAGQA_EVAL_DATA=... python benchmarks/answers_fit.py [--embedder FOLDER] [--size 120]

Answerable: qa-pdf, cmrc2018, drcd, squad2, rgb-zh noise. To be refused: gold withheld, the same
kinds of questions with their gold passage hidden, rgb-zh negative rejection, squad2 adversarial
(weighted low: a bag of signs cannot tell them apart). Shares are cross-validated in five folds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from answers_data import MemoryRetriever, passages, qa_pdf_pages, questions, sample

from ragqa.answering.calibration import CALIBRATION, signs_of
from ragqa.answering.extractive import rank_sentences

if TYPE_CHECKING:
    from answers_data import Question
    from numpy.typing import NDArray

    from ragqa.ports import Embedder
    from ragqa.types import Hit

Row = tuple[str, int, dict[str, float]]


def collect(size: int, embedder: Embedder | None) -> list[Row]:  # noqa: C901  one set after the other
    """Return (kind, label, signs) of every question."""
    rows: list[Row] = []

    def add(kind: str, question: Question, hits: list[Hit], label: int) -> None:
        ranked = rank_sentences(question.question, hits, embedder)
        if ranked:
            rows.append((kind, label, signs_of(question.question, hits, ranked)))

    typeset = MemoryRetriever(qa_pdf_pages())
    asked = [q for q in questions("qa-pdf") if not q.raw.get("scanned")]
    answerable = [q for q in asked if q.answerable]
    for q in sample(answerable, size * 3 // 2):
        add("qa-pdf", q, typeset.retrieve(q.question, "", limit=8), 1)
    for q in [q for q in asked if q.kind == "gold_withheld"][:size]:
        add("qa-pdf withheld", q, typeset.retrieve(q.question, "", limit=8), 0)
    for q in sample([q for q in asked if q.kind == "unanswerable_adversarial"], size):
        add("adversarial", q, typeset.retrieve(q.question, "", limit=8), 0)
    for q in sample(answerable, size, seed=9):
        found = typeset.retrieve(q.question, "", limit=60)
        elsewhere = [h for h in found if (h.filename, h.chunk.page_number) not in q.pages]
        add("qa-pdf page hidden", q, elsewhere[:8], 0)
    for name, sets, corpus in (
        ("zh", ("cmrc2018", "drcd"), ("cmrc2018", "drcd", "xquad-zh")),
        ("squad", ("squad2",), ("squad2", "pubmedqa")),
    ):
        whole = MemoryRetriever(passages(*corpus))
        asked = [q for s in sets for q in questions(s)]
        for q in sample([q for q in asked if q.answerable], size):
            add(name, q, whole.retrieve(q.question, "", limit=8), 1)
        for q in [q for q in asked if q.kind == "gold_withheld"][:size]:
            add(f"{name} withheld", q, whole.retrieve(q.question, "", limit=8), 0)
        for q in sample([q for q in asked if q.answerable], size, seed=9):
            hidden = frozenset(q.passages)
            add(f"{name} hidden", q, whole.retrieve(q.question, "", limit=8, hidden=hidden), 0)
    noisy = MemoryRetriever(passages("rgb-zh"))
    for q in questions("rgb-zh")[: 2 * size]:
        kind = "rgb" if q.answerable else "rgb negative"
        add(kind, q, noisy.retrieve(q.question, "", limit=8), int(q.answerable))
    return rows


def fit(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the coefficients of a ridge logistic regression, the bias last (Newton's method)."""
    z = np.c_[x, np.ones(len(x))]
    b = np.zeros(z.shape[1])
    ridge = np.eye(len(b)) * 0.0002 * weight.sum()
    ridge[-1, -1] = 1e-6
    for _ in range(60):
        p = 1 / (1 + np.exp(-z @ b))
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge
        step = np.linalg.solve(hessian, z.T @ (weight * (p - y)) + ridge @ b)
        b -= step
        if abs(step).max() < 1e-6:
            break
    return b


def main() -> None:
    """Print coefficients, thresholds and the share answered of each kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--embedder", default="")
    parser.add_argument("--size", type=int, default=120)
    options = parser.parse_args()
    embedder = None
    if options.embedder:
        from ragqa.models.sentence_transformer import SentenceTransformerEmbedder

        embedder = SentenceTransformerEmbedder(options.embedder, offline=True)
    rows = collect(options.size, embedder)
    names = sorted({name for _, _, signs in rows for name in signs})
    x = np.array([[signs.get(name, 0.0) for name in names] for _, _, signs in rows])
    y = np.array([float(label) for _, label, _ in rows])
    kinds = np.array([kind for kind, _, _ in rows])
    count = Counter(kinds)
    weight = np.array([100 / count[kind] for kind in kinds])
    weight[kinds == "adversarial"] *= 0.15
    weight[y == 1] *= weight[y == 0].sum() / weight[y == 1].sum()
    folds = np.random.default_rng(0).integers(0, 5, len(rows))
    p = np.zeros(len(rows))
    for k in range(5):
        b = fit(x[folds != k], y[folds != k], weight[folds != k])
        p[folds == k] = 1 / (1 + np.exp(-(np.c_[x, np.ones(len(x))][folds == k] @ b)))
    current = np.array([CALIBRATION.probability(signs) for _, _, signs in rows])
    print("answered, by kind:", *(f"{kind} ({n})" for kind, n in count.items()), sep="\n  ")
    for share in (0.97, 0.95, 0.92, 0.9, 0.85):
        at = float(np.quantile(p[y == 1], 1 - share))
        print(f"{share} at {at:.3f}", *(f"{(p[kinds == k] >= at).mean():.2f}" for k in count))
    at = CALIBRATION.threshold
    print(f"as shipped {at}", *(f"{(current[kinds == k] >= at).mean():.2f}" for k in count))
    for name, value in zip([*names, "bias"], fit(x, y, weight), strict=True):
        print(f"{name:20} {value:6.2f}")


if __name__ == "__main__":
    main()
