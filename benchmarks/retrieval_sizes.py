"""How large should a passage be?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval_sizes.py [--sizes 64,128,256] [--tasks zh,tatqa]``

Each set, or the part of it that ``--passages`` draws, is brought in once for every size, and asked
the same questions. Besides the page, how often the first hit itself holds an answer: larger
passages hold more. Sets that a run leaves out keep their figures in the results.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval import documents_of, keep_result, open_services
from retrieval_data import CACHE, HOME, make_task

from ingest import passages
from ingest.batch import run_batch
from ragqa.evaluation.metrics import compare
from ragqa.evaluation.run import evaluate_retrieval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval_data import Task

    from ragqa.wiring import Services

MEASURES = ("hit@1", "hit@5", "mrr@10", "passage_hit@1", "passage_hit@5")
KEPT = passages.CHUNK_TOKENS


def main() -> None:
    """Bring every set in by every size; print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default="zh,en,tatqa,qa-pdf")
    parser.add_argument("--sizes", default="64,96,128,192,256")
    parser.add_argument("--size", type=int, default=300, help="most questions a set")
    parser.add_argument("--passages", type=int, default=250, help="passages to draw; 0: all")
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--home", type=Path, default=HOME, help="what is ingested is kept there")
    options = parser.parse_args()
    sizes = sorted(map(int, options.sizes.split(",")), key=lambda size: (size != KEPT, size))
    with open_services(options.home, options.models, options.cache) as services:
        for name in options.tasks.split(","):
            folder = Path(options.home, "tasks", f"{name}-{options.passages}")
            task = make_task(name, folder, size=options.size, passages=options.passages)
            print(f"\n{name}: {len(task.questions)} questions, {len(list(folder.iterdir()))} files")
            asked = {"questions": len(task.questions), "sizes": try_sizes(services, task, sizes)}
            print(keep_result("retrieval_sizes", name, asked))


def try_sizes(services: Services, task: Task, sizes: list[int]) -> dict[str, Any]:
    """Bring the files of a task in by every size, and ask; the size that is kept comes first."""
    rows: dict[str, Any] = {}
    kept: Mapping[str, Any] | None = None
    for size in sizes:
        collection = f"{task.folder.name}-{size}"
        passages.CHUNK_TOKENS = size
        run_batch(services, [task.folder], collection)
        result = evaluate_retrieval(
            lambda question, of=collection: services.retrieve(question, of, limit=10),
            task.questions,
        )
        kept = kept or result
        chunks = sum(document.chunks for document in documents_of(services, collection))
        rows[str(size)] = {"chunks": chunks, **{m: result["intervals"][m] for m in MEASURES}}
        for measure in MEASURES:
            ours, theirs = (
                [question["measures"][measure] for question in one["questions"]]
                for one in (result, kept)
            )
            rows[str(size)][measure]["p_against_kept"] = compare(ours, theirs)
        figures = "  ".join(f"{m} {result['metrics'][m]:.3f}" for m in MEASURES)
        print(f"  {size:4} tokens, {chunks:6} chunks  {figures}", flush=True)
    return rows


if __name__ == "__main__":
    main()
