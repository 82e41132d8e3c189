"""What documents are called, and the cursors that lists of them are paged with."""

from __future__ import annotations

import base64
import binascii
import unicodedata

from ragqa.errors import InvalidInput


def check_filename(name: str) -> str:
    """Return ``name`` in NFC, its folders kept with forward slashes.

    Raises:
        InvalidInput: If it is empty or longer than 1,000 characters.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").replace("\0", "")
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cs"}).strip("/ ")
    parts = [part for part in name.split("/") if part not in {"", ".", ".."}]
    name = "/".join(parts)
    if not 1 <= len(name) <= 1000:
        raise InvalidInput(
            f"a file name has 1 to 1,000 characters, this one {len(name)}", code="bad_filename"
        )
    return name


def to_cursor(number: int) -> str:
    """Return the cursor that goes on after document ``number``."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> int:
    """Return the number of the document to go on after; 0 to begin.

    Raises:
        InvalidInput: If ``to_cursor`` did not make it.
    """
    if not cursor:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            f"cursor {cursor[:40]!r} is not one this server gave", code="bad_cursor"
        ) from error
    if not 0 <= number < 1 << 62:
        raise InvalidInput(f"cursor {cursor[:40]!r} is not one this server gave", code="bad_cursor")
    return number
