"""The models on a GPU: how fast are they, and are the answers those of the CPU?

    python benchmarks/answers_gpu.py --llm FILE.gguf --embedder FOLDER --prompts FILE.jsonl
        [--size 40] [--rounds 4] [--threads 0] [--out FOLDER]

The prompts are those of ``benchmarks/answers_gpu_data.py``. Everything is done twice by our own
classes, by a process that sees no GPU and by one that sees it; without a GPU only the first is
run, and the result says so. llama-cpp-python must be built with CUDA, PyTorch too.

* The generator beside a bare ``llama_cpp.Llama`` in the same process: tokens of a prompt read and
  tokens generated a second; the first token of a long prompt, and of another question about the
  same passages; how long it loads and how much of the GPU's memory it takes.
* The embedder: texts a second, the time of a query, the cosines between the vectors of both sides,
  whether the nearest passages are the same.
* The reader of short answers: whether it finds the same spans.
* Drafts of the recorded prompts, and the whole step from hits to the verified answer: how many are
  the same. Those that differ are written to ``FOLDER/differing.json``.
"""

# Longer than 300 lines: one comparison, from what each side measures to whether both agree.

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from answers_data import contains
from answers_gpu_data import READ, Recorded, read_recorded
from retrieval_data import write_results

from ragqa.answering.answerer import Answerer, Finished
from ragqa.answering.citations import MARKER
from ragqa.answering.prompt import ANSWER_TOKENS, STOP
from ragqa.answering.reading import read_texts
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder
from ragqa.types import Message, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from answers_gpu_data import Asked, Timed
    from numpy.typing import NDArray

    from ragqa.models.weights import Precision

SIDES = ("cpu", "gpu")
PRECISIONS: tuple[Precision, ...] = ("auto", "float32")
LONG = (Message("user", "Write the numbers from 1 to 200, with commas between them."),)
WORDS = 200
"""Tokens that are generated to tell the speed."""
TOP = 10
"""Nearest passages that are compared."""


def used_memory() -> float | None:
    """Return the MB of the GPU's memory that are in use; None where there is no GPU."""
    try:
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return float(told.splitlines()[0])


def growth(before: float | None) -> float | None:
    """Return by how many MB the use of the GPU's memory has grown."""
    after = used_memory()
    return None if before is None or after is None else after - before


def time_stream(stream: Any, text_of: Callable[[Any], str]) -> dict[str, float]:
    """Return the seconds until the first text, and the pieces a second from then on."""
    started = time.perf_counter()
    first, count = 0.0, 0
    for piece in stream:
        if text_of(piece):
            first = first or time.perf_counter() - started
            count += 1
    rest = time.perf_counter() - started - first
    return {"first_s": first, "per_s": (count - 1) / rest if count > 1 else 0.0}


def time_ours(generator: LlamaCppGenerator, messages: Sequence[Message], tokens: int) -> Any:
    """Time our generator."""
    return time_stream(generator.generate(messages, max_tokens=tokens), lambda token: token.text)


def time_bare(llama: Any, prompt: list[int], tokens: int) -> Any:
    """Time a bare ``Llama``, which has nothing read before."""
    llama.reset()
    stream = llama.create_completion(prompt, max_tokens=tokens, temperature=0.0, stream=True)
    return time_stream(stream, lambda part: part["choices"][0]["text"])


