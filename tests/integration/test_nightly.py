"""The commands around the batch: versions brought back, folders watched, nights planned."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from ingest import upkeep
from ingest.batch import run_batch
from ingest.folders import watch_folders
from ingest.schedule import Schedule, cron_line, read_time, unit_files
from ragqa.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


@pytest.fixture
def command(
    services: Services, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run a command over the test's database; return its result."""
    monkeypatch.setenv("RAGQA_HOME", str(services.settings.home))
    monkeypatch.setenv("RAGQA_DATABASE_URL", database_url)
    monkeypatch.setenv("RAGQA_EMBEDDING_MODEL", "hashing")
    app = typer.Typer()
    upkeep.mount(app)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def settle(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - 60, time.time() - 60))


def found(services: Services, query: str) -> list[str]:
    hits = services.retriever("hashing").retrieve(query, "night", limit=5)
    return [hit.chunk.text for hit in hits]


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_older_version_is_listed_and_served_again_by_command(
    services: Services, command: Callable[..., Any], tmp_path: Path
) -> None:
    for text in ("The price is 100.", "The price is 2500."):
        settle(tmp_path / "in" / "a.txt", text)
        run_batch(services, [tmp_path / "in"], "night")

    listed = json.loads(command("versions", "night", "a.txt", "--json").stdout)["versions"]
    assert [(one["version"], one["served"]) for one in listed] == [(2, True), (1, False)]

    restored = command("versions", "night", "a.txt", "--restore", 1)
    assert restored.exit_code == 0, restored
    assert "served" in restored.stdout.splitlines()[0]
    assert found(services, "price") == ["The price is 100."]
    assert "has no document" in str(command("versions", "night", "b.txt").exception)


def test_a_watched_folder_is_brought_in_after_each_change(
    services: Services, tmp_path: Path
) -> None:
    folder, ended = tmp_path / "in", threading.Event()
    settle(folder / "a.txt", "Alpha speaks of one.")
    reports: list[dict[str, Any]] = []
    watching = threading.Thread(
        target=watch_folders,
        args=(services, [folder], "night"),
        kwargs={"ended": ended, "tell": reports.append, "every": 0.2, "prune": True},
    )
    watching.start()
    try:
        wait_for(lambda: len(reports) == 1)
        time.sleep(0.6)
        assert len(reports) == 1
        settle(folder / "b.txt", "Beta speaks of two.")
        wait_for(lambda: len(reports) == 2)
        (folder / "a.txt").unlink()
        wait_for(lambda: len(reports) == 3)
    finally:
        ended.set()
        watching.join()

    assert [one["added"] for one in reports] == [1, 1, 0]
    assert reports[2]["deleted"] == 1
    assert found(services, "speaks") == ["Beta speaks of two."]


def test_the_command_that_watches_ends_when_it_is_told_to(
    services: Services, database_url: str, tmp_path: Path
) -> None:
    settle(tmp_path / "in" / "a.txt", "Alpha speaks of one.")
    surroundings = {
        "RAGQA_HOME": str(services.settings.home),
        "RAGQA_DATABASE_URL": database_url,
        "RAGQA_EMBEDDING_MODEL": "hashing",
    }
    words = ["watch", str(tmp_path / "in"), "-c", "night", "--every", "0.5"]
    with subprocess.Popen(
        [sys.executable, "-m", "ragqa", *words],
        env=os.environ | surroundings,
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("1 added")
        watching.send_signal(signal.SIGTERM)
        assert watching.wait(20) == 0


def plan(services: Services, tmp_path: Path) -> Schedule:
    folder = tmp_path / "100% of it"
    folder.mkdir()
    return Schedule([folder], "night's", 2, 5, prune=True, folder=tmp_path)


def test_the_line_for_cron_runs_the_batch(services: Services, tmp_path: Path) -> None:
    wanted = plan(services, tmp_path)
    settle(wanted.paths[0] / "a.txt", "Alpha speaks of one.")

    line = cron_line(wanted, services.settings)

    when, shell = line.split(" * * * ", 1)
    assert when == "5 2"
    assert "postgres" not in line  # the address of a database may hold a password
    secret = {"RAGQA_DATABASE_URL": services.settings.database_url}
    # As cron does: \% is %, and the rest is for the shell.
    unescaped = shell.replace("\\%", "%")
    services.settings.home.mkdir(exist_ok=True)
    done = subprocess.run(["/bin/sh", "-c", unescaped], env=os.environ | secret, check=False)
    log = (services.settings.home / "nightly.log").read_text()
    assert done.returncode == 0, log
    assert "1 added" in log


def test_the_unit_files_are_good_for_systemd(
    services: Services, command: Callable[..., Any], tmp_path: Path
) -> None:
    wanted = plan(services, tmp_path)
    units = unit_files(wanted, services.settings)
    assert sorted(units) == ["ragqa-night-s.service", "ragqa-night-s.timer"]
    assert "OnCalendar=*-*-* 02:05:00" in units["ragqa-night-s.timer"]
    assert '100%% of it"' in units["ragqa-night-s.service"]
    assert "postgres" not in units["ragqa-night-s.service"]

    into = tmp_path / "units"
    written = command("schedule", wanted.paths[0], "-c", "night's", "--at", "2:05", "--into", into)
    assert written.exit_code == 0, written
    assert sorted(path.name for path in into.iterdir()) == sorted(units)
    if checker := shutil.which("systemd-analyze"):
        files = [str(path) for path in into.iterdir()]
        done = subprocess.run(
            [checker, "verify", "--man=no", *files], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("text", ["24:00", "7", "12:60", "noon"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="02:30"):
        read_time(text)
