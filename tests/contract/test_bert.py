"""Our own reading of a BERT folder is that of sentence-transformers, to the last bit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from sentence_transformers import SentenceTransformer

from ragqa.errors import ModelMissing
from ragqa.models.bert import Bert, stated_shape
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = [
    "合同金额为三千万元。",
    "The annual rate of interest is 4.35 %, paid on 3 May.",
    "",
    " \t\n　全角　空格",
    "ﬁ ligature ½ ① e\u0301",
    "😀👍🏽 <mask> </s>",
    "年" * 3000,
    "abc " * 900,
]


@pytest.fixture(scope="module")
def folder(models_folder: Path) -> Path:
    return models_folder / "multilingual-e5-small-q4"


def copied(folder: Path, to: Path) -> Path:
    """Link the files of a model folder, to change one of them."""
    for path in folder.rglob("*"):
        if path.is_file():
            (to / path.relative_to(folder)).parent.mkdir(exist_ok=True)
            (to / path.relative_to(folder)).symlink_to(path)
    return to


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tokens_and_vectors_are_those_of_sentence_transformers(
    dtype: torch.dtype, folder: Path
) -> None:
    shape = stated_shape(folder)
    assert shape is not None
    ours = Bert(shape, dtype)
    theirs: Any = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": dtype}
    ).eval()

    for texts in (TEXTS, TEXTS[1:2]):
        given = ours.preprocess(texts, prompt="passage: ")
        expected = theirs.preprocess(texts, prompt="passage: ")
        with torch.inference_mode():
            found, wanted = ours(given), theirs(dict(expected))

        for name in ("input_ids", "attention_mask"):
            assert torch.equal(given[name], expected[name])
        read = given["attention_mask"].bool()
        assert torch.equal(found["token_embeddings"][read], wanted["token_embeddings"][read])
        assert torch.equal(found["sentence_embedding"], wanted["sentence_embedding"])
    special = theirs.tokenizer.num_special_tokens_to_add()
    assert ours.tokenizer.num_special_tokens_to_add() == special
    assert ours.max_seq_length == theirs.max_seq_length


def test_the_default_model_needs_no_library_but_pytorch(folder: Path) -> None:
    code = (
        "import sys; from ragqa.models.sentence_transformer import SentenceTransformerEmbedder; "
        f"SentenceTransformerEmbedder({str(folder)!r}, offline=True).embed_query('x'); "
        "print(sorted({'transformers', 'sentence_transformers', 'sympy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("model", "needed"), [("folder", False), ("m3e-base", True)])
def test_a_start_imports_ahead_what_its_model_needs_and_no_more(
    model: str, needed: bool, folder: Path, tiny_model: Callable[[str], Path]
) -> None:
    chosen = folder if model == "folder" else tiny_model(model)
    code = (
        "import sys; from ragqa.settings import load_settings; "
        "from ragqa.wiring import import_embedder; "
        f"import_embedder(load_settings(folder=None, embedding_model={str(chosen)!r})); "
        "print('torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == f"True {needed}"


@pytest.mark.parametrize("kind", ["m3e-base", "text2vec-base-chinese"])
def test_folders_that_state_another_shape_are_left_to_sentence_transformers(
    kind: str, tiny_model: Callable[[str], Path]
) -> None:
    assert stated_shape(tiny_model(kind)) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", {"model_type": "xlm-roberta"}),
        ("config.json", {"hidden_act": "gelu_new"}),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}),
        ("tokenizer_config.json", {"tokenizer_class": "BertTokenizer"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
    ],
)
def test_one_file_that_says_otherwise_makes_it_another_shape(
    name: str, change: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    copy = copied(folder, tmp_path)
    said = json.loads((copy / name).read_text("utf-8"))
    assert stated_shape(copy) is not None
    (copy / name).unlink()
    (copy / name).write_text(json.dumps(said | change), "utf-8")

    assert stated_shape(copy) is None


def test_weights_that_are_not_of_the_stated_shape_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = copied(folder, tmp_path)
    config = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").unlink()
    (copy / "config.json").write_text(json.dumps(config | {"vocab_size": 1000}), "utf-8")

    with pytest.raises(ModelMissing, match=r"cannot be loaded: .*word_embeddings.*250037"):
        SentenceTransformerEmbedder(copy, offline=True)


def test_what_was_read_of_the_word_vectors_is_given_back(folder: Path) -> None:
    shape = stated_shape(folder)
    assert shape is not None
    ours = Bert(shape, torch.float32)

    with torch.inference_mode():
        ours(ours.preprocess(TEXTS))

    # Threads that earlier tests left may be in the middle of a pass of the same weights.
    until = time.monotonic() + 10
    while resident_of(folder / "model.safetensors") > 100_000 and time.monotonic() < until:
        time.sleep(0.1)
    assert resident_of(folder / "model.safetensors") <= 100_000


def resident_of(file: Path) -> int:
    """Return how many bytes of a file this process has in memory through mappings."""
    mappings = re.split(
        r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.M
    )
    ours = [one for one in mappings if one.partition("\n")[0].endswith(str(file.resolve()))]
    assert ours
    return sum(1024 * int(re.findall(r"^Rss: +(\d+) kB", one, flags=re.M)[0]) for one in ours)
