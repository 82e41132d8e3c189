"""How long does a search of 100,000 chunks take, and what does it miss?

``python benchmarks/retrieval_speed.py [--chunks 100000] [--questions 200]``

Texts are drawn from a vocabulary with Zipf's frequencies, vectors from clusters; a question takes
words of one chunk and a vector near its own. The time is that of everything but the embedding of
the question. Recall is of the ten chunks that an exact search of everything gives.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import dict_row
from retrieval_data import write_results

import ragqa.store.vectors
import ragqa.store.words
from ragqa.retrieval.hybrid import HybridRetriever
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.store.chunks import NewChunk, swap_chunks
from ragqa.store.collections import create_collection
from ragqa.store.db import Database
from ragqa.store.embedded import start_or_attach
from ragqa.store.embeddings import ensure_embeddings_table, ensure_vector_index
from ragqa.store.migrations import migrate
from ragqa.store.pages import insert_pages
from ragqa.store.search import StoredChunks
from ragqa.types import Chunk, DocumentId, Id, Page, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MODEL = "benchmark"
DIMENSION = 384
VOCABULARY = 60_000
WORDS = 110
CHUNKS_A_PAGE = 4
PAGES = 50
SEED = 11
COMPARED = 20
"""Questions that are also answered by scoring every chunk, which takes seconds each."""


class GivenEmbedder:
    """Gives the vectors that it was told, so that no model's time is measured."""

    name = MODEL
    dimension = DIMENSION
    max_tokens = 512

    def __init__(self) -> None:
        self.vectors: dict[str, NDArray[np.float32]] = {}

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of known texts."""
        return np.stack([self.vectors[text] for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a known question."""
        return self.vectors[text]


