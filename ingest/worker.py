"""The worker: takes versions from the queue, one job each, and never dies of a bad file."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import threading
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import procrastinate
import psycopg
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from typing_extensions import override

from ingest.pipeline import Ingestion, ingest_version
from ingest.reading import prepare_readers
from ingest.rest import Rest
from ingest.turns import Turns
from ingest.watch import Interrupted, TakenOver
from ragqa.errors import Cancelled, InvalidInput, ModelMissing, NotFound, RagqaError, StoreError
from ragqa.store.collections import find_collection_by_id
from ragqa.store.jobs import QUEUE, TASK
from ragqa.store.versions import Claim, claim_version, fail_version, forgive_attempt
from ragqa.types import DocumentId, Failure, Id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from procrastinate.jobs import Job

    from ragqa.wiring import Services

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0
SWEEP_SECONDS = 5.0
AWAY_SECONDS = 1.0
"""Between two looks for a database that went away."""
IDLE_SECONDS = 60.0
"""After so long without work a worker gives the memory of its models back."""

MOST_RETRIES = 10
"""Of one job, for reasons that are not the file's: about four minutes of waiting in all."""
LONGEST_WAIT = 30
"""Seconds between two of them."""
MAY_HEAL = (StoreError, MemoryError, BrokenExecutor, EOFError, ConnectionError)
"""The database away, memory short, the process killed that starts the readers: not the file."""


class _Healing(BaseRetryStrategy):
    """Waits longer each time for what may heal: the database away, memory short."""

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, Interrupted):
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, MAY_HEAL):
            return RetryDecision(retry_in={"seconds": min(LONGEST_WAIT, 2 ** (job.attempts + 1))})
        return None


def run_worker(services: Services, *, concurrency: int = 1, until_idle: bool = False) -> bool:
    """Take jobs until told to stop by SIGINT or SIGTERM, or until there are none.

    A database that goes away is waited for.

    Args:
        services: What ingestion works with.
        concurrency: Documents in hand at the same time: while one is embedded, another is read.
        until_idle: Return when no job is waiting.

    Returns:
        Whether a signal ended it.
    """
    prepare_readers()
    worker = _Worker(services, concurrency)
    work = functools.partial(asyncio.run, worker.run(until_idle=until_idle))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    # Called where an event loop runs already (a notebook, a browser driver): take another thread.
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(work).result()


class _Worker:
    """One process's share of the queue."""

    def __init__(self, services: Services, concurrency: int) -> None:
        self._services = services
        self._concurrency = concurrency
        self._rest = Rest()
        self._turns = Turns()
        self._in_hand: set[int] = set()
        self._ending = threading.Event()
        self._work: asyncio.Task[None] | None = None

    async def run(self, *, until_idle: bool) -> bool:
        """Work; begin anew after whatever ended it but a signal. Return whether it was one."""
        with self._ended_by_signals():
            while not self._ending.is_set():
                self._work = asyncio.create_task(self._take_jobs(until_idle=until_idle))
                try:
                    await self._work
                    if until_idle:
                        break
                except asyncio.CancelledError:
                    if not self._ending.is_set():
                        raise
                except (procrastinate.exceptions.ConnectorException, psycopg.Error) as error:
                    logger.warning("the database is away, the worker waits for it: %s", error)
                await asyncio.sleep(0 if self._ending.is_set() else AWAY_SECONDS)
        return self._ending.is_set()

    @contextmanager
    def _ended_by_signals(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])

    def _end(self) -> None:
        self._ending.set()
        if self._work is not None:
            self._work.cancel()

    async def _take_jobs(self, *, until_idle: bool) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._services.database.conninfo,
            min_size=1,
            max_size=self._concurrency + 3,
            timeout=AWAY_SECONDS * 5,
        )
        app = procrastinate.App(connector=connector)

        @app.task(name=TASK, queue=QUEUE, retry=_Healing(), pass_context=True)
        def take(context: procrastinate.JobContext, document_id: str, version: int) -> None:
            key = DocumentId(Id.parse(document_id))
            with self._rest.interrupted(), self._holding(context.job):
                attend(
                    self._services,
                    key,
                    version,
                    tries=context.job.attempts,
                    ending=self._ending.is_set,
                    turns=self._turns,
                )

        async with app.open_async():
            sweeper = asyncio.create_task(self._sweep(app))
            try:
                await app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._concurrency,
                    wait=not until_idle,
                    fetch_job_polling_interval=2.0,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=STALLED_SECONDS,
                    shutdown_graceful_timeout=3.0,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                )
            finally:
                sweeper.cancel()

    @contextmanager
    def _holding(self, job: Job) -> Iterator[None]:
        number = job.id or 0
        self._in_hand.add(number)
        try:
            yield
        finally:
            self._in_hand.discard(number)

    async def _sweep(self, app: procrastinate.App) -> None:
        """Give the jobs of killed workers back to the queue, and unused memory to the machine."""
        while True:
            if self._rest.seconds() > IDLE_SECONDS:
                self._services.forget_models()
            try:
                for job in await app.job_manager.get_stalled_jobs(
                    queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS
                ):
                    # On a machine without a moment to spare, our own heart may have missed a beat.
                    if job.id in self._in_hand:
                        continue
                    logger.warning("a worker died: its job %s is taken up again", job.task_kwargs)
                    await app.job_manager.retry_job(job)
            except Exception:  # the database may be away for a while; the next sweep tries again
                logger.exception("looking for stalled jobs failed")
            await asyncio.sleep(SWEEP_SECONDS)


