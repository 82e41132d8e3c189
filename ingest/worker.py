"""The worker: takes versions from the queue, one job each, and never dies of a bad file."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import procrastinate
from procrastinate.retry import RetryStrategy

from ingest.pipeline import Ingestion, ingest_version
from ragqa.errors import Cancelled, InvalidInput, ModelMissing, NotFound, RagqaError, StoreError
from ragqa.store.collections import find_collection_by_id
from ragqa.store.jobs import QUEUE, TASK
from ragqa.store.versions import Claim, claim_version, fail_version
from ragqa.types import DocumentId, Failure, Id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragqa.wiring import Services

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 15.0
SWEEP_SECONDS = 10.0
IDLE_SECONDS = 60.0
"""After so long without work a worker gives the memory of its models back."""

HEALING = RetryStrategy(
    max_attempts=MOST_ATTEMPTS,
    exponential_wait=3,
    retry_exceptions={StoreError, MemoryError},
)


def run_worker(services: Services, *, concurrency: int = 1, until_idle: bool = False) -> None:
    """Take jobs until told to stop by SIGINT or SIGTERM, or until there are none.

    Args:
        services: What ingestion works with.
        concurrency: Documents that are read at the same time.
        until_idle: Return when no job is waiting.
    """
    work = functools.partial(
        asyncio.run, _run(services, concurrency=concurrency, until_idle=until_idle)
    )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work()
        return
    # Called where an event loop runs already (a notebook, a browser driver): take another thread.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(work).result()


async def _run(services: Services, *, concurrency: int, until_idle: bool) -> None:
    connector = procrastinate.PsycopgConnector(
        conninfo=services.database.conninfo, min_size=1, max_size=concurrency + 3
    )
    app = procrastinate.App(connector=connector)

    rest = _Rest()

    @app.task(name=TASK, queue=QUEUE, retry=HEALING)
    def take(document_id: str, version: int) -> None:
        with rest.interrupted():
            attend(services, DocumentId(Id.parse(document_id)), version)

    async with app.open_async():
        sweeper = asyncio.create_task(_sweep(app, services, rest))
        try:
            await app.run_worker_async(
                queues=[QUEUE],
                concurrency=concurrency,
                wait=not until_idle,
                fetch_job_polling_interval=2.0,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=3.0,
                delete_jobs="successful",
                install_signal_handlers=threading.current_thread() is threading.main_thread(),
            )
        finally:
            sweeper.cancel()


class _Rest:
    """Knows how long there has been nothing to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0
        self._since = time.monotonic()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._since = time.monotonic()

    def seconds(self) -> float:
        with self._lock:
            return 0.0 if self._busy else time.monotonic() - self._since


async def _sweep(app: procrastinate.App, services: Services, rest: _Rest) -> None:
    """Give the jobs of killed workers back to the queue, and unused memory to the machine."""
    while True:
        if rest.seconds() > IDLE_SECONDS:
            services.forget_models()
        try:
            for job in await app.job_manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS
            ):
                logger.warning("a worker died: its job %s is taken up again", job.task_kwargs)
                await app.job_manager.retry_job(job)
        except Exception:  # the database may be away for a while; the next sweep tries again
            logger.exception("looking for stalled jobs failed")
        await asyncio.sleep(SWEEP_SECONDS)


def attend(services: Services, document_id: DocumentId, version: int) -> None:
    """Bring one version to its end: served, or failed with a reason.

    Raises:
        StoreError, MemoryError: If trying again later may help.
    """
    with services.database.transaction() as conn:
        claim = claim_version(conn, document_id, version)
    if claim is None:
        return
    failure = _try(services, claim)
    if failure is not None:
        with services.database.transaction() as conn:
            fail_version(conn, document_id, version, failure)


def _try(services: Services, claim: Claim) -> Failure | None:
    if claim.attempts > MOST_ATTEMPTS:
        return Failure(
            "poisoned",
            f"reading it broke the worker {MOST_ATTEMPTS} times; it was set aside. "
            "Retry it, or send the file in another form",
        )
    try:
        ingest_version(_prepare(services, claim))
    except Cancelled:
        return Failure("cancelled", "cancelled while it was read")
    except NotFound as error:
        return Failure(error.code, str(error))
    except (InvalidInput, ModelMissing) as error:
        logger.warning("%s cannot be read: %s", claim.name, error)
        return Failure(error.code, str(error))
    except (StoreError, MemoryError) as error:
        if claim.attempts < MOST_ATTEMPTS:
            raise
        return Failure("gave_up", f"{MOST_ATTEMPTS} attempts failed, the last one: {error}")
    except RagqaError as error:
        logger.exception("%s failed", claim.name)
        return Failure(error.code, str(error))
    except Exception as error:  # whatever a file does, the worker goes on
        logger.exception("%s failed in a way nobody foresaw", claim.name)
        return Failure("internal", f"an unforeseen error ({type(error).__name__}): {error}"[:500])
    return None


def _prepare(services: Services, claim: Claim) -> Ingestion:
    with services.database.transaction() as conn:
        collection = find_collection_by_id(conn, claim.document_id.collection_id)
    return Ingestion(
        database=services.database,
        files=services.files,
        embedder=services.embedder(collection.embedding_model),
        settings=services.settings,
        claim=claim,
    )
