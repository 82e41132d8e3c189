"""How child processes start: without the program that asks for them.

A program that is a script would be run again in each of its children: what it imports costs them
time and memory, and without ``if __name__ == "__main__"`` it would begin anew there.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

_hiding = threading.Lock()


class _Child(ForkServerProcess):
    @staticmethod
    @override
    def _Popen(process_obj: Any) -> Any:
        with _program_hidden():
            return ForkServerProcess._Popen(process_obj)


class ChildContext(ForkServerContext):
    """A context of ``multiprocessing`` whose processes know nothing of the program."""

    Process = _Child


def leave_stdout_alone() -> None:
    """Let what this process writes to stdout go to stderr, for good.

    Libraries that read files have remarks to make; a command prints one JSON document and no more.
    """
    os.dup2(2, 1)


@contextmanager
def _program_hidden() -> Iterator[None]:
    """Put nothing where a process that starts is told from what it should be imported.

    Source: ``multiprocessing.spawn.get_preparation_data``.
    """
    with _hiding:
        program = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = program