def attend(
    services: Services,
    document_id: DocumentId,
    version: int,
    *,
    tries: int = 0,
    ending: Callable[[], bool] = lambda: False,
    turns: Turns | None = None,
) -> None:
    """Bring one version to its end: served, or failed with a reason.

    Args:
        services: What ingestion works with.
        document_id: Whose version it is.
        version: Which one.
        tries: How often its job was tried before.
        ending: Whether this process is to end; then the work is left to another.
        turns: Shared with the other versions that this process has in hand.

    Raises:
        StoreError, MemoryError, BrokenExecutor, EOFError, ConnectionError: If trying again later
            may help.
    """
    with services.database.transaction() as conn:
        claim = claim_version(conn, document_id, version)
    if claim is None:
        return
    failure = _try(services, claim, tries, ending, turns or Turns())
    if failure is not None:
        with services.database.transaction() as conn:
            fail_version(conn, claim, failure)


def _try(
    services: Services, claim: Claim, tries: int, ending: Callable[[], bool], turns: Turns
) -> Failure | None:
    if claim.attempts > MOST_ATTEMPTS:
        return Failure(
            "poisoned",
            f"reading it broke the worker {MOST_ATTEMPTS} times; it was set aside. "
            "Retry it, or send the file in another form",
        )
    try:
        ingest_version(_prepare(services, claim, ending, turns))
    except TakenOver as error:
        logger.warning("left alone: %s", error)
    except Cancelled:
        return Failure("cancelled", "cancelled while it was read")
    except (NotFound, InvalidInput, ModelMissing) as error:
        logger.warning("%s cannot be read: %s", claim.name, error)
        return Failure(error.code, str(error))
    except MAY_HEAL as error:
        _forgive(services, claim)
        if tries < MOST_RETRIES or isinstance(error, Interrupted):
            raise
        return Failure("gave_up", f"{tries + 1} attempts failed, the last one: {error}")
    except RagqaError as error:
        logger.exception("%s failed", claim.name)
        return Failure(error.code, str(error))
    except Exception as error:  # whatever a file does, the worker goes on
        if "within the Pool" in str(error) and tries < MOST_RETRIES:  # all that pebble says
            _forgive(services, claim)
            raise BrokenExecutor(str(error)) from error
        logger.exception("%s failed in a way nobody foresaw", claim.name)
        return Failure("internal", f"an unforeseen error ({type(error).__name__}): {error}"[:500])
    return None


def _forgive(services: Services, claim: Claim) -> None:
    """Not the file's fault; should the database still be away, the attempt stays counted."""
    with suppress(StoreError), services.database.transaction() as conn:
        forgive_attempt(conn, claim)


def _prepare(
    services: Services, claim: Claim, ending: Callable[[], bool], turns: Turns
) -> Ingestion:
    with services.database.transaction() as conn:
        collection = find_collection_by_id(conn, claim.document_id.collection_id)
    return Ingestion(
        database=services.database,
        files=services.files,
        load_embedder=functools.partial(services.embedder, collection.embedding_model),
        forget_embedder=services.forget_embedders,
        settings=services.settings,
        claim=claim,
        ending=ending,
        turns=turns,
    )
