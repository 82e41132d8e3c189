"""PP-OCRv6 small through RapidOCR, by OpenVINO where it is installed, else by ONNX Runtime."""

from __future__ import annotations

import importlib.util
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.ports import Recognized
from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_SCORE = 0.5
"""Lines the engine itself doubts more than this are noise: specks, rules, halves of pictures."""


class RapidOcr:
    """RapidOCR with the weights its package carries; the models load at the first page."""

    def __init__(self, *, threads: int = 1) -> None:
        """Choose the runtime.

        Raises:
            ModelMissing: If the package ``rapidocr`` is not installed.
        """
        if importlib.util.find_spec("rapidocr") is None:
            raise ModelMissing("the package rapidocr is not installed: pip install rapidocr")
        self._threads = threads
        self._runtime = "openvino" if importlib.util.find_spec("openvino") else "onnxruntime"
        self._engine: Any = None

    @property
    def name(self) -> str:
        """Engine, model and runtime."""
        return f"rapidocr:PP-OCRv6-small:{self._runtime}"

    def recognize(self, image: NDArray[np.uint8]) -> list[Recognized]:
        """Return the lines of a BGR image."""
        engine = self._load()
        found = engine.detect_and_crop(image, {}) if image.size else None
        if found is None:
            return []
        crops, detected = found
        read = engine.recognize_txt(crops)
        shift = np.array([0, _padding(image, detected.img)], np.float32)
        return [
            Recognized(text, corners.astype(np.float32) - shift, float(score), edges_of(text, word))
            for text, corners, score, word in zip(
                read.txts, detected.boxes, read.scores, read.word_results, strict=True
            )
            if text.strip() and score >= LEAST_SCORE
        ]

    def _load(self) -> Any:
        if self._engine is None:
            from rapidocr import EngineType, RapidOCR

            kind = EngineType.OPENVINO if self._runtime == "openvino" else EngineType.ONNXRUNTIME
            self._engine = _Engine(
                RapidOCR(
                    params={
                        "Global.log_level": "error",
                        "Global.use_cls": False,
                        "Global.return_word_box": True,
                        "Det.engine_type": kind,
                        "Rec.engine_type": kind,
                        "EngineConfig.openvino.inference_num_threads": self._threads,
                        "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                    }
                )
            )
        return self._engine


class _Engine:
    """RapidOCR's two steps, where "nothing found" is no error."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def detect_and_crop(self, image: NDArray[np.uint8], record: dict[str, Any]) -> Any:
        from rapidocr.main import RapidOCRError

        try:
            return self._engine.detect_and_crop(image, record)
        except RapidOCRError:
            return None

    def recognize_txt(self, crops: Any) -> Any:
        return self._engine.recognize_txt(crops)


def edges_of(text: str, word: Any) -> NDArray[np.float32]:
    """Place the characters of a line by the columns in which the network saw them.

    Args:
        text: What was read.
        word: RapidOCR's ``WordInfo``: columns of the characters that are not blank, and how many
            columns the line has.

    Returns:
        Shape (len(text), 2), begin and end of each character in [0, 1].
    """
    columns = list(itertools.chain.from_iterable(word.word_cols or ()))
    solid = [index for index, char in enumerate(text) if not char.isspace()]
    total = max(1.0, float(word.line_txt_len))
    if len(columns) != len(solid) or not solid:
        return spread(len(text))
    centres = np.interp(np.arange(len(text)), solid, (np.array(columns) + 0.5) / total)
    return edges_between(centres)


def edges_between(centres: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn centres into adjoining intervals that meet half-way."""
    if len(centres) == 1:
        return np.array([[0.0, 1.0]], np.float32)
    middles = (centres[1:] + centres[:-1]) / 2
    first = max(0.0, 2 * centres[0] - middles[0])
    last = min(1.0, 2 * centres[-1] - middles[-1])
    borders = np.clip(np.concatenate([[first], middles, [last]]), 0, 1)
    return np.stack([borders[:-1], borders[1:]], axis=1).astype(np.float32)


def spread(count: int) -> NDArray[np.float32]:
    """Divide the line evenly between ``count`` characters."""
    borders = np.linspace(0, 1, count + 1)
    return np.stack([borders[:-1], borders[1:]], axis=1).astype(np.float32)


def _padding(image: NDArray[np.uint8], padded: Sequence[Any] | Any) -> float:
    """RapidOCR pads a flat image above and below before it looks."""
    return float(np.shape(padded)[0] - image.shape[0]) / 2
