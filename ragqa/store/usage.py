"""What a key used today, and whether it may have more."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ragqa.errors import RateLimited

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.callers import Caller

    Row = dict[str, Any]

SPEND = """
INSERT INTO key_usage AS u (key_id, day, questions, upload_bytes)
VALUES (%(key_id)s, %(day)s, %(questions)s, %(upload_bytes)s)
ON CONFLICT (key_id, day) DO UPDATE
   SET questions = u.questions + excluded.questions,
       upload_bytes = u.upload_bytes + excluded.upload_bytes
RETURNING u.questions, u.upload_bytes
"""


def spend(
    conn: Connection[Row], caller: Caller, *, questions: int = 0, upload_bytes: int = 0
) -> None:
    """Count what a key does today; the caller's transaction is undone when it is too much.

    Raises:
        RateLimited: If it is more than the key may have in a day.
    """
    if caller.key_id is None:
        return
    now = dt.datetime.now(dt.UTC)
    amounts = {"questions": questions, "upload_bytes": upload_bytes}
    used = conn.execute(SPEND, {**amounts, "key_id": caller.key_id, "day": now.date()}).fetchone()
    assert used is not None
    limits = caller.limits
    for amount, limit, sentence in (
        (used["questions"], limits.questions_a_day, "questions"),
        (used["upload_bytes"], limits.upload_bytes_a_day, "bytes of uploads"),
    ):
        if limit is not None and amount > limit:
            midnight = 86_400 - (now.hour * 3600 + now.minute * 60 + now.second)
            raise RateLimited(
                f"key {caller.name!r} may have {limit:,} {sentence} a day (UTC), and has had them: "
                "come back tomorrow, or ask an administrator for more. "
                "此密钥今天的额度已用完，请明天再试，或联系管理员。",
                code="quota_exceeded",
                retry_after=midnight,
            )
