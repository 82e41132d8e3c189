"""Fit the network that finds a short answer in a sentence, and say how well it does.

    RAGQA_EVAL_DATA=... python benchmarks/answers_spans.py [--size 1700] [--epochs 6] [--write]
        [--models FOLDER]

Sentences of cmrc2018, drcd and squad2 that have the answer, as many without it from the same
passages, and the likeliest sentence for questions of squad2 that have none. Passages and questions
of qa-pdf are left out; every fifth passage is kept back to measure on. ``--write`` replaces
``ragqa/answering/reading.npz``.
"""

from __future__ import annotations

import argparse
import random
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from answers_data import lines, questions

from ragqa.answering import reading
from ragqa.answering.reading import LAYERS, LONGEST, Reading, mark
from ragqa.answering.sentences import split_sentences
from ragqa.answering.terms import question_terms, terms
from ragqa.evaluation.answers import overlap
from ragqa.settings import load_settings
from ragqa.wiring import build_embedder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from answers_data import Question

UNITS = 48
BATCH = 32
NOTHING = -1


@dataclass(frozen=True, slots=True)
class Example:
    """A question, a sentence, and where in it the answer stands; nowhere where ``at`` is None."""

    kind: str
    passage: str
    question: str
    sentence: str
    at: tuple[int, int] | None
    answers: tuple[str, ...]


def examples(size: int) -> list[Example]:
    """Return at most ``size`` questions of each set, and half as many of squad2 without answer."""
    typeset = questions("qa-pdf")
    taken = {q.question for q in typeset}
    shown = {passage for q in typeset for passage in q.passages}
    texts = {p["id"]: p["text"] for p in lines("passages.jsonl")}
    found: dict[str, list[Example]] = defaultdict(list)
    for name in ("cmrc2018", "drcd", "squad2"):
        asked = [q for q in questions(name) if q.question not in taken]
        random.Random(3).shuffle(asked)
        for q in asked:
            if not q.passages or q.passages[0] in shown or q.kind == "gold_withheld":
                continue
            kind = name if q.answerable else f"{name} without"
            if len(found[kind]) < (size if q.answerable else size // 2):
                found[kind].extend(_cut(kind, q, texts[q.passages[0]]))
    everything = [one for some in found.values() for one in some]
    random.Random(5).shuffle(everything)
    return everything


def _cut(kind: str, q: Question, text: str) -> Iterator[Example]:
    passage = q.passages[0]
    asked = set(question_terms(q.question))
    sentences = [span for span in split_sentences(text) if 4 < span.end - span.start < 500]
    beside = [span.of(text) for span in sentences if not any(a in span.of(text) for a in q.answers)]
    beside.sort(key=lambda sentence: -len(asked & set(terms(sentence))))
    for answer in q.answers:
        at = text.find(answer)
        for span in sentences:
            if at >= 0 and span.start <= at and at + len(answer) <= span.end:
                place = (at - span.start, at - span.start + len(answer))
                yield Example(kind, passage, q.question, span.of(text), place, q.answers)
                if beside:
                    yield Example(f"{kind} beside", passage, q.question, beside[0], None, ())
                return
    if not q.answerable and beside:
        yield Example(kind, passage, q.question, beside[0], None, ())


def see(some: Sequence[Example], embedder: Any) -> Iterator[tuple[torch.Tensor, Any, int, int]]:
    """Yield inputs, offsets, and the first and the last token of the answer."""
    for one in some:
        [pair] = embedder.read_pairs(one.question, [one.sentence], layers=LAYERS)
        first = last = NOTHING
        if one.at is not None:
            inside = np.flatnonzero(
                (pair.offsets[:, 1] > one.at[0]) & (pair.offsets[:, 0] < one.at[1])
            )
            first, last = (int(inside[0]), int(inside[-1])) if len(inside) else (NOTHING, NOTHING)
        inputs = [pair.layers, mark(one.question, one.sentence, pair.offsets)]
        yield torch.from_numpy(np.concatenate(inputs, 1)).half(), pair.offsets, first, last


def fit(seen: Sequence[Any], epochs: int) -> tuple[torch.nn.Sequential, Any, Any]:
    """Return the network, and the mean and the spread of its inputs."""
    torch.manual_seed(0)
    everything = torch.cat([one[0] for one in seen[:1500]]).float()
    mean, spread = everything.mean(0), everything.std(0).clamp(min=0.02)
    network = torch.nn.Sequential(
        torch.nn.Dropout(0.2), torch.nn.Linear(len(mean), UNITS), torch.nn.GELU(),
        torch.nn.Dropout(0.3), torch.nn.Linear(UNITS, 2),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05)
    order = list(range(len(seen)))
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - epoch / epochs) + 1e-4
        random.Random(epoch).shuffle(order)
        for start in range(0, len(order), BATCH):
            batch = [seen[n] for n in order[start : start + BATCH]]
            longest = max(len(one[0]) for one in batch)
            inputs = torch.zeros(len(batch), longest, len(mean))
            hidden = torch.full((len(batch), longest), -1e9)
            for row, one in enumerate(batch):
                inputs[row, : len(one[0])] = (one[0].float() - mean) / spread
                hidden[row, : len(one[0])] = 0
            logits = network(inputs)
            loss = torch.zeros(())
            for side in (0, 1):
                # The last column stands for there being no answer.
                wanted = [one[2 + side] % (longest + 1) for one in batch]
                table = torch.cat([logits[..., side] + hidden, torch.zeros(len(batch), 1)], 1)
                loss = loss + torch.nn.functional.cross_entropy(table, torch.tensor(wanted))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval(), mean, spread


