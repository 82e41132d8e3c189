"""Ingestion, each figure beside its alternative in the same run.

* ``nightly`` a second run over 2,000 unchanged files, beside ``rsync -an`` on the same tree; the
  first run embeds by hashing, since what it makes is not looked at
* ``edit``    a manual of 500 pages of which 3 changed, beside its first ingestion: processor time
  of worker, readers and database; start of the program and loading of the model included
* ``long``    a file of 1,500 pages: memory of the worker and its readers, with models
* ``rate``    ingestion from end to end beside the embedder alone on the same passages, by turns
* ``text``    the same with pictures left unread: there nothing but text is taken from a page
* ``broken``  the broken files of the evaluation data as one batch among good ones

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.ingestion [--only nightly edit long rate text …]``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks import ingestion_data as inputs
from benchmarks.ingestion_broken import broken
from benchmarks.ingestion_rate import rate
from benchmarks.ingestion_watch import adopt_orphans, waited_for, watch
from ragqa.store.embedded import start_or_attach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.ingestion_watch import Sample, Watched

RESULTS = Path(__file__).parent / "results" / "ingestion.json"
TURNS = 3
PROGRESS = "SELECT stage, done, total FROM versions ORDER BY updated_at DESC LIMIT 1"


def nightly(data: Path, folder: Path, scale: float) -> dict[str, Any]:
    """Bring in 2,000 files, then again, with nothing changed."""
    del data
    count = round(2000 * scale)
    tree, copy = folder / "tree", folder / "copy"
    inputs.small_files(tree, count)
    subprocess.run(["rsync", "-a", f"{tree}/", f"{copy}/"], check=True)
    environment = surroundings(folder / "home", "hashing")
    with start_or_attach(folder / "home") as server:
        first = ingest(tree, environment, server.conninfo)
        ours, theirs, their_cpu = [], [], []
        for _ in range(TURNS):
            ours.append(ingest(tree, environment, server.conninfo, sampled=True))
            begun, spent = time.monotonic(), waited_for()
            subprocess.run(["rsync", "-an", f"{tree}/", f"{copy}/"], check=True)
            theirs.append(time.monotonic() - begun)
            their_cpu.append(waited_for() - spent)
    seconds, cpu = (
        statistics.median(one)
        for one in zip(*((one.seconds, one.cpu) for one in ours), strict=True)
    )
    return {
        "files": count,
        "first_seconds": round(first.seconds, 1),
        "unchanged": [json.loads(one.output)["unchanged"] for one in ours],
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "inside_seconds": [json.loads(one.output)["seconds"] for one in ours],
        "rsync_seconds": round(statistics.median(theirs), 3),
        "rsync_cpu_seconds": round(statistics.median(their_cpu), 3),
        "times_rsync": round(seconds / statistics.median(theirs), 1),
        "times_rsync_by_cpu": round(cpu / statistics.median(their_cpu), 1),
        "reading_processes": max(one.children for one in ours),
    }


def edit(data: Path, folder: Path, scale: float) -> dict[str, Any]:
    """Bring in a manual, then the manual with three pages changed."""
    pages = round(500 * scale)
    tree = folder / "tree"
    tree.mkdir()
    inputs.manual(data, tree / "manual.pdf", pages)
    inputs.settle(folder)
    environment = surroundings(folder / "home")
    with start_or_attach(folder / "home") as server:
        first = ingest(tree, environment, server.conninfo)
        changed = [pages // 5, pages // 2, pages - 50]
        inputs.edit(tree / "manual.pdf", folder / "edited.pdf", changed)
        (folder / "edited.pdf").replace(tree / "manual.pdf")
        inputs.settle(tree)
        second = ingest(tree, environment, server.conninfo)
        nothing = ingest(tree, environment, server.conninfo)
    return {
        "pages": pages,
        "changed": len(changed),
        "chunks": json.loads(first.output)["chunks"],
        "first": costs(first),
        "second": costs(second),
        "unchanged_run": costs(nothing),
        "share_of_cpu": round(second.cpu / first.cpu, 4),
    }


def long(data: Path, folder: Path, scale: float) -> dict[str, Any]:
    """Bring in a long file and look at the memory all the time."""
    pages = round(1500 * scale)
    tree = folder / "tree"
    tree.mkdir()
    inputs.manual(data, tree / "long.pdf", pages)
    inputs.settle(tree)
    with (
        start_or_attach(folder / "home") as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):

        def progress() -> Any:
            try:
                return conn.execute(PROGRESS).fetchone()
            except psycopg.Error:  # not migrated yet
                return None

        done = ingest(
            tree,
            surroundings(folder / "home"),
            server.conninfo,
            sampled=True,
            state=progress,
        )
    working = [one for one in done.samples if one.state is not None and one.state[0] != "open"]
    begun, ended = working[0].seconds, working[-1].seconds
    thirds = [
        [one for one in working if at <= 3 * (one.seconds - begun) / (ended - begun) <= at + 1]
        for at in range(3)
    ]
    most = [max(one.resident for one in third) for third in thirds]
    return {
        "pages": pages,
        "chunks": json.loads(done.output)["chunks"],
        "code": done.code,
        "costs": costs(done),
        "peak_rss_mb": round(max(one.resident for one in done.samples)),
        "peak_pss_mb": round(max(one.proportional for one in done.samples)),
        "peak_rss_mb_by_thirds": [round(one) for one in most],
        "last_by_middle": round(most[2] / most[1], 3),
        "by_stage": dict(by_stage(working)),
    }


def by_stage(samples: Sequence[Sample]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield for each stage how long it lasted, in seconds, and the most memory in it, in MB."""
    for stage in dict.fromkeys(one.state[0] for one in samples):
        here = [one for one in samples if one.state[0] == stage]
        yield (
            stage,
            {
                "seconds": round(here[-1].seconds - here[0].seconds, 1),
                "peak_rss_mb": round(max(one.resident for one in here)),
            },
        )


