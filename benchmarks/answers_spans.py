"""Fit what finds a short answer in a sentence and its neighbours, and say how well it does.

    RAGQA_EVAL_DATA=... python benchmarks/answers_spans.py [--size 4000] [--epochs 2.2] [--write]
        [--models FOLDER]

Sentences of cmrc2018, drcd, squad2 and xquad-zh that have the answer, each with its neighbours;
others of the same passage and of other passages that have it not; and the likeliest sentence for
questions of squad2 that have no answer. Passages and questions of qa-pdf are left out; every tenth
passage is kept back to measure on. ``--write`` replaces ``ragqa/answering/reading.npz``. One
processor takes about two seconds for each of a thousand steps.
"""

# Longer than 300 lines: examples, what is fitted on them and how are one recipe.

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from answers_data import f1, is_kept_back, lines, questions_to_fit
from torch.nn.functional import cross_entropy, gelu, pad

from ragqa.answering import reading
from ragqa.answering.reading import LONGEST, Reading, mark
from ragqa.answering.sentences import split_sentences
from ragqa.answering.shortening import with_neighbours
from ragqa.answering.terms import question_terms, terms
from ragqa.models.pairs import PAIR_TOKENS, pass_block
from ragqa.models.resolve import resolve_embedding_model
from ragqa.models.sentence_transformer import find_prefixes
from ragqa.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from answers_data import Question

FIRST = 6
"""The lowest block that is adapted; what the blocks below make is computed once."""
RANK = 16
UNITS = 48
BATCH = 32
RATE = 1.2e-3
ELSEWHERE = 0.35
"""Share of questions to which a sentence of another passage is added."""
LAYERS = ("query", "key", "value", "mixed", "wide", "narrow")


@dataclass(frozen=True, slots=True)
class Example:
    """A question, a text, and where in it the answer stands; nowhere where ``at`` is None."""

    kind: str
    passage: str
    question: str
    text: str
    at: tuple[int, int] | None
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """An example as the adapted blocks and the network get it."""

    states: torch.Tensor
    """Shape ``(tokens of question and text, dimension)``: what the lower blocks made."""
    begin: int
    """Token with which the text begins."""
    offsets: Any
    marks: torch.Tensor
    wanted: tuple[int, int]
    """First and last token of the answer; the number of the text's tokens where there is none."""


class Sentences:
    """Every sentence of some passages with its neighbours, found by rare words."""

    def __init__(self, passages: dict[str, str]) -> None:
        self.texts = passages
        self.spans = {
            name: [(span, with_neighbours(text, span)) for span in split_sentences(text)]
            for name, text in passages.items()
        }
        self._postings: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, spans in self.spans.items():
            for number in range(len(spans)):
                for term in set(terms(self.read(name, number))):
                    self._postings[term].append((name, number))

    def read(self, name: str, number: int) -> str:
        """Return a sentence with its neighbours."""
        around = self.spans[name][number][1]
        return self.texts[name][around[0].start : around[-1].end]

    def find(self, question: str, limit: int = 40) -> list[tuple[str, int]]:
        """Return the sentences that share most with a question."""
        scores: Counter[tuple[str, int]] = Counter()
        for term in set(question_terms(question)):
            places = self._postings.get(term, ())
            for place in places if len(places) < 400 else ():
                scores[place] += log(1 + 20_000 / len(places))  # type: ignore[assignment]
        return [place for place, _ in scores.most_common(limit)]


def examples(size: int) -> list[Example]:
    """Return what at most ``size`` questions of each set are asked of."""
    texts = {p["id"]: p["text"] for p in lines("passages.jsonl")}
    found: list[Example] = []
    chance = random.Random(3)
    for name in ("cmrc2018", "drcd", "squad2", "xquad-zh"):
        asked = questions_to_fit(name)
        chance.shuffle(asked)
        inside = Sentences({q.passages[0]: texts[q.passages[0]] for q in asked})
        for q in asked[:size]:
            found.extend(_cut(name, q, inside, chance))
    return found


def _cut(name: str, q: Question, inside: Sentences, chance: random.Random) -> Iterator[Example]:
    passage = q.passages[0]
    near = inside.find(q.question)
    same = [place for place in near if place[0] == passage]
    if not q.answerable:
        for place in same[:1]:
            yield Example(f"{name} without", passage, q.question, inside.read(*place), None, ())
        return
    gold = _answered(q, inside)
    if gold is None:
        return
    yield Example(name, passage, q.question, *gold, q.answers)
    beside = [p for p in near if not any(a in inside.read(*p) for a in q.answers)]
    same = [place for place in beside if place[0] == passage][:2]
    other = [place for place in beside if place[0] != passage][:3]
    chosen = [chance.choice(same)] if same else []
    if other and chance.random() < ELSEWHERE:
        chosen.append(chance.choice(other))
    for place in chosen:
        yield Example(f"{name} beside", passage, q.question, inside.read(*place), None, ())


