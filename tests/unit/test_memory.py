"""What a process no longer uses is given back, or used by another thread."""

from __future__ import annotations

import subprocess
import sys

ARENAS = """
import ctypes, sys, tempfile, threading
from ragqa.memory import share_freed

if sys.argv[1] == "shared":
    share_freed()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(4)

def take():
    together.wait()
    libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as told:
    stream = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(told.read().count(b"<heap nr="))
"""


def arenas(kind: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", ARENAS, kind], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_threads_take_memory_that_others_freed() -> None:
    assert arenas("apart") > 1
    assert arenas("shared") == 1
