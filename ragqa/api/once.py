"""``Idempotency-Key``: a request that is sent again, as its answer was lost, is done once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header

from ragqa.store import idempotency
from ragqa.types import DocumentId, Id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastapi import Response, UploadFile

    from ragqa.store.idempotency import Claim
    from ragqa.wiring import Services

PIECE = 1 << 20
REPLAYED = "Idempotency-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Chosen by you for one upload, like a UUID. The same key with the same files "
        "and fields gives the same answer for 24 hours, and nothing is done twice.",
        min_length=1,
        max_length=255,
        # What a header may hold, without white space.
        pattern=r"^[!-~]+$",
        examples=["5f1d7a1e-8b1c-4c0b-9d57-2f6f0f8d6a11"],
    ),
]


def digest_of(
    files: Sequence[UploadFile], password: str | None, metadata: Mapping[str, str] | None
) -> bytes:
    """Return the SHA-256 of what an upload sent; the files are at their beginnings again."""
    whole = hashlib.sha256()

    def add(part: bytes) -> None:
        whole.update(hashlib.sha256(part).digest())

    for file in files:
        content = hashlib.sha256()
        while piece := file.file.read(PIECE):
            content.update(piece)
        file.file.seek(0)
        add((file.filename or "").encode("utf-8", "replace"))
        whole.update(content.digest())
    # Slow to guess from what is kept, as people choose passwords that others can guess.
    secret = (password or "").encode("utf-8", "replace")
    add(hashlib.scrypt(secret, salt=whole.digest(), n=1 << 12, r=8, p=1) if password else b"")
    add(repr(None if metadata is None else sorted(metadata.items())).encode("utf-8", "replace"))
    return whole.digest()


def do_once(
    services: Services, claimed: Claim, response: Response, work: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Return what ``work`` gives, or gave when the same request came before.

    Raises:
        InvalidInput: If the key was sent with another request.
        Conflict: If the request is being worked on.
    """
    with services.database.transaction() as conn:
        before = idempotency.claim(conn, claimed)
    if before is not None:
        response.headers[REPLAYED] = "true"
        return before
    settled = False
    try:
        answer = work()
        shown = [DocumentId(Id.parse(one["id"], "document")) for one in answer["documents"]]
        with services.database.transaction() as conn:
            idempotency.settle(conn, claimed, answer, shown)
        settled = True
        return answer
    finally:
        if not settled:
            with services.database.transaction() as conn:
                idempotency.release(conn, claimed)
