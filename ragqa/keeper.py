"""A worker process beside us, started again when it dies, ended with us."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from ragqa.settings import environment_of

if TYPE_CHECKING:
    from ragqa.settings import Settings

logger = logging.getLogger(__name__)

RESTART_SECONDS = 2.0
STOP_SECONDS = 8.0


class Keeper:
    """Keeps one worker process alive, until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._stopping = threading.Event()
        self._settings = settings
        self._process = self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ragqa", "worker", "--parent", str(os.getpid())]
        # In a session of its own: Ctrl-C reaches it through us, once.
        return subprocess.Popen(  # noqa: S603
            [*command, "--concurrency", str(self._settings.worker_concurrency)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment_of(self._settings),
        )

    def _watch(self) -> None:
        while not self._stopping.is_set():
            code = self._process.wait()
            if self._stopping.wait(RESTART_SECONDS):
                return
            logger.warning("the worker ended (%s) and is started again", code)
            self._process = self._start()

    def stop(self) -> None:
        """Stop the worker; what it reads is read later."""
        self._stopping.set()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
