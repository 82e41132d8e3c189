"""How soon do the first words come: the model's against bare llama.cpp, and the evidence?

    RAGQA_EVAL_DATA=... python benchmarks/answers_speed.py [--rounds 5] [--tokens 1200]
        [--llm PRESET] [--models FOLDER] [--home HOME] [--chunks 20000] [--questions 100]

The model: real prompts of ``--tokens`` tokens about passages of squad2 and cmrc2018, as the
product writes them, each put to our generator and to bare ``llama_cpp.Llama`` (of the model as it
was fetched, of the same with its adapter beside it, and of the file that ours has loaded), in turn,
with nothing of any of them kept from before; then another question about the same passages to
ours, and the first once more after all others.

The evidence: with ``--home``, a data folder into which ``benchmarks/retrieval.py --home`` ingested
the development sets, its chunks are put into a collection of ``--chunks`` and its questions asked,
one after the other; the time is from the question to the event, its embedding included.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from answers_data import passages, questions, sample
from answers_timing import time_bare, time_ours, tokens_of
from retrieval_data import write_results

from ragqa.answering.answerer import Answerer, Evidence
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.prompt import Prompt, write_prompt
from ragqa.models.adapters import adapter_of
from ragqa.models.extractive import ExtractiveGenerator
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.merging import find_fitted
from ragqa.models.resolve import resolve_llm_model
from ragqa.settings import load_settings
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Message, Span
from ragqa.wiring import build_embedder, build_generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.ports import Embedder
    from ragqa.settings import Settings

WORDS = 24
"""Tokens that are generated to tell the speed."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Named:
    """An embedder under the name that a filled database knows it by."""

    embedder: Embedder
    name: str

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.embedder.dimension

    @property
    def max_tokens(self) -> int:
        """Longest text."""
        return self.embedder.max_tokens

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens."""
        return self.embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages."""
        return self.embedder.embed_passages(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question."""
        return self.embedder.embed_query(text)


def write_prompts(
    generator: LlamaCppGenerator, language: str, count: int, tokens: int
) -> list[tuple[Prompt, Prompt]]:
    """Return pairs of prompts of about ``tokens`` that differ in their question alone."""
    name = {"zh": "cmrc2018", "en": "squad2"}[language]
    texts = [text for _, _, text in passages(name)]
    asked = [q.question for q in sample([q for q in questions(name) if q.answerable], 2 * count)]
    pairs = []
    for number in range(count):
        hits = [_hit(at, text) for at, text in enumerate(texts[number * 25 : number * 25 + 25])]
        first, second = asked[2 * number], asked[2 * number + 1]
        ranked = rank_sentences(first, hits)
        # Every sentence of the passages is near enough: the budget alone decides.
        flat = [replace(candidate, score=0.0) for candidate in ranked]
        budget = tokens
        for _ in range(4):
            prompt = write_prompt(
                first, hits, flat, language=language, generator=generator, passage_tokens=budget
            )
            budget += tokens - len(tokens_of(generator, prompt.messages))
        last = Message("user", second.join(prompt.messages[-1].content.rsplit(first, 1)))
        pairs.append((prompt, Prompt((*prompt.messages[:-1], last), prompt.shown)))
    return pairs


def _hit(at: int, text: str) -> Hit:
    number = Id(CollectionId(1), at + 1)
    chunk = Chunk(1, Span(0, len(text)), text)
    return Hit(ChunkId(number), DocumentId(number), f"{at}.pdf", chunk, "text", 1.0)


def measure_model(settings: Settings, rounds: int, tokens: int) -> dict[str, Any]:
    """Compare our generator with a bare one, round by round."""
    import llama_cpp

    ours = build_generator(settings)
    assert isinstance(ours, LlamaCppGenerator)
    path = Path(resolve_llm_model(settings.llm_model, settings.models_folder).source)
    adapter = adapter_of(path.stem)
    loaded, _ = find_fitted(path, adapter)
    bare = {
        name: llama_cpp.Llama(str(file), n_ctx=4096, lora_path=lora, verbose=False)
        for name, file, lora in (
            ("bare", path, None),
            ("adapted", path, str(adapter) if adapter else None),
            ("same", loaded, None),
        )
    }
    pairs = [
        pair
        for two in zip(
            write_prompts(ours, "zh", rounds, tokens),
            write_prompts(ours, "en", rounds, tokens),
            strict=True,
        )
        for pair in two
    ]
    rows: list[dict[str, float]] = []
    for number, (prompt, follow_up) in enumerate(pairs):
        read = tokens_of(ours, prompt.messages)
        row: dict[str, float] = {"prompt_tokens": len(read)}
        whose = deque(["", *bare])
        whose.rotate(number)  # whoever comes later finds the processor warmer: all do, as often
        for name in whose:
            if name:
                row[f"{name}_first_s"], row[f"{name}_per_s"] = time_bare(bare[name], read, WORDS)
            else:
                ours.forget()
                row["first_s"], row["per_s"] = time_ours(ours, prompt.messages, WORDS)
        time_ours(ours, prompt.messages, WORDS)
        row["follow_up_s"], _ = time_ours(ours, follow_up.messages, WORDS)
        rows.append(row)
    for row, (prompt, _) in zip(rows, pairs, strict=True):
        # Others asked, in another language too, since its passages were read.
        row["others_between_s"], _ = time_ours(ours, prompt.messages, WORDS)
    result: dict[str, Any] = {
        name: float(np.nanmedian([row[name] for row in rows])) for name in rows[0]
    }
    for name, ours_s, theirs in (
        ("first_over_bare", "first_s", "bare_first_s"),
        ("first_over_adapted", "first_s", "adapted_first_s"),
        ("first_over_same", "first_s", "same_first_s"),
        ("follow_up_over_bare", "follow_up_s", "bare_first_s"),
    ):
        result[name] = float(np.median([row[ours_s] / row[theirs] for row in rows]))
    result["rounds"] = len(rows)
    return result


def measure_evidence(settings: Settings, home: Path, chunks: int, asked: int) -> dict[str, Any]:
    """Ask a collection of that size, and time the evidence."""
    from retrieval_speed import MODEL, fill, index
    from retrieval_speed_data import mix_material

    from ragqa.retrieval.hybrid import HybridRetriever
    from ragqa.store.db import Database
    from ragqa.store.embedded import start_or_attach
    from ragqa.store.migrations import migrate
    from ragqa.store.quotes import StoredQuotes
    from ragqa.store.search import StoredChunks

    cache = Path(tempfile.gettempdir(), "ragqa-bench.db")
    material = mix_material(home, chunks, asked, cache=cache, models=settings.models_folder)
    embedder = Named(build_embedder(settings.embedding_model, settings), MODEL)
    times = []
    with tempfile.TemporaryDirectory(prefix="ragqa-bench-") as folder:
        Path(folder).chmod(0o711)
        with start_or_attach(Path(folder)) as server:
            migrate(server.conninfo)
            database = Database(server.conninfo)
            fill(database, material)
            index(server.conninfo)
            retriever = HybridRetriever(StoredChunks(database), embedder)
            answerer = Answerer(ExtractiveGenerator(), embedder, retriever, StoredQuotes(database))
            for number, question in enumerate([*list(material.questions)[:5], *material.questions]):
                started = time.perf_counter()
                first = next(answerer.ask(question, "big"))
                assert isinstance(first, Evidence)
                if number >= 5:
                    times.append(time.perf_counter() - started)
            database.close()
    return {
        "chunks": chunks,
        "questions": len(times),
        "evidence_p50_s": float(np.percentile(times, 50)),
        "evidence_p95_s": float(np.percentile(times, 95)),
        "evidence_most_s": float(max(times)),
    }


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=1200)
    parser.add_argument("--llm", default="")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    given = {"models": options.models, "llm_model": options.llm}
    settings = load_settings(offline=True, **{k: v for k, v in given.items() if v})
    result: dict[str, Any] = {"processors": os.cpu_count(), "load": os.getloadavg()[0]}
    if options.rounds:
        result |= measure_model(settings, options.rounds, options.tokens)
    if options.home:
        result |= measure_evidence(settings, options.home, options.chunks, options.questions)
    kept = Path(__file__).parent / "results" / "answers_speed.json"
    before: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name, value in result.items():
        print(f"{name:26} {value:.3f}" if isinstance(value, float) else f"{name:26} {value}")
    print(write_results("answers_speed", before | result))


if __name__ == "__main__":
    main()
