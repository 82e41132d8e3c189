"""The door: who is it, how much did they ask for, and does a stranger's page speak for them."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragqa.callers import BOOTSTRAP, LOCAL
from ragqa.errors import Forbidden, RateLimited, Unauthorized
from ragqa.settings import is_loopback
from ragqa.store import keys, sessions, usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ragqa.callers import Caller
    from ragqa.wiring import Services

COOKIE = "ragqa_session"
READS = {"GET", "HEAD", "OPTIONS"}
KEYS_KNOWN_SECONDS = 1.0
"""How long a service believes what it saw of whether there are keys at all."""


class Warden:
    """Tells callers apart and keeps them to their share; one for each application."""

    def __init__(self, services: Services, *, may_be_open: bool = True) -> None:
        """Guard ``services``; with ``may_be_open``, anybody is let in while there are no keys."""
        self._services = services
        self._may_be_open = may_be_open
        self._lock = threading.Lock()
        self._locked: tuple[float, bool] = (0.0, False)
        self._buckets: dict[str, tuple[float, float]] = {}

    def identify(self, key: str | None, token: str | None) -> Caller:
        """Return who calls, by the key they sent or the session they opened with one.

        Raises:
            Unauthorized: If neither is good.
            RateLimited: If they ask too often.
        """
        bootstrap = self._services.settings.api_key
        if key is not None and bootstrap and _same(key, bootstrap):
            return BOOTSTRAP
        if self.is_open():
            return LOCAL
        with self._services.database.transaction() as conn:
            if key is not None:
                caller = keys.find_caller(conn, key)
            elif token is not None:
                caller = sessions.find_session(conn, token, bootstrap_key=bootstrap)
            else:
                raise Unauthorized("a key is needed: send the header `Authorization: Bearer KEY`")
        self._pace(caller)
        return caller

    def is_open(self) -> bool:
        """Tell whether anybody on this machine is let in: no key was ever set or made."""
        if self._services.settings.api_key or not self._may_be_open:
            return False
        seen, locked = self._locked
        if time.monotonic() - seen > KEYS_KNOWN_SECONDS or not seen:
            with self._services.database.transaction() as conn:
                locked = keys.has_keys(conn)
            self._locked = time.monotonic(), locked
        return not locked

    def look_again(self) -> None:
        """Forget whether there are keys: one was made or removed here."""
        self._locked = 0.0, False

    def within(self, caller: Caller) -> Services:
        """Return what a caller may use."""
        reach = keys.reach_of(caller)
        return self._services if reach is None else self._services.within(reach)

    def spend(self, caller: Caller, *, questions: int = 0, upload_bytes: int = 0) -> None:
        """Count what a caller asks for today.

        Raises:
            RateLimited: If it is more than their key may have.
            ReadOnly: If the key has a quota, and this is a replica, where nothing is counted.
        """
        if caller.key_id is None:
            return
        limits = caller.limits
        unlimited = limits.questions_a_day is None and limits.upload_bytes_a_day is None
        if self._services.database.read_only and unlimited:
            return
        with self._services.database.transaction() as conn:
            usage.spend(conn, caller, questions=questions, upload_bytes=upload_bytes)

    @property
    def session_seconds(self) -> int:
        """How long somebody who signed in stays so."""
        return self._services.settings.session_hours * 3600

    def sign_in(self, caller: Caller) -> str:
        """Open a session for a caller who showed a key; return the token for the cookie."""
        with self._services.database.transaction() as conn:
            return sessions.open_session(
                conn,
                caller,
                bootstrap_key=self._services.settings.api_key,
                lasts=dt.timedelta(seconds=self.session_seconds),
            )

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._services.database.transaction() as conn:
            sessions.close_session(conn, token)

    def check_origin(self, method: str, headers: Mapping[str, str], *, with_key: bool) -> None:
        """Refuse what a stranger's page lets a browser send in somebody's name.

        A key in the request proves intent: a stranger's page does not know it. Without one, a
        service that is open must be called by a name of this machine, as a stranger may point a
        name of their own at the loopback address; and what changes something must not come from
        another origin.

        Raises:
            Forbidden: If it might be a stranger's page.
        """
        if with_key:
            return
        host = headers.get("host", "")
        if self.is_open() and not self._is_ours(_name(host)):
            raise Forbidden(
                f"this service is open to this machine only, and was called {host[:100]!r}: call "
                "it 127.0.0.1 or localhost, or name that host in RAGQA_ALLOWED_HOSTS",
                code="foreign_host",
            )
        if method in READS:
            return
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "same-origin")
        foreign = origin is not None and urlsplit(origin).netloc != host
        foreign = foreign and not self._is_named(_name(urlsplit(origin or "").netloc))
        if foreign or (origin is None and site == "cross-site"):
            raise Forbidden(
                f"a page of {(origin or site)[:100]!r} may not change anything here",
                code="foreign_origin",
            )

    def _is_ours(self, name: str) -> bool:
        return is_loopback(name) or self._is_named(name)

    def _is_named(self, name: str) -> bool:
        allowed = self._services.settings.allowed_hosts.split(",")
        return bool(name) and name.casefold() in {one.strip().casefold() for one in allowed}

    def _pace(self, caller: Caller) -> None:
        """Let a key have its requests a minute, in bursts if it likes."""
        if caller.key_id is None:
            return
        share = caller.limits.per_minute or self._services.settings.requests_per_minute
        with self._lock:
            now = time.monotonic()
            left, seen = self._buckets.get(caller.key_id, (float(share), now))
            left = min(float(share), left + (now - seen) * share / 60)
            if left < 1:
                wait = max(1, round((1 - left) * 60 / share + 0.5))
                raise RateLimited(
                    f"key {caller.name!r} may make {share:,} requests a minute: wait {wait} s. "
                    f"请求过于频繁，请在 {wait} 秒后再试。",
                    retry_after=wait,
                )
            self._buckets[caller.key_id] = left - 1, now


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _name(host: str) -> str:
    """Return the name out of a Host header: without the port, without brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
