"""How long does a search of 100,000 chunks take, and what does it miss?

``python benchmarks/retrieval_speed.py [--chunks 100000] [--questions 200] [--home HOME]``

``--home`` names a data folder into which ``benchmarks/retrieval.py --home`` ingested the
development sets: their chunks are mixed until there are enough, and their questions are asked.
Without it texts and vectors are drawn. The time is that of everything but the embedding of the
question; processor time is told as well. Recall is of the ten chunks that an exact search of
everything gives.
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
from retrieval_speed_data import DIMENSION, Material, draw_material, mix_material

import ragqa.store.vectors
import ragqa.store.words
from ragqa.retrieval.hybrid import HybridRetriever
from ragqa.store.chunks import NewChunk, swap_chunks
from ragqa.store.collections import create_collection
from ragqa.store.db import Database
from ragqa.store.embedded import start_or_attach
from ragqa.store.embeddings import ensure_embeddings_table, ensure_vector_index
from ragqa.store.migrations import migrate
from ragqa.store.pages import NewPage, insert_pages
from ragqa.store.search import StoredChunks
from ragqa.types import Chunk, DocumentId, Id, Page, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.ports import Embedder

MODEL = "benchmark"
CHUNKS_A_PAGE = 4
PAGES = 50
COMPARED = 60
"""Questions that are also answered by scoring every chunk, which takes .3 s each."""


class GivenEmbedder:
    """Gives the vectors that it was told, so that no model's time is measured."""

    name = MODEL
    dimension = DIMENSION
    max_tokens = 512

    def __init__(self) -> None:
        self.vectors: dict[str, NDArray[np.float32]] = {}
        self.others: Embedder | None = None

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors: of the sentences by which two languages are told from each other."""
        if self.others is not None:
            return self.others.embed_passages(texts)
        return np.ones((len(texts), DIMENSION), np.float32) / np.float32(np.sqrt(DIMENSION))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a question that is known, or of such a sentence."""
        if text in self.vectors:
            return self.vectors[text]
        return (
            self.embed_passages([text])[0] if self.others is None else self.others.embed_query(text)
        )


def main() -> None:
    """Fill a database, search it, print and write what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--home", type=Path, default=None, help="take chunks from there")
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "ragqa-bench.db"))
    options = parser.parse_args()
    if options.home:
        material = mix_material(
            options.home,
            options.chunks,
            options.questions,
            cache=options.cache,
            models=options.models,
        )
    else:
        material = draw_material(options.chunks, options.questions)
    embedder = GivenEmbedder()
    embedder.vectors, embedder.others = material.questions, material.embedder
    questions = list(material.questions)
    with tempfile.TemporaryDirectory(prefix="ragqa-bench-") as home:
        Path(home).chmod(0o711)
        with start_or_attach(Path(home)) as server:
            migrate(server.conninfo)
            database = Database(server.conninfo)
            started = time.monotonic()
            fill(database, material)
            filled = time.monotonic() - started
            indexed = index(server.conninfo)
            retriever = HybridRetriever(StoredChunks(database), embedder)
            results = measure(retriever, questions, database)
            database.close()
    results |= {"chunks": options.chunks, "mixed": options.home is not None}
    results |= {"fill_seconds": filled, "index_seconds": indexed}
    for name, value in results.items():
        print(f"{name:16} {value:.3f}" if isinstance(value, float) else f"{name:16} {value}")
    print(write_results("retrieval_speed", results))


def fill(database: Database, material: Material) -> None:
    """Write documents of 200 chunks."""
    with database.transaction() as conn:
        collection = create_collection(conn, "big", embedding_model=MODEL, dimension=DIMENSION)
        ensure_embeddings_table(conn, MODEL, DIMENSION)
    size = CHUNKS_A_PAGE * PAGES
    for number in range(len(material.texts) // size):
        part = slice(number * size, (number + 1) * size)
        texts, terms, vectors = material.texts[part], material.terms[part], material.vectors[part]
        _store(database, DocumentId(Id(collection.id, 0)), number, texts, terms, vectors)
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


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
            page = Page(page_number, 600, 800, "text", text, boxes)
            pages.append(NewPage(str(page_number), page))
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


def measure(
    retriever: HybridRetriever, questions: Sequence[str], database: Database
) -> dict[str, float | int]:
    """Search warm, one question after the other; then exactly, for the recall.

    Processor times are of this thread and of its connections' processes: what else the machine does
    lengthens them far less than it does the waiting.
    """
    found, times = [], []
    for question in questions[:20]:
        retriever.retrieve(question, "big", limit=10)
    before = spent(database)
    for question in questions:
        started = time.perf_counter()
        hits = retriever.retrieve(question, "big", limit=10)
        times.append((time.perf_counter() - started) * 1000)
        found.append({hit.chunk_id for hit in hits})
    python, postgres = (
        (after - then) / len(questions) for after, then in zip(spent(database), before, strict=True)
    )
    ragqa.store.vectors.EXACT_BELOW = 1 << 60
    ragqa.store.words.ALONE = ragqa.store.words.CANDIDATES = 1 << 30
    recalls = []
    for question, hits in list(zip(questions, found, strict=True))[:COMPARED]:
        exact = {hit.chunk_id for hit in retriever.retrieve(question, "big", limit=10)}
        recalls.append(len(exact & hits) / len(exact))
    return {
        "questions": len(questions),
        "p50_ms": float(np.percentile(times, 50)),
        "p95_ms": float(np.percentile(times, 95)),
        "python_cpu_ms": python,
        "postgres_cpu_ms": postgres,
        "recall@10": float(np.mean(recalls)),
    }


def spent(database: Database) -> tuple[float, float]:
    """Return the milliseconds of processor time that this thread and its Postgres have had."""
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        processes = [Path("/proc", str(row["pid"]), "schedstat") for row in rows]
    postgres = sum(int(process.read_text().split()[0]) for process in processes)
    return time.thread_time() * 1000, postgres / 1e6


if __name__ == "__main__":
    main()
