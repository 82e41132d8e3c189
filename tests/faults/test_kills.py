"""Whatever is killed and whenever: nothing lost, nothing twice, no mixture seen."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from typing_extensions import override

from ragqa.settings import load_settings
from ragqa.store.db import Database
from ragqa.store.embedded import start_or_attach
from ragqa.store.files import Files
from ragqa.store.intake import take_in
from ragqa.store.migrations import migrate
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakePdf = Callable[..., bytes]

DOCUMENTS = 8
SECONDS = 150.0


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        yield Path(folder)


@pytest.fixture
def killable(home: Path) -> Iterator[Services]:
    """Services over an embedded server of their own, which may be killed."""
    settings = load_settings(
        folder=None, home=home, embedding_model="hashing", llm_model="extractive"
    )
    with start_or_attach(home) as server:
        migrate(server.conninfo)
        database = Database(server.conninfo)
        yield Services(settings, database, Files(str(settings.files_folder)))
        database.close()


def start_worker(home: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "RAGQA_HOME": str(home),
        "RAGQA_EMBEDDING_MODEL": "hashing",
        "RAGQA_LLM_MODEL": "extractive",
        "RAGQA_LOG_LEVEL": "error",
    }
    return subprocess.Popen([sys.executable, "-m", "ragqa", "worker"], env=environment)


def pages_of(version: int, number: int) -> list[str]:
    return [f"Document {number} version {version} page {page}." for page in range(1, 7)]


def take(services: Services, make_pdf: MakePdf, version: int) -> None:
    with services.database.transaction() as conn:
        found = conn.execute("SELECT 1 FROM collections").fetchone()
    if found is None:
        services.create_collection("papers")
    from ragqa.store.collections import find_collection

    with services.database.transaction() as conn:
        collection = find_collection(conn, "papers")
    for number in range(DOCUMENTS):
        data = make_pdf(*pages_of(version, number))
        folder = services.settings.home / "incoming.pdf"
        folder.write_bytes(data)
        with folder.open("rb") as source:
            take_in(services.database, services.files, collection, f"{number}.pdf", source)


def versions_seen(conn: psycopg.Connection[Any]) -> dict[int, set[str]]:
    """Return, for each document, the versions that its visible chunks speak of."""
    seen: dict[int, set[str]] = {}
    for document_id, text in conn.execute("SELECT document_id, text FROM chunks"):
        for word, following in zip(text.split(), text.split()[1:], strict=False):
            if word == "version":
                seen.setdefault(document_id, set()).add(following)
    return seen


class Reader(threading.Thread):
    """Looks at what is visible all the time, and remembers every mixture."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(daemon=True)
        self.conninfo = conninfo
        self.mixtures: list[Any] = []
        self.looks = 0
        self.ended = threading.Event()

    @override
    def run(self) -> None:
        while not self.ended.wait(0.02):
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(self.conninfo, connect_timeout=2) as conn,
            ):
                seen = versions_seen(conn)
                self.looks += 1
                self.mixtures += [versions for versions in seen.values() if len(versions) > 1]


def states(conninfo: str) -> list[tuple[str, int, int]]:
    with psycopg.connect(conninfo) as conn:
        return conn.execute(
            "SELECT v.status, v.pages, (SELECT count(*) FROM chunks c"
            " WHERE c.document_id = d.document_id) FROM documents d JOIN versions v"
            " ON v.document_id = d.document_id AND v.version = d.newest_version ORDER BY d.name"
        ).fetchall()


def test_a_batch_under_kills_ends_as_an_undisturbed_one(
    home: Path, killable: Services, make_pdf: MakePdf
) -> None:
    chance = random.Random(7)
    conninfo = killable.database.conninfo
    take(killable, make_pdf, 1)
    worker = start_worker(home)
    reader = Reader(conninfo)
    reader.start()
    try:
        for version in (2, 3):
            for _ in range(4):
                time.sleep(chance.uniform(0.5, 3.0))
                victims = [worker.pid, *[c.pid for c in psutil.Process(worker.pid).children(True)]]
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(victims), signal.SIGKILL)
                if worker.poll() is not None:
                    worker = start_worker(home)
            take(killable, make_pdf, version)
        deadline = time.monotonic() + SECONDS
        while any(status != "ready" for status, _, _ in states(conninfo)):
            assert time.monotonic() < deadline, states(conninfo)
            if worker.poll() is not None:
                worker = start_worker(home)
            time.sleep(0.5)
    finally:
        reader.ended.set()
        worker.kill()
        worker.wait()
        reader.join()

    with psycopg.connect(conninfo) as conn:
        seen = versions_seen(conn)
    assert len(seen) == DOCUMENTS
    assert all(versions == {"3"} for versions in seen.values())
    assert all((pages, chunks) == (6, 6) for _, pages, chunks in states(conninfo))
    assert reader.looks > 10
    assert reader.mixtures == []


def test_a_killed_database_comes_back_with_everything(
    home: Path, killable: Services, make_pdf: MakePdf
) -> None:
    take(killable, make_pdf, 1)
    killable.database.close()
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if "postgres" in command and str(home) in command and "-D" in command:
            process.kill()
            process.wait(10)

    with start_or_attach(home) as server, psycopg.connect(server.conninfo) as conn:
        row = conn.execute("SELECT count(*) FROM versions").fetchone()

    assert row == (DOCUMENTS,)
