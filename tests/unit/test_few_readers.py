"""How many processes a file is read by, and what each of them need not do twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.lost import Limits
from ingest.readers.source import open_source
from ingest.reading import readers_for
from ingest.sandbox import borrowed
from ingest.types import FileInfo

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("pages", "pictured", "missing", "readers"),
    [
        (150, 0, 150, 2),
        (150, 4, 150, 2),
        (150, 5, 150, 8),
        (5, 5, 5, 8),
        (1, 1, 1, 2),
        (500, 500, 500, 8),
        (500, 500, 3, 2),
    ],
)
def test_more_than_one_reader_in_four_cores_is_for_long_files_and_scans(
    pages: int, pictured: int, missing: int, readers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    info = FileInfo(pages, (), ("key",) * pages, "pdf", pictured)

    assert readers_for(info, range(1, missing + 1)) == readers


def test_one_core_has_one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert readers_for(FileInfo(9, (), ("key",) * 9, "pdf", 0), range(1, 10)) == 1


@pytest.mark.parametrize(
    ("name", "pictured"),
    [("manual_zh.pdf", 0), ("policy_en.pdf", 0), ("scan_zh.pdf", 1), ("scan_tilted_zh.pdf", 1)],
)
def test_pages_that_may_need_ocr_are_known_by_their_resources(name: str, pictured: int) -> None:
    assert open_source(DATA / name).pictured() == pictured


def test_a_text_file_has_no_pictures(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("It costs 100 dollars.\n")
    assert open_source(file).pictured() == 0


def test_the_list_of_models_is_read_once_and_other_files_are_read_as_before() -> None:
    code = """
import omegaconf, yaml
load, made = omegaconf.OmegaConf.load, []
create = omegaconf.OmegaConf.create
def counted(given, *rest, **more):
    made.append(given)
    return create(given, *rest, **more)
omegaconf.OmegaConf.create = counted
from ingest.ocr.lean import keep_to_itself, read_quickly
keep_to_itself()
with read_quickly():
    import rapidocr.main
print(len(made), omegaconf.OmegaConf.load is load)
"""
    assert _told_by(code) == ["1", "True"]


@pytest.mark.parametrize("prepared", [False, True])
def test_readers_that_were_prepared_begin_with_what_they_need(*, prepared: bool) -> None:
    code = f"""
from ingest.reading import prepare_readers
from ingest.lost import Limits
from ingest.sandbox import Sandbox
if {prepared}:
    prepare_readers()
with Sandbox(Limits(60, 1500)) as box:
    print(box.wait(box.start(eval, "'pymupdf' in __import__('sys').modules")))
"""
    assert _told_by(code) == [str(prepared)]


def test_a_program_is_not_run_again_in_the_processes_that_read_and_draw_for_it(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
print("begun")
from pathlib import Path
from ingest.reading import inspect, read_pages
from ingest.types import ReadOptions
from ragqa.store.rendering import render_png
file, options = Path({str(DATA / "policy_en.pdf")!r}), ReadOptions(ocr="never")
print(inspect(file, options).pages > 0, len(list(read_pages(file, [1], options))))
print(render_png(file, 1)[1:4].decode())
""")
    assert _told_by(str(script)) == ["begun", "True", "1", "PNG"]


def test_processes_whose_models_are_loaded_read_for_those_who_need_fewer_too() -> None:
    limits = Limits(61, 1500)
    with borrowed(limits, processes=2) as two:
        pass
    with borrowed(limits) as one:
        assert one is two
        with borrowed(limits) as other:
            assert other is not two
    with borrowed(limits, processes=2) as again:
        assert again is two


def _told_by(code: str) -> list[str]:
    """Return the words that a program or script prints, which has imported nothing yet."""
    given = [code] if code.endswith(".py") else ["-c", code]
    done = subprocess.run(
        [sys.executable, *given], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
