"""The files that answers come from: models and programs, with their hashes, held against pins."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.models.places import RECEIPT
from ragqa.models.presets import BY_NAME, Preset, default_presets
from ragqa.models.resolve import (
    Located,
    resolve_embedding_model,
    resolve_llm_model,
    resolve_reranker_model,
)
from ragqa.models.sources import hash_file
from ragqa.store.account import find_account, find_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragqa.settings import Settings


def list_files(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the models' files and the programs that are not Python."""
    for located in _models(settings):
        root = Path(located.source)
        if root.is_file():  # and what was made of it
            paths = [root, *sorted(root.parent.glob(f"{root.stem}+*.gguf"))]
        else:
            paths = sorted(root.rglob("*"))
        for path in paths:
            if path.is_file():
                yield _record(path, located.preset, root if root.is_dir() else root.parent)
    for path in _programs():
        yield _record(path, None, path.parent)


def _models(settings: Settings) -> Iterator[Located]:
    folder = settings.models_folder
    named = [(settings.embedding_model, resolve_embedding_model)]
    if settings.reranker_model:
        named.append((settings.reranker_model, resolve_reranker_model))
    if not settings.llm_base_url:
        named.append((settings.llm_model, resolve_llm_model))
    for name, resolve in named:
        if not ((preset := BY_NAME.get(name)) and preset.light):
            located = resolve(name, folder)
            if not located.on_hub:
                yield located
    carried = importlib.util.find_spec("rapidocr")
    for preset in default_presets():
        if preset.kind != "ocr" or settings.ocr_engine == "none":
            continue
        if carried is not None and carried.origin and settings.ocr_engine != "paddleocr":
            yield Located(preset.name, str(Path(carried.origin).parent / "models"), preset)
        if settings.ocr_engine != "rapidocr" and (folder / preset.name).is_dir():
            yield Located(preset.name, str(folder / preset.name), preset)


def _programs() -> list[Path]:
    """Return Postgres' programs and llama.cpp's libraries."""
    binaries = find_binaries(find_account())
    found = [binaries / name for name in ("postgres", "initdb", "pg_ctl")]
    found += sorted(binaries.parent.rglob("vector.so"))
    try:
        import llama_cpp
    except ImportError:
        return [path for path in found if path.is_file()]
    library = Path(llama_cpp.__file__).parent / "lib"
    return [path for path in [*found, *sorted(library.glob("*.so"))] if path.is_file()]


def _record(path: Path, preset: Preset | None, root: Path) -> dict[str, Any]:
    """Return a file; ``pin``: same, made (from pinned files), other, or none."""
    sha256 = hash_file(path)
    pin = "none"
    if preset is not None and preset.files:
        pins = {file.name: file.sha256 for file in preset.files}
        if sha256 in pins.values():
            pin = "same"
        elif path.name in pins:
            pin = "other"
        else:
            pin = "made" if _receipt(root) == pins else "none"
    return {"path": str(path), "bytes": path.stat().st_size, "sha256": sha256, "pin": pin}


def _receipt(root: Path) -> dict[str, str]:
    try:
        noted: dict[str, str] = json.loads((root / RECEIPT).read_text("utf-8"))["sha256"]
    except (OSError, ValueError, KeyError):
        return {}
    return noted


def check_files(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the check of what ``list_files`` found."""
    wrong = [one["path"] for one in files if one["pin"] == "other"]
    if wrong:
        told = f"not what their preset pins: {', '.join(wrong)}: pull them again"
        return [{"name": "files", "ok": False, "detail": told}]
    same, made, none = (sum(one["pin"] == pin for one in files) for pin in ("same", "made", "none"))
    told = f"{len(files)} files: {same} as pinned, {made} made from such, {none} without a pin"
    return [{"name": "files", "ok": True, "detail": told}]
