"""What was fitted to single language models: to answer in few words from passages, or to decline.

An adapter (LoRA) is a GGUF file in ``ragqa/models/adapters``, named as the preset that it belongs
to. It was fitted by ``benchmarks/answers_adapter.py``.
"""

from __future__ import annotations

import ctypes
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).with_name("adapters")


def adapter_of(preset: str) -> Path | None:
    """Return the adapter of a preset; None: it has none."""
    path = FOLDER / f"{preset}.gguf"
    return path if path.is_file() else None


def with_adapter(model: str, path: Path) -> str:
    """Return the name of a model with an adapter: another one makes other answers."""
    return f"{model}+{hashlib.blake2b(path.read_bytes(), digest_size=4).hexdigest()}"


def adapt(llama: Any, path: Path) -> None:
    """Let a loaded model compute with an adapter. It is freed with the model.

    Raises:
        ModelMissing: If the file is no adapter, or one for another model.
    """
    import llama_cpp

    adapter = llama_cpp.llama_adapter_lora_init(llama.model, str(path).encode())
    if adapter:
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
        if not llama_cpp.llama_set_adapters_lora(llama.ctx, adapters, 1, (ctypes.c_float * 1)(1)):
            return
    raise ModelMissing(f"llama.cpp cannot use the adapter {path} with this model")


def likelihood(llama: Any, tokens: Sequence[int]) -> float:
    """Return how likely one of ``tokens`` is to follow what a model has read, 0 to 1."""
    import llama_cpp

    told = llama_cpp.llama_get_logits_ith(llama.ctx, -1)
    logits = np.ctypeslib.as_array(told, (llama.n_vocab(),))
    shares = np.exp(logits - logits.max())
    return float(shares[list(tokens)].sum() / shares.sum())
