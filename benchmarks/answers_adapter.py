"""Fit a LoRA adapter to the default language model: short answers from passages, or none.

    python benchmarks/answers_adapter.py FILE.gguf FILE.npz --out ADAPTER.gguf [--seconds 300]
        [--epochs 3] [--budget 26000] [--steps N]

``FILE.gguf`` is the model as it is served: the adapter is fitted to its quantized weights.
``FILE.npz`` is from ``benchmarks/answers_adapter_data.py``. Prints, before and after, the loss on
what was kept back, how many answers are exactly those wanted, and how many are declined. Needs
torch, transformers and ``pip install gguf``, and in practice a GPU; ``--steps 2 --budget 600``
tries it on a processor.

The weight of an answer's tokens, one over the root of its length, is between counting every answer
and counting every token alike.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from answers_adapter_model import adapt, import_gguf, read_model, write_adapter
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RATE = 5e-4
WARMING = 30
"""Steps in which the rate rises; then it falls to a fiftieth, with the steps or with the time."""
SORTED = 2048
"""Examples among which those of like length come together."""
SAVED = 400
"""Steps between two savings."""
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its answer."""

    tokens: NDArray[np.int64]
    """Shape ``(tokens,)``: the whole prompt, then the answer."""
    answer: int
    """Where in them the answer begins."""
    declines: bool
    kept_back: bool


def read_examples(path: Path) -> list[Example]:
    """Return the examples of a file of ``benchmarks/answers_adapter_data.py``."""
    stored = np.load(path)
    tokens = stored["tokens"]
    before = {1: stored["zh"], 0: stored["en"]}
    found = []
    start = 0
    for turn, answer, chinese, declines, kept_back in stored["examples"].tolist():
        end = start + turn + answer
        whole = np.concatenate([before[chinese], tokens[start:end]]).astype(np.int64)
        found.append(Example(whole, len(whole) - answer, bool(declines), bool(kept_back)))
        start = end
    return found


def to_batches(some: Sequence[Example], budget: int, chance: random.Random) -> list[list[Example]]:
    """Return all of ``some`` in batches of at most ``budget`` tokens, like lengths together."""
    order = list(some)
    chance.shuffle(order)
    batches: list[list[Example]] = []
    for start in range(0, len(order), SORTED):
        batch: list[Example] = []
        for one in sorted(order[start : start + SORTED], key=lambda one: len(one.tokens)):
            if batch and (len(batch) + 1) * len(one.tokens) > budget:
                batches.append(batch)
                batch = []
            batch.append(one)
        batches.append(batch)
    chance.shuffle(batches)
    return batches


def predict(model: Any, batch: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits where an answer's token is next, and that token.

    Shapes: ``(answers' tokens, vocabulary)`` and ``(answers' tokens,)``, example after example.
    """
    longest = max(len(one.tokens) for one in batch)
    tokens = torch.zeros(len(batch), longest, dtype=torch.long)
    wanted = torch.full((len(batch), longest), IGNORED)
    for row, one in enumerate(batch):
        tokens[row, : len(one.tokens)] = torch.from_numpy(one.tokens)
        wanted[row, one.answer - 1 : len(one.tokens) - 1] = tokens[
            row, one.answer : len(one.tokens)
        ]
    tokens, wanted = tokens.to(model.device), wanted.to(model.device)
    states = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    asked = wanted != IGNORED
    return model.lm_head(states[asked]).float(), wanted[asked]


def measure(model: Any, batches: Sequence[Sequence[Example]], refusals: Sequence[int]) -> None:
    """Print how well a model does what it was not fitted on.

    Args:
        model: The model.
        batches: What was kept back.
        refusals: First tokens of a refusal.
    """
    losses = []
    exact: dict[bool, list[bool]] = defaultdict(list)
    doubts: dict[bool, list[float]] = defaultdict(list)
    with torch.inference_mode():
        for batch in batches:
            logits, wanted = predict(model, batch)
            losses.append(float(cross_entropy(logits, wanted)))
            right = (logits.argmax(-1) == wanted).split([len(o.tokens) - o.answer for o in batch])
            starts = np.cumsum([0] + [len(part) for part in right[:-1]])
            doubt = logits[starts].softmax(-1)[:, list(refusals)].sum(-1).tolist()
            for one, part, likely in zip(batch, right, doubt, strict=True):
                exact[one.declines].append(bool(part.all()))
                doubts[one.declines].append(likely)
    told = np.array(doubts[True])[:, None] > np.array(doubts[False])[None]
    print(
        f"kept back: loss {_mean(losses):.3f}, exact where there is an answer "
        f"{_mean(exact[False]):.3f}, declined where there is none {_mean(exact[True]):.3f}, "
        f"where there is one {_mean(np.array(doubts[False]) > 0.5):.3f}; likelier to decline "
        f"without an answer than with one {_mean(told.ravel()):.3f}",
        flush=True,
    )


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def fit(model: Any, plan: Sequence[Sequence[Example]], seconds: float, out: Path) -> None:
    """Fit an adapter on batches, as many as the time allows, and write it."""
    adapted = adapt(model)
    parameters = [values for layer in adapted.values() for values in (layer.down, layer.up)]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0, betas=(0.9, 0.98))
    began = time.monotonic()
    for step, batch in enumerate(plan):
        part = max(step / len(plan), (time.monotonic() - began) / seconds)
        if part >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARMING) * max(0.02, 1 - part)
        logits, wanted = predict(model, batch)
        lengths = torch.tensor([len(one.tokens) - one.answer for one in batch])
        weights = lengths.repeat_interleave(lengths).to(logits.device) ** -0.5
        loss = (cross_entropy(logits, wanted, reduction="none") * weights).sum() / len(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step} of {len(plan)}, loss {loss.item():.3f}", flush=True)
        if step and step % SAVED == 0:
            write_adapter(adapted, out)
    write_adapter(adapted, out)


def main() -> None:
    """Measure, fit, write and measure again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=300, help="of fitting, at most")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--budget", type=int, default=26_000, help="tokens of a batch")
    parser.add_argument("--steps", type=int, default=None, help="fit and measure so many batches")
    options = parser.parse_args()
    import_gguf()
    model = read_model(options.model, "cuda" if torch.cuda.is_available() else "cpu")
    some = read_examples(options.examples)
    fitted = [one for one in some if not one.kept_back]
    held = to_batches([one for one in some if one.kept_back], options.budget, random.Random(1))
    refusals = sorted({int(one.tokens[one.answer]) for one in some if one.declines})
    chance = random.Random(0)
    plan: list[list[Example]] = []
    for _ in range(math.ceil(options.epochs)):
        plan += to_batches(fitted, options.budget, chance)
    plan = plan[: int(len(plan) * options.epochs / math.ceil(options.epochs))][: options.steps]
    print(f"{len(fitted):,} examples to fit on, {len(some) - len(fitted):,} kept back")
    measure(model, held[: options.steps], refusals)
    fit(model, plan, options.seconds, options.out)
    measure(model, held[: options.steps], refusals)


if __name__ == "__main__":
    main()
