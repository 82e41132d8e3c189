"""PP-OCRv6 small through PaddleOCR 3 on ONNX Runtime, from folders on this machine."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.ocr.lean import room_to_reserve
from ingest.ocr.lone import LEAST_SURE, lone_characters
from ingest.ocr.rapid import edges_between, spread
from ingest.ports import Recognized
from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    def recognize(self, image: NDArray[np.uint8], *, enlarge: bool = True) -> list[Recognized]:
        """Return the lines of a BGR image, which is never blown up."""
        del enlarge
        if not image.size:
            return []
        inside = self._load().paddlex_pipeline._pipeline
        (found,) = inside.text_det_model([image])
        if not len(found["dt_polys"]):
            return []
        corners = np.asarray(inside._sort_boxes(found["dt_polys"]), np.float32).reshape(-1, 4, 2)
        lines = len(corners)
        corners = np.concatenate([corners, lone_characters(image, corners)])
        crops = list(inside._crop_by_polys(image, list(corners)))
        # As many as are read together are made equally wide: those of one length belong together.
        order = [
            number for number in np.argsort([_shape(crop) for crop in crops]) if crops[number].size
        ]
        read = inside.text_rec_model([crops[number] for number in order], return_word_box=True)
        recognized: dict[int, Recognized] = {}
        for number, result in zip(order, read, strict=True):
            (text, seen), score = result["rec_text"], float(result["rec_score"])
            if not text.strip() or score < LEAST_SCORE:
                continue
            if number >= lines and not (text.strip().isalnum() and score >= LEAST_SURE):
                continue
            recognized[number] = Recognized(
                text, corners[number], score, _edges(text, seen), _sure(text, seen)
            )
        return [recognized[number] for number in sorted(recognized)]

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
                # Else it starts a thread a core in every process, each tied to the same core.
                engine_config={"intra_op_num_threads": self._threads},
            )
            inside = self._engine.paddlex_pipeline._pipeline
            for network in (inside.text_det_model, inside.text_rec_model):
                network.runner.session = _Lean(network.runner.session)
            inside.text_rec_model.post_op = _Telling(inside.text_rec_model.post_op)
        return self._engine


class _Lean:
    """Stands where a session of ONNX Runtime stood, and gives its memory back after each run.

    Else it keeps two gigabytes after the second page, more than a page may use.
    """

    def __init__(self, session: Any) -> None:
        import onnxruntime

        self._session = session
        self._options = onnxruntime.RunOptions()
        self._options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def run(self, names: Sequence[str], feeds: Any) -> Any:
        """Return the network's outputs of these names."""
        return self._session.run(names, feeds, self._options)


class _Telling:
    """Stands where the decoder of lines stood, and also tells how sure each character is.

    The decoder averages that over the line and keeps nothing else.
    """

    def __init__(self, decode: Any) -> None:
        self._decode = decode

    def __call__(
        self, pred: Any, **options: Any
    ) -> tuple[list[tuple[str, list[Any]]], list[float]]:
        """Return texts with what was seen of them, and the confidence of each line.

        Args:
            pred: In a list, how likely each class is: (lines, columns, classes), class 0 no
                character.
            options: The decoder's own.
        """
        texts, scores = self._decode(pred, **options)
        classes, likely = np.argmax(pred[0], axis=-1), np.max(pred[0], axis=-1)
        new = np.pad(classes[:, 1:] != classes[:, :-1], ((0, 0), (1, 0)), constant_values=True)
        told = [
            (text, [*seen, row[at].tolist()])
            for (text, seen), row, at in zip(texts, likely, new & (classes != 0), strict=True)
        ]
        return told, scores


def _shape(crop: NDArray[np.uint8]) -> float:
    height, width = crop.shape[:2]
    return float(width / max(1, height))


def _edges(text: str, seen: Sequence[Any]) -> NDArray[np.float32]:
    """Place the characters of a line by the columns in which the network saw them.

    Args:
        text: What was read.
        seen: How many columns the line has, its words, and the columns of the characters of each.
    """
    columns = [column for word in seen[2] for column in word]
    if len(columns) != len(text) or not text:
        return spread(len(text))
    return edges_between(np.minimum((np.array(columns) + 0.5) / max(1.0, float(seen[0])), 1.0))


def _sure(text: str, seen: Sequence[Any]) -> tuple[float, ...]:
    """Return the confidence of each character; nothing where it is not told for each."""
    return tuple(round(float(one), 3) for one in seen[-1]) if len(seen[-1]) == len(text) else ()
