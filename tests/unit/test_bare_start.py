"""What a command does not need, it does not load: most nights nothing changed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "procrastinate", "fsspec", "pymupdf", "torch", "opencc")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_night_in_which_nothing_changed_loads_no_reader_no_queue_and_no_model() -> None:
    loaded = loaded_by("import ragqa.cli, ingest.cli, ingest.batch, ragqa.wiring")
    assert not loaded & set(HEAVY)


def test_a_process_that_reads_pages_does_not_load_the_command_line() -> None:
    # It imports the module that its parent was started by.
    loaded = loaded_by("import ragqa.__main__, ingest.reading")
    assert not loaded & {"typer", "pydantic", "ragqa.cli"}