def main() -> None:
    """Print F1 by set of what was kept back, and how well sentences without answer are told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1700)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    given = {"models": options.models} if options.models else {}
    settings = load_settings(offline=True, **given)
    embedder = build_embedder(settings.embedding_model, settings)
    some = examples(options.size)
    seen = list(see(some, embedder))
    kept = [zlib.crc32(one.passage.encode()) % 5 == 0 for one in some]
    fitted, mean, spread = fit(
        [s for s, k in zip(seen, kept, strict=True) if not k], options.epochs
    )
    first, second = fitted[1], fitted[4]
    hidden = (first.weight.detach() / spread).numpy()
    arrays = {
        "hidden": hidden.astype(np.float16),
        "bias": (first.bias.detach().numpy() - hidden @ mean.numpy()).astype(np.float32),
        "out": second.weight.detach().numpy(),
        "out_bias": second.bias.detach().numpy(),
    }
    network = reading.Network(*(value.astype(np.float32) for value in arrays.values()))
    told: dict[str, list[float]] = defaultdict(list)
    logits: dict[bool, list[float]] = defaultdict(list)
    for one, (inputs, offsets, *_), back in zip(some, seen, kept, strict=True):
        if not back:
            continue
        result = network.apply(inputs.float().numpy())
        read = Reading(offsets, result[:, 0], result[:, 1])
        logits[one.at is not None].append(read.logit)
        if one.at is not None:
            a, b = np.unravel_index(read.likelihood().argmax(), (len(offsets), len(offsets)))
            said = one.sentence[offsets[a][0] : offsets[b][1]]
            told[one.kind].append(overlap(said, one.answers))
    for kind, values in told.items():
        print(f"{kind:10} n {len(values):4}  F1 {np.mean(values):.3f}")
    above = np.array(logits[True])[:, None] > np.array(logits[False])[None, :]
    print(f"sentences with an answer above those without: {above.mean():.2f}")
    print(f"fitted on {len(some) - sum(kept)} sentences; longest answer {LONGEST} tokens")
    if options.write:
        np.savez_compressed(Path(reading.__file__).with_name("reading.npz"), **arrays)


if __name__ == "__main__":
    main()
