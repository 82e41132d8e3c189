"""Reranking with a cross-encoder (BGE reranker and its like) through sentence-transformers."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.errors import ModelMissing
from ragqa.models.lean_import import import_sentence_transformers
from ragqa.models.resolve import Located, resolve_reranker_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.types import Hit

BATCH = 8


class CrossEncoderReranker:
    """Reads question and passage together; scores are what the folder's activation gives."""

    def __init__(
        self,
        model: Located | str | Path,
        *,
        models_folder: Path | None = None,
        offline: bool = False,
        device: str | None = None,
    ) -> None:
        """Load the model: preset, hub id, folder, or what one of them was resolved to.

        Raises:
            ModelMissing: If there are no such weights, or they do not give one score a pair.
        """
        located = model if isinstance(model, Located) else None
        located = located or resolve_reranker_model(str(model), models_folder or Path())
        self._name = located.name
        self._model = _load(located.source, local=offline or not located.on_hub, device=device)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model name, written into answers."""
        return self._name

    def rerank(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits with new scores, best first; equal scores keep their order."""
        if not hits:
            return []
        pairs = [(question, hit.chunk.text) for hit in hits]
        with self._lock:
            scores = self._model.predict(pairs, batch_size=BATCH, show_progress_bar=False)
        scored = [replace(hit, score=float(score)) for hit, score in zip(hits, scores, strict=True)]
        return sorted(scored, key=lambda hit: hit.score, reverse=True)


def _load(source: str, *, local: bool, device: str | None) -> Any:
    import_sentence_transformers()
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = CrossEncoder(source, device=device, local_files_only=local)
    except Exception as error:  # the readers of weights have no common class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelMissing(
            f"the reranker {source} cannot be loaded: {reason}; give a preset that was pulled "
            "with `ragqa models pull`, a hub id, or a folder"
        ) from error
    if model.num_labels != 1:
        raise ModelMissing(
            f"{source} gives {model.num_labels} scores a pair, a reranker gives 1: it is another "
            "kind of classifier"
        )
    return model
