"""Embedding models through sentence-transformers: M3E, text2vec, BGE, E5 and their like."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.memory import give_back, uncollected
from ragqa.models.cores import Cores
from ragqa.models.counting import TokenCounter
from ragqa.models.pairs import read_pairs
from ragqa.models.resolve import Located, resolve_embedding_model
from ragqa.models.together import Together
from ragqa.models.weights import load_weights, revision
from ragqa.types import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.models.weights import Precision
    from ragqa.types import Adapter, ReadPair

logger = logging.getLogger(__name__)

BATCH = {"cpu": 16, "cuda": 128}
"""Texts per forward pass. Small on a CPU, where more bring no speed and a query would wait."""
# What the models' cards ask for, for folders that do not state it themselves. M3E and text2vec
# were trained without any prefix, which is also the rule for whatever is not listed.
PREFIXES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"(^|[/_-])e5-(small|base|large)", re.IGNORECASE), "query: ", "passage: "),
    (
        re.compile(r"(^|[/_-])bge-(small|base|large)-zh", re.IGNORECASE),
        "为这个句子生成表示以用于检索相关文章：",
        "",
    ),
    (
        re.compile(r"(^|[/_-])bge-(small|base|large)-en", re.IGNORECASE),
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
)


class SentenceTransformerEmbedder:
    """One loaded sentence-transformers model; dimension, pooling and prompts are the folder's.

    Safe to call from several threads: only tokenizing is done under a lock, since tokenizers keep
    their truncation as state.
    """

    def __init__(
        self,
        model: Located | str | Path,
        *,
        models_folder: Path | None = None,
        offline: bool = False,
        device: str | None = None,
        precision: Precision = "auto",
    ) -> None:
        """Load the model.

        Args:
            model: Preset, hub id, folder, or what one of them was resolved to.
            models_folder: Where presets lie; without it only a hub id or a folder can be meant.
            offline: Take hub ids from the local cache only.
            device: ``cpu``, ``cuda`` …; the GPU when there is one.
            precision: ``auto`` is bfloat16 on processors and GPUs that compute with it, where it
                is about twice as fast, and float32 elsewhere.

        Raises:
            ModelMissing: If there are no such weights, or they cannot be loaded.
        """
        located = model if isinstance(model, Located) else None
        located = located or resolve_embedding_model(str(model), models_folder or Path())
        with uncollected():
            self._model = load_weights(located, offline=offline, device=device, precision=precision)
        self._name = f"{located.name}@{revision(located, self._model)}"
        query, passage = find_prefixes(located.name, self._model.prompts)
        self._query_prefix, self._passage_prefix = query, passage
        self._tokenizing = threading.Lock()
        self._cores = Cores()
        backend = getattr(self._model.tokenizer, "backend_tokenizer", None)
        self._counter = TokenCounter(backend) if backend is not None else None
        self._queries = Together(lambda texts: self._embed(texts, self._query_prefix))
        self._batch = BATCH["cuda" if self._model.device.type == "cuda" else "cpu"]
        self._max_tokens = self._readable_tokens()
        self._dimension = len(self.embed_query("dimension"))
        give_back()

    @property
    def name(self) -> str:
        """Name and revision: a hub commit, or a fingerprint of the folder."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a passage that the model reads, its prefix and special tokens left out."""
        return self._max_tokens

    @property
    def device(self) -> str:
        """Where the model computes, such as ``cpu`` or ``cuda:0``."""
        return str(self._model.device)

    @property
    def prefixes(self) -> tuple[str, str]:
        """What is put before a query, and before a passage."""
        return self._query_prefix, self._passage_prefix

    def count_tokens(self, text: str) -> int:
        """Return how many of the model's tokens ``text`` has, special tokens left out."""
        with self._tokenizing:
            if self._counter is None:
                return len(self._model.tokenizer.tokenize(_sanitize(text)))
            # Truncation and padding are states, set anew whenever something is to be embedded.
            backend = self._model.tokenizer.backend_tokenizer
            backend.no_truncation()
            backend.no_padding()
            return self._counter(_sanitize(text))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages. Shape: ``(len(texts), dimension)``, unit rows, in the order given."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        order = self._by_length(texts)
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            vectors[rows] = self._embed([texts[row] for row in rows], self._passage_prefix)
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query. Shape: ``(dimension,)``, L2 norm 1; it cannot be written to."""
        return self._queries(text)

    def embed_words(self, texts: Sequence[str], *, query: bool = False) -> list[Words]:
        """Embed passages, or queries, and from the same pass each token where it stands."""
        prefix = self._query_prefix if query else self._passage_prefix
        # The space behind a prefix belongs to the word after it.
        first = 1 + self.count_tokens(prefix.rstrip())
        found: dict[int, Words] = {}
        order = self._by_length(texts)
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            passed = self._forward([texts[row] for row in rows], prefix)
            whole, tokens = _unit(passed["sentence_embedding"]), _unit(passed["token_embeddings"])
            lengths = passed["attention_mask"].sum(dim=1).tolist()
            for at, row in enumerate(rows):
                ids = passed["input_ids"][at, : lengths[at] - 1].tolist()
                names = self._model.tokenizer.convert_ids_to_tokens(ids)
                pieces = {n: names[n].strip("▁#") for n in range(first, len(names))}
                inside = [n for n, piece in pieces.items() if piece] or [len(names) - 1]
                found[row] = Words(
                    whole[at], tokens[at, inside], tuple(pieces.get(n, "") for n in inside)
                )
        return [found[row] for row in range(len(texts))]

    def read_pairs(self, question: str, texts: Sequence[str], adapter: Adapter) -> list[ReadPair]:
        """Read each text together with the question, in one pass; for encoders built like BERT.

        Args:
            question: Read first, as a query.
            texts: Read behind it; what lies beyond the model's length is not seen.
            adapter: What is changed in the model for this reading; vectors stay as they are.
        """
        asked = _sanitize(self._query_prefix + question)
        given = [_sanitize(text) for text in texts]
        return self._cores.compute(
            lambda: read_pairs(self._model, asked, given, adapter, self._tokenizing)
        )

    def _by_length(self, texts: Sequence[str]) -> list[int]:
        """Return the rows of texts, those of the fewest tokens first: batches pad little."""
        rows = range(len(texts))
        if len(texts) <= self._batch:
            return list(rows)
        lengths = [self.count_tokens(text) for text in texts]
        return sorted(rows, key=lengths.__getitem__)

    def _embed(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        return _unit(self._forward(texts, prefix)["sentence_embedding"])

    def _forward(self, texts: Sequence[str], prefix: str) -> dict[str, Any]:
        import torch

        with self._tokenizing:
            features = self._model.preprocess(
                [_sanitize(text) for text in texts], prompt=prefix or None
            )
        device = self._model.device
        moved = {
            key: value.to(device) if isinstance(value, torch.Tensor) else value
            for key, value in features.items()
        }
        passed: dict[str, Any] = self._cores.compute(lambda: self._model(moved))
        return passed

    def _readable_tokens(self) -> int:
        tokenizer = self._model.tokenizer
        limit = min(
            self._model.max_seq_length or tokenizer.model_max_length, tokenizer.model_max_length
        )
        special = int(tokenizer.num_special_tokens_to_add())
        prefix = self.count_tokens(self._passage_prefix) if self._passage_prefix else 0
        return int(limit) - special - prefix


def _unit(vectors: Any) -> NDArray[np.float32]:
    """Return rows (the last axis) of L2 norm 1."""
    import torch

    unit: NDArray[np.float32] = torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()
    return unit


def find_prefixes(name: str, prompts: dict[str, str]) -> tuple[str, str]:
    """Return the prefixes of queries and passages: the folder's prompts, else by the name."""
    stated = prompts.get("query", ""), prompts.get("document", "") or prompts.get("passage", "")
    if any(stated):
        return stated
    for pattern, query, passage in PREFIXES:
        if pattern.search(name):
            return query, passage
    return "", ""


def _sanitize(text: str) -> str:
    """Replace what cannot be written in UTF-8 (lone surrogates), which tokenizers refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")
