"""A standby under a home of its own: it follows, is searched and asked, and changes nothing."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ingest.worker import run_worker
from ragqa.api.app import create_app
from ragqa.errors import Conflict, ReadOnly
from ragqa.settings import Settings, load_settings
from ragqa.store.collections import find_collection
from ragqa.store.documents import find_document_by_name
from ragqa.store.intake import delete_document, take_in
from ragqa.store.postmaster import find_postmaster
from ragqa.store.replicas import make_replica
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


def settings_of(home: Path) -> Settings:
    return load_settings(
        folder=None, home=home, embedding_model="hashing", llm_model="extractive", offline=True
    )


def take(services: Services, name: str, data: bytes) -> None:
    with services.database.transaction() as conn:
        collection = find_collection(conn, "papers")
    take_in(services.database, services.files, collection, name, io.BytesIO(data))
    run_worker(services, until_idle=True)


def found(services: Services, question: str) -> list[str]:
    return [hit.chunk.text for hit in services.retrieve(question, "papers", limit=1)]


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Not in pytest's own folder, which is closed to the account that root's Postgres runs as.
    with tempfile.TemporaryDirectory(prefix="ragqa-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def original(folder: Path, make_pdf: MakePdf) -> Iterator[Services]:
    with open_services(settings_of(folder / "home")) as services:
        services.create_collection("papers")
        take(services, "pump.pdf", make_pdf("The pump stands in hall seven."))
        yield services


@pytest.fixture(scope="module")
def replica(folder: Path, original: Services) -> Iterator[Services]:
    home = folder / "copy"
    links = {"files": original.settings.files_folder}
    make_replica(original.database.conninfo, home, links)
    with open_services(settings_of(home)) as services:
        yield services


def test_what_is_served_there_is_found_and_asked_here(replica: Services) -> None:
    assert found(replica, "Where is the pump?") == ["The pump stands in hall seven."]
    with TestClient(create_app(replica), base_url="http://127.0.0.1") as client:
        body = {"question": "Where does the pump stand?", "collection": "papers"}
        asked = client.post("/v1/ask", json=body)
        assert asked.status_code == 200
        assert asked.json()["citations"][0]["quote"] == "The pump stands in hall seven."
        assert asked.json()["id"] is None
        document = asked.json()["citations"][0]["document_id"]
        image = client.get(f"/v1/documents/{document}/pages/1/image")
        assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
        assert client.get("/readyz").status_code == 200


def test_every_change_is_refused_with_one_sentence(replica: Services, make_pdf: MakePdf) -> None:
    with TestClient(create_app(replica), base_url="http://127.0.0.1") as client:
        upload = {"files": ("new.pdf", make_pdf("New."))}
        answers = [
            client.post("/v1/collections", json={"name": "more"}),
            client.post("/v1/collections/papers/documents", files=upload),
            client.delete("/v1/collections/papers"),
        ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "read_only")] * 3
    assert "make changes where its original is served" in answers[0].json()["detail"]
    assert found(replica, "pump") == ["The pump stands in hall seven."]
    stored = [path for path in replica.settings.files_folder.rglob("*") if path.is_file()]
    assert len(stored) == 1
    with pytest.raises(ReadOnly), replica.database.transaction() as conn:
        conn.execute("DELETE FROM documents")


def test_commands_that_change_something_end_with_that_sentence(replica: Services) -> None:
    surroundings = os.environ | {
        "RAGQA_HOME": str(replica.settings.home),
        "RAGQA_EMBEDDING_MODEL": "hashing",
        "RAGQA_LOG_LEVEL": "error",
    }
    for command in (["worker"], ["ingest", __file__, "-c", "papers"]):
        done = subprocess.run(
            [sys.executable, "-m", "ragqa", *command],
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1
        assert done.stderr.startswith("ragqa: this is a replica, which only reads")
        assert done.stderr.count("\n") == 1


def test_it_follows_and_forgets_what_is_deleted(
    original: Services, replica: Services, make_pdf: MakePdf
) -> None:
    take(original, "valve.pdf", make_pdf("The valve is closed at noon."))
    wait_for(lambda: found(replica, "valve noon") == ["The valve is closed at noon."])

    with original.database.transaction() as conn:
        collection = find_collection(conn, "papers")
        valve = find_document_by_name(conn, collection.id, "valve.pdf")
    assert valve is not None
    delete_document(original.database, original.files, valve.id)
    wait_for(lambda: "valve" not in str(found(replica, "valve noon")))


def test_it_serves_on_while_the_original_is_down_and_follows_again(
    original: Services, replica: Services, make_pdf: MakePdf
) -> None:
    pid = find_postmaster(original.settings.home / "postgres" / "data")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert found(replica, "pump") == ["The pump stands in hall seven."]
    # Its guard starts the original again.
    data = original.settings.home / "postgres" / "data"
    wait_for(lambda: find_postmaster(data) not in {None, pid})
    time.sleep(1)
    take(original, "gate.pdf", make_pdf("The gate is green."))
    wait_for(lambda: found(replica, "gate green") == ["The gate is green."])


def test_a_folder_that_holds_something_is_left_alone(original: Services, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(Conflict, match="is not empty"):
        make_replica(original.database.conninfo, tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
