"""A question and a text in one pass of an embedding model: what its layers made of each token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.types import ReadPair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

PAIR_TOKENS = 320
"""Tokens of a question and a text that are read together."""


def read_pairs(
    model: Any,
    question: str,
    texts: Sequence[str],
    layers: Sequence[int],
    tokenizing: AbstractContextManager[Any],
) -> list[ReadPair]:
    """Read each of ``texts`` behind ``question``.

    Args:
        model: A sentence-transformers model; its tokenizer must tell where tokens stand.
        question: With the model's prefix for queries.
        texts: Of the longer of the two the end is left out where both are too long together.
        layers: Whose output to return, counted from 1.
        tokenizing: Held while the tokenizer is used.
    """
    import torch

    with tokenizing:
        encoded = model.tokenizer(
            [question] * len(texts),
            list(texts),
            padding=True,
            truncation=True,
            max_length=PAIR_TOKENS,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
    given = {name: encoded[name].to(model.device) for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        seen = model[0].auto_model(**given, output_hidden_states=True).hidden_states
    found: list[ReadPair] = []
    for row in range(len(texts)):
        inside = [at for at, side in enumerate(encoded.sequence_ids(row)) if side == 1]
        told = [seen[layer][row, inside].float().cpu().numpy() for layer in layers]
        offsets = encoded["offset_mapping"][row, inside].numpy()
        found.append(ReadPair(offsets, np.concatenate(told, axis=1)))
    return found
