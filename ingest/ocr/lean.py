"""A network on OpenVINO that stays as small after a thousand pages as after the first."""

from __future__ import annotations

import fcntl
import functools
import resource
import sys
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


def keep_to_itself() -> None:
    """Keep OpenVINO from calling home; to be called before it is imported.

    Each import of it reports to a web analytics service, through a package that it can do without.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


@contextmanager
def read_quickly() -> Iterator[None]:
    """Let RapidOCR's modules, imported within, share its list of models, read by PyYAML's C code.

    They read it twice, in pure Python, .4 s each time, where loading an engine takes 1.0 s.

    Source: ``rapidocr/utils/model_resolver.py`` and ``rapidocr/inference_engine/base.py``.
    """
    import omegaconf
    import yaml

    reads: Any = omegaconf.OmegaConf
    load = reads.load
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    @functools.cache
    def quickly(path: Path) -> Any:
        return reads.create(yaml.load(path.read_bytes(), loader))  # noqa: S506 - a safe one

    reads.load = quickly
    try:
        yield
    finally:
        reads.load = load


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let RapidOCR read networks without compiling them, for sessions that compile their own way.

    Compiling is a quarter of loading, and would be done twice.

    Source: ``rapidocr/inference_engine/openvino/main.py``.
    """
    from rapidocr.inference_engine.openvino import main

    core = main.Core

    def reading() -> Any:
        made: Any = core()
        made.compile_model = lambda **_: SimpleNamespace(create_infer_request=lambda: None)
        return made

    main.Core = reading
    try:
        yield
    finally:
        main.Core = core


class LeanSession:
    """Stands where RapidOCR's own session stood: called with an array, gives the network's output.

    OpenVINO keeps what it prepared for every shape it meets, and no two lines of text have the
    same width: a process that read twenty pages held four gigabytes. So its cache is off, and as
    even then ten megabytes stay for every new shape, there are few of them.
    """

    def __init__(self, model: Any, *, threads: int, kept: Path | None = None) -> None:
        """Compile a model, or take it as it was compiled before on this machine.

        Args:
            model: An ``openvino.Model`` with an input of shape (n, channels, height, width).
            threads: To compute with.
            kept: Folder in which OpenVINO keeps what it compiled, and tells by itself for what
                machine and by which version; None: nowhere.
        """
        keep_to_itself()
        import openvino

        config = {
            "CPU_RUNTIME_CACHE_CAPACITY": "0",
            "INFERENCE_NUM_THREADS": str(threads),
            # It would tie every process to the machine's first core, and the others would idle.
            "ENABLE_CPU_PINNING": "NO",
        }
        with _writable(kept) as folder:
            try:
                keeping = {"CACHE_DIR": str(folder)} if folder else {}
                self._compiled = openvino.Core().compile_model(model, "CPU", config | keeping)
            except RuntimeError:  # the disk may be full, or what is kept damaged
                self._compiled = openvino.Core().compile_model(model, "CPU", config)
        self._request = self._compiled.create_infer_request()

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's first output."""
        self._request.infer([pixels])
        output: NDArray[np.float32] = self._request.get_output_tensor().data
        return output

    def release(self) -> None:
        """Give back the memory of activations; the next call takes it again."""
        self._compiled.release_memory()


@contextmanager
def _writable(folder: Path | None) -> Iterator[Path | None]:
    """Give the folder to this process alone; None where nothing can be written into it."""
    lock = None
    if folder is not None:
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            lock = (folder / "lock").open("a")
    if lock is None:
        yield None
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


class LineSession(LeanSession):
    """A network that reads lines: their widths are rounded up, and its outputs cut accordingly."""

    @override
    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output for lines of shape (n, channels, height, width).

        Returns:
            Shape (n, columns, classes), columns in proportion to width.
        """
        width = pixels.shape[3]
        even = rounded_up(width)
        # Zero is the grey with which lines of one batch are made equally long.
        output = super().__call__(np.pad(pixels, ((0, 0), (0, 0), (0, 0), (0, even - width))))
        return output[:, : -(-width * output.shape[1] // even)]


class PageSession(LeanSession):
    """A network that looks at pictures: their sizes are rounded up, and its outputs cut."""

    @override
    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output, shape (n, 1, height, width) as the pictures'."""
        height, width = pixels.shape[2:]
        more = ((0, 0), (0, 0), (0, rounded_up(height) - height), (0, rounded_up(width) - width))
        return super().__call__(np.pad(pixels, more, mode="edge"))[:, :, :height, :width]


def rounded_up(pixels: int) -> int:
    """Return the next length that networks are given: few, and none more than a quarter longer."""
    step = 64
    while pixels > 8 * step:
        step *= 2
    return -(-pixels // step) * step


@contextmanager
def room_to_reserve() -> Iterator[None]:
    """Lift the limit of memory to the highest that this process may have, while an engine reads.

    Networks reserve hundreds of megabytes that they hardly touch, and what they are given is cut
    into tiles and lines first: they are not what the limit is there for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
