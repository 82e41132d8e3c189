"""Tiny model folders of exactly the shape of well-known ones, with random weights."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = "的一是不了人我在有他这为之大来以个中上们合同金额公司银行贷款利率多少钱年月日"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the published folder has: sizes, how much it reads, which weights files."""

    hidden: int
    heads: int
    feed_forward: int
    max_tokens: int
    weights: tuple[str, ...]
    full_pooling: bool


SHAPES = {
    "m3e-base": Shape(768, 12, 3072, 512, ("model.safetensors", "pytorch_model.bin"), True),
    "m3e-small": Shape(512, 8, 2048, 512, ("pytorch_model.bin",), True),
    "text2vec-base-chinese": Shape(
        768, 12, 3072, 128, ("model.safetensors", "pytorch_model.bin"), False
    ),
}


def _write(folder: Path, **files: Any) -> None:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")


def _build_bert(folder: Path, shape: Shape) -> Path:
    (folder / "1_Pooling").mkdir(parents=True)
    words = ["[PAD]", *(f"[unused{n}]" for n in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [*dict.fromkeys(WORDS), *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    torch.manual_seed(0)
    configuration = BertConfig(
        vocab_size=len(words),
        hidden_size=shape.hidden,
        num_hidden_layers=1,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=512,
        architectures=["BertModel"],
    )
    weights = {name: w.contiguous() for name, w in BertModel(configuration).state_dict().items()}
    configuration.save_pretrained(folder)
    for file in shape.weights:
        if file.endswith(".bin"):
            torch.save(weights, folder / file)
        else:
            save_file(weights, folder / file, metadata={"format": "pt"})
    pooling: dict[str, Any] = {"word_embedding_dimension": shape.hidden}
    pooling |= {"pooling_mode_mean_tokens": True}
    if shape.full_pooling:
        others = ("cls_token", "max_tokens", "mean_sqrt_len_tokens")
        pooling |= {f"pooling_mode_{other}": False for other in others}
    _write(folder / "1_Pooling", config=pooling)
    special = {
        f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")
    }
    kind = "sentence_transformers.models."
    _write(
        folder,
        # No Normalize module, and no prompts: that is how these models were published.
        modules=[
            {"idx": 0, "name": "0", "path": "", "type": kind + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": kind + "Pooling"},
        ],
        sentence_bert_config={"max_seq_length": shape.max_tokens, "do_lower_case": False},
        tokenizer_config={
            "do_lower_case": True,
            "tokenize_chinese_chars": True,
            "strip_accents": None,
            "model_max_length": 512,
            "tokenizer_class": "BertTokenizer",
            **special,
        },
        special_tokens_map=special,
    )
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a published model's name to a tiny folder of its shape."""
    root = tmp_path_factory.mktemp("models")

    def find(name: str) -> Path:
        folder = root / name
        return folder if folder.is_dir() else _build_bert(folder, SHAPES[name])

    return find


@pytest.fixture(scope="session")
def llm_file(models_folder: Path) -> Path:
    """The default language model."""
    name = "qwen2.5-coder-0.5b-instruct-q4_k_m"
    return models_folder / name / f"{name}.gguf"


@pytest.fixture(scope="session")
def threads() -> int:
    """Threads that language models compute with in tests."""
    return min(2, os.cpu_count() or 1)


@pytest.fixture(scope="session")
def gpu_layers() -> int:
    """Layers that language models put on the GPU: all where llama.cpp was built for one it sees."""
    import llama_cpp

    return -1 if llama_cpp.llama_supports_gpu_offload() else 0
