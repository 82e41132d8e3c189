"""The weights of an embedding model, loaded by the lightest library that knows their shape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragqa.errors import ModelMissing
from ragqa.models.fingerprint import fingerprint
from ragqa.models.lean_import import import_sentence_transformers, import_torch
from ragqa.models.packed_linear import pack_linears

if TYPE_CHECKING:
    from ragqa.models.resolve import Located

Precision = Literal["auto", "float32", "bfloat16"]


def load_weights(
    located: Located, *, offline: bool, device: str | None, precision: Precision
) -> Any:
    """Load a model: a ``Bert`` of ours where a folder states that it is one, on a CPU.

    Else it is what sentence-transformers makes of it.

    Raises:
        ModelMissing: If there are no such weights, or they cannot be loaded.
    """
    torch = import_torch()
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = _choose_dtype(device, precision)
    try:
        model = _load_bert(located, dtype) if device == "cpu" else None
        model = model or _load_any(located, dtype, offline=offline, device=device)
    except Exception as error:  # the readers of weights have no common class
        raise ModelMissing(_why_not_loaded(located, offline=offline, error=error)) from error
    if device == "cpu":
        pack_linears(model)
    return model


def import_loader(located: Located) -> None:
    """Import the library that ``load_weights`` would load a model by, and nothing heavier.

    Raises:
        ImportError: If it is not installed.
    """
    torch = import_torch()
    if not (located.on_hub or torch.cuda.is_available()):
        from ragqa.models.bert import stated_shape

        if stated_shape(Path(located.source)) is not None:
            return
    import_sentence_transformers()


def _load_bert(located: Located, dtype: Any) -> Any:
    from ragqa.models.bert import Bert, stated_shape

    shape = None if located.on_hub else stated_shape(Path(located.source))
    return shape and Bert(shape, dtype)


def _load_any(located: Located, dtype: Any, *, offline: bool, device: str) -> Any:
    import_sentence_transformers()
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(
        located.source,
        device=device,
        local_files_only=offline or not located.on_hub,
        trust_remote_code=False,
        model_kwargs={"dtype": dtype},
    ).eval()


def _choose_dtype(device: str, precision: Precision) -> Any:
    import torch

    if precision == "auto":
        on_gpu = device.startswith("cuda")
        fast = torch.cuda.is_bf16_supported() if on_gpu else _cpu_computes_bfloat16()
        precision = "bfloat16" if fast else "float32"
    return getattr(torch, precision)


def _cpu_computes_bfloat16() -> bool:
    """Return whether the processor has AVX512_BF16; emulated bfloat16 is slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags


def _why_not_loaded(located: Located, *, offline: bool, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if not located.on_hub:
        return f"the embedding model in {located.source} cannot be loaded: {reason}"
    tried = "the local hub cache (RAGQA_OFFLINE is set)" if offline else "the hub and its cache"
    do = "check the id and the connection, or give a folder"
    if located.preset and located.preset.name:
        do = f"fetch it with: ragqa models pull {located.preset.name}"
    return f"the embedding model {located.name} was not found; tried {tried}: {reason}; {do}"


def revision(located: Located, model: Any) -> str:
    """Return a hub commit, or a fingerprint of the folder."""
    if not located.on_hub:
        return fingerprint(Path(located.source))
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    commit = getattr(config, "_commit_hash", None)
    return str(commit)[:8] if commit else "main"
