"""Kill everything at random while a folder goes in, and compare with a run that nobody disturbed.

Sixty mixed documents (born-digital, tables, scans, broken files, notes) go in again and again in
two states, by the batch and a worker; ``kill -9`` strikes worker, batch, parser children, Postgres
and the service. A reader looks all the time: every look is one snapshot, and each served document
in it must hold exactly what the undisturbed run made of those bytes. In the end every row is
compared, ids aside.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.kills [--kills 300] [--seed 1]``
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psycopg
from typing_extensions import override

from benchmarks.kills_data import build_states, differences, dump
from benchmarks.kills_run import Run, heal
from ragqa.store.embedded import start_or_attach

LOOK = """
SELECT d.name, v.sha256, v.chunks AS said, v.pages AS said_pages,
       (SELECT count(*) FROM pages p WHERE (p.collection_id, p.document_id, p.version)
             = (d.collection_id, d.document_id, d.current_version)) AS pages,
       count(c) AS chunks, count(c) FILTER (WHERE c.version <> d.current_version) AS others,
       md5(string_agg(c.ordinal || ':' || c.page_number || ':' || c.text, '|' ORDER BY c.ordinal))
  FROM documents d
  JOIN versions v ON (v.collection_id, v.document_id, v.version)
                   = (d.collection_id, d.document_id, d.current_version)
  LEFT JOIN chunks c ON (c.collection_id, c.document_id) = (d.collection_id, d.document_id)
 GROUP BY d.collection_id, d.document_id, v.collection_id, v.document_id, v.version
"""
QUERIES = ("safety", "price", "时间", "note", "amendment", "table")
ROUNDS = 4
"""Of the undisturbed run; after the second, only the parity of a round matters."""


class Reader(threading.Thread):
    """Looks at what is served all the time, by SQL and by the service."""

    def __init__(self, conninfo: str, port: int, rounds: list[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self.conninfo, self.port = conninfo, port
        self.stable = set.intersection(*(set(r["documents"]) for r in rounds))
        self.texts: dict[str, list[set[str]]] = {}
        for one in rounds:
            for name, document in one["documents"].items():
                texts = {chunk["text"] for chunk in document["chunks"]}
                self.texts.setdefault(name, []).append(texts)
        self.rows: set[tuple[Any, ...]] = set()
        self.seen: set[str] = set()
        self.dark: Counter[str] = Counter()
        self.mixed: list[Any] = []
        self.looks = self.answers = 0
        self.ended = threading.Event()

    @override
    def run(self) -> None:
        """Look until told to end."""
        while not self.ended.wait(0.05):
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(self.conninfo, connect_timeout=2) as conn,
            ):
                self._look(conn)
            with contextlib.suppress(httpx.HTTPError):
                self._search(QUERIES[self.looks % len(QUERIES)])

    def _look(self, conn: psycopg.Connection[Any]) -> None:
        rows = conn.execute(LOOK).fetchall()
        self.looks += 1
        names = {row[0] for row in rows}
        self.dark.update(self.seen - names)
        self.seen |= names & self.stable
        for row in rows:
            name, sha256, said, said_pages, pages, chunks, others, digest = row
            if others or chunks != said or pages != said_pages:
                self.mixed.append((name, "rows", *row[2:7]))
            self.rows.add((sha256, digest))

    def _search(self, query: str) -> None:
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/v1/search",
            json={"query": query, "collection": "papers", "top_k": 50},
            timeout=5,
        )
        if answer.status_code != 200:
            return
        self.answers += 1
        found: dict[str, set[str]] = {}
        for hit in answer.json()["hits"]:
            found.setdefault(hit["filename"], set()).add(hit["text"])
        for name, texts in found.items():
            if not any(texts <= version for version in self.texts.get(name, [])):
                self.mixed.append((name, "hits", query))


def undisturbed(states: list[Path], home: Path) -> tuple[list[dict[str, Any]], dict[str, set[str]]]:
    """Bring the states in one after the other; return the rows after each round, and digests."""
    run, rounds = Run(home), []
    digests: dict[str, set[str]] = {}
    with start_or_attach(home) as server:
        for number in range(ROUNDS):
            run.put(states[number % 2])
            done = subprocess.run(
                [sys.executable, "-m", "ragqa", *run.commands["batch"]],
                env=run.environment,
                capture_output=True,
                check=False,
            )
            if done.returncode not in (0, 3):
                raise SystemExit(done.stderr.decode())
            with psycopg.connect(server.conninfo) as conn:
                rounds.append(dump(conn, home / "files"))
                for row in conn.execute(LOOK):
                    digests.setdefault(row[1], set()).add(row[7])
    return rounds, digests


def disturb(run: Run, states: list[Path], kills: int, seed: int) -> tuple[int, Counter[str]]:
    """Strike until there were enough kills, then let the round end; return rounds and kills."""
    chance, struck, number = random.Random(seed), Counter[str](), 0
    run.put(states[0])
    for name in run.commands:
        run.start(name)
    following = time.monotonic()
    while True:
        time.sleep(0.1)
        batch = run.processes["batch"]
        if batch.poll() in (0, 3):
            print(f"round {number} done, {struck.total()} kills", file=sys.stderr, flush=True)
            if struck.total() >= kills and number >= 1:
                return number, struck
            number += 1
            run.put(states[number % 2])
        for name in run.commands:
            run.start(name)
        if struck.total() < kills and time.monotonic() > following:
            kind = run.strike(chance)
            struck.update([kind] if kind else [])
            following = time.monotonic() + chance.uniform(0.5, 4.0)


def main() -> int:
    """Return 1 when anything was lost, doubled or mixed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ragqa-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        states = build_states(Path(os.environ["RAGQA_EVAL_DATA"]), folder / "states")
        calm, home = folder / "calm", folder / "home"
        calm.mkdir()
        home.mkdir()
        rounds, digests = undisturbed(states, calm)
        print(f"undisturbed: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        run = Run(home)
        with start_or_attach(home) as server:
            reader = Reader(server.conninfo, run.port, rounds)
            reader.start()
            try:
                number, struck = disturb(run, states, given.kills, given.seed)
                time.sleep(1)
            finally:
                reader.ended.set()
                reader.join()
                left = run.end()
            set_aside = heal(run, server.conninfo)
            with psycopg.connect(server.conninfo) as conn:
                got = dump(conn, home / "files")
        expected = rounds[number if number < ROUNDS else 2 + number % 2]
        unknown = [row for row in reader.rows if row[1] not in digests.get(row[0], set())]
        result = {
            "documents": [len(one["documents"]) for one in rounds[2:]],
            "kills": dict(struck),
            "rounds": number + 1,
            "looks": reader.looks,
            "searches": reader.answers,
            "mixed": reader.mixed + unknown,
            "went_dark": dict(reader.dark),
            "differences": differences(expected, got),
            "set_aside_and_retried": set_aside,
            "processes_left": left,
            "seconds": round(time.monotonic() - started),
        }
        if os.environ.get("RAGQA_KEEP_LOGS"):
            for log in home.glob("*.log"):
                shutil.copy(log, Path(os.environ["RAGQA_KEEP_LOGS"]))
    text = json.dumps({**result, "kills_in_all": struck.total()}, ensure_ascii=False, indent=1)
    print(text)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "kills.json").write_text(text + "\n")
    return int(bool(result["mixed"] or result["went_dark"] or result["differences"]))


if __name__ == "__main__":
    sys.exit(main())
