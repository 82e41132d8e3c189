"""An embedding model of the commonest shape, a BERT with mean pooling, by PyTorch alone.

sentence-transformers and transformers can load every shape, and take 130 MB and half the time of a
start for it. This loads one, from a folder that states it, and gives the same vectors to the last
bit. Other folders are left to them.

Source: ``BertModel`` of transformers; ``Transformer``, ``Pooling`` and ``Normalize`` of
sentence-transformers.
"""

# Longer than 300 lines: one model, from what its folder states to its vectors.

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from tokenizers import Encoding, Tokenizer
from torch import nn
from typing_extensions import override

from ragqa.memory import unmap_read
from ragqa.models.pairs import pass_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

ROWS_AT_ONCE = 16_384
"""Rows of a weight that are in memory as they lie in the file; a file mapped whole would count."""
_MODULES = ("Transformer", "Pooling", "Normalize")
_SPECIAL = {"pad_token", "cls_token", "sep_token"}
_STATED: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    "config.json": {
        "model_type": ("bert",),
        "hidden_act": ("gelu",),
        "position_embedding_type": ("absolute", None),
        "is_decoder": (False, None),
        "quantization_config": (None,),
    },
    "sentence_bert_config.json": {"do_lower_case": (False, None), "processing_kwargs": (None,)},
    "tokenizer_config.json": {
        "tokenizer_class": ("PreTrainedTokenizerFast",),
        "padding_side": ("right", None),
        "truncation_side": ("right", None),
    },
    "1_Pooling/config.json": {
        "pooling_mode_mean_tokens": (True,),
        "pooling_mode_cls_token": (False, None),
        "pooling_mode_max_tokens": (False, None),
        "pooling_mode_mean_sqrt_len_tokens": (False, None),
        "pooling_mode_weightedmean_tokens": (False, None),
        "pooling_mode_lasttoken": (False, None),
        "include_prompt": (True, None),
    },
}
"""What files must say, or may leave out (None), for the shape to be this one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a folder states of such a model."""

    folder: Path
    config: Mapping[str, Any]
    prompts: dict[str, str]
    max_tokens: int
    """Of one text, special tokens among them."""
    pad: str


