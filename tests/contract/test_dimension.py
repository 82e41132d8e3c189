from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ragqa.models.dimension import stated_dimension
from ragqa.models.resolve import Located, resolve_embedding_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Callable[[str], Path]) -> Path:
    """A folder as M3E's, of 768 dimensions, that may be changed."""
    for file in tiny_model("m3e-base").rglob("*"):
        if file.is_file():
            copy = tmp_path / file.relative_to(tiny_model("m3e-base"))
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    return tmp_path


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


@pytest.mark.parametrize(
    ("name", "dimension"), [("m3e-base", 768), ("m3e-small", 512), ("text2vec-base-chinese", 768)]
)
def test_folders_of_the_usual_shape_state_how_long_their_vectors_are(
    name: str, dimension: int, tiny_model: Callable[[str], Path]
) -> None:
    assert stated_dimension(Located(name, str(tiny_model(name)))) == dimension


def test_the_default_model_states_it_too(models_folder: Path) -> None:
    located = resolve_embedding_model("multilingual-e5-small-q4", models_folder)

    assert stated_dimension(located) == 384


def test_a_layer_behind_the_pooling_is_left_to_the_loaded_model(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([*modules, dense]), "utf-8")

    assert stated_dimension(Located("dense", str(folder))) is None


@pytest.mark.parametrize(
    "stated",
    [
        {"pooling_mode_cls_token": True},  # beside the mean: vectors of twice the length
        {"pooling_mode_mean_tokens": False, "pooling_mode": ["cls", "mean"]},
        {"word_embedding_dimension": 512},  # the network has 768
    ],
)
def test_a_pooling_that_is_odd_is_left_to_the_loaded_model(
    folder: Path, stated: dict[str, Any]
) -> None:
    change(folder / "1_Pooling" / "config.json", **stated)

    assert stated_dimension(Located("odd", str(folder))) is None


def test_a_folder_without_weights_is_left_to_whoever_says_so(folder: Path) -> None:
    for weights in [*folder.glob("*.safetensors"), *folder.glob("*.bin")]:
        weights.unlink()

    assert stated_dimension(Located("empty", str(folder))) is None


def test_nothing_is_known_of_a_model_on_a_hub() -> None:
    assert stated_dimension(Located("a/b", "a/b", on_hub=True)) is None


def test_making_a_collection_loads_no_model(tmp_path: Path, models_folder: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ragqa.settings import load_settings\n"
        "from ragqa.wiring import open_services\n"
        "given = dict(home=Path(sys.argv[1]), models=Path(sys.argv[2]))\n"
        "with open_services(load_settings(folder=None, **given)) as services:\n"
        "    made = services.create_collection('papers')\n"
        "print(made.dimension, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "home"), str(models_folder)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["384", "False"]
