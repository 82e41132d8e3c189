"""A real service in a process of its own, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from playwright.sync_api import sync_playwright
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60


@dataclass
class Served:
    """A running ``ragqa serve``, which can be killed and started again where it was."""

    home: Path
    database_url: str
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "RAGQA_HOME": str(self.home),
            "RAGQA_DATABASE_URL": self.database_url,
            "RAGQA_EMBEDDING_MODEL": "hashing",
            "RAGQA_LLM_MODEL": "extractive",
            "RAGQA_OCR_ENGINE": "none",
            **self.settings,
        }
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ragqa", "serve", "--port", str(self.port)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        pytest.fail(f"the service did not get ready:\n{(self.home / 'serve.log').read_text()}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def serve(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Served]]:
    """Start services, each with a home and a database of its own; all are stopped at the end."""
    started: list[tuple[Served, str]] = []

    def start(**settings: str) -> Served:
        name = f"ragqa_browser_{uuid.uuid4().hex[:8]}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        home = tmp_path_factory.mktemp("served")
        served = Served(home, make_conninfo(server, dbname=name), _free_port(), settings)
        started.append((served, name))
        served.start()
        return served

    yield start
    for served, name in started:
        served.stop()
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
        shutil.rmtree(served.home, ignore_errors=True)


@pytest.fixture(scope="session")
def site(serve: Callable[..., Served]) -> Served:
    """One service that most tests share; each test makes a collection of its own."""
    return serve()


# For a module, not the session: the driver's event loop must not outlive the browser tests.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def look(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a fresh browser context; errors of the page's scripts fail the test."""
    contexts = []
    errors: list[str] = []

    def open_page(
        url: str, *, width: int = 1280, height: int = 800, locale: str = "zh-CN", **options: object
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, f"scripts of the page failed: {errors}"


@pytest.fixture
def collection() -> str:
    """A name for a collection of this test's own."""
    return f"集 {uuid.uuid4().hex[:6]}"
