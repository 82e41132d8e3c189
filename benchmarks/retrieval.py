"""Does retrieval find the page, and which of its parts does that?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval.py [--tasks zh,en,qa-pdf] [--size 300]``

Each set is ingested by the product into a database of its own and asked: as it is, by words alone,
by meaning alone, without this or that part, and as LangChain's defaults find it. Files and vectors
are kept in ``--home`` and ``--cache``: a second run costs no embedding. Sets that a run leaves out
keep their figures in the results.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval_data import (
    CACHE,
    FILES,
    HOME,
    PASSAGES,
    CachedEmbedder,
    Task,
    keep_back,
    make_task,
    write_results,
)
from retrieval_rivals import build_langchain

from ingest.batch import run_batch
from ragqa.evaluation.metrics import compare
from ragqa.evaluation.run import evaluate_retrieval
from ragqa.retrieval.hybrid import HybridRetriever, Weights
from ragqa.settings import load_settings
from ragqa.store.collections import find_collection
from ragqa.store.db import Database
from ragqa.store.documents import list_documents
from ragqa.store.embedded import start_or_attach
from ragqa.store.files import Files
from ragqa.store.migrations import migrate
from ragqa.store.search import StoredChunks
from ragqa.types import Filter
from ragqa.wiring import Services, build_close_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ragqa.ports import Embedder
    from ragqa.types import Document, Hit

    Way = Callable[[str], Sequence[Hit]]

MEASURES = ("hit@1", "hit@5", "mrr@10")
VARIANTS = {
    "hybrid": Weights(),
    "words": Weights(lexical=0.5, page=0.5, dense=0.0, year=0.0, rarest=0.0, sure=1e-9),
    "dense": Weights(0.0, 0.0, pair=0.0, year=0.0, rarest=0.0, dense=1.0, name=0.0, code=0.0),
    "no names": replace(Weights(), name=0.0),
    "no pairs": replace(Weights(), pair=0.0),
    "no codes": replace(Weights(), code=0.0),
    "no years": replace(Weights(), year=0.0),
    "no rarest": replace(Weights(), rarest=0.0),
    "unread": Weights(),
}
UNREAD = ("words", "dense", "unread")
"""Ways that read no passages together with the question."""
IN_DOCUMENT = ("financebench",)
"""Sets that are also asked within the document that the question is about."""


class CachingServices(Services):
    """The product's services, with embeddings kept between runs where there is a cache."""

    cache: Path | None = None

    def embedder(self, model: str | None = None) -> Embedder:
        """Return the embedder, remembering what it embedded."""
        if self.cache is None:
            return super().embedder(model)
        name = model or self.settings.embedding_model
        if not isinstance(self._embedders.get(name), CachedEmbedder):
            self._embedders[name] = CachedEmbedder(super().embedder(name), self.cache)
        return self._embedders[name]


