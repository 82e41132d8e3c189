"""One part of ``benchmarks/answers_gpu.py`` on one side, in a process of its own.

The generator's part never loads PyTorch, nor the embedder's llama.cpp: where both cannot live in
one process, the figures of each are there all the same.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from answers_data import contains
from answers_gpu_data import Recorded, read_recorded
from answers_timing import time_bare, time_ours, tokens_of

from ragqa.answering.answerer import READ, Answerer, Finished
from ragqa.answering.citations import MARKER
from ragqa.answering.prompt import ANSWER_TOKENS, NOT_FOUND, STOP
from ragqa.answering.reading import read_texts
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.merging import SUFFIX
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder
from ragqa.types import Message, Token

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from answers_gpu_data import Asked, Timed
    from numpy.typing import NDArray

    from ragqa.models.weights import Precision

PRECISIONS: tuple[Precision, ...] = ("auto", "float32")
LONG = (Message("user", "Tell me a very long story about a bridge, a river and a village."),)
WORDS = 200
"""Tokens that are generated to tell the speed."""
ROUNDS = 3
"""Times that all passages are embedded; the median is told."""


def ask_gpu(what: str) -> str | None:
    """Return what ``nvidia-smi`` tells of the first GPU; None: there is none."""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.strip().partition("\n")[0] or None


def growth(before: str | None) -> float | None:
    """Return by how many MB the use of the GPU's memory has grown."""
    after = ask_gpu("memory.used")
    return None if before is None or after is None else float(after) - float(before)


