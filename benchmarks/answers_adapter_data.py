"""Prompts with the answers that a language model should write, as its tokens, in one file.

    RAGQA_EVAL_DATA=... python benchmarks/answers_adapter_data.py --out FILE.npz [--size N]
        [--facts 15000]

Questions of cmrc2018, drcd, xquad-zh and squad2 are asked as the product asks them, of what a BM25
search finds among the passages of their set: with the answer shown, with it left out (the sentence
cut from its passage; its whole passage withheld; not chosen for the prompt), and squad2's questions
without an answer. Made-up facts (``answers_adapter_facts.py``) make half of the examples. Passages
and questions of qa-pdf are left out; every tenth passage is kept back to measure on.
``benchmarks/answers_adapter.py`` fits on the file, where there may be neither data nor llama.cpp.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from answers_adapter_facts import LANGUAGES, make_up
from answers_data import (
    MemoryRetriever,
    is_kept_back,
    passages,
    questions_to_fit,
    typeset_passages,
)

from ragqa.answering.answerer import READ
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.prompt import NOT_FOUND, _ask, _constant, write_prompt
from ragqa.answering.sentences import split_sentences
from ragqa.answering.terms import language_of
from ragqa.models.hashing import HashingEmbedder
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.resolve import resolve_llm_model
from ragqa.settings import load_settings
from ragqa.types import Message, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from answers_data import Question

    from ragqa.ports import Generator
    from ragqa.types import Hit, Language

SETS = ("cmrc2018", "drcd", "xquad-zh", "squad2")
SEED = 5
FACTS_SEED = 9
FOUND = 12
PASSAGE_TOKENS = (120, 200, 200, 200, 260)
"""Tokens that the passages of a prompt may have: mostly what the product allows, 200."""
ALONE, CUT, WITHHELD = 0.25, 0.45, 0.2
"""Shares of answered questions that are asked again: of other passages beside the one with the
answer, of passages without the sentence that has it, and of other passages only."""
LONGEST_QUESTION, LONGEST_ANSWER = 480, 64
"""Tokens of the last turn, and of the answer; longer examples are left out."""
START, END = "<|im_start|>user", "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt's last turn and its answer; ``answer`` is None where the turn does not show one."""

    kind: str
    language: Language
    final: str
    answer: str | None
    kept_back: bool


class Asker:
    """Writes prompts as the product does, and draws what chance decides."""

    def __init__(self, generator: Generator, chance: random.Random) -> None:
        self.chance = chance
        self._generator = generator
        self._embedder = HashingEmbedder()

    def ask(self, question: str, hits: Sequence[Hit]) -> str:
        """Return the last turn of a prompt; empty where no sentence is worth showing."""
        hits = hits[:READ]
        ranked = rank_sentences(question, hits, self._embedder)
        if not ranked:
            return ""
        prompt = write_prompt(
            question,
            hits,
            ranked,
            language=language_of(question),
            generator=self._generator,
            passage_tokens=self.chance.choice(PASSAGE_TOKENS),
        )
        return prompt.messages[-1].content


def examples_of(name: str, size: int | None, asker: Asker) -> Iterator[Example]:
    """Yield examples of at most ``size`` questions of a set."""
    shown = typeset_passages()
    memory = MemoryRetriever([page for page in passages(name) if page[0] not in shown])
    by_passage: dict[str, list[Hit]] = defaultdict(list)
    for hit in memory.hits:
        by_passage[hit.filename].append(hit)
    asked = questions_to_fit(name)
    asker.chance.shuffle(asked)
    for q in asked[:size]:
        found = memory.retrieve(q.question, "", limit=FOUND)
        ask = _answered if q.answerable else _unanswered
        for kind, final, answer in ask(q, by_passage[q.passages[0]], found, asker):
            yield Example(
                f"{name} {kind}",
                language_of(q.question),
                final,
                answer,
                is_kept_back(q.passages[0]),
            )


def _unanswered(
    q: Question, own: list[Hit], found: list[Hit], asker: Asker
) -> Iterator[tuple[str, str, None]]:
    passage = q.passages[0]
    near = any(hit.filename == passage for hit in found[:READ])
    if final := asker.ask(q.question, found if near else [*own[:1], *found]):
        yield "without", final, None


