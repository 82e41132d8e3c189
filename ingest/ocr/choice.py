"""Which OCR engine: the one that is asked for, or the best one installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.ocr.null import NullOcr
from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from ingest.ports import OcrEngine
    from ingest.types import ReadOptions


COMPILED = "compiled"
"""Folder among the models in which networks are kept as they were compiled for this machine."""


def choose_engine(options: ReadOptions) -> OcrEngine:
    """Return the engine; where there is none, one that says why it reads nothing."""
    wanted = options.ocr_engine
    if wanted == "none" or options.ocr == "never":
        return NullOcr()
    problems = []
    for name in (wanted,) if wanted else ("rapidocr", "paddleocr"):
        try:
            return _build(name, options)
        except ModelMissing as error:
            problems.append(str(error))
    return NullOcr("; ".join(problems))


def _build(name: str, options: ReadOptions) -> OcrEngine:
    if name == "rapidocr":
        from ingest.ocr.rapid import RapidOcr

        folder = options.models_folder
        return RapidOcr(kept=folder / COMPILED if folder.is_absolute() else None)
    if name == "paddleocr":
        from ingest.ocr.paddle import PaddleOcr

        return PaddleOcr(options.models_folder)
    raise ModelMissing(f"no OCR engine {name!r}: expected rapidocr, paddleocr or none")
