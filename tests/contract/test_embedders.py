"""What every embedder must do; each implementation is one more parameter."""

# Longer than 300 lines: what every embedder must do stands together.

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from langchain_core.embeddings import Embeddings
from sentence_transformers import SentenceTransformer
from typing_extensions import override

from ragqa.answering.nearness import measure
from ragqa.answering.reading import read_texts
from ragqa.errors import ModelMissing
from ragqa.langchain import LangChainEmbedder
from ragqa.models import weights
from ragqa.models.hashing import HashingEmbedder
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder, find_prefixes
from ragqa.types import Adapter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ragqa.ports import Embedder

KINDS = ["hashing", "e5", "m3e-base", "m3e-small", "text2vec-base-chinese", "langchain"]
MEANINGFUL = ["hashing", "e5", "langchain"]
"""The tiny folders have random weights: what they find near is chance."""
# Single precision everywhere: what processors with bfloat16 round by default depends on the batch.
LONG = "贷款利率 and the annual interest rate. " * 2000


class LengthyVectors(Embeddings):
    """LangChain embeddings whose vectors are not of length 1."""

    model = "lengthy"

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    @override
    def embed_query(self, text: str) -> list[float]:
        return [7.0 * float(x) for x in HashingEmbedder(64).embed_query(text)]


@pytest.fixture(scope="session")
def embedders(models_folder: Path, tiny_model: Callable[[str], Path]) -> Callable[[str], Embedder]:
    made: dict[str, Embedder] = {}

    def build(kind: str) -> Embedder:
        match kind:
            case "hashing":
                return HashingEmbedder()
            case "langchain":
                return LangChainEmbedder(LengthyVectors())
            case "e5":
                return SentenceTransformerEmbedder(
                    "multilingual-e5-small-q4",
                    models_folder=models_folder,
                    offline=True,
                    precision="float32",
                )
            case name:
                return SentenceTransformerEmbedder(
                    tiny_model(name), offline=True, precision="float32"
                )

    def find(kind: str) -> Embedder:
        if kind not in made:
            made[kind] = build(kind)
        return made[kind]

    return find


@pytest.fixture(params=KINDS)
def embedder(request: pytest.FixtureRequest, embedders: Any) -> Embedder:
    found: Embedder = embedders(request.param)
    return found