def measure_generator(
    path: str, timed: Sequence[Timed], *, gpu_layers: int, threads: int
) -> dict[str, Any]:
    """Compare our generator with a bare one, prompt by prompt."""
    import llama_cpp

    before, started = ask_gpu("memory.used"), time.perf_counter()
    ours = LlamaCppGenerator(path, gpu_layers=gpu_layers, threads=threads)
    result: dict[str, Any] = {"load_s": time.perf_counter() - started, "gpu_mb": growth(before)}
    options: Any = {"n_threads": threads, "n_threads_batch": threads} if threads else {}
    bare = llama_cpp.Llama(path, n_ctx=4096, n_gpu_layers=gpu_layers, verbose=False, **options)
    rows: list[dict[str, float]] = []
    time_ours(ours, LONG, 8)  # what is made ready at the first use is not part of any time
    time_bare(bare, tokens_of(ours, LONG), 8)
    for number, prompt in enumerate(timed):
        tokens = tokens_of(ours, prompt.messages)
        row: dict[str, float] = {"prompt_tokens": len(tokens)}
        for turn in range(2):
            # Whoever is second finds the machine warmer: both are, as often.
            if (number + turn) % 2:
                row["bare_first_s"] = time_bare(bare, tokens, 4)[0]
            else:
                ours.forget()
                row["first_s"] = time_ours(ours, prompt.messages, 4)[0]
        ours.forget()
        time_ours(ours, prompt.messages, 4)
        row["follow_up_s"] = time_ours(ours, prompt.follow_up, 4)[0]
        row["read_per_s"] = len(tokens) / row["first_s"]
        row["bare_read_per_s"] = len(tokens) / row["bare_first_s"]
        row["first_over_bare"] = row["first_s"] / row["bare_first_s"]
        row["follow_up_over_bare"] = row["follow_up_s"] / row["bare_first_s"]
        rows.append(row)
    result |= {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    result["generated_per_s"] = time_ours(ours, LONG, WORDS)[1]
    result["bare_generated_per_s"] = time_bare(bare, tokens_of(ours, LONG), WORDS)[1]
    result["prompts"] = len(rows)
    bare.close()
    ours.close()
    return result


def passages_of(asked: Asked) -> list[str]:
    """Return the texts of all passages that were found for a question."""
    return [*(hit.chunk.text for hit in asked.hits), *asked.more]


def measure_embedder(
    folder: str, asked: Sequence[Asked], precision: Precision, device: str
) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Return the speed of one embedder, and the vectors of all passages and questions."""
    texts = list(dict.fromkeys(text for one in asked for text in passages_of(one)))
    before, started = ask_gpu("memory.used"), time.perf_counter()
    embedder = SentenceTransformerEmbedder(folder, offline=True, device=device, precision=precision)
    result: dict[str, Any] = {"load_s": time.perf_counter() - started}
    passages = embedder.embed_passages(texts)  # what is made ready at the first use is not timed
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        embedder.embed_passages(texts)
        times.append(time.perf_counter() - started)
    result["texts"] = len(texts)
    result["tokens_a_text"] = statistics.mean(map(embedder.count_tokens, texts))
    result["texts_per_s"] = len(texts) / statistics.median(times)
    times, queries = [], []
    for one in asked:
        started = time.perf_counter()
        queries.append(embedder.embed_query(one.question))
        times.append(time.perf_counter() - started)
    result["query_ms"] = 1000 * statistics.median(times)
    result["gpu_mb"] = growth(before)
    return result, {"passages": passages, "queries": np.array(queries)}


def read_spans(embedder: SentenceTransformerEmbedder, asked: Sequence[Asked]) -> dict[str, Any]:
    """Return the likeliest short answer in each passage, and how likely it is (logits)."""
    spans, logits, times = [], [], []
    for one in asked:
        texts = [hit.chunk.text for hit in one.hits[:READ]]
        started = time.perf_counter()
        readings = read_texts(one.question, [[text] for text in texts], embedder) or []
        times.append(time.perf_counter() - started)
        for text, reading in zip(texts, readings, strict=True):
            likely = reading.likelihood()
            first, last = np.unravel_index(int(likely.argmax()), likely.shape)
            spans.append(text[reading.offsets[first][0] : reading.offsets[last][1]])
            logits.append(reading.logit)
    return {"spans": spans, "logits": logits, "reading_ms": 1000 * statistics.median(times)}


def run_embedder(side: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure the embedder in each precision, and read short answers with it."""
    asked = read_asked(options)
    figures: dict[str, Any] = {}
    for precision in PRECISIONS:
        told, vectors = measure_embedder(str(options.embedder), asked, precision, device_of(side))
        figures[precision] = told
        np.savez(folder / f"{side}-{precision}.npz", **vectors)
    embedder = open_embedder(side, options)
    read = read_spans(embedder, asked)
    return {"figures": figures | {"reading_ms": read.pop("reading_ms")}, **read}


def run_generator(side: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure the generator, and write drafts of the recorded prompts, twice."""
    del folder
    timed = spread(read_recorded(options.prompts)[1], 2 * options.rounds)
    figures = measure_generator(
        str(options.llm), timed, gpu_layers=layers_of(side), threads=options.threads
    )
    generator = open_generator(side, options)
    drafts: list[list[str]] = [[], []]
    for turn in drafts:
        generator.forget()
        for one in read_asked(options):
            made = generator.generate(one.messages, max_tokens=ANSWER_TOKENS, stop=STOP)
            turn.append("".join(token.text for token in made).strip())
    figures["drafts_same_when_asked_again"] = drafts[0] == drafts[1]
    return {"figures": figures, "drafts": drafts[0]}


def run_answers(side: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Take the whole step from hits to verified answers, both models in one process."""
    del folder
    asked = read_asked(options)
    recorded = Recorded(asked)
    embedder = open_embedder(side, options)
    answerer = Answerer(open_generator(side, options), embedder, recorded, recorded)
    answers = []
    for one in asked:
        words = ""
        for event in answerer.ask(one.question, "recorded"):
            if isinstance(event, Token):
                words += event.text
            elif isinstance(event, Finished):
                answers.append(_answer_to_json(event.answer, words))
    right = [
        contains(MARKER.sub("", one["text"]), a.answers)
        for one, a in zip(answers, asked, strict=True)
    ]
    figures = {
        "answer_ms": statistics.median(one["total_ms"] for one in answers),
        "right": statistics.mean(right),
    }
    return {"figures": figures, "answers": answers}


def _answer_to_json(answer: Any, draft: str) -> dict[str, Any]:
    return {
        "draft": draft.strip(),
        "text": answer.text,
        "refusal": answer.refusal.reason if answer.refusal else None,
        "cited": [[one.filename, one.page, one.quote] for one in answer.citations],
        "sentences": [[one.text, one.supported, one.reasons] for one in answer.sentences],
        "confidence": answer.confidence,
        "total_ms": answer.timings.total,
        "first_token_ms": answer.timings.first_token,
    }


PARTS = {"embedder": run_embedder, "generator": run_generator, "answers": run_answers}


def run_part(side: str, part: str, options: argparse.Namespace, folder: Path) -> None:
    """Measure one part, and leave its figures and texts in ``folder``."""
    told = PARTS[part](side, options, folder)
    told["figures"] |= {"threads": options.threads, "cores": len(os.sched_getaffinity(0))}
    (folder / f"{side}-{part}.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")


def device_of(side: str) -> str:
    """Return where PyTorch computes."""
    return "cuda" if side == "gpu" else "cpu"


def layers_of(side: str) -> int:
    """Return how many layers go to the GPU.

    Raises:
        SystemExit: llama.cpp sees no GPU, and would use the CPU.
    """
    if side == "cpu":
        return 0
    import llama_cpp

    if not llama_cpp.llama_supports_gpu_offload():
        raise SystemExit("llama-cpp-python sees no GPU: build it with CMAKE_ARGS=-DGGML_CUDA=on")
    return -1


def open_generator(side: str, options: argparse.Namespace) -> LlamaCppGenerator:
    """Load the language model on that side; what was fitted to refuse is asked how it doubts."""
    fitted = SUFFIX in options.llm.name
    return LlamaCppGenerator(
        options.llm,
        gpu_layers=layers_of(side),
        threads=options.threads,
        refusals=tuple(NOT_FOUND.values()) if fitted else (),
    )


def open_embedder(side: str, options: argparse.Namespace) -> SentenceTransformerEmbedder:
    """Load the embedder on that side, in the precision that it chooses."""
    return SentenceTransformerEmbedder(str(options.embedder), offline=True, device=device_of(side))


def read_asked(options: argparse.Namespace) -> list[Asked]:
    """Return the questions that this run asks."""
    return spread(read_recorded(options.prompts)[0], options.size)


def spread(items: Sequence[Any], size: int) -> list[Any]:
    """Return ``size`` of ``items`` from all over them: the first half is of another language."""
    return list(items[:: max(1, len(items) // size)])[:size]
