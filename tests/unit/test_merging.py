"""A model and its adapter become one file: real GGUF files, rounded by llama.cpp itself."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest

from ragqa.errors import ModelMissing
from ragqa.models import adapters
from ragqa.models.fetch import pull
from ragqa.models.merging import find_fitted, merge, merged_path
from ragqa.models.places import model_path, present, ready
from ragqa.models.presets import HubFile, ModelFile, Preset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, RANK, ALPHA = 256, 4, 8.0
RANDOM = np.random.default_rng(7)


def matrix(*shape: int) -> NDArray[np.float32]:
    return RANDOM.normal(0, 0.02, shape).astype(np.float32)


def write_model(path: Path) -> dict[str, NDArray[np.float32]]:
    """Write a file with a matrix of each kind; returns what is in it, rounded as it lies there."""
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_array("tokenizer.ggml.tokens", ["一", "二"])
    writer.add_chat_template("{{ messages }}")
    kept = {}
    for name in ("blk.0.attn_q.weight", "blk.0.ffn_down.weight", "token_embd.weight"):
        data = gguf.quantize(matrix(2 * WIDTH, WIDTH), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, data, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        kept[name] = gguf.dequantize(data, gguf.GGMLQuantizationType.Q8_0)
    kept["blk.0.attn_q.bias"] = matrix(WIDTH)
    writer.add_tensor("blk.0.attn_q.bias", kept["blk.0.attn_q.bias"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept


def write_adapter(path: Path, *names: str) -> dict[str, NDArray[np.float32]]:
    """Write an adapter of some matrices; returns what it adds to each."""
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    added = {}
    for name in names:
        down, up = (
            matrix(*shape).astype(np.float16) for shape in ((RANK, WIDTH), (2 * WIDTH, RANK))
        )
        writer.add_tensor(f"{name}.lora_a", down)
        writer.add_tensor(f"{name}.lora_b", up)
        added[name] = ALPHA / RANK * (up.astype(np.float32) @ down.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return added


def test_the_sum_is_what_lies_in_the_merged_file(tmp_path: Path) -> None:
    model, adapter = tmp_path / "m.gguf", tmp_path / "a.gguf"
    kept = write_model(model)
    added = write_adapter(adapter, "blk.0.attn_q.weight", "blk.0.ffn_down.weight")

    merged = gguf.GGUFReader(merge(model, adapter))

    assert merged.fields["tokenizer.ggml.tokens"].contents() == ["一", "二"]
    assert merged.fields["tokenizer.chat_template"].contents() == "{{ messages }}"
    off = {}
    for tensor in merged.tensors:
        weights = gguf.dequantize(tensor.data, tensor.tensor_type)
        expected = kept[tensor.name] + added.get(tensor.name, 0)
        off[tensor.name] = np.linalg.norm(weights - expected) / np.linalg.norm(expected)
    assert set(off) == set(kept)
    assert off["blk.0.attn_q.bias"] == off["token_embd.weight"] == 0  # as they were
    assert off["blk.0.ffn_down.weight"] < 0.01  # 8 bits
    assert 0.01 < off["blk.0.attn_q.weight"] < 0.1  # 4 bits


def test_an_adapter_of_another_model_leaves_nothing_behind(tmp_path: Path) -> None:
    model, adapter = tmp_path / "m.gguf", tmp_path / "a.gguf"
    write_model(model)
    write_adapter(adapter, "blk.7.attn_q.weight")

    with pytest.raises(ModelMissing, match=r"a\.gguf cannot be merged .* no blk\.7\.attn_q"):
        merge(model, adapter)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gguf", "m.gguf"]


def test_without_a_merged_file_both_are_loaded(tmp_path: Path) -> None:
    model, adapter = tmp_path / "m.gguf", tmp_path / "a.gguf"
    write_model(model)
    write_adapter(adapter, "blk.0.attn_q.weight")

    before = find_fitted(model, adapter)
    merged = merge(model, adapter)

    assert before == (model, adapter)
    assert find_fitted(model, adapter) == (merged, None)
    assert find_fitted(model, None) == (model, None)


@pytest.fixture
def preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Preset:
    """A preset that lies in the models folder already, and one's own adapter for it."""
    folder, fitted = tmp_path / "models" / "tiny", tmp_path / "adapters"
    folder.mkdir(parents=True)
    fitted.mkdir()
    write_model(folder / "tiny.gguf")
    write_adapter(fitted / "tiny.gguf", "blk.0.attn_q.weight")
    (folder / "ragqa.json").write_text("{}", "utf-8")
    monkeypatch.setattr(adapters, "FOLDER", fitted)
    content = (folder / "tiny.gguf").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    file = ModelFile("tiny.gguf", len(content), sha256, hub=HubFile("team/tiny", "tiny.gguf"))
    return Preset("tiny", "llm", "Tiny", "MIT", len(content), (file,))


def test_a_pull_merges_what_an_older_version_fetched(tmp_path: Path, preset: Preset) -> None:
    models = tmp_path / "models"
    older = models / "tiny" / "tiny+00000000.merged0.gguf"
    older.write_bytes(b"of an older adapter")
    assert present(preset, models)
    assert not ready(preset, models)

    path = pull(preset, models, offline=True)

    assert path == model_path(preset, models)
    assert ready(preset, models)
    assert merged_path(path, tmp_path / "adapters" / "tiny.gguf").is_file()
    assert not older.exists()


def test_what_cannot_be_merged_is_used_as_it_is(
    tmp_path: Path, preset: Preset, caplog: pytest.LogCaptureFixture
) -> None:
    models = tmp_path / "models"
    (tmp_path / "adapters" / "tiny.gguf").write_bytes(b"no adapter")

    with caplog.at_level(logging.WARNING):
        path = pull(preset, models, offline=True)

    assert path.is_file()
    assert "slower" in caplog.text
    assert not ready(preset, models)
