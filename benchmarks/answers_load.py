"""Twenty ask a real service at once for two minutes, and some leave half-way.

    python benchmarks/answers_load.py [--askers 20] [--seconds 120] [--leaving 0.3]
        [--models FOLDER]

Starts ``ragqa serve`` with the default models on the samples. Every asker asks over and over as a
stream; three of ten times it hangs up at some moment. Whoever is refused must be told when to come
back, and comes back then. Reported: statuses, how long the waits were and how evenly the answers
were shared, whether answers came in the order the questions had entered, the service's memory
over time, and what it still does once everybody has left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
COLLECTION = "demo"
START_SECONDS = 180


@dataclass(slots=True)
class Seen:
    """What all askers saw together."""

    statuses: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    order: list[tuple[float, float]] = field(default_factory=list)
    """When a question's evidence came, and when its first word."""
    waits: list[float] = field(default_factory=list)
    evidence: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    left: int = 0
    troubles: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def ask_on(url: str, number: int, texts: list[str], seen: Seen, end: float, leaving: float) -> None:
    """Ask one question after the other until the end."""
    rng = random.Random(number)
    with httpx.Client(timeout=120) as client:
        while time.monotonic() < end:
            patience = rng.uniform(0.2, 12) if rng.random() < leaving else float("inf")
            pause = _ask(client, url, rng.choice(texts), number, patience, seen)
            time.sleep(min(pause, max(0.0, end - time.monotonic())))


def _ask(
    client: httpx.Client, url: str, text: str, number: int, patience: float, seen: Seen
) -> float:
    """Ask once; return the seconds until asking again is polite."""
    started = time.monotonic()
    evidence = word = None
    body = {"question": text, "collection": COLLECTION}
    headers = {"accept": "text/event-stream"}
    try:
        with client.stream("POST", f"{url}/v1/ask", json=body, headers=headers) as got:
            with seen.lock:
                seen.statuses[str(got.status_code)] += 1
            if got.status_code != httpx.codes.OK:
                retry = got.headers.get("retry-after")
                with seen.lock:
                    seen.without_retry_after += retry is None
                return float(retry or 1)
            for line in got.iter_lines():
                now = time.monotonic()
                if now - started > patience:
                    with seen.lock:
                        seen.left += 1
                    return 0.0
                if line == "event: evidence":
                    evidence = now
                elif line == "event: token" and word is None:
                    word = now
                elif line == "event: error":
                    with seen.lock:
                        seen.statuses["error event"] += 1
    except httpx.HTTPError as error:
        with seen.lock:
            seen.statuses["broken"] += 1
            seen.troubles.append(repr(error))
        return 1.0
    with seen.lock:
        seen.answered[number] += 1
        seen.waits.append(time.monotonic() - started)
        if evidence is not None:
            seen.evidence.append(evidence - started)
            if word is not None:
                seen.order.append((evidence, word))
    return 0.0


def inversions(order: list[tuple[float, float]]) -> float:
    """Return the share of pairs waiting at once whose first words came in the other order."""
    pairs = overtaken = 0
    ordered = sorted(order)
    for at, (_, word) in enumerate(ordered):
        for later_entered, later_word in ordered[at + 1 :]:
            if later_entered > word:
                break
            pairs += 1
            overtaken += later_word < word
    return overtaken / pairs if pairs else 0.0


def resident(pid: int) -> float:
    """Return the megabytes that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if "VmRSS" in line) / 1024


def processor_seconds(pid: int) -> float:
    """Return the processor seconds a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the models are loaded and the samples are in."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit("the service ended before it was ready")
        try:
            got = httpx.get(f"{url}/v1/collections/{COLLECTION}/documents")
            ready = httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
            states = [d["status"] for d in got.json()["documents"]] if got.is_success else []
            if ready and states and set(states) == {"ready"}:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("the service was not ready in time")