def measure_generator(
    path: str, timed: Sequence[Timed], *, gpu_layers: int, threads: int
) -> dict[str, Any]:
    """Compare our generator with a bare one, prompt by prompt."""
    import llama_cpp

    before, started = used_memory(), time.perf_counter()
    ours = LlamaCppGenerator(path, gpu_layers=gpu_layers, threads=threads)
    result: dict[str, Any] = {"load_s": time.perf_counter() - started, "gpu_mb": growth(before)}
    options: Any = {"n_threads": threads, "n_threads_batch": threads} if threads else {}
    bare = llama_cpp.Llama(path, n_ctx=4096, n_gpu_layers=gpu_layers, verbose=False, **options)
    rows: list[dict[str, float]] = []
    time_ours(ours, LONG, 8)  # what is made ready at the first use is not part of any time
    time_bare(bare, _tokens(ours, LONG), 8)
    for number, prompt in enumerate(timed):
        tokens = _tokens(ours, prompt.messages)
        row: dict[str, float] = {"prompt_tokens": len(tokens)}
        for turn in range(2):
            # Whoever is second finds the machine warmer: both are, as often.
            if (number + turn) % 2:
                row["bare_first_s"] = time_bare(bare, tokens, 4)["first_s"]
            else:
                ours.forget()
                row["first_s"] = time_ours(ours, prompt.messages, 4)["first_s"]
        ours.forget()
        time_ours(ours, prompt.messages, 4)
        row["follow_up_s"] = time_ours(ours, prompt.follow_up, 4)["first_s"]
        row["read_per_s"] = len(tokens) / row["first_s"]
        row["bare_read_per_s"] = len(tokens) / row["bare_first_s"]
        row["first_over_bare"] = row["first_s"] / row["bare_first_s"]
        row["follow_up_over_bare"] = row["follow_up_s"] / row["bare_first_s"]
        rows.append(row)
    result |= {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    result["generated_per_s"] = time_ours(ours, LONG, WORDS)["per_s"]
    result["bare_generated_per_s"] = time_bare(bare, _tokens(ours, LONG), WORDS)["per_s"]
    result["prompts"] = len(rows)
    bare.close()
    ours.close()
    return result


def _tokens(generator: LlamaCppGenerator, messages: Sequence[Message]) -> list[int]:
    return generator._tokenize(generator._render(messages), special=True)


def passages_of(asked: Asked) -> list[str]:
    """Return the texts of all passages that were found for a question."""
    return [*(hit.chunk.text for hit in asked.hits), *asked.more]


def measure_embedder(
    folder: str, asked: Sequence[Asked], precision: Precision, device: str
) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Return the speed of one embedder, and the vectors of all passages and questions."""
    texts = list(
        dict.fromkeys(t for a in asked for t in (*(h.chunk.text for h in a.hits), *a.more))
    )
    before, started = used_memory(), time.perf_counter()
    embedder = SentenceTransformerEmbedder(folder, offline=True, device=device, precision=precision)
    result: dict[str, Any] = {"load_s": time.perf_counter() - started}
    embedder.embed_passages(texts[:200])
    started = time.perf_counter()
    passages = embedder.embed_passages(texts)
    result["texts"] = len(texts)
    result["tokens_a_text"] = statistics.mean(map(embedder.count_tokens, texts))
    result["texts_per_s"] = len(texts) / (time.perf_counter() - started)
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


def tell_all(
    generator: LlamaCppGenerator, embedder: SentenceTransformerEmbedder, asked: Sequence[Asked]
) -> dict[str, Any]:
    """Return drafts of the recorded prompts, twice, and whole answers with all of one side."""
    recorded = Recorded(asked)
    answerer = Answerer(generator, embedder, recorded, recorded)
    drafts: list[list[str]] = [[], []]
    for turn in drafts:
        generator.forget()
        for one in asked:
            made = generator.generate(one.messages, max_tokens=ANSWER_TOKENS, stop=STOP)
            turn.append("".join(token.text for token in made).strip())
    answers = []
    for one in asked:
        words = ""
        for event in answerer.ask(one.question, "recorded"):
            if isinstance(event, Token):
                words += event.text
            elif isinstance(event, Finished):
                answers.append(_answer_to_json(event.answer, words))
    return {"drafts": drafts[0], "same_again": drafts[0] == drafts[1], "answers": answers}


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


def run_side(side: str, options: argparse.Namespace, folder: Path) -> None:
    """Measure one side, and leave its figures, texts and vectors in ``folder``."""
    asked, timed = read_recorded(options.prompts)
    asked, timed = _spread(asked, options.size), _spread(timed, 2 * options.rounds)
    device, gpu_layers = ("cuda", -1) if side == "gpu" else ("cpu", 0)
    figures: dict[str, Any] = {"threads": options.threads, "cores": len(os.sched_getaffinity(0))}
    for precision in PRECISIONS:
        told, vectors = measure_embedder(str(options.embedder), asked, precision, device)
        figures[f"embedder {precision}"] = told
        np.savez(folder / f"{side}-{precision}.npz", **vectors)
    embedder = SentenceTransformerEmbedder(str(options.embedder), offline=True, device=device)
    read = read_spans(embedder, asked)
    figures["embedder auto"]["reading_ms"] = read["reading_ms"]
    figures["generator"] = measure_generator(
        str(options.llm), timed, gpu_layers=gpu_layers, threads=options.threads
    )
    generator = LlamaCppGenerator(options.llm, gpu_layers=gpu_layers, threads=options.threads)
    told = tell_all(generator, embedder, asked)
    answers = told["answers"]
    figures["answer_ms"] = statistics.median(one["total_ms"] for one in answers)
    figures["drafts_same_when_asked_again"] = told["same_again"]
    figures["right"] = statistics.mean(
        contains(MARKER.sub("", one["text"]), a.answers)
        for one, a in zip(answers, asked, strict=True)
    )
    whole = {"figures": figures, "read": read, "told": told}
    (folder / f"{side}.json").write_text(json.dumps(whole, ensure_ascii=False), "utf-8")


def _spread(items: Sequence[Any], size: int) -> list[Any]:
    """Return ``size`` of ``items`` from all over them: the first half is of another language."""
    return list(items[:: max(1, len(items) // size)])[:size]


def compare_vectors(folder: Path, one: str, other: str) -> dict[str, float]:
    """Return how much alike the vectors of two sides are, and what is nearest to each question."""
    left, right = (np.load(folder / f"{name}.npz") for name in (one, other))
    cosines = np.concatenate(
        [(left[name] * right[name]).sum(axis=1) for name in ("passages", "queries")]
    )
    nearest = [
        np.argsort(-(queries @ side["passages"].T), axis=1, kind="stable")[:, :TOP]
        for side, queries in (
            (left, left["queries"]),
            (right, right["queries"]),
            (left, right["queries"]),
        )
    ]

    def overlap(ours: NDArray[np.int64]) -> float:
        pairs = zip(nearest[0], ours, strict=True)
        return statistics.mean(len(set(a) & set(b)) / TOP for a, b in pairs)

    return {
        "least_cosine": float(cosines.min()),
        "mean_cosine": float(cosines.mean()),
        "same_nearest": float((nearest[0][:, 0] == nearest[1][:, 0]).mean()),
        "nearest_10_shared": overlap(nearest[1]),
        # A collection that one side embedded, and the other asks.
        "same_nearest_mixed": float((nearest[0][:, 0] == nearest[2][:, 0]).mean()),
        "nearest_10_shared_mixed": overlap(nearest[2]),
    }


def compare(folder: Path, asked: Sequence[Asked], out: Path) -> dict[str, Any]:
    """Return how many drafts, answers, spans and vectors agree; write those that do not."""
    cpu, gpu = (json.loads((folder / f"{side}.json").read_text("utf-8")) for side in SIDES)
    result: dict[str, Any] = {
        f"{one} / {other}": compare_vectors(folder, one, other)
        for one, other in (
            ("cpu-auto", "gpu-auto"),
            ("cpu-float32", "gpu-float32"),
            ("cpu-float32", "cpu-auto"),
            ("cpu-float32", "gpu-auto"),
        )
    }
    spans = list(zip(cpu["read"]["spans"], gpu["read"]["spans"], strict=True))
    logits = np.abs(np.subtract(cpu["read"]["logits"], gpu["read"]["logits"]))
    result["spans"], result["spans_same"] = len(spans), statistics.mean(a == b for a, b in spans)
    result["greatest_difference_of_logits"] = float(logits.max())
    drafts = list(zip(cpu["told"]["drafts"], gpu["told"]["drafts"], strict=True))
    result["prompts"] = len(drafts)
    result["drafts_same"] = statistics.mean(a == b for a, b in drafts)
    answers = list(zip(cpu["told"]["answers"], gpu["told"]["answers"], strict=True))
    for name in ("draft", "text", "refusal", "cited"):
        result[f"answers_same_{name}"] = statistics.mean(a[name] == b[name] for a, b in answers)
    differing = [
        {"id": a.id, "question": a.question, "gold": a.answers, "drafts": d, "cpu": c, "gpu": g}
        for a, d, (c, g) in zip(asked, drafts, answers, strict=True)
        if d[0] != d[1] or c["text"] != g["text"] or c["refusal"] != g["refusal"]
    ]
    out.mkdir(parents=True, exist_ok=True)
    whole = {"answers": differing, "spans": [pair for pair in spans if pair[0] != pair[1]]}
    (out / "differing.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1), "utf-8")
    return result


def find_gpu() -> str | None:
    """Return the name of the GPU that PyTorch and llama.cpp both see; None: there is none."""
    import llama_cpp
    import torch

    if not (torch.cuda.is_available() and llama_cpp.llama_supports_gpu_offload()):
        return None
    return str(torch.cuda.get_device_name(0))


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--llm", type=Path, required=True)
    parser.add_argument("--embedder", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=4, help="long prompts of each language")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir(), "ragqa-gpu"))
    parser.add_argument("--side", choices=SIDES, help="for the processes that this one starts")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.side:
        run_side(options.side, options, options.out)
        return
    gpu = find_gpu()
    result: dict[str, Any] = {"gpu": gpu or "none: only the CPU was measured"}
    for side in SIDES if gpu else SIDES[:1]:
        # A build with CUDA reads long prompts on the GPU even without layers there.
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if side == "cpu" else {}
        command = [sys.executable, __file__, *sys.argv[1:], "--out", str(options.out)]
        subprocess.run([*command, "--side", side], check=True, env=os.environ | hidden)
        told = json.loads((options.out / f"{side}.json").read_text("utf-8"))
        result[side] = told["figures"]
    if gpu:
        asked = _spread(read_recorded(options.prompts)[0], options.size)
        result["agreement"] = compare(options.out, asked, options.out)
    for name, value in _flat(result):
        print(f"{name:55} {value:.4f}" if isinstance(value, float) else f"{name:55} {value}")
    print(write_results("answers_gpu", result))


def _flat(told: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in told.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}, ")
        else:
            found.append((prefix + name, value))
    return found


if __name__ == "__main__":
    main()
