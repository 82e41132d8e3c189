"""Which tables a page holds: ruled grids first, then columns that stand by white alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.tables.aligned import aligned_tables
from ingest.tables.ruled import ruled_tables

if TYPE_CHECKING:
    from ingest.ports import Ink
    from ingest.types import RawTable


class GridFinder:
    """The default ``TableFinder``."""

    def find(self, page: Ink) -> list[RawTable]:
        """Return the tables, top to bottom."""
        ruled = ruled_tables(page)
        aligned = aligned_tables(page, [table.bbox for table in ruled])
        return sorted([*ruled, *aligned], key=lambda table: table.bbox.top)
