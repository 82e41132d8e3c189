"""``ragqa serve`` as a user starts and stops it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakePdf = Callable[..., bytes]


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        yield Path(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "RAGQA_HOME": str(home),
        "RAGQA_EMBEDDING_MODEL": "hashing",
        "RAGQA_LLM_MODEL": "extractive",
    }
    with (home / f"{arguments[0]}.{time.monotonic_ns()}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ragqa", *arguments],
            env=environment,
            text=True,
            stderr=log,
            start_new_session=True,
        )


def words_of(home: Path, process: subprocess.Popen[str]) -> str:
    """Wait for the end and return what was said by the command that was started last."""
    process.wait(60)
    return max(home.glob("*.log")).read_text()


def wait_until_ready(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.returncode
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("the service was not ready within 60 s")


@contextmanager
def serving(home: Path, *more: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    process = command(home, "serve", "--port", str(port), *more)
    try:
        wait_until_ready(port, process)
        yield port, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            process.kill()


def processes_of(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if str(home) in line or process.environ().get("RAGQA_HOME") == str(home):
                found.append(line)
        except psutil.Error:
            continue
    return found


def test_interrupt_stops_everything_and_a_second_start_keeps_all_data(
    home: Path, make_pdf: MakePdf, tmp_path: Path
) -> None:
    (tmp_path / "demo.pdf").write_bytes(make_pdf("保修期为三十六个月。"))
    with serving(home, "--demo", str(tmp_path)) as (port, process):
        base = f"http://127.0.0.1:{port}/v1/collections/demo/documents"
        deadline = time.monotonic() + 60
        while not any(one["status"] == "ready" for one in documents(base)):
            assert time.monotonic() < deadline, documents(base)
            time.sleep(0.2)
        assert len(processes_of(home)) >= 3
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert processes_of(home) == []

    with serving(home, "--demo", str(tmp_path)) as (port, _):
        base = f"http://127.0.0.1:{port}/v1"
        body = {"question": "保修期是多久？", "collection": "demo"}
        answer = httpx.post(f"{base}/ask", json=body, timeout=30).json()
        assert "三十六个月" in answer.get("text", ""), answer


def documents(base: str) -> list[dict[str, str]]:
    response = httpx.get(base)
    return response.json()["documents"] if response.status_code == 200 else []


def test_a_second_service_of_the_same_home_is_refused_with_the_address_of_the_first(
    home: Path,
) -> None:
    with serving(home, "--no-worker") as (port, _):
        second = command(home, "serve", "--port", str(free_port()))
        words = words_of(home, second)

    assert second.returncode == 1
    assert "running already" in words
    assert f"127.0.0.1:{port}" in words
    assert "Traceback" not in words


def test_a_taken_port_is_one_sentence(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = command(home, "serve", "--port", str(port))
        words = words_of(home, process)

    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in words
    assert words.count("\n") == 1


def test_beyond_loopback_without_a_key_is_refused(home: Path) -> None:
    process = command(home, "serve", "--host", "0.0.0.0")
    words = words_of(home, process)

    assert process.returncode == 2
    assert "RAGQA_API_KEY" in words


def test_a_killed_service_takes_its_worker_with_it(home: Path) -> None:
    with serving(home) as (_, process):
        process.kill()
        process.wait(10)
        deadline = time.monotonic() + 20
        while any("worker" in line for line in processes_of(home)):
            assert time.monotonic() < deadline
            time.sleep(0.2)
