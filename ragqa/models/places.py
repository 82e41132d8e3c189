"""Where presets lie under the models folder, and whether they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.models.presets import PRESETS

if TYPE_CHECKING:
    from pathlib import Path

    from ragqa.models.presets import Preset

RECEIPT = "ragqa.json"
"""Written last into a preset's folder: where it came from and what was verified."""


def model_path(preset: Preset, folder: Path) -> Path:
    """Return where ``preset`` lies under the models folder: a GGUF file, or a folder."""
    place = folder / preset.name
    if preset.kind == "llm" and preset.files:
        return place / preset.files[0].name
    return place


def present(preset: Preset, folder: Path) -> bool:
    """Return whether ``preset`` can be used without pulling anything."""
    return preset.light or (folder / preset.name / RECEIPT).is_file()


def ready(preset: Preset, folder: Path) -> bool:
    """Return whether ``preset`` is present, and what was fitted to it added to its weights."""
    merged = merged_path_of(preset, folder)
    return present(preset, folder) and (merged is None or merged.is_file())


def merged_path_of(preset: Preset, folder: Path) -> Path | None:
    """Return where a preset lies with what was fitted to it added; None: nothing was."""
    from ragqa.models.adapters import adapter_of
    from ragqa.models.merging import merged_path

    adapter = adapter_of(preset.name)
    return merged_path(model_path(preset, folder), adapter) if adapter else None


def list_presets(folder: Path) -> list[dict[str, Any]]:
    """Return one record per preset for people and scripts, as ``ragqa models list`` shows them."""
    return [
        {
            "name": preset.name,
            "kind": preset.kind,
            "title": preset.title,
            "bytes": preset.bytes,
            "licence": preset.licence,
            "sha256": preset.sha256,
            "pinned": preset.light or bool(preset.files),
            "dimension": preset.dimension,
            "context_tokens": preset.context_tokens,
            "default": preset.default,
            "present": present(preset, folder),
            "path": str(model_path(preset, folder)) if not preset.light else None,
        }
        for preset in PRESETS
    ]
