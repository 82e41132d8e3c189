"""What every reranker must do, on a tiny folder of bge-reranker-base's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from ragqa.errors import ModelMissing, WrongSettings
from ragqa.models.cross_encoder import CrossEncoderReranker
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

if TYPE_CHECKING:
    from pathlib import Path

PASSAGES = ["贷款利率为百分之三。", "合同金额", "一年公司", "long " * 900]


def _build(folder: Path, labels: int = 1) -> Path:
    """XLM-R for sequence classification, one label, as BAAI/bge-reranker-base was published."""
    characters = [*dict.fromkeys("贷款利率为百分之三合同金额一年公司多少。abcdefglno ▁")]
    words = [(word, 0.0) for word in ("<s>", "<pad>", "</s>", "<unk>")]
    words += [(character, -2.0) for character in characters]
    tokenizer = Tokenizer(models.Unigram(words, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    ).save_pretrained(folder)
    torch.manual_seed(1)
    configuration = XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        id2label={number: str(number) for number in range(labels)},
        initializer_range=0.5,
    )
    XLMRobertaForSequenceClassification(configuration).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(tmp_path_factory.mktemp("bge-reranker-base"))


@pytest.fixture(scope="module")
def reranker(folder: Path) -> CrossEncoderReranker:
    return CrossEncoderReranker(folder, offline=True)


def hit(number: int, text: str) -> Hit:
    one = CollectionId(1)
    chunk = Chunk(1, Span(0, len(text)), text)
    return Hit(ChunkId(Id(one, number)), DocumentId(Id(one, 1)), "a.pdf", chunk, "text", 0.0)


HITS = [hit(number, text) for number, text in enumerate(PASSAGES, start=1)]


def test_the_same_hits_come_back_best_first(reranker: CrossEncoderReranker) -> None:
    ranked = reranker.rerank("贷款利率多少", HITS)

    assert sorted(h.chunk_id for h in ranked) == [h.chunk_id for h in HITS]
    assert [h.score for h in ranked] == sorted((h.score for h in ranked), reverse=True)
    assert len({h.score for h in ranked}) == len(HITS)


def test_scores_are_those_of_the_model_for_question_and_passage(
    reranker: CrossEncoderReranker, folder: Path
) -> None:
    model = XLMRobertaForSequenceClassification.from_pretrained(folder).train(False)
    words = CrossEncoder(str(folder)).tokenizer(
        ["贷款利率多少"], [PASSAGES[0]], return_tensors="pt"
    )
    with torch.inference_mode():
        expected = torch.sigmoid(model(**words).logits[0, 0]).item()

    scores = {h.chunk_id: h.score for h in reranker.rerank("贷款利率多少", HITS)}

    np.testing.assert_allclose(scores[HITS[0].chunk_id], expected, atol=1e-5)


def test_the_order_of_the_hits_does_not_matter(reranker: CrossEncoderReranker) -> None:
    forward = reranker.rerank("合同金额多少", HITS)
    backward = reranker.rerank("合同金额多少", HITS[::-1])

    assert [h.chunk_id for h in forward] == [h.chunk_id for h in backward]


def test_no_hits_need_no_model(reranker: CrossEncoderReranker) -> None:
    assert reranker.rerank("贷款", []) == []


def test_a_classifier_with_several_labels_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="3 scores a pair, a reranker gives 1"):
        CrossEncoderReranker(_build(tmp_path, labels=3), offline=True)


def test_a_preset_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"RAGQA_RERANKER_MODEL .*preset for embedding"):
        CrossEncoderReranker("m3e-base", models_folder=tmp_path)