def measure(url: str, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    """Let everybody ask, watch the process, and see whether it comes to rest."""
    lines = (ROOT / "samples" / "questions.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["question"] for line in lines]
    seen = Seen()
    for text in texts:
        _ask(httpx.Client(timeout=120), url, text, 0, float("inf"), Seen())
    end = time.monotonic() + options.seconds
    askers = [
        threading.Thread(target=ask_on, args=(url, n, texts, seen, end, options.leaving))
        for n in range(options.askers)
    ]
    for asker in askers:
        asker.start()
    memory = []
    while time.monotonic() < end:
        memory.append(resident(pid))
        time.sleep(2)
    for asker in askers:
        asker.join()
    busy = _leave_all(url, pid, texts, options.askers)
    half = len(memory) // 2
    answers = [seen.answered[n] for n in range(options.askers)]
    return {
        "askers": options.askers,
        "seconds": options.seconds,
        "statuses": dict(seen.statuses),
        "503 without Retry-After": seen.without_retry_after,
        "troubles": seen.troubles[:5],
        "left half-way": seen.left,
        "answers": sum(answers),
        "answers of an asker, least and most": [min(answers), max(answers)],
        "evidence_p95_s": round(float(np.percentile(seen.evidence, 95)), 2),
        "answer_p50_s": round(float(np.percentile(seen.waits, 50)), 2),
        "answer_p95_s": round(float(np.percentile(seen.waits, 95)), 2),
        "pairs_overtaken": round(inversions(seen.order), 3),
        "memory_mb_first_half": round(float(np.mean(memory[1:half]))),
        "memory_mb_second_half": round(float(np.mean(memory[half:]))),
        "memory_mb_most": round(max(memory)),
        **busy,
    }


def _leave_all(url: str, pid: int, texts: list[str], askers: int) -> dict[str, Any]:
    """Let everybody ask and leave at the evidence; then see when the service is at rest."""
    before = _finished(url)

    def glance(number: int) -> None:
        body = {"question": texts[number % len(texts)], "collection": COLLECTION}
        headers = {"accept": "text/event-stream"}
        with httpx.stream("POST", f"{url}/v1/ask", json=body, headers=headers, timeout=60) as got:
            next(got.iter_lines(), None)

    leavers = [threading.Thread(target=glance, args=(n,)) for n in range(askers)]
    for leaver in leavers:
        leaver.start()
    for leaver in leavers:
        leaver.join()
    left = time.monotonic()
    while _in_progress(url) and time.monotonic() - left < 60:
        time.sleep(0.1)
    rest = time.monotonic() - left
    spent = processor_seconds(pid)
    time.sleep(3)
    return {
        "rest_s_after_all_left": round(rest, 2),
        "processor_share_at_rest": round((processor_seconds(pid) - spent) / 3, 2),
        "answers_finished_for_those_who_left": round(_finished(url) - before),
    }


def _in_progress(url: str) -> float:
    return _metric(url, "ragqa_questions_in_progress")


def _finished(url: str) -> float:
    return _metric(url, "ragqa_answers_total")


def _metric(url: str, name: str) -> float:
    text = httpx.get(f"{url}/metrics").text
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def main() -> None:
    """Start the service, measure, print and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--askers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--leaving", type=float, default=0.3)
    parser.add_argument("--models", type=Path, default=None)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="ragqa-load-") as home:
        Path(home).chmod(0o711)
        surroundings = {**os.environ, "RAGQA_HOME": home, "RAGQA_OFFLINE": "1"}
        if options.models:
            surroundings["RAGQA_MODELS"] = str(options.models)
        command = [sys.executable, "-m", "ragqa", "serve", "--port", str(port)]
        command += ["--demo", str(ROOT / "samples")]
        log = Path(home, "serve.log")
        with log.open("wb") as sink:
            process = subprocess.Popen(command, env=surroundings, stdout=sink, stderr=sink)
            try:
                wait_ready(url, process)
                result = measure(url, process.pid, options)
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(60)
        logged = log.read_text("utf-8", "replace")
        result["tracebacks_in_log"] = logged.count("Traceback")
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers_load.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
