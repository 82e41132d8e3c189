"""The models on a GPU: how fast are they, and are the answers those of the CPU?

    python benchmarks/answers_gpu.py --llm FILE.gguf --embedder FOLDER --prompts FILE.jsonl
        [--size 40] [--rounds 4] [--threads 0] [--out FOLDER]

The prompts are those of ``benchmarks/answers_gpu_record.py``; neither a database nor the documents
are needed. Everything is done twice by our own classes, by processes that see no GPU and by some
that see it; without a GPU only the first are run, and the result says so. llama-cpp-python must be
built with CUDA, PyTorch too. Three parts, each in a process of its own that leaves its figures in
``FOLDER`` at once; when one fails, the result has the others and says what is missing.

* ``embedder``: texts a second, the time of a query, the cosines between the vectors of both sides,
  whether the nearest passages are the same; whether short answers are the same spans.
* ``generator``, beside a bare ``llama_cpp.Llama`` in the same process: tokens of a prompt read and
  tokens generated a second; the first token of a long prompt, and of another question about the
  same passages; how long it loads and how much of the GPU's memory it takes; drafts.
* ``answers``: the whole step from hits to the verified answer, with both models in one process.

Drafts, answers and spans that differ are written to ``FOLDER/differing.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from answers_gpu_parts import PARTS, PRECISIONS, ask_gpu, read_asked, run_part
from retrieval_data import write_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from answers_gpu_data import Asked
    from numpy.typing import NDArray

SIDES = ("cpu", "gpu")
TOP = 10
"""Nearest passages that are compared."""


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


def compare_embedders(folder: Path, cpu: Any, gpu: Any) -> dict[str, Any]:
    """Return how much alike vectors and short answers of both sides are."""
    names = [f"{side}-{precision}" for precision in PRECISIONS for side in SIDES]
    first, second, third, fourth = names
    result: dict[str, Any] = {
        f"{one} / {other}": compare_vectors(folder, one, other)
        for one, other in ((first, second), (third, fourth), (third, first), (third, second))
    }
    spans = list(zip(cpu["spans"], gpu["spans"], strict=True))
    logits = np.abs(np.subtract(cpu["logits"], gpu["logits"]))
    result["spans"], result["spans_same"] = len(spans), statistics.mean(a == b for a, b in spans)
    result["mean_difference_of_logits"] = float(logits.mean())
    result["greatest_difference_of_logits"] = float(logits.max())
    return result


def compare(folder: Path, asked: Sequence[Asked]) -> dict[str, Any]:
    """Return how much agrees, of what both sides have; write what does not."""
    result: dict[str, Any] = {}
    differing: dict[str, Any] = {}
    found = {part: [read_part(folder, side, part) for side in SIDES] for part in PARTS}
    cpu, gpu = found["embedder"]
    if cpu and gpu:
        result["embedder"] = compare_embedders(folder, cpu, gpu)
        differing["spans"] = [
            pair for pair in zip(cpu["spans"], gpu["spans"], strict=True) if pair[0] != pair[1]
        ]
    cpu, gpu = found["generator"]
    if cpu and gpu:
        drafts = list(zip(cpu["drafts"], gpu["drafts"], strict=True))
        same = statistics.mean(a == b for a, b in drafts)
        result["generator"] = {"prompts": len(drafts), "drafts_same": same}
        differing["drafts"] = [pair for pair in drafts if pair[0] != pair[1]]
    cpu, gpu = found["answers"]
    if cpu and gpu:
        answers = list(zip(cpu["answers"], gpu["answers"], strict=True))
        result["answers"] = {
            f"same_{name}": statistics.mean(a[name] == b[name] for a, b in answers)
            for name in ("draft", "text", "refusal", "cited")
        } | {"questions": len(answers)}
        differing["answers"] = [
            {"id": a.id, "question": a.question, "gold": a.answers, "cpu": c, "gpu": g}
            for a, (c, g) in zip(asked, answers, strict=True)
            if c["text"] != g["text"] or c["refusal"] != g["refusal"]
        ]
    (folder / "differing.json").write_text(
        json.dumps(differing, ensure_ascii=False, indent=1), "utf-8"
    )
    return result


def read_part(folder: Path, side: str, part: str) -> Any:
    """Return what a part left in ``folder``; None: it left nothing."""
    path = folder / f"{side}-{part}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def measure(side: str, part: str, out: Path) -> str | None:
    """Run a part in a process of its own; return how it failed, if it did."""
    (out / f"{side}-{part}.json").unlink(missing_ok=True)  # of an earlier run
    # A build with CUDA reads long prompts on the GPU even without layers there.
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if side == "cpu" else {}
    command = [sys.executable, __file__, *sys.argv[1:], "--out", str(out)]
    done = subprocess.run(
        [*command, "--side", side, "--part", part], check=False, env=os.environ | hidden
    )
    if done.returncode < 0:
        return f"ended by {signal.Signals(-done.returncode).name}"
    return f"ended with {done.returncode}" if done.returncode else None


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
    parser.add_argument("--part", choices=PARTS, help="for the processes that this one starts")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.side:
        run_part(options.side, options.part, options, options.out)
        return
    gpu = ask_gpu("name")
    result: dict[str, Any] = {"device": gpu or "none: only the CPU was measured"}
    missing: dict[str, str] = {}
    for side in SIDES if gpu else SIDES[:1]:
        for part in PARTS:
            failed = measure(side, part, options.out)
            if failed:
                missing[f"{side} {part}"] = failed
            else:
                told = read_part(options.out, side, part)
                result.setdefault(side, {})[part] = told["figures"]
    if gpu:
        result["agreement"] = compare(options.out, read_asked(options))
    result["missing"] = missing or "nothing"
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
