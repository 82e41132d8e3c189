"""PP-OCRv6 small through RapidOCR, by OpenVINO where it is installed, else by ONNX Runtime."""

from __future__ import annotations

import importlib.util
import itertools
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.ocr.lean import (
    LeanSession,
    LineSession,
    PageSession,
    keep_to_itself,
    read_quickly,
    room_to_reserve,
    uncompiled,
)
from ingest.ocr.lone import LEAST_SURE, lone_characters
from ingest.ports import Recognized
from ragqa.errors import ModelMissing
from ragqa.memory import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LEAST_SCORE = 0.5
"""Lines the engine itself doubts more than this are noise: specks, rules, halves of pictures."""
_TILE_PIXELS = 1_500_000
"""As much goes through the detector at once: two thirds of an A4 page at 150 dpi."""
_TILE_WIDTH = 1600
_CONTEXT = 192
"""Pixels that a tile sees of its neighbours: more than the network looks around a point."""
_LARGE = 736, 384
"""Pixels of the shorter side up to which an image is blown up, and one whose text is known to be as
large as that of pages: it is found no worse so, in half the time."""
_BLOCK = 16
"""Pixels, square, that are blank or drawn on together; those beside drawn ones count so too."""
_FLAT = 0.06
"""Most by which blank paper differs in a block, of the range from -1 to 1: eight steps of grey."""