def _answered(
    q: Question, own: list[Hit], found: list[Hit], asker: Asker
) -> Iterator[tuple[str, str, str | None]]:
    """Yield a question with the answer shown and, as chance has it, the same without."""
    chance = asker.chance
    gold = [hit for hit in own if _has(hit.chunk.text, q)]
    if not gold:
        return
    hits = _with_gold(found[:READ], gold, chance)
    final = asker.ask(q.question, hits)
    if answer := _shown_answer(final, q):
        yield "shown", final, answer
        if chance.random() < ALONE:
            best = chance.choice(gold)
            others = chance.sample(found, min(len(found), chance.randint(0, 3)))
            final = asker.ask(q.question, [best, *others])
            if answer := _shown_answer(final, q):
                yield "alone", final, answer
    elif final:
        yield "missed", final, None
    if chance.random() < CUT:
        final = asker.ask(q.question, _cut(q, hits))
        if final and not _shown_answer(final, q):
            yield "cut", final, None
    if chance.random() < WITHHELD:
        final = asker.ask(q.question, [hit for hit in found if hit.filename != q.passages[0]])
        if final and not _shown_answer(final, q):
            yield "withheld", final, None


def _with_gold(hits: list[Hit], gold: list[Hit], chance: random.Random) -> list[Hit]:
    """Return hits, with the answer's passage somewhere among the first where they lack it."""
    if any(hit in gold for hit in hits):
        return hits
    return [*hits[: chance.randint(0, 5)], gold[0], *hits[:2]]


def _has(text: str, q: Question) -> bool:
    return any(answer in text for answer in q.answers)


def _shown_answer(final: str, q: Question) -> str | None:
    """Return the first answer that stands in the passages of a prompt."""
    shown = _flat(final.rsplit("\n", 2)[0])
    return next((answer for answer in q.answers if _flat(answer) in shown), None) if final else None


def _flat(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _cut(q: Question, hits: Sequence[Hit]) -> list[Hit]:
    """Return hits without the sentences that have the answer."""
    space = " " if language_of(q.question) == "en" else ""
    kept = []
    for hit in hits:
        text = hit.chunk.text
        if _has(text, q):
            sentences = [span.of(text) for span in split_sentences(text)]
            text = space.join(sentence for sentence in sentences if not _has(sentence, q))
        if text:
            chunk = replace(hit.chunk, text=text, span=Span(0, len(text)))
            kept.append(hit if text == hit.chunk.text else replace(hit, chunk=chunk))
    return kept


def made_up(count: int) -> Iterator[Example]:
    """Yield examples of made-up facts."""
    for asked in make_up(count, FACTS_SEED):
        kind = f"fact {asked.language} {'shown' if asked.answer else 'without'}"
        final = _ask(asked.passages, asked.question, asked.language)
        yield Example(kind, asked.language, final, asked.answer, asked.kept_back)


def to_tokens(examples: Sequence[Example], generator: LlamaCppGenerator) -> dict[str, Any]:
    """Return the arrays that ``benchmarks/answers_adapter.py`` fits on.

    ``zh`` and ``en``, shape ``(tokens,)``: what stands before the last turn of every prompt of a
    language. ``tokens``, shape ``(tokens,)``: last turn and answer of every example, one after the
    other. ``examples``, shape ``(examples, 5)``: tokens of the turn, tokens of the answer, whether
    it is Chinese, whether it declines, whether it is kept back.
    """
    constant: dict[str, list[int]] = {}
    for language in LANGUAGES:
        whole = generator._render((*_constant(language), Message("user", "?")))
        constant[language] = generator._tokenize(whole[: whole.rindex(START)], special=True)
    tokens: list[int] = []
    rows = []
    for one in examples:
        whole = generator._render((Message("system", "?"), Message("user", one.final)))
        turn = generator._tokenize(whole[whole.rindex(START) :], special=True)
        answer = generator._tokenize(one.answer or NOT_FOUND[one.language], special=False)
        answer += generator._tokenize(END, special=True)
        if len(turn) <= LONGEST_QUESTION and len(answer) <= LONGEST_ANSWER:
            tokens += [*turn, *answer]
            chinese, declines = one.language == "zh", one.answer is None
            rows.append((len(turn), len(answer), chinese, declines, one.kept_back))
    arrays = constant | {"tokens": tokens, "examples": rows}
    return {name: np.array(values, np.int32) for name, values in arrays.items()}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=None, help="questions of each set; all")
    parser.add_argument("--facts", type=int, default=15_000)
    options = parser.parse_args()
    settings = load_settings(offline=True)
    path = resolve_llm_model(settings.llm_model, settings.models_folder).source
    generator = LlamaCppGenerator(path)
    chance = random.Random(SEED)
    asker = Asker(generator, chance)
    examples = [one for name in SETS for one in examples_of(name, options.size, asker)]
    examples += made_up(options.facts)
    chance.shuffle(examples)
    for kind, count in sorted(Counter(one.kind for one in examples).items()):
        print(f"{kind:18} {count:6,}")
    arrays = to_tokens(examples, generator)
    np.savez_compressed(options.out, **arrays)
    print(f"{len(arrays['examples']):,} examples, {len(arrays['tokens']):,} tokens: {options.out}")


if __name__ == "__main__":
    main()
