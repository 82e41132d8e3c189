"""A question and a text in one pass of an embedding model: what it made of each token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.models.packing import find_packing
from ragqa.types import ReadPair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from ragqa.models.packing import Packing
    from ragqa.types import Adapter

    Changes = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]

PAIR_TOKENS = 320
"""Tokens of a question and a text that are read together."""


def read_pairs(
    model: Any,
    question: str,
    texts: Sequence[str],
    adapter: Adapter,
    tokenizing: AbstractContextManager[Any],
) -> list[ReadPair]:
    """Read each of ``texts`` behind ``question``; to be called as a pass of ``Cores``.

    Args:
        model: A ``Bert``, or of sentence-transformers; its tokenizer must tell where tokens stand.
        question: With the model's prefix for queries.
        texts: Of the longer of the two the end is left out where both are too long together.
        adapter: Changes to the model's upper blocks, for this pass alone.
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
        ).encodings
    ids = torch.tensor([one.ids for one in encoded], device=model.device)
    mask = torch.tensor([one.attention_mask for one in encoded], device=model.device)
    encoder = model.encoder if hasattr(model, "encoder") else model[0].auto_model
    seen = _encode(encoder, ids, mask, adapter).float().cpu().numpy()
    found: list[ReadPair] = []
    for row, one in enumerate(encoded):
        inside = [at for at, side in enumerate(one.sequence_ids) if side == 1]
        found.append(ReadPair(np.array(one.offsets)[inside], seen[row, inside]))
    return found


def _encode(encoder: Any, ids: Any, mask: Any, adapter: Adapter) -> Any:
    """Run the blocks one by one, so that others may embed with the same weights meanwhile."""
    states = encoder.embeddings(input_ids=ids)
    told = mask[:, None, None, :].bool()
    for number, block in enumerate(encoder.encoder.layer):
        at = number - adapter.first
        states = pass_block(block, states, told, adapter.blocks[at] if at >= 0 else {})
    return states


def pass_blocks(blocks: Sequence[Any], states: Any, read: Any) -> Any:
    """Return what the last of ``blocks`` makes of ``states``; of padding it is anything.

    Args:
        blocks: One above the other.
        states: What the first is given. Shape: ``(texts, tokens, dimension)``.
        read: Which tokens are no padding. Shape: ``(texts, tokens)``.
    """
    told = None if bool(read.all()) else read[:, None, None, :]
    packing = find_packing(read)
    states = packing.pack(states) if packing else states
    for block in blocks:
        states = pass_block(block, states, told, {}, packing)
    return packing.spread(states) if packing else states


def pass_block(
    block: Any, states: Any, told: Any, changes: Changes, packing: Packing | None = None
) -> Any:
    """Return what one block makes of ``states``, in the same shape.

    Args:
        block: A ``BertLayer``, or one built like it.
        states: What the block below made. Shape: ``(texts, tokens, dimension)``, or as packed.
        told: Which tokens are no padding. Shape: ``(texts, 1, 1, tokens)``.
        changes: To its linear layers, by the name of each.
        packing: How ``states`` are packed, if they are.

    Source: ``BertLayer`` of transformers, whose dropout does nothing when a model is only used.
    """
    import torch

    attention = block.attention.self

    def linear(name: str, layer: Callable[[Any], Any], given: Any) -> Any:
        made = layer(given)
        if name not in changes:
            return made
        down, up = (torch.as_tensor(part).to(given) for part in changes[name])
        return made + given @ down.T @ up.T

    def heads(name: str) -> Any:
        made = linear(name, getattr(attention, name), states)
        made = packing.spread(made) if packing else made
        return made.unflatten(-1, (attention.num_attention_heads, -1)).transpose(1, 2)

    mixed = torch.nn.functional.scaled_dot_product_attention(
        heads("query"), heads("key"), heads("value"), attn_mask=told
    )
    mixed = mixed.transpose(1, 2).flatten(-2)
    mixed = packing.pack(mixed) if packing else mixed
    output = block.attention.output
    states = output.LayerNorm(linear("mixed", output.dense, mixed) + states)
    wide = block.intermediate
    wider = wide.intermediate_act_fn(linear("wide", wide.dense, states))
    result: Any = block.output.LayerNorm(linear("narrow", block.output.dense, wider) + states)
    return result
