"""A gate around a process: what it sends beyond this machine is refused and written down.

``stand(log)`` cannot be undone: it is for processes that were started to be watched. It sees what
Python does; sockets of native libraries pass it by, so ``leave_the_network`` takes the network
itself away where the kernel lets us.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from ragqa.settings import is_loopback

VARIABLE = "RAGQA_GATE"
"""Names the log; read by ``sitecustomize`` in every Python that the watched ones start."""
HOOK = f"import os, ragqa.gate; ragqa.gate.stand(os.environ[{VARIABLE!r}])\n"
NEW_NETWORK = 0x40000000
NEW_USER = 0x10000000
SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def stand(log: str) -> None:
    """From now on refuse, and append to ``log``, whatever this process sends elsewhere."""
    _write(log, {"started": sys.argv[:3] or [sys.executable], "process": os.getpid()})

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        where = _elsewhere(event, arguments)
        if where is None:
            return
        _write(log, {"to": where, "event": event, "process": os.getpid(), "by": _stack()})
        raise PermissionError(f"{where} is not on this machine: refused, as the airgap is tested")

    sys.addaudithook(look)


def _elsewhere(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Return where an event leads, None if that is on this machine or nowhere."""
    if event in SENDS:
        address = arguments[1] if len(arguments) > 1 else None
        if arguments[0].family == socket.AF_UNIX or not isinstance(address, tuple):
            return None
        host = str(address[0])
        return None if is_loopback(host) else f"{host}:{address[1]}"
    if event in NAMES:
        host = arguments[0]
        host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if host in {None, "", "0.0.0.0", "::"} or is_loopback(str(host)):  # noqa: S104
            return None
        return str(host) if str(host) != socket.gethostname() else None
    return None


def _stack() -> list[str]:
    """Return the places of code that led here, the nearest first."""
    calls = itertools.islice(traceback.walk_stack(sys._getframe(2)), 12)
    return [f"{frame.f_code.co_filename}:{line}" for frame, line in calls]


def _write(log: str, record: dict[str, Any]) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, (json.dumps(record) + "\n").encode())
    finally:
        os.close(descriptor)


def leave_the_network() -> str:
    """Move this process into a network of its own that leads nowhere; return "" or why not.

    To be called before any thread is started. Sockets in the file system still work.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    flags = NEW_NETWORK if user == 0 else NEW_NETWORK | NEW_USER
    if not hasattr(libc, "unshare") or libc.unshare(flags) != 0:
        return os.strerror(ctypes.get_errno()) or "the kernel has no namespaces"
    if user:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path(f"/proc/self/{name}").write_text(text)
    return ""
