"""``ragqa doctor``: what is needed, whether it is there, and how to mend what is not."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING, Any

from ragqa.errors import RagqaError
from ragqa.models.llama_cpp import supports_gpu
from ragqa.models.places import ready
from ragqa.models.resolve import resolve_embedding_model, resolve_llm_model
from ragqa.store.collections import list_collections
from ragqa.store.embeddings import EXACT_BELOW
from ragqa.store.jobs import count_waiting
from ragqa.store.keys import SLOW_BEHIND_POLICIES, list_keys, require_guard
from ragqa.store.vector_index import measure_recall
from ragqa.wiring import EXTRACTIVE, HASHING, open_services

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.settings import Settings
    from ragqa.wiring import Services

LEAST_FREE_BYTES = 1 << 30
LEAST_RECALL = 0.9


def examine(settings: Settings) -> dict[str, Any]:
    """Run every check; none stops another. Returns the contract's shape of ``doctor``."""
    checks = [
        _check("disk", lambda: _look_at_disk(settings)),
        _check("ocr", lambda: _look_at_ocr(settings)),
        _check("embedding model", lambda: _look_at_embedding(settings)),
        _check("language model", lambda: _look_at_llm(settings)),
    ]
    try:
        with open_services(settings) as services:
            checks.append(_check("database", lambda: _look_at_database(services)))
            checks.append(_check("permissions", lambda: _look_at_permissions(services)))
            checks.append(_check("vector search", lambda: _look_at_vectors(services)))
            checks.append(_check("queue", lambda: _look_at_queue(services)))
    except RagqaError as error:
        checks.append({"name": "database", "ok": False, "detail": str(error)})
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def _check(name: str, look: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": look()}
    except RagqaError as error:
        return {"name": name, "ok": False, "detail": str(error)}
    except Exception as error:  # noqa: BLE001  (the doctor must live to tell)
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}


def _look_at_disk(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free
    if free < LEAST_FREE_BYTES:
        raise RagqaError(
            f"{settings.home} has {free >> 20} MB free, at least {LEAST_FREE_BYTES >> 20} MB are "
            "needed: make room, or set RAGQA_HOME to a larger disk"
        )
    return f"{settings.home}: {free >> 30} GB free"


def _look_at_ocr(settings: Settings) -> str:
    if settings.ocr_engine == "none":
        return "switched off by RAGQA_OCR_ENGINE: scanned pages stay empty, with a warning"
    wanted = [settings.ocr_engine] if settings.ocr_engine else ["rapidocr", "paddleocr"]
    there = [name for name in wanted if importlib.util.find_spec(name)]
    if not there:
        raise RagqaError(f"no OCR engine is installed (looked for {', '.join(wanted)})")
    return there[0]


def _look_at_embedding(settings: Settings) -> str:
    if settings.embedding_model == HASHING:
        return "hashing: no weights; finds words, not meanings"
    located = resolve_embedding_model(settings.embedding_model, settings.models_folder)
    return f"{located.name}: {located.source}"


def _look_at_llm(settings: Settings) -> str:
    if settings.llm_base_url:
        return f"server at {settings.llm_base_url}"
    if settings.llm_model == EXTRACTIVE:
        return "extractive: no weights; answers are quotes"
    located = resolve_llm_model(settings.llm_model, settings.models_folder)
    gpu = tell_gpu(settings.llm_gpu_layers, sees_gpu=supports_gpu())
    told = f"{located.name}: {located.source}{gpu}"
    if located.preset and not ready(located.preset, settings.models_folder):
        told += f"; answers come slower than they could: ragqa models pull {located.name}"
    return told


def tell_gpu(layers: int, *, sees_gpu: bool) -> str:
    """Return what is to be said of a GPU behind the language model; empty: nothing.

    Raises:
        RagqaError: Layers are to be put on a GPU, and llama.cpp can use none.
    """
    if layers and not sees_gpu:
        raise RagqaError(
            "RAGQA_LLM_GPU_LAYERS is set, but llama-cpp-python was built without a GPU, or sees "
            "none: build it with CMAKE_ARGS=-DGGML_CUDA=on make setup, and look at nvidia-smi"
        )
    if sees_gpu and not layers:
        return "; on the CPU, though llama.cpp sees a GPU: RAGQA_LLM_GPU_LAYERS=-1 uses it"
    return ""


def _look_at_database(services: Services) -> str:
    with services.database.transaction() as conn:
        row = conn.execute(
            "SELECT current_setting('server_version') AS server, extversion AS pgvector"
            " FROM pg_extension WHERE extname = 'vector'"
        ).fetchone()
    if row is None:
        raise RagqaError("the database has no pgvector: CREATE EXTENSION vector")
    kind = "given by RAGQA_DATABASE_URL" if services.settings.database_url else "embedded"
    return f"Postgres {row['server']}, pgvector {row['pgvector']}, {kind}"


def _look_at_permissions(services: Services) -> str:
    with services.database.transaction() as conn:
        require_guard(conn)
        row = conn.execute(SLOW_BEHIND_POLICIES).fetchone()
        count = len(list_keys(conn))
    keys = f"{count} keys" if count else "no keys: open to this machine"
    slow = row["functions"] if row is not None else None
    if slow:
        # Right all the same, so nothing is broken.
        return (
            f"{keys}; searches by keys with grants are slow in large collections until a superuser "
            f"marks as LEAKPROOF: {slow} (docs/keys.md)"
        )
    return f"{keys}; row-level security is ready to hold keys to their collections"


def _look_at_vectors(services: Services) -> str:
    told: list[str] = []
    low: list[str] = []
    with services.database.transaction() as conn:
        large = [one for one in list_collections(conn) if one.chunks > EXACT_BELOW]
        for collection in large:
            model = services.embedder(collection.embedding_model).name
            recall = measure_recall(conn, collection.id, model)
            if recall is None:
                told.append(f"{collection.name}: no index yet, every vector is compared")
                continue
            told.append(f"{collection.name}: recall@10 {recall:.3f} of an exact search")
            if recall < LEAST_RECALL:
                low.append(collection.name)
    if low:
        raise RagqaError(
            f"{'; '.join(told)}. At least {LEAST_RECALL} was expected: delete the index of "
            f"{', '.join(low)}, and the next file that is read there builds it anew"
        )
    return "; ".join(told) or f"no collection has more than {EXACT_BELOW:,} chunks: exact"


def _look_at_queue(services: Services) -> str:
    with services.database.transaction() as conn:
        return f"{count_waiting(conn)} files wait for a worker"
