"""Fit when evidence is enough to answer; report what each sign tells, and shares answered by kind.

    RAGQA_EVAL_DATA=... python benchmarks/answers_fit.py [--size 40] [--signs FILE] [--models DIR]

Answerable: qa-pdf, rgb-zh with noise, squad2 in its article. To be refused: qa-pdf whose passage is
kept out or whose page is hidden, rgb-zh negative and with its positive passages hidden, squad2
adversarial in its article (weighted low: few signs can tell them apart). Passages come by BM25.

Shares are cross-validated: in five folds, and with each set left out in turn. With ``--signs`` the
signs are kept in a file, so that refitting takes seconds.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from answers_data import MemoryRetriever, passages, qa_pdf_pages, questions, sample
from answers_refusals import InArticle

from ragqa.answering.calibration import CALIBRATION
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.shortening import rank_again, read_ranked
from ragqa.answering.signs import signs_of
from ragqa.settings import load_settings
from ragqa.wiring import build_embedder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from answers_data import Question
    from numpy.typing import NDArray

    from ragqa.types import Hit

Row = tuple[str, int, dict[str, float]]
FITTED = (
    *("near", "near_lead", "near_words", "numbers", "margin", "sentence", "first", "words_near"),
    "names_anywhere",
)
"""Signs of which a step-by-step choice kept those that lower the cross-validated log loss."""
PAIRS = (
    ("rgb answerable", "rgb negative"),
    ("rgb answerable", "rgb hidden"),
    ("qa zh", "qa withheld"),
    ("qa en", "qa hidden"),
    ("squad answerable", "squad adversarial"),
)


def gather(size: int) -> Iterator[tuple[str, int, Question, list[Hit]]]:
    """Yield (kind, label, question, hits)."""
    noisy = MemoryRetriever(passages("rgb-zh"))
    asked = questions("rgb-zh")
    answerable = [q for q in asked if q.answerable]
    for q in sample([q for q in asked if not q.answerable], 2 * size):
        yield "rgb negative", 0, q, noisy.retrieve(q.question, "", limit=8)
    for q in sample(answerable, 2 * size):
        yield "rgb answerable", 1, q, noisy.retrieve(q.question, "", limit=8)
    for q in sample(answerable, size, seed=3):
        hidden = frozenset(q.passages)
        yield "rgb hidden", 0, q, noisy.retrieve(q.question, "", limit=8, hidden=hidden)
    typeset = MemoryRetriever(qa_pdf_pages())
    asked = [q for q in questions("qa-pdf") if not q.raw.get("scanned")]
    english = [q for q in asked if q.answerable and q.language == "en"]
    chinese = [q for q in asked if q.answerable and q.language != "en"]
    for kind, some in (("qa zh", chinese), ("qa en", english)):
        for q in sample(some, size):
            yield kind, 1, q, typeset.retrieve(q.question, "", limit=8)
    for q in sample([q for q in asked if q.kind == "gold_withheld"], size):
        yield "qa withheld", 0, q, typeset.retrieve(q.question, "", limit=8)
    for q in sample(english, size // 2, seed=9):
        found = typeset.retrieve(q.question, "", limit=60)
        elsewhere = [h for h in found if (h.filename, h.chunk.page_number) not in q.pages]
        yield "qa hidden", 0, q, elsewhere[:8]
    inside = InArticle()
    for label, kind in ((1, "squad answerable"), (0, "squad adversarial")):
        for q in sample([q for q in questions("squad2") if q.answerable == bool(label)], size):
            yield (
                kind,
                label,
                q,
                inside.retrieve(q.question, q.passages[0].rsplit("/", 1)[0], limit=8),
            )


def collect(size: int, models: Path | None) -> list[Row]:
    """Return (kind, label, signs) of every question."""
    given = {"models": models} if models else {}
    settings = load_settings(offline=True, **given)
    embedder = build_embedder(settings.embedding_model, settings)
    rows: list[Row] = []
    for kind, label, q, hits in gather(size):
        ranked = rank_sentences(q.question, hits, embedder)
        ranked = rank_again(ranked, read_ranked(q.question, hits, ranked, embedder))
        if ranked:
            rows.append((kind, label, signs_of(q.question, hits, ranked)))
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


def separation(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Return how often a value of the first is above one of the second; ties count half (AUC)."""
    differences = higher[:, None] - lower[None, :]
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())


def predict(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float64],
    folds: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return probabilities of each fold by what was fitted on the others."""
    z = np.c_[x, np.ones(len(x))]
    p = np.zeros(len(x))
    for fold in set(folds.tolist()):
        b = fit(x[folds != fold], y[folds != fold], weight[folds != fold])
        p[folds == fold] = 1 / (1 + np.exp(-z[folds == fold] @ b))
    return p


def main() -> None:
    """Print what each sign tells, coefficients, thresholds and the share answered of each kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--signs", type=Path, default=None)
    parser.add_argument("--models", type=Path, default=None)
    options = parser.parse_args()
    if options.signs and options.signs.exists():
        rows: list[Row] = [tuple(row) for row in json.loads(options.signs.read_text("utf-8"))]
    else:
        rows = collect(options.size, options.models)
        if options.signs:
            options.signs.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    rows = [row for row in rows if row[2].keys() >= {"near", "near_words"}]
    names = list(FITTED)
    kinds = np.array([kind for kind, _, _ in rows])
    y = np.array([float(label) for _, label, _ in rows])
    count = Counter(kinds.tolist())
    print("separation of", *(f"{one} from {other}" for one, other in PAIRS), sep="\n  ")
    for name in sorted({name for _, _, signs in rows for name in signs}):
        value = np.array([signs.get(name, 0.0) for _, _, signs in rows])
        told = [separation(value[kinds == one], value[kinds == other]) for one, other in PAIRS]
        print(f"{name:20}", *(f"{share:.2f}" for share in told))
    x = np.array([[signs.get(name, 0.0) for name in names] for _, _, signs in rows])
    weight = np.array([100 / count[kind] for kind in kinds])
    weight[kinds == "squad adversarial"] *= 0.3
    weight[kinds == "rgb negative"] *= 1.5
    weight[y == 1] *= weight[y == 0].sum() / weight[y == 1].sum()
    spread = np.random.default_rng(0).integers(0, 5, len(rows))
    sets = np.unique([kind.split()[0] for kind in kinds.tolist()], return_inverse=True)[1]
    current = np.array([CALIBRATION.probability(signs) for _, _, signs in rows])
    print("share answered of", *(f"{kind} ({n})" for kind, n in count.items()), sep="\n  ")
    counted = (y == 1) & (kinds != "squad answerable")
    for title, p in (
        ("five folds", predict(x, y, weight, spread)),
        ("sets left out", predict(x, y, weight, sets)),
        ("as shipped", current),
    ):
        for share in (0.95, 0.92, 0.9):
            at = float(np.quantile(p[counted], 1 - share))
            told = (f"{(p[kinds == kind] >= at).mean():.2f}" for kind in count)
            print(f"{title:14} {share} from {at:.3f}", *told)
    at = CALIBRATION.threshold
    print(f"as shipped {at}", *(f"{(current[kinds == kind] >= at).mean():.2f}" for kind in count))
    for name, value in zip([*names, "bias"], fit(x, y, weight), strict=True):
        print(f"{name:20} {value:6.2f}")


if __name__ == "__main__":
    main()