class RapidOcr:
    """RapidOCR with the weights its package carries; the models load at the first page."""

    def __init__(self, *, threads: int = 1, kept: Path | None = None) -> None:
        """Choose the runtime; what it compiles may be kept in a folder, for the next process.

        Raises:
            ModelMissing: If the package ``rapidocr`` is not installed.
        """
        if importlib.util.find_spec("rapidocr") is None:
            raise ModelMissing("the package rapidocr is not installed: pip install rapidocr")
        self._threads = threads
        self._kept = kept
        self._runtime = "openvino" if importlib.util.find_spec("openvino") else "onnxruntime"
        self._engine: Any = None

    @property
    def name(self) -> str:
        """Engine, model and runtime."""
        return f"rapidocr:PP-OCRv6-small:{self._runtime}"

    @room_to_reserve()
    def recognize(self, image: NDArray[np.uint8], *, enlarge: bool = True) -> list[Recognized]:
        """Return the lines of a BGR image; it is blown up while looking for them, if it may be."""
        if not image.size:
            return []
        engine = self._load()
        engine.text_det.limit_side_len = _LARGE[0] if enlarge else _LARGE[1]
        above = _padding(image)
        if above:
            image = np.pad(image, ((above, above), (0, 0), (0, 0)), mode="edge")
        corners = self._detect(engine, image)
        if not len(corners):
            return []
        lines = len(corners)
        corners = np.concatenate([corners, lone_characters(image, corners)])
        read = engine.recognize_txt(engine.crop_text_regions(image, corners))
        shift = np.array([0, above], np.float32)
        return [
            Recognized(
                text,
                place.astype(np.float32) - shift,
                float(score),
                edges_of(text, word),
                tuple(round(sure, 3) for sure in word.confs)
                if len(word.confs) == len(text)
                else (),
            )
            for index, (text, place, score, word) in enumerate(
                zip(read.txts, corners, read.scores, read.word_results, strict=True)
            )
            if (text.strip() and score >= LEAST_SCORE)
            and (index < lines or (text.strip().isalnum() and score >= LEAST_SURE))
        ]

    def _detect(self, engine: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the corners of lines, shape (n, 4, 2).

        The network's memory grows with the image, so a large one goes through it in tiles that
        overlap by more than the network sees around a point.
        """
        detector = engine.text_det
        pixels = detector.get_preprocess()(image)
        if pixels is None:
            return np.zeros((0, 4, 2), np.float32)
        height, width = pixels.shape[2:]
        likely = np.zeros((1, 1, height, width), np.float32)
        try:
            self._look(detector.session, pixels, likely)
            likely *= _drawn(pixels[0])
        finally:
            if isinstance(detector.session, LeanSession):
                # Activations of the detector are half a gigabyte that the recogniser could use.
                detector.session.release()
        corners, _ = detector.postprocess_op(likely, image.shape[:2])
        return np.asarray(detector.sorted_boxes(corners) if len(corners) else corners)

    def _look(self, network: Any, pixels: NDArray[np.float32], likely: NDArray[np.float32]) -> None:
        """Fill ``likely``, shape (1, 1, height, width), with how likely text is at each pixel."""
        height, width = likely.shape[2:]
        for rows, columns in _tiles(height, width):
            top, bottom = max(0, rows.start - _CONTEXT), min(height, rows.stop + _CONTEXT)
            left, right = max(0, columns.start - _CONTEXT), min(width, columns.stop + _CONTEXT)
            part = np.asarray(network(np.ascontiguousarray(pixels[:, :, top:bottom, left:right])))
            inner = part[:, :, rows.start - top : rows.stop - top]
            likely[:, :, rows, columns] = inner[..., columns.start - left : columns.stop - left]

    def _load(self) -> Any:
        if self._engine is None:
            keep_to_itself()
            with uncollected():
                self._engine = self._built()
        return self._engine

    def _built(self) -> Any:
        with read_quickly():
            from rapidocr import EngineType, RapidOCR

        by_openvino = self._runtime == "openvino"
        kind = EngineType.OPENVINO if by_openvino else EngineType.ONNXRUNTIME
        engine = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Global.return_word_box": True,
                "Det.engine_type": kind,
                "Rec.engine_type": kind,
                # One line at a time pads nothing: faster than six, in a third of the memory.
                "Rec.rec_batch_num": 1,
                "EngineConfig.openvino.inference_num_threads": self._threads,
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
            }
        )
        with uncompiled() if by_openvino else nullcontext():
            engine._load_det_model()
            engine._load_rec_model()
        if by_openvino:
            detector, recogniser = engine.text_det, engine.text_rec
            detector.session = PageSession(
                detector.session.model, threads=self._threads, kept=self._kept
            )
            recogniser.session = LineSession(
                recogniser.session.model, threads=self._threads, kept=self._kept
            )
        return engine


def _drawn(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say where on ``(channels, height, width)`` something is drawn or close by: (height, width).

    On a large blank area the network is undecided, in a pattern of thousands of specks that crowd
    out the lines of the page.
    """
    height, width = pixels.shape[1:]
    below, beside = -height % _BLOCK, -width % _BLOCK
    grey = np.pad(pixels.mean(axis=0), ((0, below), (0, beside)), mode="edge")
    blocks = grey.reshape(grey.shape[0] // _BLOCK, _BLOCK, -1, _BLOCK)
    inked = np.pad(blocks.max(axis=(1, 3)) - blocks.min(axis=(1, 3)) > _FLAT, 1)
    rows, columns = inked.shape
    near = np.zeros((rows - 2, columns - 2), np.bool_)
    for down in range(3):
        for right in range(3):
            near |= inked[down : rows - 2 + down, right : columns - 2 + right]
    whole: NDArray[np.bool_] = near.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
    return whole[:height, :width]


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


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield (rows, columns) that cover an image; borders lie on multiples of 32 pixels."""
    across = -(-width // _TILE_WIDTH)
    wide = -(-width // across // 32) * 32
    seen = wide + _CONTEXT * min(2, across - 1)
    high = max(_CONTEXT, (_TILE_PIXELS // seen - 2 * _CONTEXT) // 32 * 32)
    if height <= high + 2 * _CONTEXT:
        high = height
    for top in range(0, height, high):
        for left in range(0, width, wide):
            yield slice(top, min(height, top + high)), slice(left, min(width, left + wide))


def _padding(image: NDArray[np.uint8]) -> int:
    """Return the rows to add above and below a thin image.

    The detector is blind to what fills an image, and blows one up until its shorter side has 736
    pixels: a single line would become ten million.
    """
    height, width = image.shape[:2]
    least = max(width // 4, 60)
    return (least - height) // 2 + 16 if height < least else 0
