"""``ragqa serve``: the HTTP service, the worker beside it, the samples on the first start."""

from __future__ import annotations

import fcntl
import logging
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn

from ragqa.api.app import create_app
from ragqa.api.warmth import Warmth, import_ahead
from ragqa.errors import Conflict, RagqaError
from ragqa.keeper import Keeper
from ragqa.settings import is_loopback, require_key_beyond_loopback
from ragqa.store.collections import list_collections
from ragqa.store.intake import take_in
from ragqa.store.keys import has_keys
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ragqa.settings import Settings
    from ragqa.wiring import Services

logger = logging.getLogger(__name__)

DEMO = "demo"


def serve(
    settings: Settings, *, host: str, port: int, worker: bool = True, samples: Path | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; then stop everything that was started here.

    Raises:
        Conflict: If a service of the same home runs already, or the port is taken.
        WrongSettings: If the network could reach the service without a key.
    """
    with _only_one(settings.home, f"http://{host}:{port}"):
        listener = _listen(host, port)
        import_ahead(settings)
        with listener, open_services(settings) as services:
            warmth = Warmth(services)
            with services.database.transaction() as conn:
                require_key_beyond_loopback(settings, host, keys=has_keys(conn))
            app = create_app(services, warmth, may_be_open=is_loopback(host))
            warmth.start()
            read_only = services.database.read_only
            if samples is not None and not read_only:
                threading.Thread(
                    target=_take_samples, args=(services, samples), daemon=True
                ).start()
            server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    log_level="warning",
                    access_log=False,
                    timeout_graceful_shutdown=3,
                    timeout_keep_alive=30,
                    h11_max_incomplete_event_size=64 * 1024,
                )
            )
            keeper = Keeper(settings) if worker and not read_only else None
            what = "a replica, which only reads," if read_only else "ragqa"
            logger.info("%s is at http://%s:%d", what, host, port)
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
            if keeper is not None:
                keeper.stop()
    logger.info("ragqa has stopped")


@contextmanager
def _only_one(home: Path, url: str) -> Iterator[None]:
    """Hold the lock of a serving home; the kernel lets go of it when this process ends."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            where = lock.read().strip() or "another address"
            raise Conflict(
                f"a service of {home} is running already, at {where}: open that, stop it first, "
                "or choose another RAGQA_HOME",
                code="already_running",
            ) from error
        lock.truncate(0)
        lock.write(url)
        lock.flush()
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        raise Conflict(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another port with --port, "
            "or PORT=9000 make run",
            code="port_taken",
        ) from error
    return listener


def _take_samples(services: Services, samples: Path) -> None:
    """On the very first start, take the sample documents into the collection ``demo``."""
    try:
        with services.database.transaction() as conn:
            if list_collections(conn):
                return
        collection = services.create_collection(DEMO)
        for path in sorted(samples.iterdir()):
            if path.suffix.lower() == ".pdf":
                with path.open("rb") as source:
                    take_in(services.database, services.files, collection, path.name, source)
    except (RagqaError, OSError):
        logger.exception("the sample documents could not be taken in")