def stated_shape(folder: Path) -> Shape | None:
    """Return the shape of the model in ``folder``; None when it is, or may be, another one."""
    try:
        stated = {name: _read(folder / name) for name in _STATED}
        modules = [one["type"].rpartition(".")[2] for one in _read(folder / "modules.json")]
        whole = _read(folder / "config_sentence_transformers.json")
        special = _read(folder / "special_tokens_map.json")
        max_tokens = int(stated["sentence_bert_config.json"]["max_seq_length"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    config = stated["config.json"]
    fits = (
        all(
            stated[name].get(key) in values
            for name, expected in _STATED.items()
            for key, values in expected.items()
        )
        and modules in (list(_MODULES), list(_MODULES[:2]))
        and not whole.get("default_prompt_name")
        and all(isinstance(special.get(name), str) for name in _SPECIAL)
        and max_tokens == stated["tokenizer_config.json"].get("model_max_length")
        and max_tokens <= config["max_position_embeddings"]
        and (folder / "tokenizer.json").is_file()
        and (folder / "model.safetensors").is_file()
    )
    prompts = dict(whole.get("prompts") or {})
    return Shape(folder, config, prompts, max_tokens, special["pad_token"]) if fits else None


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


class _Weights:
    """The weights in a file, each read when it is taken."""

    def __init__(self, path: Path, dtype: torch.dtype) -> None:
        self._path, self._dtype = path, dtype

    def take(self, name: str, *shape: int) -> nn.Parameter:
        """Return one weight, which is not to be trained.

        Raises:
            ValueError: If it has another shape.
        """
        weight = torch.empty(shape, dtype=self._dtype)
        for first in range(0, len(weight), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            # Opened for each piece: what its pages take in memory is let go of in between.
            with safe_open(self._path, "pt") as file:
                lies = file.get_slice(name)
                if tuple(lies.get_shape()) != shape:
                    raise ValueError(f"{name} has the shape {lies.get_shape()}, not {shape}")
                weight[rows] = lies[rows].to(self._dtype)
        return nn.Parameter(weight, requires_grad=False)

    def lie(self, name: str, *shape: int) -> Tensor:
        """Return one weight as it lies in the file, of which only rows asked for are read.

        What was read is given back by ``unmap_read``.

        Raises:
            ValueError: If it has another shape.
        """
        with safe_open(self._path, "pt") as file:
            weight: Tensor = file.get_tensor(name)  # a view: the file stays mapped
        if tuple(weight.shape) != shape:
            raise ValueError(f"{name} has the shape {list(weight.shape)}, not {list(shape)}")
        return weight

    def linear(self, name: str, given: int, made: int) -> nn.Module:
        layer = nn.Linear(1, 1)  # filling a large one with chance takes longer than reading it
        layer.in_features, layer.out_features = given, made
        layer.weight = self.take(f"{name}.weight", made, given)
        layer.bias = self.take(f"{name}.bias", made)
        return layer

    def norm(self, name: str, width: int, eps: float) -> nn.Module:
        layer = nn.LayerNorm(width, eps=eps)
        layer.weight = self.take(f"{name}.weight", width)
        layer.bias = self.take(f"{name}.bias", width)
        return layer


class _Parts(nn.Module):
    """Modules by their names."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


class _Embeddings(nn.Module):
    def __init__(self, config: Mapping[str, Any], weights: _Weights) -> None:
        super().__init__()
        width = config["hidden_size"]
        name = "embeddings.{}_embeddings.weight".format
        # Four fifths of the weights; texts ask for few rows.
        self._words = weights.lie(name("word"), config["vocab_size"], width)
        self._types = weights.take(name("token_type"), config["type_vocab_size"], width)
        self._places = weights.take(name("position"), config["max_position_embeddings"], width)
        self._norm = weights.norm("embeddings.LayerNorm", width, config["layer_norm_eps"])

    @override
    def forward(self, input_ids: Tensor) -> Tensor:
        """Return what the blocks begin with. Shape: ``(texts, tokens, dimension)``."""
        words = nn.functional.embedding(input_ids, self._words).to(self._types.dtype)
        unmap_read(self._words.data_ptr(), self._words.nbytes)
        normed: Tensor = self._norm(words + self._types[0] + self._places[: input_ids.shape[1]])
        return normed


def _block(config: Mapping[str, Any], weights: _Weights, name: str) -> nn.Module:
    width, wide = config["hidden_size"], config["intermediate_size"]
    attention = _Parts(
        **{
            one: weights.linear(f"{name}.attention.self.{one}", width, width)
            for one in ("query", "key", "value")
        }
    )
    attention.num_attention_heads = config["num_attention_heads"]
    intermediate = _Parts(dense=weights.linear(f"{name}.intermediate.dense", width, wide))
    intermediate.intermediate_act_fn = nn.GELU()

    def back(part: str, given: int) -> nn.Module:
        norm = weights.norm(f"{part}.LayerNorm", width, config["layer_norm_eps"])
        return _Parts(dense=weights.linear(f"{part}.dense", given, width), LayerNorm=norm)

    whole = _Parts(output=back(f"{name}.attention.output", width))
    whole.add_module("self", attention)
    return _Parts(attention=whole, intermediate=intermediate, output=back(f"{name}.output", wide))


class _Encoder(nn.Module):
    """Named as ``BertModel`` names its parts, without the pooler, which mean pooling never asks."""

    def __init__(self, config: Mapping[str, Any], weights: _Weights) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config, weights)
        count = config["num_hidden_layers"]
        blocks = [_block(config, weights, f"encoder.layer.{number}") for number in range(count)]
        self.encoder = _Parts(layer=nn.ModuleList(blocks))

    @override
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return what the last block makes; of padding it is anything.

        Shape: ``(texts, tokens, dimension)``.
        """
        read = attention_mask.bool()
        blocks: Any = self.encoder.layer
        passed: Tensor = pass_blocks(blocks, self.embeddings(input_ids), read)
        return passed


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of several texts."""

    encodings: Sequence[Encoding]


class Tokens:
    """The tokenizer, called as that of transformers is."""

    def __init__(self, shape: Shape) -> None:
        self.backend_tokenizer = Tokenizer.from_file(str(shape.folder / "tokenizer.json"))
        self.model_max_length = shape.max_tokens
        self._pad = {
            "pad_id": self.backend_tokenizer.token_to_id(shape.pad),
            "pad_token": shape.pad,
        }

    def num_special_tokens_to_add(self) -> int:
        """Return how many tokens stand around one text."""
        return int(self.backend_tokenizer.num_special_tokens_to_add(is_pair=False))

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the tokens that have these numbers."""
        return [self.backend_tokenizer.id_to_token(number) or "" for number in ids]

    def __call__(
        self,
        texts: Sequence[str],
        others: Sequence[str] | None = None,
        *,
        max_length: int,
        padding: bool = True,
        truncation: bool = True,
    ) -> Encoded:
        """Return the tokens of texts, or of pairs of them, made equally long by padding."""
        assert padding
        assert truncation
        self.backend_tokenizer.enable_truncation(max_length, strategy="longest_first")
        self.backend_tokenizer.enable_padding(**self._pad)
        given: Any = texts if others is None else zip(texts, others, strict=True)
        return Encoded(self.backend_tokenizer.encode_batch(list(given)))


class Bert(nn.Module):
    """The model; called as sentence-transformers' is, on a CPU, by several threads at once."""

    def __init__(self, shape: Shape, dtype: torch.dtype) -> None:
        """Load the weights.

        Raises:
            ValueError: If they are not those of the stated shape.
            Exception: What reading a damaged file raises.
        """
        super().__init__()
        self.prompts = shape.prompts
        self.device = torch.device("cpu")
        self.max_seq_length = shape.max_tokens
        self.tokenizer = Tokens(shape)
        weights = _Weights(shape.folder / "model.safetensors", dtype)
        self.encoder = _Encoder(shape.config, weights)
        self.eval()
        self._normalized = len(_read(shape.folder / "modules.json")) == len(_MODULES)

    def preprocess(self, texts: Sequence[str], prompt: str | None = None) -> dict[str, Tensor]:
        """Return numbers of tokens and where there are any; both of shape ``(texts, tokens)``."""
        prompted = [(prompt or "") + text for text in texts]
        found = self.tokenizer(prompted, max_length=self.max_seq_length).encodings
        return {
            "input_ids": torch.tensor([one.ids for one in found]),
            "attention_mask": torch.tensor([one.attention_mask for one in found]),
        }

    @override
    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what was given, with the vectors of tokens and of texts."""
        mask = features["attention_mask"]
        states = self.encoder(features["input_ids"], mask)
        told = mask[:, :, None].to(states.dtype)
        counted = told.sum(dim=1, dtype=torch.float32).clamp(min=1e-9)
        mean = ((states * told).sum(dim=1, dtype=torch.float32) / counted).to(states.dtype)
        whole = nn.functional.normalize(mean, p=2, dim=1) if self._normalized else mean
        return {**features, "token_embeddings": states, "sentence_embedding": whole}
