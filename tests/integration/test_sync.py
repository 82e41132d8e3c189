"""The nightly batch: folders become versions, unchanged files cost a stat."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ingest.batch import run_batch
from ragqa.errors import Conflict, InvalidInput
from ragqa.store.collections import find_collection
from ragqa.store.documents import list_documents
from ragqa.store.sources import list_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path, make_pdf: MakePdf) -> Path:
    root = tmp_path / "nightly"
    (root / "sub").mkdir(parents=True)
    write(root / "a.pdf", make_pdf("Alpha says one."))
    write(root / "sub" / "b.txt", "贝塔写着二。".encode())
    write(root / "notes.exe", b"MZ")
    return root


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    settled = time.time() - 60
    os.utime(path, (settled, settled))


def run(services: Services, folder: Path, **options: Any) -> dict[str, Any]:
    return run_batch(services, [folder], "night", **options)


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[key] for key in ("added", "updated", "unchanged", "renamed", "deleted"))


def names(services: Services) -> list[str]:
    with services.database.transaction() as conn:
        found = find_collection(conn, "night")
        return sorted(one.filename for one in list_documents(conn, found.id)[0])


def found(services: Services, query: str) -> list[str]:
    hits = services.retriever("hashing").retrieve(query, "night", limit=5)
    return [hit.chunk.text for hit in hits]


def test_a_folder_is_taken_in_and_a_second_run_changes_nothing(
    services: Services, folder: Path
) -> None:
    first = run(services, folder)
    assert counts(first) == (2, 0, 0, 0, 0)
    assert first["failed"] == []
    assert [one["file"] for one in first["skipped"]] == ["notes.exe"]
    assert first["chunks"] == 2
    assert names(services) == ["a.pdf", "sub/b.txt"]
    assert "贝塔" in found(services, "贝塔")[0]

    second = run(services, folder)
    assert counts(second) == (0, 0, 2, 0, 0)
    assert second["pages"] == 0


def test_a_changed_file_becomes_a_new_version(
    services: Services, folder: Path, make_pdf: MakePdf
) -> None:
    run(services, folder)
    write(folder / "a.pdf", make_pdf("Alpha says seventeen."))

    assert counts(run(services, folder)) == (0, 1, 1, 0, 0)
    assert "seventeen" in found(services, "alpha")[0]


def test_a_touched_file_costs_a_hash_and_nothing_else(services: Services, folder: Path) -> None:
    run(services, folder)
    os.utime(folder / "a.pdf", (1, 1))

    assert counts(run(services, folder)) == (0, 0, 2, 0, 0)


def test_a_renamed_file_moves_its_document(services: Services, folder: Path) -> None:
    run(services, folder)
    (folder / "a.pdf").rename(folder / "sub" / "renamed.pdf")

    report = run(services, folder, prune=True)
    assert counts(report) == (0, 0, 2, 1, 0)
    assert names(services) == ["sub/b.txt", "sub/renamed.pdf"]


def test_vanished_files_are_pruned_only_when_asked(services: Services, folder: Path) -> None:
    run(services, folder)
    (folder / "a.pdf").unlink()

    assert counts(run(services, folder)) == (0, 0, 1, 0, 0)
    assert names(services) == ["a.pdf", "sub/b.txt"]
    assert counts(run(services, folder, prune=True)) == (0, 0, 1, 0, 1)
    assert names(services) == ["sub/b.txt"]


def test_pruning_more_than_half_needs_force(
    services: Services, folder: Path, make_pdf: MakePdf
) -> None:
    write(folder / "c.pdf", make_pdf("Gamma says three."))
    run(services, folder)
    for name in ("a.pdf", "c.pdf"):
        (folder / name).unlink()

    with pytest.raises(Conflict, match="--force"):
        run(services, folder, prune=True)
    assert len(names(services)) == 3
    assert run(services, folder, prune=True, force=True)["deleted"] == 2


def test_a_broken_file_is_reported_and_stops_no_other(services: Services, folder: Path) -> None:
    write(folder / "broken.pdf", b"not a pdf")

    report = run(services, folder)
    assert counts(report) == (3, 0, 0, 0, 0)
    assert [one["file"] for one in report["failed"]] == ["broken.pdf"]
    assert report["failed"][0]["code"] == "unreadable_file"
    assert report["chunks"] == 2


def test_a_growing_file_waits_for_the_next_run(services: Services, folder: Path) -> None:
    growing = folder / "growing.txt"
    ended = threading.Event()

    def grow() -> None:
        with growing.open("ab", buffering=0) as target:
            while not ended.wait(0.02):
                target.write(b"more and more text\n")

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        time.sleep(0.2)
        report = run(services, folder)
    finally:
        ended.set()
        thread.join()

    assert "growing.txt" in [one["file"] for one in report["skipped"]]
    assert "growing.txt" not in names(services)
    os.utime(growing, (1, 1))
    assert run(services, folder)["added"] == 1


def test_links_are_followed_to_files_only_and_what_is_no_file_stops_nothing(
    services: Services, folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere / "c.txt", b"Gamma says three.")
    (folder / "linked.txt").symlink_to(elsewhere / "c.txt")
    (folder / "linked-folder").symlink_to(elsewhere)
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "gone.txt").symlink_to(elsewhere / "gone.txt")
    os.mkfifo(folder / "pipe.txt")
    report = run(services, folder)
    assert names(services) == ["a.pdf", "linked.txt", "sub/b.txt"]
    assert [(one["file"], one["code"]) for one in report["failed"]] == [
        ("gone.txt", "unreadable_file")
    ]
    assert {"file": "pipe.txt", "reason": "not a regular file"} in report["skipped"]
    assert found(services, "Gamma three")[0] == "Gamma says three."

    write(elsewhere / "c.txt", b"Gamma says four now.")
    assert counts(run(services, folder)) == (0, 1, 2, 0, 0)


def test_patterns_choose_files(services: Services, folder: Path) -> None:
    assert run(services, folder, include=["*.pdf"])["added"] == 1
    assert run(services, folder, exclude=["sub/*"])["added"] == 0
    assert names(services) == ["a.pdf"]


def test_a_missing_path_is_refused_with_its_name(services: Services, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere is not there"):
        run(services, tmp_path / "nowhere")


def test_two_runs_of_the_same_folder_exclude_each_other(services: Services, folder: Path) -> None:
    run(services, folder)
    with services.database.transaction() as conn:
        collection = find_collection(conn, "night")
        conn.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"batch {collection.id} {[str(folder.resolve())]}"],
        )
        with pytest.raises(Conflict, match="another run"):
            run(services, folder)


def test_runs_are_logged_with_their_reports(services: Services, folder: Path) -> None:
    run(services, folder)
    with services.database.transaction() as conn:
        runs = list_runs(conn, find_collection(conn, "night").id)

    assert len(runs) == 1
    assert runs[0]["report"]["added"] == 2
    assert runs[0]["finished_at"] is not None
    assert runs[0]["state"] == "finished"


def states(services: Services) -> list[str]:
    with services.database.transaction() as conn:
        there = conn.execute("SELECT 1 FROM collections WHERE name = 'night'").fetchone()
        return (
            [one["state"] for one in list_runs(conn, find_collection(conn, "night").id)]
            if there
            else []
        )


def test_a_killed_run_is_called_interrupted_by_the_next_one_which_ends_its_work(
    services: Services, folder: Path, database_url: str
) -> None:
    for number in range(40):
        write(folder / f"{number}.txt", f"Note {number} speaks of itself.".encode())
    surroundings = {
        "RAGQA_HOME": str(services.settings.home),
        "RAGQA_DATABASE_URL": database_url,
        "RAGQA_EMBEDDING_MODEL": "hashing",
    }
    words = [sys.executable, "-m", "ragqa", "ingest", str(folder), "-c", "night"]
    deadline = time.monotonic() + 40
    with subprocess.Popen(
        words, env=os.environ | surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as killed:
        while not states(services):
            assert killed.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killed.kill()
    assert states(services) == ["running"]

    report = None
    while report is None:
        assert time.monotonic() < deadline
        try:
            report = run(services, folder)
        except Conflict:  # the database has not noticed yet that the process is gone
            time.sleep(0.1)

    assert report["interrupted"] == 1
    assert report["failed"] == []
    assert states(services) == ["finished", "interrupted"]
    assert len(names(services)) == 42
    assert run(services, folder)["interrupted"] == 0


def test_a_run_that_is_refused_is_not_called_running(services: Services, folder: Path) -> None:
    run(services, folder)
    for path in (folder / "a.pdf", folder / "sub" / "b.txt"):
        path.unlink()
    with pytest.raises(Conflict, match="more than half"):
        run(services, folder, prune=True)
    assert states(services) == ["interrupted", "finished"]