def _answered(q: Question, inside: Sentences) -> tuple[str, tuple[int, int]] | None:
    """Return the text that has the answer, of several the one nearest to the question."""
    text = inside.texts[q.passages[0]]
    asked = set(question_terms(q.question))
    found: list[tuple[float, str, tuple[int, int]]] = []
    for span, around in inside.spans[q.passages[0]]:
        for answer in q.answers:
            at = text.find(answer, span.start, span.end)
            if at >= 0:
                start = at - around[0].start
                worth = len(asked & set(terms(span.of(text)))) + 0.5 * (answer == q.answers[0])
                whole = text[around[0].start : around[-1].end]
                found.append((worth, whole, (start, start + len(answer))))
    return max(found)[1:] if found else None


class Reader(torch.nn.Module):
    """The adapted upper blocks of an encoder, and the network over their output."""

    def __init__(self, encoder: Any, marks: int) -> None:
        super().__init__()
        self.encoder = [encoder]  # not among the parameters
        plain = encoder.config
        wide = {"wide": (plain.hidden_size, plain.intermediate_size)}
        shapes = dict.fromkeys(LAYERS, (plain.hidden_size,) * 2) | wide
        shapes["narrow"] = wide["wide"][::-1]
        self.down, self.up = torch.nn.ParameterDict(), torch.nn.ParameterDict()
        for number in range(FIRST, plain.num_hidden_layers):
            for name, (inputs, outputs) in shapes.items():
                key = f"{number}-{name}"
                self.down[key] = torch.nn.Parameter(torch.randn(RANK, inputs) / inputs**0.5)
                self.up[key] = torch.nn.Parameter(torch.zeros(outputs, RANK))
        self.states = torch.nn.Linear(plain.hidden_size, UNITS)
        self.marks = torch.nn.Linear(marks, UNITS, bias=False)
        self.drop = torch.nn.Dropout(0.1)
        self.out = torch.nn.Linear(UNITS, 2)
        self.straight = torch.nn.Linear(plain.hidden_size, 2, bias=False)

    def forward(self, batch: Sequence[Seen]) -> torch.Tensor:
        """Return logits; the last column stands for there being no answer.

        Shape: ``(batch, tokens of the longest text + 1, 2)``.
        """
        longest = max(len(one.states) for one in batch)
        widest = max(len(one.offsets) for one in batch)
        states = torch.stack(
            [pad(one.states.float(), (0, 0, 0, longest - len(one.states))) for one in batch]
        )
        lengths = torch.tensor([len(one.states) for one in batch])
        told = (torch.arange(longest)[None] < lengths[:, None])[:, None, None]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for number, block in enumerate(self.encoder[0].encoder.layer[FIRST:], FIRST):
                keys = {name: f"{number}-{name}" for name in LAYERS}
                changes = {n: (self.down[key], 2 * self.up[key]) for n, key in keys.items()}
                states = pass_block(block, states, told, changes)  # type: ignore[arg-type]
        inside = torch.stack([
            pad(row[one.begin : one.begin + len(one.offsets)], (0, 0, 0, widest - len(one.offsets)))
            for row, one in zip(states.float(), batch, strict=True)
        ])  # fmt: skip
        marks = torch.stack(
            [pad(one.marks.float(), (0, 0, 0, widest - len(one.marks))) for one in batch]
        )
        hidden = self.drop(gelu(self.states(inside) + self.marks(marks)))
        logits = self.out(hidden) + self.straight(inside)
        beyond = (
            torch.arange(widest)[None] >= torch.tensor([len(o.offsets) for o in batch])[:, None]
        )
        logits = logits.masked_fill(beyond[..., None], -1e9)
        return torch.cat([logits, torch.zeros(len(batch), 1, 2)], 1)

    def arrays(self) -> dict[str, Any]:
        """Return what ``ragqa.answering.reading`` loads."""
        kept = {
            "states": self.states.weight,
            "marks": self.marks.weight,
            "bias": self.states.bias,
            "out": self.out.weight,
            "straight": self.straight.weight,
            "out_bias": self.out.bias,
        }
        for key in self.down:
            block, name = key.split("-")
            kept[f"{block}.{name}.down"] = self.down[key]
            kept[f"{block}.{name}.up"] = 2 * self.up[key]
        return {"first": np.array(FIRST)} | {
            name: value.detach().numpy().astype(np.float16) for name, value in kept.items()
        }


