"""The chunks and questions that the speed of retrieval is measured with: mixed from real, or drawn.

Measured on 27,236 chunks of the development sets, embedded by multilingual-e5-small: the vectors'
mean has length 0.88, the rest a variance of 0.22 that falls with the direction's rank as a power
of about -0.7. Vectors that lie in a thousand balls apart from each other, which is what one draws
first, are nothing like that: an HNSW graph has no ways between the balls.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from retrieval_data import FILES, PASSAGES, CachedEmbedder, make_task

from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.settings import load_settings
from ragqa.store.embedded import start_or_attach
from ragqa.store.embeddings import table_key
from ragqa.wiring import build_embedder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ragqa.ports import Embedder

DIMENSION = 384
VOCABULARY = 60_000
WORDS = 110
SEED = 11
MEAN, VARIANCE, FALL = 0.88, 0.22, -0.7
OWN = 0.8
"""How much of what sets a drawn chunk's vector apart is in the vector of a question about it."""
FIRST = 0.6
"""Share of the variance that a mixed vector has from the first of its two chunks."""


@dataclass(frozen=True, slots=True)
class Material:
    """Chunks with their terms and vectors, and questions with theirs."""

    texts: list[str]
    terms: list[list[int]]
    vectors: NDArray[np.float32]
    questions: dict[str, NDArray[np.float32]]
    embedder: Embedder | None = None
    """What embeds other texts, where the vectors are a model's."""


def draw_material(chunks: int, asked: int) -> Material:
    """Draw words with Zipf's frequencies, and vectors with the spectrum of real ones."""
    rng = np.random.default_rng(SEED)
    words = [f"w{n:x}q" for n in range(VOCABULARY)]
    terms = [[hash_term(t) for t in analyze(word)] for word in words]
    frequency = 1 / np.arange(1, VOCABULARY + 1) ** 1.05
    drawn = rng.choice(VOCABULARY, size=(chunks, WORDS), p=frequency / frequency.sum())
    spread = np.arange(1, DIMENSION + 1) ** FALL
    spread = np.sqrt(VARIANCE * spread / spread.sum())
    apart = rng.normal(size=(chunks, DIMENSION)) * spread
    mean = np.zeros(DIMENSION)
    mean[-1] = MEAN
    questions: dict[str, NDArray[np.float32]] = {}
    for row in rng.choice(chunks, asked, replace=False).tolist():
        noise = rng.normal(size=DIMENSION) * spread
        near = mean + OWN * apart[row] + np.sqrt(1 - OWN**2) * noise
        text = " ".join(words[word] for word in rng.permutation(drawn[row])[:8])
        questions[text] = _unit(near[None])[0]
    return Material(
        [" ".join(words[word] for word in row) for row in drawn],
        [[t for word in row for t in terms[word]] for row in drawn],
        _unit(mean + apart),
        questions,
    )


def mix_material(home: Path, chunks: int, asked: int, *, cache: Path, models: Any) -> Material:
    """Take the chunks of a home, and mix two of one collection until there are enough.

    A mixed chunk has the first half of one text and the second half of the other; its vector keeps
    mean and covariance of the real ones. The questions are those of the development sets.
    """
    settings = load_settings(home=home, **({"models": models} if models else {}))
    embedder = CachedEmbedder(build_embedder(settings.embedding_model, settings), cache)
    owners, texts, vectors, names = _read_chunks(home, embedder.name)
    rng = np.random.default_rng(SEED)
    first = rng.integers(0, len(texts), max(0, chunks - len(texts)))
    members = {owner: np.flatnonzero(owners == owner) for owner in set(owners.tolist())}
    second = np.array([rng.choice(members[owners[row]]) for row in first], dtype=np.int64)
    mean = vectors.mean(axis=0)
    mixed = np.sqrt(FIRST) * (vectors[first] - mean) + np.sqrt(1 - FIRST) * (vectors[second] - mean)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        head, tail = texts[one], texts[other]
        texts.append(f"{head[: len(head) // 2]} {tail[len(tail) // 2 :]}")
    order = rng.permutation(len(texts))[:chunks].tolist()
    terms = [[hash_term(term) for term in analyze(text)] for text in texts]
    everything = np.concatenate((vectors, _unit(mean + mixed)))
    asking: list[str] = []
    for name in names:
        task = make_task(name, home / "tasks" / name, size=asked)
        asking += [question.text for question in task.questions]
    random.Random(SEED).shuffle(asking)
    return Material(
        [texts[row] for row in order],
        [terms[row] for row in order],
        everything[order],
        {text: embedder.embed_query(text) for text in asking[:asked]},
        embedder,
    )


def _read_chunks(
    home: Path, model: str
) -> tuple[NDArray[np.int64], list[str], NDArray[np.float32], list[str]]:
    """Return each chunk's collection, text and vector, and the collections that are known sets."""
    query = sql.SQL(
        "SELECT k.collection_id, k.name, c.text, e.embedding FROM {} e"
        " JOIN chunks c USING (collection_id, chunk_id) JOIN collections k USING (collection_id)"
        " ORDER BY c.collection_id, c.chunk_id"
    ).format(sql.Identifier(f"embeddings_{table_key(model)}"))
    with start_or_attach(home) as server, psycopg.connect(server.conninfo) as conn:
        register_vector(conn)
        rows = conn.execute(query).fetchall()
    names = [name for name in (*PASSAGES, *FILES) if name in {row[1] for row in rows}]
    vectors = np.stack([row[3].to_numpy() for row in rows]).astype(np.float32)
    return np.array([row[0] for row in rows]), [row[2] for row in rows], vectors, names


def _unit(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    unit: NDArray[np.floating[Any]] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)