@contextmanager
def open_services(home: Path, models: Path | None, cache: Path | None) -> Iterator[CachingServices]:
    """Start the product on a data folder of its own; without a cache every text is embedded."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    settings = load_settings(home=home, **({"models": models} if models else {}))
    with start_or_attach(settings.home) as server:
        migrate(server.conninfo)
        database = Database(server.conninfo)
        services = CachingServices(settings, database, Files(str(settings.files_folder)))
        services.cache = cache
        yield services
        database.close()


def main() -> None:
    """Run the tasks, print a line for each way to search, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join((*PASSAGES, *FILES)))
    parser.add_argument("--size", type=int, default=300, help="most questions a set")
    parser.add_argument("--passages", type=int, default=0, help="passages to draw; 0: all")
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--home", type=Path, default=HOME, help="what is ingested is kept there")
    parser.add_argument("--rival", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--ways", default=",".join(VARIANTS), help="which ways to search")
    parser.add_argument(
        "--kept-back", action="store_true", help="what the reader was not fitted on; not written"
    )
    options = parser.parse_args()
    asked: dict[str, dict[str, list[float]]] = {}
    with open_services(options.home, options.models, options.cache) as services:
        for name in options.tasks.split(","):
            folder = Path(options.home, "tasks", name)
            task = make_task(name, folder, size=options.size, passages=options.passages)
            if options.kept_back:
                task = replace(task, questions=keep_back(task.questions))
            chosen = {way: VARIANTS[way] for way in options.ways.split(",")}
            row, asked[name] = run_task(services, task, chosen, rival=options.rival)
            if twin := asked.get(name.removesuffix("-drawn")) if name.endswith("-drawn") else None:
                row["p_against_typed"] = compare(asked[name]["hybrid"], twin["hybrid"])
                print(
                    f"  p of the difference to the same pages as typed {row['p_against_typed']:.3f}"
                )
            if not options.kept_back:
                print(keep_result("retrieval", name, row))


def run_task(
    services: CachingServices, task: Task, variants: dict[str, Weights], *, rival: bool
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Ingest the files of one task and ask its questions in every way.

    Returns:
        The figures of every way, and each question's reciprocal rank in every way.
    """
    started = time.monotonic()
    report = run_batch(services, [task.folder], task.name)
    seconds = time.monotonic() - started
    ways = {
        name: _way(services, task, weights, reads=name not in UNREAD)
        for name, weights in variants.items()
    }
    if task.name in IN_DOCUMENT:
        ways["in the document"] = _way_in_document(services, task)
    if rival:
        files = sorted(task.folder.iterdir())
        ways["LangChain"] = build_langchain(files, services.embedder())["dense"]
    documents = documents_of(services, task.name)
    pages, chunks = sum(d.pages for d in documents), sum(d.chunks for d in documents)
    print(
        f"\n{task.name}: {len(task.questions)} questions, {pages} pages, {chunks} chunks, ", end=""
    )
    print(f"ingested in {seconds:.0f} s, {len(report['failed'])} failed")
    row: dict[str, Any] = {"questions": len(task.questions), "pages": pages, "chunks": chunks}
    row["ways"] = {}
    per_question: dict[str, list[float]] = {}
    for name, way in ways.items():
        result = evaluate_retrieval(way, task.questions)
        per_question[name] = [q["measures"]["mrr@10"] for q in result["questions"]]
        row["ways"][name] = {m: result["intervals"][m] for m in MEASURES}
        row["ways"][name]["milliseconds"] = result["milliseconds"]
        row["ways"][name]["p_against_hybrid"] = compare(per_question["hybrid"], per_question[name])
        figures = "  ".join(f"{m} {result['metrics'][m]:.3f}" for m in MEASURES)
        low, high = result["intervals"]["hit@1"]["low"], result["intervals"]["hit@1"]["high"]
        print(f"  {name:15} {figures}  (hit@1 {low:.3f} to {high:.3f})", flush=True)
    return row, per_question


def _way(services: Services, task: Task, weights: Weights, *, reads: bool) -> Way:
    embedder, settings = services.embedder(), services.settings
    retriever = HybridRetriever(
        StoredChunks(services.database),
        embedder,
        services.reranker(),
        reader=build_close_reader(embedder, settings) if reads else None,
        weights=weights,
    )
    return lambda question: retriever.retrieve(question, task.name, limit=10)


def _way_in_document(services: Services, task: Task) -> Way:
    """Ask within the document that a question's answer is in, as who has it open would."""
    retriever = services.retriever(services.settings.embedding_model)
    numbers = {document.filename: document.id for document in documents_of(services, task.name)}
    about = {question.text: question.places[0].filename for question in task.questions}
    return lambda question: retriever.retrieve(
        question, task.name, limit=10, only=Filter(documents=(numbers[about[question]],))
    )


def documents_of(services: Services, collection: str) -> list[Document]:
    """Return the documents of a collection."""
    with services.database.transaction() as conn:
        found = find_collection(conn, collection)
        return list_documents(conn, found.id, limit=100_000)[0]


def keep_result(benchmark: str, name: str, row: dict[str, Any]) -> Path:
    """Write the figures of one set beside those of the others."""
    path = Path(__file__).parent / "results" / f"{benchmark}.json"
    known = json.loads(path.read_text("utf-8"))["tasks"] if path.exists() else {}
    return write_results(benchmark, {"cores": os.cpu_count(), "tasks": {**known, name: row}})


if __name__ == "__main__":
    main()
