"""The embedded Postgres: shared by every process that uses one home, stopped by the last.

Everything lies in ``home/postgres``:

* ``start.lock``    held exclusively while somebody starts or stops the server
* ``owners.lock``   every attached process holds it shared; the kernel lets go for the killed ones
* ``cluster.json``  password, token and, where root had to go elsewhere, the place of the cluster
* ``made``          a cluster was made once: should it vanish, no empty one takes its place silently
* ``data``          the cluster; ``data/server.log`` is what it says
* ``socket-…``      the only way in (scram password, no TCP)

Whoever leaves and can take ``owners.lock`` exclusively was the last, and stops the server. Whether
the server lives is found out by talking to it, never from a pid file.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from ragqa.errors import StoreError, WrongSettings
from ragqa.store.account import is_root
from ragqa.store.cluster import PATIENCE, Cluster, open_cluster
from ragqa.store.postmaster import end_postmaster, find_postmaster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


logger = logging.getLogger(__name__)

GUARD_SECONDS = 1.0
"""Between two looks whether the server lives."""


class Server:
    """A share in a running server; a context manager that gives the share back."""

    def __init__(self, cluster: Cluster, folder: Path, owners: int) -> None:
        self.conninfo = cluster.conninfo
        """How psycopg reaches the database ``ragqa``; its role may create others."""
        self._cluster = cluster
        self._folder = folder
        self._owners = owners
        self._pid = find_postmaster(cluster.data)
        _SERVERS.add(self)

    def release(self) -> None:
        """Give the share back; the last owner stops the server. More calls do nothing."""
        owners, self._owners = self._owners, -1
        if owners < 0:
            return
        try:
            if not _is_file(owners, self._folder / "owners.lock"):
                # The folder was deleted, and perhaps made anew, under our server.
                self._abandon(owners)
                return
            with _starting_or_stopping(self._folder):
                _leave(owners, self._cluster)
        finally:
            os.close(owners)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Start the server again should it die while somebody of this process uses it."""
        ended = threading.Event()
        guard = threading.Thread(target=self._guard, args=(ended,), name="postgres", daemon=True)
        guard.start()
        try:
            yield
        finally:
            ended.set()
            guard.join()

    def _guard(self, ended: threading.Event) -> None:
        while not ended.wait(GUARD_SECONDS):
            # A server that starts or stops answers too: only one that is gone does not.
            if find_postmaster(self._cluster.data) is not None or self._owners < 0:
                continue
            if not _is_file(self._owners, self._folder / "owners.lock"):
                return
            try:
                with _starting_or_stopping(self._folder):
                    self._cluster.start()
                    self._pid = find_postmaster(self._cluster.data)
                logger.warning("the database had died and was started again")
            except (StoreError, OSError):
                logger.exception("the database died and does not start")

    def _abandon(self, owners: int) -> None:
        if _is_last(owners) and self._pid is not None:
            end_postmaster(self._pid, self._cluster.data)

    def _forget(self) -> None:
        if self._owners >= 0:
            os.close(self._owners)
            self._owners = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_SERVERS: weakref.WeakSet[Server] = weakref.WeakSet()


def _forget_all() -> None:
    for server in list(_SERVERS):
        server._forget()


# A forked child shares its parent's lock and would keep the server up after the parent has gone:
# only who attached is an owner.
os.register_at_fork(after_in_child=_forget_all)


def start_or_attach(home: Path) -> Server:
    """Return a share in the server of ``home``; make the cluster and start it where needed.

    Raises:
        WrongSettings: If ``home`` cannot be used by this process.
        StoreError: If the server cannot be made or started; its last words are quoted.
    """
    home = home.expanduser().absolute()
    folder = home / "postgres"
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if is_root():
            # Names may be passed through by the server's account; what lies inside is private.
            folder.chmod(0o711)
        with _starting_or_stopping(folder):
            return _attach(home, folder)
    except OSError as error:
        raise WrongSettings(
            f"RAGQA_HOME is {home}: no database can be kept there ({error}); choose a folder that "
            "this user may write, with 200 MB free"
        ) from error


def _attach(home: Path, folder: Path) -> Server:
    owners = os.open(folder / "owners.lock", os.O_RDWR | os.O_CREAT, 0o600)
    cluster = None
    try:
        fcntl.flock(owners, fcntl.LOCK_SH)
        cluster = open_cluster(home, folder)
        cluster.start()
        return Server(cluster, folder, owners)
    except BaseException:
        try:
            if cluster is not None:
                _leave(owners, cluster)
        finally:
            os.close(owners)
        raise


def _leave(owners: int, cluster: Cluster) -> None:
    """Let go of the owners' lock; stop the server if no other process holds it."""
    if _is_last(owners):
        cluster.stop()


def _is_last(owners: int) -> bool:
    """Trade the shared lock for the exclusive one; either way the share is given up."""
    try:
        fcntl.flock(owners, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _starting_or_stopping(folder: Path) -> Iterator[None]:
    """Be the only process that starts or stops this server.

    Raises:
        StoreError: If another one has been at it for too long.
    """
    lock = os.open(folder / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _take(lock):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"another process has been starting or stopping the database in {folder} "
                    f"for {PATIENCE:.0f} s: end it, then try again"
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