def see(some: Sequence[Example], encoder: Any, tokenizer: Any, prefix: str) -> list[Seen]:
    """Read every example up to the first block that is adapted."""
    found: list[Seen] = []
    with torch.inference_mode():
        for one in some:
            encoded = tokenizer(
                prefix + one.question, one.text, truncation=True, max_length=PAIR_TOKENS,
                return_offsets_mapping=True, return_tensors="pt",
            )  # fmt: skip
            states = encoder.embeddings(input_ids=encoded["input_ids"])
            told = encoded["attention_mask"][:, None, None, :].bool()
            for block in encoder.encoder.layer[:FIRST]:
                states = pass_block(block, states, told, {})
            inside = [at for at, side in enumerate(encoded.sequence_ids(0)) if side == 1]
            offsets = encoded["offset_mapping"][0, inside].numpy()
            wanted = (len(offsets),) * 2
            if one.at is not None:
                under = (offsets[:, 1] > one.at[0]) & (offsets[:, 0] < one.at[1])
                places = np.flatnonzero(under)
                wanted = (int(places[0]), int(places[-1])) if len(places) else wanted
            marks = torch.from_numpy(mark(one.question, one.text, offsets)).half()
            found.append(Seen(states[0].half(), inside[0], offsets, marks, wanted))
    return found


def fit(seen: Sequence[Seen], encoder: Any, epochs: float) -> Reader:
    """Return a reader fitted on ``seen``."""
    torch.manual_seed(0)
    reader = Reader(encoder, seen[0].marks.shape[1])
    optimizer = torch.optim.AdamW(reader.parameters(), lr=RATE, weight_decay=0.01)
    steps, done = int(epochs * len(seen) / BATCH), 0
    chance = random.Random(0)
    while done < steps:
        for batch in _batches(seen, chance):
            rate = RATE * min(1.0, (done + 1) / 40) * max(0.02, 1 - done / steps)
            optimizer.param_groups[0]["lr"] = rate
            logits = reader(batch)
            nowhere = logits.shape[1] - 1
            wanted = torch.tensor(
                [[nowhere if at == len(o.offsets) else at for at in o.wanted] for o in batch]
            )
            loss = sum(cross_entropy(logits[..., side], wanted[:, side]) for side in (0, 1))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[union-attr]
            torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            done += 1
            if done % 100 == 0:
                print(f"step {done} of {steps}, loss {float(loss):.2f}", flush=True)
            if done == steps:
                break
    return reader.eval()


def _batches(seen: Sequence[Seen], chance: random.Random) -> Iterator[list[Seen]]:
    """Yield all of ``seen`` once, texts of like length together."""
    order = list(seen)
    chance.shuffle(order)
    found: list[list[Seen]] = []
    for start in range(0, len(order), 20 * BATCH):
        part = sorted(order[start : start + 20 * BATCH], key=lambda one: len(one.states))
        batches = [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
        chance.shuffle(batches)
        found += batches
    yield from found


def measure(reader: Reader, some: Sequence[Example], seen: Sequence[Seen]) -> None:
    """Print F1 by set, and how well texts without an answer are told from others."""
    told: dict[str, list[float]] = defaultdict(list)
    logits: dict[bool, list[float]] = defaultdict(list)
    with torch.inference_mode():
        for one, this in zip(some, seen, strict=True):
            starts, ends = reader([this])[0, :-1].T.numpy()
            read = Reading(this.offsets, starts, ends, np.zeros(len(starts), np.int64))
            logits[one.at is not None].append(read.logit)
            if one.at is not None:
                a, b = np.unravel_index(read.likelihood().argmax(), (len(starts), len(starts)))
                said = one.text[this.offsets[a][0] : this.offsets[b][1]]
                told[one.kind].append(f1(said, one.answers))
    for kind, values in told.items():
        print(f"{kind:10} n {len(values):4}  F1 {np.mean(values):.3f}")
    above = np.array(logits[True])[:, None] > np.array(logits[False])[None, :]
    print(f"texts with an answer above those without: {above.mean():.3f}")


def main() -> None:
    """Fit, measure on what was kept back, and write if asked to."""
    from transformers import AutoModel, AutoTokenizer

    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=4000)
    parser.add_argument("--epochs", type=float, default=2.2)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    given = {"models": options.models} if options.models else {}
    settings = load_settings(offline=True, **given)
    located = resolve_embedding_model(settings.embedding_model, settings.models_folder)
    encoder = AutoModel.from_pretrained(located.source, dtype=torch.float32).eval()
    encoder.requires_grad_(False)
    some = examples(options.size)
    prefix, _ = find_prefixes(located.name, {})
    seen = see(some, encoder, AutoTokenizer.from_pretrained(located.source), prefix)
    back = [is_kept_back(one.passage) for one in some]
    reader = fit(
        [s for s, kept in zip(seen, back, strict=True) if not kept], encoder, options.epochs
    )
    measure(
        reader,
        [one for one, kept in zip(some, back, strict=True) if kept],
        [one for one, kept in zip(seen, back, strict=True) if kept],
    )
    print(f"fitted on {len(some) - sum(back)} texts; longest answer {LONGEST} tokens")
    if options.write:
        arrays = reader.arrays()
        np.savez_compressed(Path(reading.__file__).with_name("reading.npz"), **arrays)


if __name__ == "__main__":
    main()