def main() -> None:
    """Fill a database, search it, print and write what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    embedder = GivenEmbedder()
    with tempfile.TemporaryDirectory(prefix="ragqa-bench-") as home:
        Path(home).chmod(0o711)
        with start_or_attach(Path(home)) as server:
            migrate(server.conninfo)
            database = Database(server.conninfo)
            started = time.monotonic()
            questions = fill(database, options.chunks, options.questions, embedder)
            filled = time.monotonic() - started
            indexed = index(server.conninfo)
            retriever = HybridRetriever(StoredChunks(database), embedder)
            results = measure(retriever, questions)
            database.close()
    results |= {"chunks": options.chunks, "fill_seconds": filled, "index_seconds": indexed}
    for name, value in results.items():
        print(f"{name:16} {value:.3f}" if isinstance(value, float) else f"{name:16} {value}")
    print(write_results("retrieval_speed", results))


def fill(database: Database, chunks: int, asked: int, embedder: GivenEmbedder) -> list[str]:
    """Write documents of 200 chunks; return questions about some of them."""
    rng = np.random.default_rng(SEED)
    words = [f"w{n:x}q" for n in range(VOCABULARY)]
    terms = [[hash_term(t) for t in analyze(word)] for word in words]
    frequency = 1 / np.arange(1, VOCABULARY + 1) ** 1.05
    frequency /= frequency.sum()
    centres = rng.normal(size=(1000, DIMENSION))
    with database.transaction() as conn:
        collection = create_collection(conn, "big", embedding_model=MODEL, dimension=DIMENSION)
        ensure_embeddings_table(conn, MODEL, DIMENSION)
    questions: list[str] = []
    size = CHUNKS_A_PAGE * PAGES
    for number in range(chunks // size):
        drawn = rng.choice(VOCABULARY, size=(size, WORDS), p=frequency)
        vectors = centres[rng.integers(0, 1000, size)] + 0.7 * rng.normal(size=(size, DIMENSION))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        texts = [" ".join(words[word] for word in row) for row in drawn]
        rows = [[t for word in row for t in terms[word]] for row in drawn]
        _store(database, DocumentId(Id(collection.id, 0)), number, texts, rows, vectors)
        while len(questions) < asked * (number + 1) * size / chunks:
            row = int(rng.integers(size))
            question = " ".join(words[word] for word in rng.permutation(drawn[row])[:8])
            near = vectors[row] + 0.03 * rng.normal(size=DIMENSION)
            embedder.vectors[question] = (near / np.linalg.norm(near)).astype(np.float32)
            questions.append(question)
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    return questions


def _store(
    database: Database,
    document: DocumentId,
    number: int,
    texts: Sequence[str],
    terms: Sequence[Sequence[int]],
    vectors: NDArray[np.float32],
) -> None:
    collection_id = document.collection_id
    with database.transaction() as conn:
        row = conn.execute(
            "INSERT INTO documents (collection_id, name, current_version, newest_version)"
            " VALUES (%s, %s, 1, 1) RETURNING document_id",
            [collection_id, f"{number:x}.pdf"],
        ).fetchone()
        assert row is not None
        document = DocumentId(Id(collection_id, row["document_id"]))
        conn.execute(
            "INSERT INTO versions (collection_id, document_id, version, sha256, bytes, status)"
            " VALUES (%s, %s, 1, %s, 1, 'ready')",
            [collection_id, document.number, hashlib.sha256(str(number).encode()).hexdigest()],
        )
        pages, chunks = [], []
        for page_number in range(1, PAGES + 1):
            first = (page_number - 1) * CHUNKS_A_PAGE
            text = "\n".join(texts[first : first + CHUNKS_A_PAGE])
            boxes = lay_out(len(text))
            pages.append((str(page_number), Page(page_number, 600, 800, "text", text, boxes)))
            at = 0
            for ordinal in range(first, first + CHUNKS_A_PAGE):
                span = Span(at, at + len(texts[ordinal]))
                digest = hashlib.sha256(texts[ordinal].encode()).digest()
                chunk = Chunk(page_number, span, texts[ordinal])
                chunks.append(NewChunk(ordinal, chunk, digest, terms[ordinal], vectors[ordinal]))
                at = span.end + 1
        insert_pages(conn, document, 1, pages)
        swap_chunks(conn, document, 1, chunks, model=MODEL)


def lay_out(characters: int) -> NDArray[np.float32]:
    """Return boxes of characters in lines of 90, 6 by 10 points each."""
    line, column = np.divmod(np.arange(characters), 90)
    left, top = 30 + 6 * column, 40 + 14 * line
    return np.stack((left, top, left + 6, top + 10), axis=1).astype(np.float32)


def index(conninfo: str) -> float:
    """Build the HNSW index; return the seconds it took."""
    started = time.monotonic()
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as conn:
        register_vector(conn)
        table = ensure_embeddings_table(conn, MODEL, DIMENSION)
        collection = conn.execute("SELECT collection_id FROM collections").fetchone()
        assert collection is not None
        ensure_vector_index(conn, table, collection["collection_id"])
    return time.monotonic() - started


def measure(retriever: HybridRetriever, questions: Sequence[str]) -> dict[str, float | int]:
    """Search warm, one question after the other; then exactly, for the recall."""
    found, times = [], []
    for question in questions[:20]:
        retriever.retrieve(question, "big", limit=10)
    for question in questions:
        started = time.perf_counter()
        hits = retriever.retrieve(question, "big", limit=10)
        times.append((time.perf_counter() - started) * 1000)
        found.append({hit.chunk_id for hit in hits})
    ragqa.store.vectors.EXACT_BELOW = 1 << 60
    ragqa.store.words.POSTINGS = ragqa.store.words.CANDIDATES = 1 << 30
    recalls = []
    for question, hits in list(zip(questions, found, strict=True))[:COMPARED]:
        exact = {hit.chunk_id for hit in retriever.retrieve(question, "big", limit=10)}
        recalls.append(len(exact & hits) / len(exact))
    return {
        "questions": len(questions),
        "p50_ms": float(np.percentile(times, 50)),
        "p95_ms": float(np.percentile(times, 95)),
        "recall@10": float(np.mean(recalls)),
    }


if __name__ == "__main__":
    main()
