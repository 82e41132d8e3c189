from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ragqa.errors import ModelMissing, WrongSettings
from ragqa.models.presets import PRESETS, Preset, default_presets, find_preset
from ragqa.models.resolve import resolve_embedding_model, resolve_llm_model
from ragqa.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_is_either_light_or_pinned_or_from_one_repository(preset: Preset) -> None:
    assert bool(preset.files) + bool(preset.hub_repo) + preset.light == 1
    assert preset.licence
    for file in preset.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.hub or file.parts
        assert all(re.fullmatch(r"\d+(\.\d+)+", part.version) for part in file.parts)
    if preset.files:
        assert preset.bytes == sum(file.bytes for file in preset.files)
    if preset.kind == "embedding":
        assert preset.dimension


def test_names_are_unique() -> None:
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


def test_the_default_settings_name_presets_that_a_first_start_pulls() -> None:
    fields = Settings.model_fields
    names = {preset.name for preset in default_presets()}

    assert fields["embedding_model"].default in names
    assert fields["llm_model"].default in names
    assert {preset.kind for preset in default_presets()} == {"embedding", "llm", "ocr"}
    assert all(file.parts for preset in default_presets() for file in preset.files)


def test_parts_are_in_order() -> None:
    (file,) = find_preset("qwen2.5-coder-1.5b-instruct-q4_k_m").files

    assert [part.member[-6:-4] for part in file.parts] == [f"{n:02d}" for n in range(1, 23)]


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(ModelMissing, match=r"no preset is called 'm3e'.*m3e-base"):
        find_preset("m3e")


def test_a_model_is_found_by_preset_hub_id_or_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}", "utf-8")

    assert resolve_embedding_model(str(folder), tmp_path).source == str(folder)
    assert resolve_embedding_model("hashing", tmp_path).source == "hashing"
    assert resolve_embedding_model("moka-ai/m3e-base", tmp_path).on_hub
    pulled = tmp_path / "m3e-base"
    pulled.mkdir()
    (pulled / "ragqa.json").write_text("{}", "utf-8")
    assert resolve_embedding_model("moka-ai/m3e-base", tmp_path).source == str(pulled)
    assert resolve_embedding_model("m3e-base", tmp_path).source == str(pulled)


@pytest.mark.parametrize("given", ["nothing", "/no/such/folder", "a/b/c", ""])
def test_what_names_nothing_is_refused_with_the_variable(given: str, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="RAGQA_EMBEDDING_MODEL"):
        resolve_embedding_model(given, tmp_path / "none")


def test_a_preset_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"RAGQA_LLM_MODEL is 'm3e-base'.*extractive"):
        resolve_llm_model("m3e-base", tmp_path)
