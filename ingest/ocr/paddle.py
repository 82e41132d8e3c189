"""PP-OCRv6 small through PaddleOCR 3 on ONNX Runtime, from folders on this machine."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.ocr.lean import room_to_reserve
from ingest.ocr.rapid import edges_between, spread
from ingest.ports import Recognized
from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FOLDER = "ppocrv6-small"
DETECTION, RECOGNITION = "PP-OCRv6_small_det", "PP-OCRv6_small_rec"
_CHANGE_SOURCE = "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"
LEAST_SCORE = 0.5


class PaddleOcr:
    """PaddleOCR without paddlepaddle: its ONNX Runtime engine over PaddleX model folders."""

    def __init__(self, models_folder: Path, *, threads: int = 1) -> None:
        """Look for the package and the weights.

        Raises:
            ModelMissing: If one of them is not on this machine.
        """
        if importlib.util.find_spec("paddleocr") is None:
            raise ModelMissing("the package paddleocr is not installed: pip install paddleocr")
        self._folder = models_folder / FOLDER
        for name in (DETECTION, RECOGNITION):
            if not (self._folder / name / "inference.yml").is_file():
                raise ModelMissing(
                    f"PaddleOCR's weights are not in {self._folder / name}: "
                    f"run `ragqa models pull {FOLDER}`"
                )
        self._threads = threads
        self._engine: Any = None

    @property
    def name(self) -> str:
        """Engine and model."""
        return "paddleocr:PP-OCRv6-small"

    @room_to_reserve()
    def recognize(self, image: NDArray[np.uint8]) -> list[Recognized]:
        """Return the lines of a BGR image."""
        if not image.size:
            return []
        found: list[Recognized] = []
        for page in self._load().predict(image, return_word_box=True):
            words = page.get("text_word") or [[] for _ in page["rec_texts"]]
            regions = page.get("text_word_region") or [[] for _ in page["rec_texts"]]
            for text, score, corners, word, region in zip(
                page["rec_texts"],
                page["rec_scores"],
                page["rec_polys"],
                words,
                regions,
                strict=True,
            ):
                if text.strip() and score >= LEAST_SCORE:
                    place = np.asarray(corners, np.float32).reshape(4, 2)
                    edges = _edges(text, place, word, region)
                    found.append(Recognized(text, place, float(score), edges))
        return found

    def _load(self) -> Any:
        if self._engine is None:
            import os

            # Its own switch for "do not look for model servers"; it is read at import.
            os.environ.setdefault(_CHANGE_SOURCE, "True")  # noqa: TID251
            from paddleocr import PaddleOCR

            self._engine = PaddleOCR(
                text_detection_model_name=DETECTION,
                text_detection_model_dir=str(self._folder / DETECTION),
                text_recognition_model_name=RECOGNITION,
                text_recognition_model_dir=str(self._folder / RECOGNITION),
                use_doc_orientation_classify=False,
                use_doc_unwarping=False,
                use_textline_orientation=False,
                text_det_limit_side_len=4000,
                text_det_limit_type="max",
                engine="onnxruntime",
                cpu_threads=self._threads,
            )
        return self._engine


def _edges(
    text: str, corners: NDArray[np.float32], words: Any, regions: Any
) -> NDArray[np.float32]:
    """Place characters by the boxes of the words they belong to, evenly inside a word."""
    along = corners[1] - corners[0]
    length = float(np.dot(along, along)) or 1.0
    centres: list[float] = []
    known: list[int] = []
    at = 0
    for word, region in zip(words, regions, strict=False):
        start = text.find(word, at)
        if start < 0 or not word:
            continue
        places = ((np.asarray(region, np.float32).reshape(-1, 2) - corners[0]) @ along) / length
        begin, end = float(places.min()), float(places.max())
        for index in range(len(word)):
            known.append(start + index)
            centres.append(begin + (end - begin) * (index + 0.5) / len(word))
        at = start + len(word)
    if len(known) < 2:
        return spread(len(text))
    return edges_between(np.interp(np.arange(len(text)), known, np.maximum.accumulate(centres)))
