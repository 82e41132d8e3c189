"""The OpenAI door, vectors: texts embedded with the model of a collection, or the default one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter

from ragqa.api.access import Given
from ragqa.api.schemas import EmbeddingRequest
from ragqa.errors import NotFound
from ragqa.store.collections import find_collection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ragqa.ports import Embedder
    from ragqa.wiring import Services

router = APIRouter(tags=["openai"])


@router.post("/embeddings")
def embed(body: EmbeddingRequest, services: Given) -> dict[str, Any]:
    """Embed texts; `model` is a collection, or the name of the default embedding model."""
    embedder = _find_embedder(services, body.model)
    texts = body.texts()
    if body.input_type == "query":
        vectors = np.stack([embedder.embed_query(text) for text in texts])
    else:
        vectors = embedder.embed_passages(texts)
    tokens = sum(embedder.count_tokens(text) for text in texts)
    return {
        "object": "list",
        "model": body.model,
        "data": [
            {"object": "embedding", "index": n, "embedding": _written(vector, body)}
            for n, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _find_embedder(services: Services, name: str) -> Embedder:
    if name == services.settings.embedding_model:
        return services.embedder()
    try:
        with services.database.transaction() as conn:
            return services.embedder(find_collection(conn, name).embedding_model)
    except NotFound as error:
        raise NotFound(
            f"no collection {name!r}: name one, or the model {services.settings.embedding_model!r}",
            code=error.code,
        ) from error


def _written(vector: NDArray[np.float32], body: EmbeddingRequest) -> list[float] | str:
    if body.encoding_format == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(value) for value in vector]
