"""The programs of the kill benchmark over one home: started, struck, ended, healed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil

from ragqa.store.collections import find_collection
from ragqa.store.db import Database
from ragqa.store.files import Files
from ragqa.store.intake import retry
from ragqa.store.postmaster import find_postmaster
from ragqa.store.removal import collect_orphans
from ragqa.types import DocumentId, Id

if TYPE_CHECKING:
    import random
    from pathlib import Path


class Run:
    """The programs over one home, and the folder they bring in."""

    def __init__(self, home: Path) -> None:
        self.home, self.tree = home, home / "tree"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = os.environ | {
            "RAGQA_HOME": str(home),
            "RAGQA_EMBEDDING_MODEL": "hashing",
            "RAGQA_RERANKER_MODEL": "",
            "RAGQA_LLM_MODEL": "extractive",
            "RAGQA_LOG_LEVEL": "warning",
            "OMP_NUM_THREADS": "1",
        }
        self.commands = {
            "worker": ["worker"],
            "service": ["serve", "--no-worker", "--port", str(self.port)],
            "batch": ["ingest", str(self.tree), "-c", "papers", "--prune", "--json"],
        }

    def put(self, state: Path) -> None:
        """Make the folder the state, file by file, as a copying program would."""
        self.tree.mkdir(exist_ok=True)
        for path in self.tree.iterdir():
            if not (state / path.name).exists():
                path.unlink()
        for path in state.iterdir():
            there = self.tree / path.name
            if not there.exists() or there.read_bytes() != path.read_bytes():
                shutil.copyfile(path, there)

    def start(self, name: str) -> None:
        """Start a program unless it runs."""
        running = self.processes.get(name)
        if running is None or running.poll() is not None:
            with (self.home / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "ragqa", *self.commands[name]],
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )

    def strike(self, chance: random.Random) -> str | None:
        """Kill one of the five kinds; return which, or None when there was none of it."""
        kind = chance.choice(["worker", "batch", "parser", "postgres", "service"])
        alive = {n: p.pid for n, p in self.processes.items() if p.poll() is None}
        victims: list[int] = []
        with contextlib.suppress(psutil.Error):
            if kind == "parser":
                for name in {"worker", "batch"} & alive.keys():
                    victims += [c.pid for c in psutil.Process(alive[name]).children(True)]
                victims = [pid for pid in victims if "postgres" not in psutil.Process(pid).name()]
            elif kind == "postgres":
                if (postmaster := find_postmaster(self.home / "postgres" / "data")) is not None:
                    backends = psutil.Process(postmaster).children()
                    victims = [postmaster, chance.choice(backends).pid if backends else postmaster]
            else:
                victims = [alive[kind]] if kind in alive else []
        if not victims:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(victims), signal.SIGKILL)
            return kind
        return None

    def end(self) -> int:
        """End the programs; return how many processes of this home live on all the same."""
        for program in self.processes.values():
            program.terminate()
        for program in self.processes.values():
            try:
                program.wait(15)
            except subprocess.TimeoutExpired:
                program.kill()
        time.sleep(3)
        left = 0
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = process.environ().get("RAGQA_HOME") == str(self.home)
                left += ours and "postgres" not in process.name()
        return left


def heal(run: Run, conninfo: str) -> dict[str, str]:
    """Do what the operator does: retry what three kills set aside; sweep files nobody uses.

    Returns:
        The documents that were retried, and why they had failed.
    """
    database = Database(conninfo)
    files = Files(str(run.home / "files"))
    query = (
        "SELECT d.name, d.document_id, d.collection_id, v.error_code, v.error_message"
        " FROM documents d JOIN versions v USING (collection_id, document_id)"
        " WHERE v.version = d.newest_version AND v.error_code IN ('poisoned', 'gave_up')"
    )
    try:
        with database.transaction() as conn:
            rows = conn.execute(query).fetchall()
        for row in rows:
            retry(database, DocumentId(Id(row["collection_id"], row["document_id"])))
        with database.transaction() as conn:
            collection = find_collection(conn, "papers")
        subprocess.run(
            [sys.executable, "-m", "ragqa", *run.commands["batch"]],
            env=run.environment,
            check=False,
            stdout=subprocess.DEVNULL,
        )
        collect_orphans(database, files, collection.id, seconds=0)
    finally:
        database.close()
    return {row["name"]: row["error_code"] for row in rows}
