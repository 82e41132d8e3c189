"""Ask questions of your own PDFs; every sentence of an answer cites a place on a page.

``ragqa.Client`` talks to a running service; ``ragqa.Local`` makes the same calls in this process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragqa.client import Client
    from ragqa.local import Local

__all__ = ["Client", "Local"]


def __getattr__(name: str) -> Any:
    """Import what the name stands for when it is first used: ``import ragqa`` costs nothing."""
    if name == "Client":
        from ragqa.client import Client

        return Client
    if name == "Local":
        from ragqa.local import Local

        return Local
    raise AttributeError(f"module 'ragqa' has no attribute {name!r}")
