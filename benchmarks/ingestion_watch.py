"""A command watched from outside: its processor time, its memory, and what the database spent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from ragqa.store.postmaster import find_postmaster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a command and all its descendants, memory in MB."""

    seconds: float
    """Since the command began."""
    processes: int
    resident: float
    """Sum of their RSS: what they share is counted once for each."""
    proportional: float
    """Sum of their PSS: what they share is counted once."""
    largest: float
    """RSS of the largest of them."""
    state: Any = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command did and cost; processor time and wall time in seconds."""

    code: int
    output: str
    seconds: float
    own_cpu: float
    """Of the command with all its descendants, user and system."""
    database_cpu: float
    samples: list[Sample] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """All of it."""
        return self.own_cpu + self.database_cpu

    @property
    def children(self) -> int:
        """Most processes at once beside the command itself."""
        return max((sample.processes - 1 for sample in self.samples), default=0)


def adopt_orphans() -> None:
    """Wait for descendants whose parents are gone, so that no time of theirs is lost."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def database_cpu(conninfo: str) -> float:
    """Return the processor time a server has used so far, that of ended sessions included."""
    with psycopg.connect(conninfo) as conn:
        row = conn.execute("SHOW data_directory").fetchone()
    assert row is not None
    pid = find_postmaster(Path(row[0]))
    assert pid is not None
    postmaster = psutil.Process(pid)
    total = sum(postmaster.cpu_times()[:4])
    for backend in postmaster.children():
        with contextlib.suppress(psutil.Error):
            total += sum(backend.cpu_times()[:2])
    return float(total)


def watch(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    conninfo: str,
    *,
    sampled: bool = False,
    state: Callable[[], Any] | None = None,
) -> Watched:
    """Run ``ragqa`` with arguments to its end.

    Args:
        arguments: Of the command.
        environment: All of it.
        conninfo: The database it works with.
        sampled: Whether memory is looked at; that costs time.
        state: Asked at each look; what it returns is kept with the sample.
    """
    used, spent = database_cpu(conninfo), waited_for()
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "ragqa", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    samples: list[Sample] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            with contextlib.suppress(psutil.Error):
                samples.append(_sample(process.pid, time.monotonic() - begun, state))

    looking = threading.Thread(target=look, daemon=True)
    if sampled:
        looking.start()
    output, _ = process.communicate()
    seconds = time.monotonic() - begun
    ended.set()
    if sampled:
        looking.join()
    _wait_for_orphans()
    return Watched(
        code=process.returncode,
        output=output,
        seconds=seconds,
        own_cpu=waited_for() - spent,
        database_cpu=database_cpu(conninfo) - used,
        samples=samples,
    )


def _sample(pid: int, seconds: float, state: Callable[[], Any] | None) -> Sample:
    command = psutil.Process(pid)
    resident, proportional = [], 0.0
    for process in [command, *command.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            memory = process.memory_full_info()
            resident.append(memory.rss / 1e6)
            proportional += memory.pss / 1e6
    return Sample(
        seconds=seconds,
        processes=len(resident),
        resident=sum(resident),
        proportional=proportional,
        largest=max(resident, default=0.0),
        state=state() if state is not None else None,
    )


def waited_for() -> float:
    """Return the processor time of all descendants that have ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _wait_for_orphans(patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        orphans = [child for child in psutil.Process().children() if "postgres" not in child.name()]
        if not orphans:
            return
        for orphan in orphans:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan.pid, os.WNOHANG)
        time.sleep(0.05)
