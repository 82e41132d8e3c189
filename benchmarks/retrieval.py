"""Does retrieval find the page, and better than what one would otherwise wire together?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval.py [--tasks zh,en,qa-pdf] [--size 300]``

Each set is ingested by the product into a database of its own and asked; beside it stands the
same question to a plain dense index over 1,000-character chunks with the same embedding model.
Vectors are kept in ``--cache``, so that a second run costs no embedding.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval_data import (
    FILES,
    PASSAGES,
    CachedEmbedder,
    DenseRival,
    Task,
    make_task,
    write_results,
)

from ingest.batch import run_batch
from ragqa.evaluation.metrics import compare
from ragqa.evaluation.run import evaluate_retrieval
from ragqa.retrieval.hybrid import HybridRetriever, Weights
from ragqa.settings import load_settings
from ragqa.store.db import Database
from ragqa.store.embedded import start_or_attach
from ragqa.store.files import Files
from ragqa.store.migrations import migrate
from ragqa.store.search import StoredChunks
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.ports import Embedder
    from ragqa.types import Hit

MEASURES = ("hit@1", "hit@5", "mrr@10")
VARIANTS = {
    "hybrid": Weights(),
    "words": Weights(lexical=0.5, page=0.5, dense=0.0, year=0.0, sure=1e-9),
    "dense": Weights(0.0, 0.0, pair=0.0, year=0.0, dense=1.0, name=0.0, code=0.0),
    "no names": replace(Weights(), name=0.0),
    "no pairs": replace(Weights(), pair=0.0),
    "no codes": replace(Weights(), code=0.0),
    "no years": replace(Weights(), year=0.0),
}


class CachingServices(Services):
    """The product's services, with embeddings kept between runs."""

    cache: Path

    def embedder(self, model: str | None = None) -> Embedder:
        """Return the embedder, remembering what it embedded."""
        name = model or self.settings.embedding_model
        if name not in self._embedders:
            self._embedders[name] = CachedEmbedder(super().embedder(name), self.cache)
        return self._embedders[name]


def main() -> None:
    """Run the tasks, print a line for each way to search, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join((*PASSAGES, *FILES)))
    parser.add_argument("--size", type=int, default=300, help="most questions a set")
    parser.add_argument("--passages", type=int, default=0, help="passages to draw; 0: all")
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "ragqa-bench.db"))
    parser.add_argument("--home", type=Path, default=None, help="keep what is ingested there")
    parser.add_argument("--rival", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    given = {"models": options.models} if options.models else {}
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="ragqa-bench-") as passing:
        home = options.home or Path(passing)
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711)
        settings = load_settings(home=home, **given)
        with start_or_attach(settings.home) as server:
            migrate(server.conninfo)
            database = Database(server.conninfo)
            services = CachingServices(settings, database, Files(str(settings.files_folder)))
            services.cache = options.cache
            for name in options.tasks.split(","):
                folder = Path(home, "tasks", name)
                task = make_task(name, folder, size=options.size, passages=options.passages)
                results[name] = run_task(services, task, rival=options.rival)
            database.close()
    print(write_results("retrieval", {"cores": os.cpu_count(), "tasks": results}))


def run_task(services: CachingServices, task: Task, *, rival: bool) -> dict[str, Any]:
    """Ingest the files of one task and ask its questions in every way."""
    started = time.monotonic()
    report = run_batch(services, [task.folder], task.name)
    seconds = time.monotonic() - started
    embedder = services.embedder()
    ways: dict[str, Callable[[str], list[Hit]]] = {}
    for name, weights in VARIANTS.items():
        retriever = HybridRetriever(
            StoredChunks(services.database), embedder, services.reranker(), weights=weights
        )
        ways[name] = lambda q, r=retriever: r.retrieve(q, task.name, limit=10)  # type: ignore[misc]
    if rival:
        ways["rival"] = DenseRival(task, embedder).retrieve
    print(f"\n{task.name}: {len(task.questions)} questions, {report['pages']} pages, ", end="")
    print(f"{report['chunks']} chunks, ingested in {seconds:.0f} s, {report['failed']} failed")
    row: dict[str, Any] = {"ingest_seconds": seconds, "chunks": report["chunks"], "ways": {}}
    per_question: dict[str, list[float]] = {}
    for name, way in ways.items():
        result = evaluate_retrieval(way, task.questions)
        per_question[name] = [q["measures"]["mrr@10"] for q in result["questions"]]
        row["ways"][name] = {m: result["intervals"][m] for m in MEASURES}
        row["ways"][name]["milliseconds"] = result["milliseconds"]
        row["ways"][name]["p_against_hybrid"] = compare(per_question["hybrid"], per_question[name])
        figures = "  ".join(f"{m} {result['metrics'][m]:.3f}" for m in MEASURES)
        low, high = result["intervals"]["hit@1"]["low"], result["intervals"]["hit@1"]["high"]
        print(f"  {name:10} {figures}  (hit@1 {low:.3f} to {high:.3f})", flush=True)
    return row


if __name__ == "__main__":
    main()
