"""Who calls: a key, what it may do and see, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime as dt

Role = Literal["reader", "writer", "administrator"]

RANK: dict[Role, int] = {"reader": 0, "writer": 1, "administrator": 2}
"""Each role may do what those before it may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a key may have; None: what the settings say, or no quota."""

    per_minute: int | None = None
    questions_a_day: int | None = None
    upload_bytes_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be shown: without what opens the door."""

    id: str
    name: str
    role: Role
    collections: tuple[str, ...] | None
    """Names of what it may see; None: every collection, those to come included."""
    limits: Limits
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request."""

    name: str
    role: Role
    key_id: str | None = None
    collections: tuple[int, ...] | None = None
    """Numbers of what may be seen; None: everything, now and later."""
    limits: Limits = Limits()

    def may(self, role: Role) -> bool:
        """Tell whether this caller may do what ``role`` may."""
        return RANK[self.role] >= RANK[role]


BOOTSTRAP = Caller("RAGQA_API_KEY", "administrator")
"""Whoever holds the key of the settings."""
LOCAL = Caller("local", "administrator")
"""Anybody on this machine, while there are no keys."""
