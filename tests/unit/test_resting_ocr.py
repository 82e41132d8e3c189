"""An OCR engine gives its models back when pages no longer need it."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from ingest.ocr.null import NullOcr
from ingest.ocr.resting import PAGES_WITHOUT, RestingOcr
from ragqa.errors import ModelMissing


def test_the_engine_is_built_anew_after_many_pages_that_did_not_need_it() -> None:
    built: list[NullOcr] = []

    def build() -> NullOcr:
        built.append(NullOcr())
        return built[-1]

    def read(pages: int, *, ocr: bool) -> None:
        for _ in range(pages):
            with engine.for_page():
                if ocr:
                    with suppress(ModelMissing):
                        engine.recognize(np.zeros((4, 4, 3), np.uint8))

    engine = RestingOcr(build)
    read(3 * PAGES_WITHOUT, ocr=False)
    assert len(built) == 1  # nothing was loaded
    read(1, ocr=True)
    read(PAGES_WITHOUT - 1, ocr=False)
    read(1, ocr=True)
    read(PAGES_WITHOUT - 1, ocr=False)
    assert len(built) == 1
    read(1, ocr=False)
    assert len(built) == 2
    read(3 * PAGES_WITHOUT, ocr=False)
    assert len(built) == 2
    assert engine.name == NullOcr().name
