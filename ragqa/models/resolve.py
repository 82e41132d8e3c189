"""From what a setting says (preset, hub id, folder or file) to something that can be loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ragqa.errors import ModelMissing, WrongSettings
from ragqa.models.places import model_path, present
from ragqa.models.presets import BY_NAME, BY_REPO, Kind, Preset

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Located:
    """``source`` is a folder or file, or else a hub id; ``name`` is what answers call the model."""

    name: str
    source: str
    preset: Preset | None = None
    on_hub: bool = False


def resolve_embedding_model(given: str, models_folder: Path) -> Located:
    """Find the embedding model that ``given`` names: preset, hub id or folder.

    A hub id that is also a preset's is taken from the preset's folder when that is there.

    Raises:
        ModelMissing: If a preset's files are not on this machine, or ``given`` names nothing.
        WrongSettings: If it is the preset of another kind of model.
    """
    return _resolve(given, models_folder, "embedding", "RAGQA_EMBEDDING_MODEL")


def resolve_reranker_model(given: str, models_folder: Path) -> Located:
    """Find the cross-encoder that ``given`` names, as ``resolve_embedding_model`` does."""
    return _resolve(given, models_folder, "reranker", "RAGQA_RERANKER_MODEL")


def resolve_llm_model(given: str, models_folder: Path) -> Located:
    """Find the GGUF file that ``given`` names: preset or path.

    Raises:
        ModelMissing: If the preset's file is not on this machine, or there is no such file.
        WrongSettings: If it is the preset of another kind of model.
    """
    if preset := BY_NAME.get(given):
        return _resolve_preset(preset, models_folder, "llm", "RAGQA_LLM_MODEL")
    path = Path(given).expanduser()
    if path.is_file():
        return Located(path.stem, str(path))
    raise ModelMissing(
        f"RAGQA_LLM_MODEL is {given!r}: neither a preset ({_names('llm')}) nor a GGUF file that "
        "is there"
    )


def _resolve(given: str, models_folder: Path, kind: Kind, variable: str) -> Located:
    if preset := BY_NAME.get(given):
        return _resolve_preset(preset, models_folder, kind, variable)
    path = Path(given).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file() and not (path / "modules.json").is_file():
            raise ModelMissing(f"{variable} is {given!r}: the folder has no config.json")
        return Located(path.resolve().name, str(path))
    known = BY_REPO.get(given)
    if known and known.kind == kind and present(known, models_folder):
        return Located(given, str(model_path(known, models_folder)), known)
    if HUB_ID.fullmatch(given):
        return Located(given, given, known, on_hub=True)
    raise ModelMissing(
        f"{variable} is {given!r}: neither a preset ({_names(kind)}), nor a hub id such as "
        "moka-ai/m3e-base, nor a folder that is there"
    )


def _resolve_preset(preset: Preset, models_folder: Path, kind: Kind, variable: str) -> Located:
    if preset.kind != kind:
        raise WrongSettings(
            f"{variable} is {preset.name!r}, which is a preset for {preset.kind}; "
            f"choose one of: {_names(kind)}"
        )
    if not present(preset, models_folder):
        raise ModelMissing(
            f"the weights of {preset.name} are not on this machine (looked in "
            f"{models_folder / preset.name}); fetch them with: ragqa models pull {preset.name}"
        )
    source = preset.name if preset.light else str(model_path(preset, models_folder))
    return Located(preset.name, source, preset)


def _names(kind: Kind) -> str:
    return ", ".join(preset.name for preset in BY_NAME.values() if preset.kind == kind)
