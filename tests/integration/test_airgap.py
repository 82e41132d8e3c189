"""``ragqa doctor --airgap``: what would leave the machine is refused, recorded and reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragqa.gate import HOOK, VARIABLE
from ragqa.inventory import check_files, list_files
from ragqa.models.places import RECEIPT
from ragqa.models.presets import BY_NAME
from ragqa.settings import load_settings

ROOT = Path(__file__).parents[2]
NOWHERE = "192.0.2.1"
"""An address that belongs to nobody (RFC 5737)."""
LIGHT = {
    "RAGQA_EMBEDDING_MODEL": "hashing",
    "RAGQA_LLM_MODEL": "extractive",
    "RAGQA_OCR_ENGINE": "none",
}


def run_watched(folder: Path, code: str) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run ``code`` behind the gate; return how it ended and what the gate wrote down."""
    (folder / "sitecustomize.py").write_text(HOOK)
    log = folder / "log"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": f"{folder}:{ROOT}", VARIABLE: str(log)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done, [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    ("code", "where"),
    [
        (f"socket.create_connection(('{NOWHERE}', 80), 1)", NOWHERE),
        ("urllib.request.urlopen('http://hub.example/model', timeout=1)", "hub.example"),
        (f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('{NOWHERE}', 53))", NOWHERE),
        ("socket.gethostbyname('analytics.example')", "analytics.example"),
        (
            "subprocess.run([sys.executable, '-c', 'import socket; "
            'socket.create_connection(("2001:db8::1", 443), 1)\'], check=True)',
            "2001:db8::1",
        ),
        (
            "multiprocessing.get_context('forkserver').Pool(1).apply("
            f"socket.create_connection, [('{NOWHERE}', 81), 1])",
            NOWHERE,
        ),
    ],
)
def test_what_leaves_the_machine_is_refused_and_written_down(
    tmp_path: Path, code: str, where: str
) -> None:
    head = "import multiprocessing, socket, subprocess, sys, urllib.request\n"
    done, records = run_watched(tmp_path, head + code)

    assert done.returncode != 0
    assert "refused, as the airgap is tested" in done.stderr
    tried = [record["to"] for record in records if "to" in record]
    assert any(one.startswith(where) for one in tried), records


def test_this_machine_stays_within_reach(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "for family, address in ((socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_UNIX, 'here')):\n"
        "    with socket.socket(family) as door:\n"
        f"        door.bind(address if family == socket.AF_INET else '{tmp_path}/here')\n"
        "        door.listen()\n"
        "        with socket.socket(family) as caller:\n"
        "            caller.connect(door.getsockname())\n"
        "socket.getaddrinfo('localhost', 80)\n"
    )
    done, records = run_watched(tmp_path, code)

    assert done.returncode == 0, done.stderr
    assert not [record for record in records if "to" in record]


def test_reading_a_scan_tells_nobody(tmp_path: Path) -> None:
    code = (
        "import time, numpy\n"
        "from ingest.ocr.rapid import RapidOcr\n"
        "RapidOcr().recognize(numpy.full((200, 400, 3), 255, numpy.uint8))\n"
        "time.sleep(1)\n"
    )
    done, records = run_watched(tmp_path, code)

    assert done.returncode == 0, done.stderr
    assert not [record for record in records if "to" in record]


def examine(home: Path, **settings: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "ragqa", "doctor", "--airgap", "--json"],
        env=os.environ | LIGHT | {"RAGQA_HOME": str(home)} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


def test_the_doctor_proves_that_the_main_job_stays_here(tmp_path: Path) -> None:
    code, report = examine(tmp_path)

    assert (code, report["ok"]) == (0, True), report["checks"]
    checks = {one["name"]: one["detail"] for one in report["checks"]}
    assert [name for name in checks if "job" in name] == ["job: ingest", "job: search", "job: ask"]
    assert "36 months" in checks["job: ask"]
    assert "tried to reach nothing but this machine" in checks["connections"]
    programs = {Path(file["path"]).name for file in report["files"]}
    assert {"postgres", "vector.so"} <= programs
    assert all(len(file["sha256"]) == 64 for file in report["files"])


def test_the_doctor_names_what_would_have_left(tmp_path: Path) -> None:
    code, report = examine(tmp_path, RAGQA_LLM_BASE_URL=f"http://{NOWHERE}:9/v1")

    assert (code, report["ok"]) == (1, False)
    failed = {one["name"]: one["detail"] for one in report["checks"] if not one["ok"]}
    assert NOWHERE in failed["settings"]
    assert f"refused: {NOWHERE}" in failed["connections"]
    assert "job: ask" in failed


def test_files_are_held_against_the_pins_of_their_presets(tmp_path: Path) -> None:
    preset = BY_NAME["qwen2.5-coder-0.5b-instruct-q4_k_m"]
    place = tmp_path / preset.name
    place.mkdir()
    (place / preset.files[0].name).write_bytes(b"not the model")
    (place / RECEIPT).write_text(json.dumps({"sha256": {preset.files[0].name: "claimed"}}))
    settings = load_settings(
        models=tmp_path, llm_model=preset.name, embedding_model="hashing", ocr_engine="none"
    )

    files = list(list_files(settings))
    (changed,) = (file for file in files if file["path"].endswith(".gguf"))
    assert changed["pin"] == "other"
    (check,) = check_files(files)
    assert not check["ok"]
    assert changed["path"] in check["detail"]
