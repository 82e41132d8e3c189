"""What ``ragqa doctor`` says of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ragqa.doctor import examine, tell_gpu
from ragqa.errors import RagqaError
from ragqa.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_gpu_that_is_left_idle_is_a_hint_and_no_failure() -> None:
    assert "RAGQA_LLM_GPU_LAYERS=-1" in tell_gpu(0, sees_gpu=True)


def test_nothing_is_said_of_a_gpu_that_is_used_or_not_there() -> None:
    assert tell_gpu(-1, sees_gpu=True) == ""
    assert tell_gpu(20, sees_gpu=True) == ""
    assert tell_gpu(0, sees_gpu=False) == ""


def test_layers_for_a_gpu_that_llama_cpp_cannot_use_fail() -> None:
    with pytest.raises(RagqaError, match="CMAKE_ARGS=-DGGML_CUDA=on"):
        tell_gpu(-1, sees_gpu=False)


def test_the_doctor_looks_for_a_gpu_as_llama_cpp_does(tmp_path: Path) -> None:
    import llama_cpp

    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    settings = Settings(
        home=tmp_path,
        llm_model=str(model),
        embedding_model="hashing",
        database_url="postgresql://127.0.0.1:1/none",
    )

    found = {}
    for layers in (0, -1):
        checks = examine(settings.model_copy(update={"llm_gpu_layers": layers}))["checks"]
        (found[layers],) = (one for one in checks if one["name"] == "language model")

    there = llama_cpp.llama_supports_gpu_offload()
    assert found[0]["ok"]
    assert found[-1]["ok"] is there
    assert ("though llama.cpp sees a GPU" in found[0]["detail"]) is there
