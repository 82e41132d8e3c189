"""``python -m ragqa`` is ``ragqa``."""

from __future__ import annotations

from ragqa.cli import main

if __name__ == "__main__":
    main()
