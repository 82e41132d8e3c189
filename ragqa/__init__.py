"""Ask questions of your own PDFs; every sentence of an answer cites a place on a page.

``ragqa.Client`` talks to a running service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragqa.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    """Import what the name stands for when it is first used: ``import ragqa`` costs nothing."""
    if name == "Client":
        from ragqa.client import Client

        return Client
    raise AttributeError(f"module 'ragqa' has no attribute {name!r}")
