"""One Postgres cluster on disk: planned, made, started, stopped.

Nothing here knows who shares the server; whoever calls holds the lock of ``ragqa.store.embedded``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from ragqa.errors import StoreError
from ragqa.store.account import (
    Account,
    find_account,
    find_binaries,
    is_root,
    let_in,
    owner_of,
)
from ragqa.store.elsewhere import choose_elsewhere
from ragqa.store.postmaster import find_postmaster
from ragqa.store.tuning import write_settings

NAME = "ragqa"
"""Name of the database and of the role that owns it."""

PATIENCE = 300.0
"""Seconds a start may take: after a crash the server first replays its log."""

_SOCKET_BYTES = 88
"""Longest socket folder: sockaddr_un holds 107 bytes, ``/.s.PGSQL.5432`` and a margin go off."""
_FREE_BYTES = 200 << 20
_LOG_BYTES = 10 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """What ``cluster.json`` keeps; written before the cluster, so a cluster without it is odd."""

    password: str
    token: str
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster on disk and how to reach its server."""

    data: Path
    socket: Path
    conninfo: str
    account: Account

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data / "server.log"

    def start(self) -> None:
        """See to it that the server answers and has our database.

        Raises:
            StoreError: If it does not come up; its last words are quoted.
        """
        furnished = self.data / "ragqa.made"
        if self._wait_for_answer() != Ping.OK:
            self._clear_the_way()
            self._launch()
        elif furnished.exists():
            return
        try:
            with psycopg.connect(self.conninfo, dbname="postgres", autocommit=True) as admin:
                found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
                if found.fetchone() is None:
                    admin.execute(f"CREATE DATABASE {NAME}")
        except psycopg.Error as error:
            raise StoreError(f"the database in {self.data} does not answer: {error}") from error
        furnished.touch()

    def stop(self) -> None:
        """Stop the server; open sessions are ended, nothing committed is lost.

        Raises:
            StoreError: If it runs on all the same.
        """
        control = find_binaries(self.account) / "pg_ctl"
        words = ""
        for mode in ("fast", "immediate"):
            if find_postmaster(self.data) is None:
                return
            done = self.account.run(control, "stop", "-w", "-t60", f"-m{mode}", "-D", self.data)
            words = done.stderr
        if find_postmaster(self.data) is not None:
            raise StoreError(f"the database in {self.data} does not stop: {last_lines(words)}")

    def _wait_for_answer(self) -> Ping:
        """Return OK or NO_RESPONSE, after any start or stop on its way has come to its end."""
        address = make_conninfo(self.conninfo, connect_timeout=5).encode()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            state = Ping(PGconn.ping(address))
            slow = state == Ping.NO_RESPONSE and self._listens()
            if state != Ping.REJECT and not slow:
                return state
            time.sleep(0.05)
        return Ping.NO_RESPONSE

    def _listens(self) -> bool:
        """Return whether a live server has a socket: it is busy then, not gone."""
        return (self.socket / ".s.PGSQL.5432").exists() and find_postmaster(self.data) is not None

    def _clear_the_way(self) -> None:
        """Remove what a crash left behind and would keep a new server from starting."""
        # One may run that cannot be reached, for instance because its socket was deleted.
        self.stop()
        # After a power loss the pid in these files may be any other process's, which Postgres takes
        # for a running server. Backends that outlive their server it finds by their memory.
        stale = [self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")]
        for path in stale:
            path.unlink(missing_ok=True)

    def _launch(self) -> None:
        """Start the server; pg_ctl puts it out of reach of the terminal's Ctrl-C."""
        (self.data / "ragqa.conf").write_text(write_settings(self.socket))
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        control = find_binaries(self.account) / "pg_ctl"
        deadline = time.monotonic() + 20
        while True:
            said = self.log.stat().st_size if self.log.exists() else 0
            done = self.account.run(
                control, "start", "-w", f"-t{PATIENCE:.0f}", "-D", self.data, "-l", self.log
            )
            if done.returncode == 0:
                return
            words = _read_from(self.log, said) or done.stderr or done.stdout
            # Backends of a killed server need a moment to notice that they are orphans.
            if "shared memory block" not in words or time.monotonic() > deadline:
                raise StoreError(f"the database in {self.data} does not start: {last_lines(words)}")
            time.sleep(0.2)


def open_cluster(home: Path, folder: Path) -> Cluster:
    """Find the cluster of ``home``; make it the first time.

    Raises:
        WrongSettings: If it belongs to another user.
        StoreError: If it cannot be made, or parts of it are gone.
    """
    path = folder / "cluster.json"
    if not path.exists():
        if (folder / "data").exists():
            raise StoreError(
                f"{folder / 'data'} holds a database, but {path} with its password is missing: "
                f"put that file back, or move {folder} away to begin empty"
            )
        write_private(path, json.dumps(asdict(plan(home))))
    try:
        record = Record(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}): put it back from a backup") from error
    root = Path(record.elsewhere) if record.elsewhere else folder
    data = root / "data"
    if not data.exists():
        if (folder / "made").exists():
            raise StoreError(
                f"the database that was in {data} is gone: put it back, or remove {folder} to "
                "begin empty"
            )
        _make(root, record.password, find_account())
        (folder / "made").touch()
    account = owner_of(data)
    if is_root() and not record.elsewhere:
        let_in(account, home)
    # Never the same name twice: the dying server of a deleted home removes its socket by name.
    socket = root / f"socket-{record.token[:8]}"
    if len(os.fsencode(socket)) > _SOCKET_BYTES:
        # Not tempfile.gettempdir(): every process must come to the same place.
        socket = Path("/tmp") / f"ragqa-{record.token}"  # noqa: S108
    _own_socket_folder(socket, account)
    conninfo = make_conninfo(
        host=str(socket), port=5432, user=NAME, password=record.password, dbname=NAME
    )
    return Cluster(data, socket, conninfo, account)