def test_passages_are_unit_rows_in_the_order_given(embedder: Embedder) -> None:
    texts = ["合同金额", "", "a dog and a cat", "\ud800 broken", "年" * 60]

    vectors = embedder.embed_passages(texts)

    assert vectors.shape == (5, embedder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(embedder.embed_passages([text])[0], vector, atol=1e-4)


def test_a_query_is_one_unit_vector(embedder: Embedder) -> None:
    vector = embedder.embed_query("贷款利率是多少？")

    assert vector.shape == (embedder.dimension,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_half_precision_points_where_single_precision_does(
    embedders: Any, models_folder: Path
) -> None:
    half = SentenceTransformerEmbedder(
        "multilingual-e5-small-q4", models_folder=models_folder, offline=True, precision="bfloat16"
    )
    texts = ["合同金额", "", "a dog and a cat", "年" * 60, "The rate of interest is 4.35 %."]

    cosines = (half.embed_passages(texts) * embedders("e5").embed_passages(texts)).sum(axis=1)

    assert cosines.min() > 0.9995
    together, alone = half.embed_passages(texts)[0], half.embed_passages(texts[:1])[0]
    assert together @ alone > 0.9995


def test_no_passages_make_an_empty_matrix(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimension)


def test_a_text_longer_than_the_model_reads_is_embedded_all_the_same(embedder: Embedder) -> None:
    assert embedder.count_tokens(LONG) > embedder.max_tokens
    assert np.isfinite(embedder.embed_passages([LONG])).all()
    assert np.isfinite(embedder.embed_query(LONG)).all()


def test_counting_tokens_leaves_special_tokens_out(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert 1 <= embedder.count_tokens("合同") <= 2


def test_threads_get_the_vectors_that_one_alone_gets(embedder: Embedder) -> None:
    # One is longer than the model reads: counting it must not meet another thread's truncation.
    texts = ["合同年 " * 300, *(f"合同 {number} " + "年" * number for number in range(11))]
    alone = [embedder.embed_query(text) for text in texts]
    counts = [embedder.count_tokens(text) for text in texts]
    wrong: list[str] = []

    def work(offset: int) -> None:
        for at in range(len(texts)):
            row = (at + offset) % len(texts)
            counted = embedder.count_tokens(texts[row])
            vector = embedder.embed_query(texts[row])
            if counted != counts[row] or not np.allclose(vector, alone[row], atol=1e-4):
                wrong.append(texts[row])

    workers = [threading.Thread(target=work, args=(3 * number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert wrong == []


@pytest.mark.parametrize("kind", MEANINGFUL)
def test_related_text_is_nearer_than_unrelated(kind: str, embedders: Any) -> None:
    embedder = embedders(kind)
    for question, related, unrelated in (
        (
            "公司去年的营业收入是多少？",
            "公司营业收入为三亿元，比去年增长。",
            "猫喜欢在窗台上睡觉。",
        ),
        ("annual revenue of the company", "the company had annual revenue of 3M", "cats purr"),
    ):
        near, far = embedder.embed_passages([related, unrelated])

        assert embedder.embed_query(question) @ near > embedder.embed_query(question) @ far


def test_e5_finds_across_languages(embedders: Any) -> None:
    near, far = embedders("e5").embed_passages(
        ["The warranty lasts two years from purchase.", "The tank holds 1.8 litres of water."]
    )
    query = embedders("e5").embed_query("保修期多长？")

    assert query @ near > query @ far


@pytest.mark.parametrize(
    ("name", "dimension", "tokens"),
    [("m3e-base", 768, 510), ("m3e-small", 512, 510), ("text2vec-base-chinese", 768, 126)],
)
def test_m3e_and_text2vec_keep_their_dimension_pooling_and_lack_of_a_prefix(
    name: str, dimension: int, tokens: int, embedders: Any, tiny_model: Callable[[str], Path]
) -> None:
    embedder = embedders(name)

    assert embedder.dimension == dimension
    assert embedder.max_tokens == tokens
    assert embedder.prefixes == ("", "")
    assert embedder.name.startswith(f"{name}@")
    # Mean pooling, worked out from the encoder itself.
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = tiny_model(name)
    words = AutoTokenizer.from_pretrained(folder)(["合同金额是多少"], return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder)(**words).last_hidden_state[0]
    mean = states.mean(dim=0).numpy()
    np.testing.assert_allclose(
        embedder.embed_query("合同金额是多少"), mean / np.linalg.norm(mean), atol=1e-5
    )


def test_text_beyond_the_128_tokens_of_text2vec_changes_nothing(embedders: Any) -> None:
    embedder = embedders("text2vec-base-chinese")
    read = "合" * embedder.max_tokens

    same, other = embedder.embed_passages([read + "公司银行", read[:-2] + "公司"])

    np.testing.assert_allclose(embedder.embed_passages([read])[0], same, atol=1e-5)
    assert not np.allclose(same, other, atol=1e-5)


def test_e5_puts_its_prefixes_before_queries_and_passages(embedders: Any) -> None:
    embedder = embedders("e5")

    assert embedder.prefixes == ("query: ", "passage: ")
    assert not np.allclose(embedder.embed_query("合同"), embedder.embed_passages(["合同"])[0])
    assert embedder.max_tokens == 512 - 2 - embedder.count_tokens("passage: ")


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("moka-ai/m3e-base", "", ""),
        ("shibing624/text2vec-base-chinese", "", ""),
        ("intfloat/multilingual-e5-large", "query: ", "passage: "),
        ("BAAI/bge-small-zh-v1.5", "为这个句子生成表示以用于检索相关文章：", ""),
        ("BAAI/bge-m3", "", ""),
    ],
)
def test_prefixes_follow_the_model_when_its_folder_states_none(
    name: str, query: str, passage: str
) -> None:
    assert find_prefixes(name, {"query": "", "document": ""}) == (query, passage)


def test_prompts_that_a_folder_states_win_over_the_rule() -> None:
    prompts = {"query": "Q: ", "passage": "P: "}

    assert find_prefixes("m3e-base", prompts) == ("Q: ", "P: ")


def test_a_folder_is_told_from_another_with_other_weights(
    embedders: Any, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    from ragqa.models.fingerprint import fingerprint

    copy = tmp_path / "m3e-small"
    copy.mkdir()
    for path in tiny_model("m3e-small").iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    before = fingerprint(copy)
    with (copy / "pytorch_model.bin").open("r+b") as weights:
        weights.seek(-1, 2)
        weights.write(b"\x7f")

    assert embedders("m3e-small").name != embedders("m3e-base").name
    assert fingerprint(copy) != before


def test_weights_that_are_missing_are_named_with_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"m3e-base .*looked in .*ragqa models pull m3e-base"):
        SentenceTransformerEmbedder("m3e-base", models_folder=tmp_path, offline=True)
    with pytest.raises(ModelMissing, match=r"moka-ai/m3e-base .*RAGQA_OFFLINE.*pull m3e-base"):
        SentenceTransformerEmbedder("moka-ai/m3e-base", models_folder=tmp_path, offline=True)


def test_a_damaged_folder_is_refused_in_a_sentence(
    tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    for path in tiny_model("m3e-small").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"cut short")

    with pytest.raises(ModelMissing, match="cannot be loaded"):
        SentenceTransformerEmbedder(tmp_path, offline=True)


@pytest.mark.parametrize("kind", ["e5", "m3e-base", "text2vec-base-chinese"])
def test_the_tokens_of_a_text_come_with_its_vector(kind: str, embedders: Any) -> None:
    embedder: SentenceTransformerEmbedder = embedders(kind)
    texts = ["海河大桥于2011年9月通车。", "tea", "the bridge opened in September"]

    found = embedder.embed_words(texts)

    assert np.allclose([one.whole for one in found], embedder.embed_passages(texts), atol=0.02)
    for text, one in zip(texts, found, strict=True):
        assert one.tokens.shape == (len(one.texts), embedder.dimension)
        assert np.allclose(np.linalg.norm(one.tokens, axis=1), 1, atol=1e-3)
        # A random vocabulary does not know the words; e5 does.
        assert kind != "e5" or "".join(one.texts) == text.replace(" ", "")


UNCHANGED = Adapter(99, ())


@pytest.mark.parametrize("kind", ["e5", "text2vec-base-chinese"])
def test_a_text_read_with_a_question_tells_what_the_model_made_of_it(
    kind: str, embedders: Any
) -> None:
    embedder = embedders(kind)
    texts = ["海河大桥于2011年9月通车。", "The bridge is long."]

    found = embedder.read_pairs("海河大桥何时通车？", texts, UNCHANGED)
    [other, _] = embedder.read_pairs("桥有多长？", texts, UNCHANGED)

    for text, pair in zip(texts, found, strict=True):
        assert pair.states.shape == (len(pair.offsets), embedder.dimension)
        assert pair.offsets.min() == 0
        assert pair.offsets.max() == len(text)
    assert np.abs(found[0].states - other.states).max() > 0.01


def test_texts_are_read_as_transformers_reads_them(embedders: Any, models_folder: Path) -> None:
    texts = ["全长2.3公里。", "海河大桥由李文清设计。"]
    model: Any = SentenceTransformer(str(models_folder / "multilingual-e5-small-q4"), device="cpu")
    given = model.tokenizer(["query: 桥有多长？"] * 2, texts, padding=True, return_tensors="pt")

    with torch.inference_mode():
        expected = model.eval()[0].auto_model(**given).last_hidden_state.numpy()
    found = embedders("e5").read_pairs("桥有多长？", texts, UNCHANGED)

    for row, pair in enumerate(found):
        inside = [at for at, side in enumerate(given.sequence_ids(row)) if side == 1]
        assert np.allclose(pair.states, expected[row, inside], atol=1e-4)


def test_an_adapter_changes_the_reading_it_is_for_and_no_vector(embedders: Any) -> None:
    embedder = embedders("e5")
    before = embedder.embed_passages(["何时通车"])
    down, up = np.eye(4, embedder.dimension), np.ones((embedder.dimension, 4))
    change = {"query": (down.astype(np.float32), up.astype(np.float32))}

    [plain] = embedder.read_pairs("何时通车？", ["2011年9月通车。"], UNCHANGED)
    [changed] = embedder.read_pairs("何时通车？", ["2011年9月通车。"], Adapter(11, (change,)))
    [again] = embedder.read_pairs("何时通车？", ["2011年9月通车。"], UNCHANGED)

    assert np.abs(plain.states - changed.states).max() > 0.05
    assert np.array_equal(plain.states, again.states)
    assert np.array_equal(embedder.embed_passages(["何时通车"]), before)


def test_a_short_answer_is_seen_in_its_sentence(embedders: Any) -> None:
    sentence = "海河大桥由李文清设计，于2011年9月通车，全长2.3公里。"
    asked = {"谁设计了海河大桥？": "李文清", "海河大桥是哪一年通车的？": "2011年"}

    for question, answer in asked.items():
        [reading] = read_texts(question, [[sentence]], embedders("e5")) or []
        chances = reading.likelihood()
        first, last = np.unravel_index(chances.argmax(), chances.shape)
        said = sentence[reading.offsets[first][0] : reading.offsets[last][1]]
        assert chances.sum() == pytest.approx(1)
        assert answer in said


def test_what_a_question_only_asks_with_does_not_count_in_its_nearness(embedders: Any) -> None:
    sentence = "海河大桥于2011年9月通车。"

    [asked], [named], [other] = (
        measure(question, [sentence], embedders("e5"))
        for question in ("海河大桥是什么时候通车的呢？", "海河大桥 通车", "海河大桥的造价")
    )

    assert asked.words is not None
    assert named.words is not None
    assert other.words is not None
    assert abs(asked.words - named.words) < 0.15
    assert other.words < asked.words - 0.05


@pytest.mark.parametrize("kind", MEANINGFUL)
def test_nearness_is_none_for_unrelated_and_whole_for_the_same_text(
    kind: str, embedders: Any
) -> None:
    question = "海河大桥有多长？"

    far, near, same = measure(
        question, ["午饭吃面条。", "海河大桥全长两公里。", question], embedders(kind)
    )

    assert far.whole < 0.35
    assert far.whole < near.whole < same.whole
    assert 0.7 < same.whole < 1.01


def test_packed_weights_give_the_same_vectors_to_the_last_bit(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> SentenceTransformerEmbedder:
        return SentenceTransformerEmbedder(
            "multilingual-e5-small-q4",
            models_folder=models_folder,
            offline=True,
            precision="bfloat16",
        )

    packed = load()
    monkeypatch.setattr(weights, "pack_linears", lambda model: model)
    plain = load()
    texts = ["合同金额", "a dog and a cat", "年" * 60, "The rate of interest is 4.35 %."]

    assert [type(module).__name__ for module in packed._model.modules()].count("PackedLinear") > 70
    np.testing.assert_array_equal(packed.embed_passages(texts), plain.embed_passages(texts))
    np.testing.assert_array_equal(packed.embed_query(texts[0]), plain.embed_query(texts[0]))
