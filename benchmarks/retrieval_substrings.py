"""Does any piece of two characters or more of a document find it among the first 50 hits?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval_substrings.py [--substrings 10000]``

Pieces are drawn from the pages that the collections serve: a document, a page of it and a place on
it at random, then 2 to 60 characters, short ones oftener; white space at the ends does not count.
The question's vector is drawn, too: where a piece stands word for word comes first whatever the
vectors say, and no time goes into embedding. Sets that a run leaves out keep their figures.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from retrieval import open_services
from retrieval_data import CACHE, HOME, make_task, write_results

from ingest.batch import run_batch
from ragqa.retrieval.hybrid import HybridRetriever
from ragqa.store.collections import find_collection
from ragqa.store.search import StoredChunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from retrieval import CachingServices

    from ragqa.ports import Embedder

TASKS = ("qa-pdf", "qa-pdf-scanned", "financebench")
RESULTS = Path(__file__).parent / "results" / "retrieval_substrings.json"
LIMIT = 50
LONGEST = 60
SEED = 9

PAGES = """
SELECT d.name, p.page_number, p.text
  FROM documents d JOIN pages p ON (p.collection_id, p.document_id, p.version)
                                 = (d.collection_id, d.document_id, d.current_version)
 WHERE d.collection_id = %s AND length(p.text) > 1
 ORDER BY d.name, p.page_number
"""


class DrawingEmbedder:
    """A model's name and size with vectors drawn for every question."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._drawn = np.random.default_rng(SEED)
        self.name, self.dimension = embedder.name, embedder.dimension
        self.max_tokens = embedder.max_tokens

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has."""
        return self._embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Draw vectors. Shape: ``(len(texts), dimension)``."""
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:  # noqa: ARG002
        """Draw a vector. Shape: ``(dimension,)``."""
        vector = self._drawn.normal(size=self.dimension).astype(np.float32)
        return vector / np.linalg.norm(vector)


def main() -> None:
    """Draw pieces from each collection, search them, and tell which were not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--substrings", type=int, default=10_000)
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--home", type=Path, default=HOME, help="what is ingested is kept there")
    options = parser.parse_args()
    names = options.tasks.split(",")
    each, more = divmod(options.substrings, len(names))
    results: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with open_services(options.home, options.models, options.cache) as services:
        for number, name in enumerate(names):
            task = make_task(name, Path(options.home, "tasks", name), size=0)
            run_batch(services, [task.folder], name)
            results[name] = search_pieces(services, name, each + (number < more))
            print(f"{name}: {results[name]}", flush=True)
    print(write_results("retrieval_substrings", results))


def search_pieces(services: CachingServices, collection: str, count: int) -> dict[str, Any]:
    """Search drawn pieces of a collection's documents; return how many found theirs."""
    with services.database.transaction() as conn:
        found = find_collection(conn, collection)
        rows = conn.execute(PAGES, [found.id]).fetchall()
    documents: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        documents.setdefault(row["name"], []).append(row)
    retriever = HybridRetriever(
        StoredChunks(services.database), DrawingEmbedder(services.embedder(found.embedding_model))
    )
    drawn = random.Random(SEED)
    missed: list[tuple[str, int, str]] = []
    on_page = 0
    started = time.monotonic()
    for _ in range(count):
        page = drawn.choice(documents[drawn.choice(sorted(documents))])
        piece = draw_piece(page["text"], drawn)
        hits = retriever.retrieve(piece, collection, limit=LIMIT)
        if not any(hit.filename == page["name"] for hit in hits):
            missed.append((page["name"], page["page_number"], piece))
        on_page += any(
            (hit.filename, hit.chunk.page_number) == (page["name"], page["page_number"])
            for hit in hits
        )
    return {
        "documents": len(documents),
        "pieces": count,
        "found": count - len(missed),
        "found with their page": on_page,
        "missed": missed[:20],
        "milliseconds": 1000 * (time.monotonic() - started) / count,
    }


def draw_piece(text: str, drawn: random.Random) -> str:
    """Return a piece with at least two characters that are not white space, at its ends none."""
    while True:
        length = min(2 + int(drawn.expovariate(1 / 8)), LONGEST)
        at = drawn.randrange(max(1, len(text) - length + 1))
        piece = text[at : at + length].strip()
        if len("".join(piece.split())) >= 2:
            return piece


if __name__ == "__main__":
    main()
