"""Work on files nobody vouches for, in child processes with limits.

A child that crashes, hangs, eats memory or floods its output costs the piece of work it was doing,
with the reason; never the parent.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import os
import resource
import signal
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, TimeoutError  # noqa: A004 - pebble raises this one
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from ingest.lost import OUT_OF_MEMORY, PAUSES, Limits, Lost, why_lost
from ragqa.children import ChildContext, leave_stdout_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

_POLL_SECONDS = 0.1
_FILE_BYTES = 64 << 20
"""Largest file a child may write."""
_TASKS_EACH = 100
"""Pieces of work after which a child is replaced, so that leaks of a reader stay small."""
_QUICK = 0.5
"""Pieces done together in less are given out in larger lots."""
IDLE_SECONDS = 15.0
"""A sandbox that nobody borrows for so long is ended."""
PATIENCE = 5
"""On a machine with five times as much to do as it can, a page gets what it is allowed to use."""
LONG_SECONDS = 10.0
"""A sandbox that was borrowed for so long is ended when it is given back."""
_idle_lock = threading.Lock()
_idle: list[tuple[float, Sandbox]] = []
_RESERVED_MB = 700
"""A child may lift its limit by so much while a network reads what was cut to size for it."""
_PR_SET_PDEATHSIG, _M_MMAP_THRESHOLD, _M_ARENA_MAX = 1, -3, -8


class Stopped(Exception):
    """The caller asked to stop."""


class Sandbox:
    """A few child processes that do pieces of work; ``with`` ends them.

    Work and results travel pickled: functions of modules, plain data.
    """

    def __init__(self, limits: Limits, *, processes: int = 1) -> None:
        from pebble import ProcessPool

        self.limits, self.processes = limits, processes
        self._pool = ProcessPool(
            processes,
            max_tasks=_TASKS_EACH,
            initializer=confine,
            initargs=(limits,),
            context=ChildContext(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children, whatever they are doing."""
        self._pool.stop()
        self._pool.join()

    def start(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Begin a piece of work and return its future."""
        timeout = PATIENCE * self.limits.seconds + 2
        return self._pool.schedule(_ending, args=(function, *arguments), timeout=timeout)

    def wait(self, future: Any, stop: Callable[[], bool] | None = None) -> Any:
        """Return the result of a piece of work.

        Raises:
            Lost: If its process died or ran past a limit; the message says which.
            Stopped: If ``stop`` said so; the work is ended first.
            Exception: What the work itself raised.
        """
        from pebble import ProcessExpired

        while True:
            if stop is not None and stop():
                future.cancel()
                raise Stopped
            try:
                return future.result(timeout=_POLL_SECONDS)
            except ProcessExpired as error:
                raise why_lost(error.exitcode, self.limits) from error
            except CancelledError as error:
                raise Stopped from error
            except TimeoutError as error:
                if future.done():
                    raise Lost(
                        f"it takes longer than {PATIENCE} times the {self.limits.seconds:g} s of "
                        "computing a page may use"
                    ) from error


@contextmanager
def borrowed(limits: Limits, *, processes: int = 1) -> Iterator[Sandbox]:
    """Give a sandbox that may have served before: starting processes costs more than most pages.

    One that saw an exception is ended, and one that was busy for long: what follows is embedding,
    which needs the memory. So is one that nobody borrows for ``IDLE_SECONDS``.
    """
    sandbox = _take_idle(limits, processes) or Sandbox(limits, processes=processes)
    begun = time.monotonic()
    try:
        yield sandbox
    except BaseException:
        sandbox.close()
        raise
    if time.monotonic() - begun > LONG_SECONDS:
        sandbox.close()
        return
    with _idle_lock:
        _idle.append((time.monotonic(), sandbox))
    ending = threading.Timer(IDLE_SECONDS + 0.5, _end_idle)
    ending.daemon = True
    ending.start()


def _take_idle(limits: Limits, processes: int) -> Sandbox | None:
    """Return the one that rested least, of so many processes or more: its models are loaded."""
    with _idle_lock:
        for place, (_, sandbox) in reversed(list(enumerate(_idle))):
            if sandbox.limits == limits and sandbox.processes >= processes:
                del _idle[place]
                return sandbox
    return None


def _end_idle(seconds: float = IDLE_SECONDS) -> None:
    now = time.monotonic()
    with _idle_lock:
        ended = [entry for entry in _idle if now - entry[0] >= seconds]
        _idle[:] = [entry for entry in _idle if now - entry[0] < seconds]
    for _, sandbox in ended:
        sandbox.close()


atexit.register(_end_idle, 0.0)


def confine(limits: Limits) -> None:
    """Put limits on this process, for good."""
    leave_stdout_alone()
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # Memory that pictures and networks took goes back to the system when they are done, and
        # does not count against the limit for ever after.
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        library.mallopt(_M_ARENA_MAX, 2)
    # RLIMIT_DATA counts what is written to, RLIMIT_AS also what is only reserved, as
    # inference engines do by the gigabyte.
    data = limits.memory_mb << 20
    resource.setrlimit(resource.RLIMIT_DATA, (data, data + (_RESERVED_MB << 20)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def allow_cpu(seconds: float) -> None:
    """Let this process use so many more seconds of CPU time before it is killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def in_order(
    sandbox: Sandbox,
    function: Callable[..., list[Any]],
    work: Sequence[Any],
    *,
    ahead: int,
    stop: Callable[[], bool] | None = None,
) -> Iterator[tuple[Any, Any]]:
    """Yield (piece, its result or ``Lost``) for every piece of work, in order.

    ``function`` is given a few pieces and returns the results of the first of them, and of as many
    more as it likes: quick pieces share the cost of a round trip, slow ones are given out one by
    one, so that no process idles. What it leaves is given out again, piece by piece; what was lost
    together is tried again alone, so that one bad piece takes no other with it; what is lost alone
    is tried again in a process that did nothing before.

    Args:
        sandbox: Where to do it.
        function: Called with a list of pieces, in a child.
        work: The pieces.
        ahead: How many calls may be under way.
        stop: Polled; True ends the work.

    Raises:
        Stopped: If ``stop`` said so.
    """
    timed = functools.partial(_timed, function)
    rest = deque(work)
    calls: deque[tuple[list[Any], Any]] = deque()
    size = 1
    while rest or calls:
        while rest and len(calls) < ahead:
            pieces = [rest.popleft() for _ in range(min(size, len(rest)))]
            calls.append((pieces, sandbox.start(timed, pieces)))
        pieces, future = calls.popleft()
        try:
            results, seconds = sandbox.wait(future, stop)
        except Lost as lost:
            results = [_afresh(sandbox, function, pieces, lost, stop)] if len(pieces) == 1 else []
            seconds = _QUICK
        grown = min(8, 2 * size) if seconds < _QUICK else max(1, size // 2)
        size = grown if len(results) == len(pieces) else 1
        yield from zip(pieces, results, strict=False)
        left = [[piece] for piece in pieces[len(results) :]]
        calls.extendleft((piece, sandbox.start(timed, piece)) for piece in reversed(left))


def _timed(function: Callable[..., list[Any]], pieces: list[Any]) -> tuple[list[Any], float]:
    """Return what the function does, and how many seconds it took, in a child."""
    begun = time.monotonic()
    return function(pieces), time.monotonic() - begun


def _ending(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a child; end it without memory, since what it holds stays in the way."""
    try:
        return function(*arguments)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _afresh(
    sandbox: Sandbox,
    function: Callable[..., list[Any]],
    pieces: list[Any],
    lost: Lost,
    stop: Callable[[], bool] | None,
) -> Any:
    tried = 0
    while tried < lost.again:
        time.sleep(PAUSES[tried])
        tried += 1
        with Sandbox(sandbox.limits) as fresh:
            try:
                return fresh.wait(fresh.start(function, pieces), stop)[0]
            except Lost as another:
                lost = another
    return lost
