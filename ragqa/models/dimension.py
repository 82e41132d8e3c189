"""The length of an embedding model's vectors, from what its folder states: nothing is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragqa.models.resolve import Located

KNOWN = frozenset({"Transformer", "Pooling", "Normalize"})
"""Modules after which vectors are as long as the pooling says."""
WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def stated_dimension(located: Located) -> int | None:
    """Return how long the model's vectors are; None: only the loaded model can tell.

    That is so for a hub id, for a folder without weights or with modules that are not known here,
    and for one whose pooling puts several vectors side by side.
    """
    folder = Path(located.source)
    if located.on_hub or not any(next(folder.glob(names), None) for names in WEIGHTS):
        return None
    try:
        modules = {
            str(one["type"]).rpartition(".")[2]: folder / str(one["path"])
            for one in _read(folder / "modules.json")
        }
        if not {"Transformer", "Pooling"} <= modules.keys() <= KNOWN:
            return None
        read = _read(modules["Transformer"] / "config.json")["hidden_size"]
        pooled = _pooled(_read(modules["Pooling"] / "config.json"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return pooled if pooled == read else None


def _pooled(stated: dict[str, Any]) -> int | None:
    ways = [way for name, way in stated.items() if name.startswith("pooling_mode") and way]
    if len(ways) != 1 or not isinstance(ways[0], bool | str):
        return None
    length = stated.get("embedding_dimension", stated.get("word_embedding_dimension"))
    return length if isinstance(length, int) else None


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
