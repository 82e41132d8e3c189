"""What tells a folder of weights from another with the same name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDS = 1 << 16
"""Bytes of either end of a file that its fingerprint covers, beside its size."""


def fingerprint(folder: Path) -> str:
    """Return eight hexadecimal digits that change when a model folder's content does."""
    digest = hashlib.blake2b(digest_size=4)
    for path in _model_files(folder):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(ENDS))
            file.seek(max(size - ENDS, 0))
            digest.update(file.read(ENDS))
    return digest.hexdigest()


def _model_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        weights_or_words = path.suffix in {".json", ".txt", ".model", ".safetensors", ".bin"}
        if path.is_file() and weights_or_words and not hidden and path.name != "ragqa.json":
            yield path
