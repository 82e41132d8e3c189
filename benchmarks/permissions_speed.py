"""What does row-level security cost a search?

``python benchmarks/permissions_speed.py [--chunks 100000] [--questions 200]``

The collection and questions of ``retrieval_speed.py``, searched in turn by the owner of the tables
and by a reader who was granted the collection; both must find the same.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from retrieval_data import write_results
from retrieval_speed import GivenEmbedder, fill, index

from ragqa.retrieval.hybrid import HybridRetriever
from ragqa.store.db import Database, Reach
from ragqa.store.embedded import start_or_attach
from ragqa.store.migrations import migrate
from ragqa.store.search import StoredChunks


def main() -> None:
    """Fill a database, search it as both, print and write what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    embedder = GivenEmbedder()
    times: dict[str, list[float]] = {"owner": [], "reader": []}
    with tempfile.TemporaryDirectory(prefix="ragqa-bench-") as home:
        Path(home).chmod(0o711)
        with start_or_attach(Path(home)) as server:
            migrate(server.conninfo)
            database = Database(server.conninfo)
            questions = fill(database, options.chunks, options.questions, embedder)
            index(server.conninfo)
            # 1 is the only collection.
            restricted = database.within(Reach("ragqa_reader", (1,)))
            retrievers = {
                "owner": HybridRetriever(StoredChunks(database), embedder),
                "reader": HybridRetriever(StoredChunks(restricted), embedder),
            }
            for question in questions[:20]:
                for retriever in retrievers.values():
                    retriever.retrieve(question, "big", limit=10)
            different = 0
            for question in questions:
                found = []
                for name, retriever in retrievers.items():
                    started = time.perf_counter()
                    hits = retriever.retrieve(question, "big", limit=10)
                    times[name].append((time.perf_counter() - started) * 1000)
                    found.append([hit.chunk_id for hit in hits])
                different += found[0] != found[1]
            database.close()
    results: dict[str, float | int] = {
        "chunks": options.chunks,
        "questions": len(questions),
        "different": different,
    }
    for name, taken in times.items():
        results[f"{name}_p50_ms"] = round(float(np.percentile(taken, 50)), 1)
        results[f"{name}_p95_ms"] = round(float(np.percentile(taken, 95)), 1)
    for name, value in results.items():
        print(f"{name:16} {value}")
    print(write_results("permissions_speed", results))


if __name__ == "__main__":
    main()
