"""``ragqa doctor --airgap``: that the main job reaches nothing but this machine, and with what.

A small document, one page of text and one picture of a page, is read, searched and asked with the
models of the settings, in processes of their own and a home of its own. Every Python among them,
those that read pages included, refuses and writes down what it would send elsewhere
(``ragqa.gate``); where the kernel allows it they have no network at all, so that native code has
none either. Then every file of the models and the programs is listed with its hash, and those that
a preset pins are compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pymupdf

from ragqa.errors import RagqaError
from ragqa.gate import HOOK, VARIABLE
from ragqa.inventory import check_files, list_files
from ragqa.settings import environment_of, is_loopback
from ragqa.wiring import EXTRACTIVE

if TYPE_CHECKING:
    from ragqa.settings import Settings

JOB_SECONDS = 600
COLLECTION = "airgap"
QUESTION = "How many months does the warranty last?"
TYPED = ("The warranty of the pump lasts 36 months.", "Its rated power is 1500 watts.")
SCANNED = ("The filter of the pump is cleaned every week.", "Use clear water and no soap.")
ALONE = (
    "import sys, ragqa.gate\n"
    "why = ragqa.gate.leave_the_network()\n"
    "print('network:', why or 'none', file=sys.stderr)\n"
    "from ragqa.cli import main\n"
    "main()\n"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts that must have worked for the job to prove anything of them."""

    ocr: bool
    model: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """One command of the job, as it ended."""

    name: str
    said: str
    network: str
    """``none``: it had none; else why it could not be taken away."""
    done: bool


def prove(settings: Settings) -> dict[str, Any]:
    """Run the job, list the files; return checks and ``files`` ``{path, bytes, sha256, pin}``."""
    checks = [_check_settings(settings)]
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        ran, records = _run(settings, Path(folder))
    checks += [{"name": f"job: {one.name}", "ok": one.done, "detail": one.said} for one in ran]
    checks += _check_connections(records)
    checks.append(_check_network(ran))
    files = list(list_files(settings))
    checks += check_files(files)
    return {"ok": all(one["ok"] for one in checks), "checks": checks, "files": files}


def _check_settings(settings: Settings) -> dict[str, Any]:
    """Name the settings that lead elsewhere on purpose."""
    led = []
    for name in ("database_url", "llm_base_url", "files", "otlp_endpoint"):
        given = str(getattr(settings, name))
        host = urlsplit(given).hostname or ("" if "://" not in given else "elsewhere")
        if "://" in given and host and not is_loopback(host):
            led.append(f"RAGQA_{name.upper()} leads to {host}")
    told = "; ".join(led) or "none of them leads to another machine"
    return {"name": "settings", "ok": not led, "detail": told}


def _run(settings: Settings, folder: Path) -> tuple[list[Ran], list[dict[str, Any]]]:
    folder.chmod(0o755)  # the account that Postgres runs as must get in
    document = folder / "pump.pdf"
    document.write_bytes(_draw())
    hooks, log = folder / "hooks", folder / "gate.jsonl"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    log.touch(mode=0o666)
    environment = environment_of(
        settings.model_copy(
            update={
                "home": folder / "home",
                "models": settings.models_folder,
                "database_url": "",
                "files": "",
                "offline": True,
            }
        )
    )
    # The hooks import ragqa before a working directory would be looked in.
    places = [str(hooks), str(Path(__file__).parents[1]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = ":".join(place for place in places if place)
    environment[VARIABLE] = str(log)
    to = ("--collection", COLLECTION, "--json")
    light = settings.llm_model == EXTRACTIVE and not settings.llm_base_url
    wanted = Wanted(ocr=settings.ocr_engine != "none", model=not light)
    ran: list[Ran] = []
    for command in (
        ("ingest", str(document), *to),
        ("search", QUESTION, *to),
        ("ask", QUESTION, *to),
    ):
        ran.append(_run_one(command, environment, wanted))
        if not ran[-1].done:
            break
    return ran, [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def _run_one(command: tuple[str, ...], environment: dict[str, str], wanted: Wanted) -> Ran:
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", ALONE, *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=JOB_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ran(command[0], f"not done after {JOB_SECONDS} s", "", done=False)
    lines = done.stderr.strip().splitlines() or [""]
    network = next((line for line in lines if line.startswith("network: ")), "network: ?")
    network = network.removeprefix("network: ")
    if done.returncode:
        return Ran(command[0], lines[-1], network, done=False)
    said, whole = _sum_up(command[0], json.loads(done.stdout), wanted)
    return Ran(command[0], said, network, done=whole)


def _sum_up(command: str, told: dict[str, Any], wanted: Wanted) -> tuple[str, bool]:
    """Return what a command did, and whether every part that is wanted took part in it."""
    match command:
        case "ingest":
            read = f"{told['pages']} pages, {told['ocr_pages']} by OCR, {told['chunks']} passages"
            return read, bool(told["ocr_pages"]) or not wanted.ocr
        case "search":
            return f"{len(told['hits'])} passages", bool(told["hits"])
        case _:
            tokens = told["usage"]["completion_tokens"]
            said = told["text"] or told["refusal"]["message"]
            return f"{said} ({tokens} tokens)", bool(tokens) or not wanted.model


def _draw() -> bytes:
    """Return a PDF of a page of text and a picture of another."""
    with pymupdf.open() as document, pymupdf.open() as drawn:
        for target, lines in ((document, TYPED), (drawn, SCANNED)):
            page = target.new_page(width=595, height=842)
            for row, line in enumerate(lines):
                page.insert_text((72, 100 + 30 * row), line, fontsize=14)
        scan = document.new_page(width=595, height=842)
        scan.insert_image(scan.rect, pixmap=drawn[0].get_pixmap(dpi=150))
        data: bytes = document.tobytes()
    return data


def _check_connections(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    watched = {record["process"] for record in records if "started" in record}
    tried = {}
    for record in records:
        if "to" in record:
            ours = [one for one in record["by"] if "site-packages" in one or "/lib/py" not in one]
            places = ours or record["by"]
            tried[record["to"]] = f"{record['to']} ({record['event']}), by {places[0]}"
    if not tried:
        told = f"{len(watched)} Python processes tried to reach nothing but this machine"
        return [{"name": "connections", "ok": bool(watched), "detail": told}]
    found = [f"refused: {one}" for one in tried.values()]
    return [{"name": "connections", "ok": False, "detail": one} for one in found]


def _check_network(ran: list[Ran]) -> dict[str, Any]:
    kept = {one.network for one in ran} - {"none"}
    if kept:
        # What Python does was watched all the same: less is proved, nothing is wrong.
        told = (
            f"it could not be taken away ({', '.join(sorted(kept))}): native code was not watched; "
            "run it once more with the machine unplugged"
        )
        return {"name": "network", "ok": True, "detail": told}
    told = "the job had none but that of its own processes, native code included"
    return {"name": "network", "ok": True, "detail": told}


def examine_airgap(settings: Settings) -> dict[str, Any]:
    """Return what ``prove`` finds; what keeps it from running is a failed check."""
    try:
        return prove(settings)
    except RagqaError as error:
        return {
            "ok": False,
            "checks": [{"name": "airgap", "ok": False, "detail": str(error)}],
            "files": [],
        }
