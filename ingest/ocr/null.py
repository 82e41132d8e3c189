"""No OCR: a choice of its own, so that pages without text are reported and never lost quietly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ingest.ports import Recognized


class NullOcr:
    """Refuses every image, with the reason."""

    def __init__(self, reason: str = "OCR is switched off (RAGQA_OCR_ENGINE=none)") -> None:
        self._reason = reason

    @property
    def name(self) -> str:
        """Written into page keys: pages without OCR are read again once there is an engine."""
        return "none"

    def recognize(self, image: NDArray[np.uint8], *, enlarge: bool = True) -> list[Recognized]:
        """Raise.

        Raises:
            ModelMissing: Always.
        """
        del image, enlarge
        raise ModelMissing(self._reason)
