"""How the embedded Postgres is set up for the machine it starts on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_settings(socket: Path) -> str:
    """Return the text of ``ragqa.conf``; the memory settings follow the machine."""
    megabytes = _memory_bytes() >> 20
    shared_memory = Path("/dev/shm")  # noqa: S108
    small = not shared_memory.is_dir() or shutil.disk_usage(shared_memory).total < 512 << 20
    settings: dict[str, str | int] = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "port": 5432,
        "max_connections": 100,
        "shared_buffers": f"{min(max(megabytes // 32, 64), 512)}MB",
        "effective_cache_size": f"{max(megabytes // 2, 128)}MB",
        "maintenance_work_mem": f"{min(max(megabytes // 32, 64), 512)}MB",
        "work_mem": "16MB",
        "max_wal_size": "2GB",
        # A replica that is gone for good must not fill the disk of its original.
        "max_slot_wal_keep_size": "2GB",
        "fsync": "on",
        "dynamic_shared_memory_type": "mmap" if small else "posix",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
    }
    quoted = ((name, str(value).replace("'", "''")) for name, value in settings.items())
    return "".join(f"{name} = '{value}'\n" for name, value in quoted)


def _memory_bytes() -> int:
    """Return the memory this process may use: the machine's, or its container's limit."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return machine
