"""What goes wrong around ingestion: full and read-only disks, the database away, bad files."""

# Longer than 300 lines: all troubles share one worker that is watched from outside.

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pymupdf
import pytest

from ingest import pipeline
from ingest import worker as working
from ingest.worker import attend, run_worker
from ragqa.errors import StoreError
from ragqa.settings import load_settings
from ragqa.store import documents, intake, reads, versions
from ragqa.store.files import Files
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ragqa.types import Collection, Document
    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def collection(services: Services) -> Collection:
    return services.create_collection("papers")


def take(services: Services, collection: Collection, name: str, data: bytes) -> Document:
    added = intake.take_in(services.database, services.files, collection, name, io.BytesIO(data))
    return added.document


def find(services: Services, document: Document) -> Document:
    with services.database.transaction() as conn:
        return documents.find_document(conn, document.id)


def wait_for(done: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def scans(pages: int) -> bytes:
    """Pages of dense print as pictures: seconds of OCR each."""
    with pymupdf.open(DATA / "manual_zh.pdf") as manual:
        picture = manual[0].get_pixmap(dpi=150).tobytes("jpg")
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page(width=595, height=842)
        page.insert_image(page.rect, stream=picture)
        page.draw_line((0, number), (595, number))
    data: bytes = document.tobytes()
    return data


def test_a_cancel_in_the_middle_of_an_ocr_page_takes_effect_within_five_seconds(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    take(services, collection, "a.pdf", make_pdf("The old text serves."))
    run_worker(services, until_idle=True)
    document = take(services, collection, "a.pdf", scans(40))
    thread = threading.Thread(target=run_worker, args=(services,), kwargs={"until_idle": True})
    thread.start()
    wait_for(lambda: find(services, document).progress.stage == "read", 60)
    time.sleep(1.5)
    assert find(services, document).progress.done < 40

    begun = time.monotonic()
    with services.database.transaction() as conn:
        versions.request_cancel(conn, document.id)
    wait_for(lambda: find(services, document).status == "failed", 10)
    assert time.monotonic() - begun < 5
    thread.join(10)

    error = find(services, document).error
    assert error is not None
    assert error.code == "cancelled"
    hits = services.retriever("hashing").retrieve("text", "papers", limit=3)
    assert [hit.chunk.text for hit in hits] == ["The old text serves."]


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own, as small as that."""
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "ragqa-test", folder],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:  # not root: a limit on files does the same to a writer
            import resource

            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (megabytes << 20, limits[1]))
            try:
                yield Path(folder)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half(
    services: Services, collection: Collection
) -> None:
    with small_disk(2) as disk:
        files = Files(str(disk / "files"))
        small, large = os.urandom(200_000), os.urandom(4 << 20)
        intake.take_in(services.database, files, collection, "s.txt", io.BytesIO(small))
        with pytest.raises(StoreError, match="disk is full") as caught:
            intake.take_in(services.database, files, collection, "l.txt", io.BytesIO(large))

        assert caught.value.code == "disk_full"
        left = [path for path in disk.rglob("*") if path.is_file()]
        assert [path.stat().st_size for path in left] == [200_000]
        with services.database.transaction() as conn:
            listed, _ = documents.list_documents(conn, collection.id)
        assert [one.filename for one in listed] == ["s.txt"]
        again = io.BytesIO(small + b"!")
        assert intake.take_in(services.database, files, collection, "t.txt", again).queued


def test_a_storage_that_cannot_be_written_says_so_and_serves_what_it_has(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    document = take(services, collection, "a.pdf", make_pdf("Here to stay."))
    run_worker(services, until_idle=True)
    folder = services.settings.files_folder / str(collection.id)
    with read_only(folder):
        with pytest.raises(StoreError, match=r"Read-only|Permission") as caught:
            take(services, collection, "b.pdf", make_pdf("Nowhere to go."))
        assert caught.value.code == "files_unavailable"
        with services.files.open(collection.id, document.sha256) as source:
            assert source.read(4) == b"%PDF"
    with services.database.transaction() as conn:
        listed, _ = documents.list_documents(conn, collection.id)
    assert [one.filename for one in listed] == ["a.pdf"]


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write away, from root too."""
    if os.geteuid():
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_file_that_breaks_the_worker_three_times_is_set_aside_and_named(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    bad = take(services, collection, "poison.pdf", make_pdf("Poison."))
    good = take(services, collection, "good.pdf", make_pdf("Good."))
    claims = 0
    # A worker that dies leaves nothing but its claim.
    for _ in range(working.MOST_ATTEMPTS):
        with services.database.transaction() as conn:
            claims += versions.claim_version(conn, bad.id, 1) is not None
    run_worker(services, until_idle=True)

    assert claims == 3
    set_aside = find(services, bad)
    assert set_aside.error is not None
    assert set_aside.error.code == "poisoned"
    assert "3 times" in set_aside.error.message
    assert find(services, good).status == "ready"
    intake.retry(services.database, bad.id)
    run_worker(services, until_idle=True)
    assert find(services, bad).status == "ready"


def test_attempts_that_get_further_do_not_poison_a_file(
    services: Services, collection: Collection, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [f"This is page {number} of a long document." for number in range(1, 9)]
    document = take(services, collection, "long.pdf", make_pdf(*pages))
    write_reads = reads.write_reads
    died = 0

    class Died(BaseException):
        """What is left of a killed worker: nothing after it happens."""

    def keep_one_and_die(conn: Any, document_id: Any, kept: Any) -> None:
        nonlocal died
        write_reads(conn, document_id, kept[:1])
        conn.commit()
        if died < 6:
            died += 1
            raise Died

    monkeypatch.setattr(pipeline, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(pipeline, "write_reads", keep_one_and_die)
    for _ in range(6):
        with pytest.raises(Died):
            attend(services, document.id, 1)
    attend(services, document.id, 1)

    assert died == 6
    assert find(services, document).status == "ready"
    assert find(services, document).pages == 8


def test_an_encrypted_file_is_not_tried_again(
    services: Services, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = (DATA / "locked_zh.pdf").read_bytes()
    document = take(services, collection, "locked.pdf", locked)
    tried: list[Any] = []

    def count_and_ingest(work: Any) -> Any:
        tried.append(work)
        return pipeline.ingest_version(work)

    monkeypatch.setattr(working, "ingest_version", count_and_ingest)
    run_worker(services, until_idle=True)
    run_worker(services, until_idle=True)

    error = find(services, document).error
    assert error is not None
    assert error.code == "password_required"
    assert len(tried) == 1
    intake.retry(services.database, document.id, password="开门")
    run_worker(services, until_idle=True)
    assert find(services, document).status == "ready"
    with services.database.transaction() as conn:
        row = conn.execute("SELECT count(password) AS kept FROM versions").fetchone()
    assert row == {"kept": 0}


def test_a_job_waits_longer_each_time_the_database_fails_it(
    services: Services, collection: Collection, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = take(services, collection, "a.pdf", make_pdf("Patience."))
    waits: list[float] = []

    def refuse(work: Any) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(working, "ingest_version", refuse)
    for _ in range(3):
        run_worker(services, until_idle=True)
        with services.database.transaction() as conn:
            row = conn.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"
                " RETURNING extract(epoch FROM (SELECT old.scheduled_at - now() FROM"
                " procrastinate_jobs old WHERE old.id = procrastinate_jobs.id)) AS seconds"
            ).fetchone()
        assert row is not None
        waits.append(float(row["seconds"]))
    monkeypatch.undo()
    run_worker(services, until_idle=True)

    assert waits == sorted(waits)
    assert 1 < waits[0] <= 2
    assert 6 < waits[2] <= 8
    assert find(services, document).status == "ready"


def postmaster_of(home: Path) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "-D" in command and str(home) in " ".join(command):
            return process
    raise AssertionError("no server runs")


def test_a_worker_outlives_its_database(make_pdf: MakePdf) -> None:
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        home = Path(folder)
        settings = load_settings(
            folder=None, home=home, embedding_model="hashing", llm_model="extractive"
        )
        environment = os.environ | {
            "RAGQA_HOME": folder,
            "RAGQA_EMBEDDING_MODEL": "hashing",
            "RAGQA_LOG_LEVEL": "error",
        }
        with open_services(settings) as services:
            collection = services.create_collection("papers")
            worker = subprocess.Popen([sys.executable, "-m", "ragqa", "worker"], env=environment)
            try:
                first = take(services, collection, "a.pdf", make_pdf("Before."))
                wait_for(lambda: find(services, first).status == "ready", 60)
                server = postmaster_of(home)
                server.kill()
                server.wait(10)
                wait_for(lambda: answers(services), 30)
                second = take(services, collection, "b.pdf", make_pdf("After."))
                wait_for(lambda: find(services, second).status == "ready", 60)
                assert worker.poll() is None
            finally:
                worker.terminate()
                worker.wait(15)


def answers(services: Services) -> bool:
    try:
        with psycopg.connect(services.database.conninfo, connect_timeout=2):
            return True
    except psycopg.Error:
        return False