def plan(home: Path) -> Record:
    """Choose a place that the server's account can reach."""
    token = secrets.token_hex(8)
    reachable = not is_root() or let_in(find_account(), home)
    elsewhere = "" if reachable else str(choose_elsewhere(home, token))
    return Record(secrets.token_urlsafe(24), token, elsewhere)


def _make(root: Path, password: str, account: Account) -> None:
    """Run initdb; ``root/data`` is there complete or not at all."""
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if free < _FREE_BYTES:
        raise StoreError(
            f"a new database needs {_FREE_BYTES >> 20} MB, {root} has {free >> 20} MB free: make "
            "room, or point RAGQA_HOME at a larger disk"
        )
    new = root / "new"
    shutil.rmtree(new, ignore_errors=True)
    account.own(new)
    try:
        secret = new / "password"
        write_private(secret, password)
        os.chown(secret, account.uid, account.gid)
        done = account.run(
            find_binaries(account) / "initdb",
            f"--pgdata={new / 'data'}",
            f"--username={NAME}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            # Stretching a password of 24 random bytes makes nothing safer, and each connection
            # slower.
            "--set=scram_iterations=1",
            "--encoding=UTF8",
            # With locale C, pg_trgm would find no trigrams in Chinese text.
            "--locale=C.UTF-8",
            "--data-checksums",
        )
        if done.returncode:
            raise StoreError(f"the database could not be made: {last_lines(done.stderr)}")
        with (new / "data" / "postgresql.conf").open("a") as conf:
            conf.write("scram_iterations = 4096  # of passwords that people choose\n")
            conf.write("include_if_exists = 'ragqa.conf'\n")
        (new / "data").rename(root / "data")
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _own_socket_folder(socket: Path, account: Account) -> None:
    """Make the folder of the socket; refuse one that somebody else prepared."""
    if not os.path.lexists(socket):
        account.own(socket)
    entry = socket.lstat()
    if socket.is_symlink() or entry.st_uid not in (account.uid, 0) or entry.st_mode & 0o022:
        raise StoreError(f"{socket} should be a private folder of user {account.uid}: remove it")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; there complete or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    Path(name).replace(path)


def _read_from(log: Path, offset: int) -> str:
    try:
        return log.read_bytes()[offset:].decode(errors="replace")
    except OSError:
        return ""


def last_lines(words: str, count: int = 4) -> str:
    """Return the end of what a program said, on one line."""
    return " / ".join(line.strip() for line in words.strip().splitlines()[-count:])