def costs(done: Watched) -> dict[str, float]:
    """Return what a command cost, in seconds."""
    return {
        "seconds": round(done.seconds, 1),
        "cpu": round(done.cpu, 2),
        "of_it_database": round(done.database_cpu, 2),
    }


def ingest(
    tree: Path,
    environment: dict[str, str],
    conninfo: str,
    *,
    sampled: bool = False,
    state: Callable[[], Any] | None = None,
) -> Watched:
    """Run the nightly command over a tree; it must bring in everything."""
    arguments = ["ingest", str(tree), "-c", "papers", "--json"]
    done = watch(arguments, environment, conninfo, sampled=sampled, state=state)
    if done.code:
        raise SystemExit(f"ragqa ingest ended with {done.code}: {done.output}")
    return done


def surroundings(home: Path, model: str = "") -> dict[str, str]:
    """Return the environment of the commands: a home of their own, the models of this one."""
    chosen = {"RAGQA_EMBEDDING_MODEL": model} if model else {}
    return {
        **os.environ,
        "RAGQA_HOME": str(home),
        "RAGQA_OFFLINE": "1",
        "RAGQA_LOG_LEVEL": "warning",
        **chosen,
    }


def rate_of_text(data: Path, folder: Path, scale: float) -> dict[str, Any]:
    """Measure ``rate`` without OCR."""
    return rate(data, folder, scale, ocr_engine="none")


PARTS = {
    "nightly": nightly,
    "edit": edit,
    "long": long,
    "rate": rate,
    "text": rate_of_text,
    "broken": broken,
}


def main() -> int:
    """Print each result and write them as JSON, beside those of earlier runs of other parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--scale", type=float, default=1.0, help="of the inputs, for trying out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    adopt_orphans()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the commands set it
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    results = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    for name in given.only:
        with tempfile.TemporaryDirectory(prefix="ragqa-") as made:
            folder = Path(made)
            folder.chmod(0o755)
            (folder / "home").mkdir()
            results[name] = PARTS[name](data, folder, given.scale)
        results[name] |= {"scale": given.scale, "load_average": round(os.getloadavg()[1], 1)}
        print(json.dumps({name: results[name]}, ensure_ascii=False), flush=True)
        given.out.parent.mkdir(exist_ok=True)
        given.out.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
