"""A Qwen2 model read from a GGUF file into PyTorch, and an adapter to it, written for llama.cpp.

Source: LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685. Names of weights and of the fields
of an adapter are those of llama.cpp's convert_lora_to_gguf.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from pathlib import Path

RANK = 8
ALPHA = 16.0
LAYERS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""The layers of a block that are adapted: llama.cpp's name of each, and transformers'."""
NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output.weight": "lm_head.weight",
    "output_norm.weight": "model.norm.weight",
}


class Adapted(torch.nn.Module):
    """A linear layer and what is added to it: ``down`` to ``RANK`` numbers, ``up`` again."""

    def __init__(self, plain: torch.nn.Linear) -> None:
        super().__init__()
        self.plain = plain
        outputs, inputs = plain.weight.shape
        device = plain.weight.device
        self.down = torch.nn.Parameter(torch.randn(RANK, inputs, device=device) / inputs**0.5)
        self.up = torch.nn.Parameter(torch.zeros(outputs, RANK, device=device))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return outputs for ``states``; shape ``(batch, tokens, inputs)``."""
        small = states @ self.down.to(states.dtype).T
        return self.plain(states) + small @ self.up.to(states.dtype).T * (ALPHA / RANK)


def import_gguf() -> Any:
    """Return the package that reads and writes the files of llama.cpp, no dependency of ragqa."""
    try:
        import gguf
    except ModuleNotFoundError as error:
        raise SystemExit("the package gguf is missing: pip install gguf") from error
    return gguf


def read_model(path: Path, device: str) -> Any:
    """Return a Qwen2 model with the weights of a GGUF file, as 16-bit floats."""
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

    gguf = import_gguf()
    file = gguf.GGUFReader(path)

    def told(name: str) -> Any:
        return file.fields[f"qwen2.{name}"].contents()

    def read(stored: Any) -> tuple[str, torch.Tensor]:
        shape = tuple(int(size) for size in reversed(stored.shape))
        values = gguf.dequantize(stored.data, stored.tensor_type).reshape(shape)
        return _place_of(stored.name), torch.tensor(values, dtype=torch.bfloat16)

    with ThreadPoolExecutor(8) as readers:
        weights = dict(readers.map(read, file.tensors))
    weights.setdefault(OUTSIDE["output.weight"], weights[OUTSIDE["token_embd.weight"]])
    config = Qwen2Config(
        vocab_size=len(weights[OUTSIDE["token_embd.weight"]]),
        hidden_size=told("embedding_length"),
        intermediate_size=told("feed_forward_length"),
        num_hidden_layers=told("block_count"),
        num_attention_heads=told("attention.head_count"),
        num_key_value_heads=told("attention.head_count_kv"),
        rms_norm_eps=told("attention.layer_norm_rms_epsilon"),
        rope_theta=told("rope.freq_base"),
        tie_word_embeddings=False,
        max_position_embeddings=4096,
        use_cache=False,
    )
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    model = model.to(torch.bfloat16)
    model.load_state_dict(weights, assign=True, strict=True)
    model.model.rotary_emb = Qwen2RotaryEmbedding(config)  # its table is not among the weights
    return model.to(device).eval().requires_grad_(False)


def _place_of(name: str) -> str:
    """Return transformers' name of a weight of llama.cpp, such as ``blk.3.attn_q.bias``."""
    if name in OUTSIDE:
        return OUTSIDE[name]
    _, block, layer, part = name.split(".")
    return f"model.layers.{block}.{(LAYERS | NORMS)[layer]}.{part}"


def adapt(model: Any) -> dict[str, Adapted]:
    """Adapt every linear layer of every block; returns them by llama.cpp's name of the weight."""
    torch.manual_seed(0)
    adapted = {}
    for number, block in enumerate(model.model.layers):
        for layer, place in LAYERS.items():
            parent, name = place.split(".")
            part = getattr(block, parent)
            adapted[f"blk.{number}.{layer}.weight"] = Adapted(getattr(part, name))
            setattr(part, name, adapted[f"blk.{number}.{layer}.weight"])
    return adapted


def write_adapter(adapted: dict[str, Adapted], path: Path) -> None:
    """Write what ``llama_adapter_lora_init`` reads."""
    unfinished = path.with_name(path.name + ".part")
    writer = import_gguf().GGUFWriter(unfinished, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name, layer in adapted.items():
        for part, values in (("lora_a", layer.down), ("lora_b", layer.up)):
            array = values.detach().float().cpu().numpy().astype(np.float16)
            writer.add_tensor(f"{name}.{part}", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(path)
