"""Does retrieval find more than what LlamaIndex and LangChain find by default?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval_others.py [--tasks qa-pdf] [--pages N] [--timed 2]``

All get the same files, the same embedding model with its prefixes, and the same questions, in one
run. LangChain is in the development environment; LlamaIndex is not (its packages pin others): where
``llama-index-core``, ``llama-index-readers-file``, ``llama-index-embeddings-langchain`` and
``llama-index-retrievers-bm25`` are installed beside it, it is measured, else left out.

``--timed N`` also brings the N shortest documents of the last task in anew, with every pipeline,
and no vector is remembered: how long that takes on the clock and how much processor time. LangChain
is timed twice: with our embedder, which is the faster one, and with the same model as
sentence-transformers runs it by default. In every one of ``--rounds`` the pipelines take turns.
``--only-timed`` asks no questions. Sets that a run leaves out, and times where none are taken, keep
their figures in the results.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval import MEASURES, open_services
from retrieval_data import CACHE, HOME, Task, make_task, write_results
from retrieval_rivals import RIVALS, PlainEmbeddings, build_langchain, missing_packages

from benchmarks.ingestion_rate import measure_now, measure_since
from ingest.batch import run_batch
from ragqa.evaluation.metrics import compare
from ragqa.evaluation.run import evaluate_retrieval
from ragqa.models.resolve import resolve_embedding_model
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.ingestion_rate import Took
    from ragqa.types import Hit
    from ragqa.wiring import Services

NAMES = ("qa-pdf", "financebench")
RESULTS = Path(__file__).parent / "results" / "retrieval_others.json"


def main() -> None:
    """Ask every pipeline the same questions; print and write the figures and the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(NAMES))
    parser.add_argument("--size", type=int, default=400, help="most questions a set")
    parser.add_argument("--pages", type=int, default=0, help="most pages a set, short files first")
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--home", type=Path, default=HOME, help="what is ingested is kept there")
    parser.add_argument("--timed", type=int, default=0, help="documents to time the ingestion of")
    parser.add_argument("--rounds", type=int, default=1, help="times each pipeline is timed")
    parser.add_argument("--only-timed", action="store_true", help="ask no questions")
    options = parser.parse_args()
    known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"tasks": {}}
    results: dict[str, Any] = {**known, "cores": os.cpu_count()}
    if left_out := missing_packages():
        print(f"LlamaIndex is left out: {', '.join(left_out)} not installed")
    with open_services(options.home, options.models, options.cache) as services:
        for name in options.tasks.split(","):
            folder = Path(options.home, "tasks", f"{name}-{options.pages}")
            task = make_task(name, folder, size=options.size, pages=options.pages)
            if not options.only_timed:
                results["tasks"][name] = compare_on(services, task)
    if options.timed:
        results["timed"] = time_ingestion(
            task.folder, options.timed, options.models, rounds=options.rounds
        )
    print(write_results("retrieval_others", results))


def compare_on(services: Services, task: Task) -> dict[str, Any]:
    """Ask the product and every rival the questions of one task."""
    collection = task.folder.name
    report = run_batch(services, [task.folder], collection)
    ways: dict[str, Callable[[str], Sequence[Hit]]] = {
        "ragqa": lambda question: services.retrieve(question, collection, limit=10)
    }
    files = sorted(task.folder.iterdir())
    for name, build in RIVALS.items():
        if built := build(files, services.embedder()):
            ways |= {f"{name} {kind}": way for kind, way in built.items()}
    print(f"\n{task.name}: {len(task.questions)} questions, {report['pages']} pages")
    found = {name: evaluate_retrieval(way, task.questions) for name, way in ways.items()}
    rows = {name: _row(result, found["ragqa"]) for name, result in found.items()}
    for name, row in rows.items():
        figures = "  ".join(f"{m} {row[m]['mean']:.3f}" for m in MEASURES)
        print(f"  {name:18} {figures}  our misses to theirs: {_shares(row)}", flush=True)
    return {"questions": len(task.questions), "pages": report["pages"], "ways": rows}


def _row(result: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {measure: result["intervals"][measure] for measure in MEASURES}
    for measure in ("hit@1", "hit@5"):
        theirs = 1 - result["metrics"][measure]
        mine = 1 - ours["metrics"][measure]
        row[f"our misses to theirs, {measure}"] = mine / theirs if theirs else None
    mrr = [[q["measures"]["mrr@10"] for q in one["questions"]] for one in (ours, result)]
    return row | {"p_against_ragqa": compare(*mrr)}


def _shares(row: Mapping[str, Any]) -> str:
    shares = (row[f"our misses to theirs, {measure}"] for measure in ("hit@1", "hit@5"))
    return " / ".join("–" if share is None else f"{share:.2f}" for share in shares)


def time_ingestion(folder: Path, most: int, models: Path | None, *, rounds: int) -> dict[str, Any]:
    """Bring the shortest documents in with every pipeline, in turns.

    Returns:
        For each pipeline the seconds that every round took, on the clock and of processors.
    """
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_size)[:most]
    took: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="ragqa-bench-") as home:
        Path(home).chmod(0o711)
        with open_services(Path(home), models, None) as services:
            embedder = services.embedder()
            plain = load_plainly(services)
            for number in range(rounds):
                begun = measure_now(services)
                pages = run_batch(services, files, f"timed {number}")["pages"]
                _keep(took, "ragqa", measure_since(services, begun))
                for name, build in RIVALS.items():
                    begun = measure_now(services)
                    if build(files, embedder):
                        _keep(took, name, measure_since(services, begun))
                begun = measure_now(services)
                build_langchain(files, plain)
                _keep(took, "LangChain, model as it comes", measure_since(services, begun))
    print(f"\n{len(files)} files, {pages} pages are brought in within")
    for name, row in took.items():
        wall, cpu = (", ".join(f"{one:.0f}" for one in row[kind]) for kind in ("wall", "cpu"))
        print(f"  {name:28} {wall} s, processor time {cpu} s")
    return {"files": [file.name for file in files], "pages": pages, "seconds": took}


def load_plainly(services: Services) -> PlainEmbeddings:
    """Load the model that the product embeds with as sentence-transformers does by default."""
    settings = services.settings
    located = resolve_embedding_model(settings.embedding_model, settings.models_folder)
    embedder = services.embedder()
    assert isinstance(embedder, SentenceTransformerEmbedder)
    return PlainEmbeddings(Path(located.source), embedder)


def _keep(took: dict[str, dict[str, list[float]]], name: str, one: Took) -> None:
    row = took.setdefault(name, {"wall": [], "cpu": []})
    row["wall"].append(one.wall)
    row["cpu"].append(one.cpu)


if __name__ == "__main__":
    main()
