"""Every exception ragqa raises on purpose.

* RagqaError                    500, exit 1
  * NotFound                    404
  * Conflict                    409  the request contradicts what is there
    - ReadOnly                       a replica was asked to change something
  * InvalidInput                422  the caller's input can never be processed
    - UnreadableFile                 not a PDF, damaged beyond repair
    - PasswordRequired               encrypted, and no or a wrong password was given
  * TooLarge                    413
  * WrongSettings               500, exit 2
  * Unauthorized                401
  * Forbidden                   403
  * ModelMissing                503  weights are not on this machine
  * GenerationFailed            502  the generator broke or did not answer
  * RateLimited                 429  more requests or questions than a key may have
  * Busy                        503  try again later
  * StoreError                  503  Postgres refused or lost the operation
  * DimensionMismatch           500
  * Cancelled                   409

A message says what was expected, what was got and what to do.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar


class RagqaError(Exception):
    """Base of the tree: each class knows its HTTP status, exit code and stable ``code``."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    exit_code: ClassVar[int] = 1
    code: str = "internal"
    retry_after: int | None = None

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class NotFound(RagqaError):
    """A thing the caller named does not exist."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class Conflict(RagqaError):
    """The request contradicts what is there."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class ReadOnly(Conflict):
    """A replica was asked to change something."""

    code = "read_only"

    def __init__(self) -> None:
        super().__init__(
            "this is a replica, which only reads: make changes where its original is served"
        )


class Cancelled(Conflict):
    """The work was cancelled by its owner."""

    code = "cancelled"


class InvalidInput(RagqaError):
    """The caller's input cannot be processed, now or on retry."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_input"


class UnreadableFile(InvalidInput):
    """The file is not what its name says, or is damaged beyond repair."""

    code = "unreadable_file"


class PasswordRequired(InvalidInput):
    """The file is encrypted and the password is missing or wrong."""

    code = "password_required"


class TooLarge(InvalidInput):
    """The input is larger than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class WrongSettings(RagqaError):
    """A setting is wrong; the message names the variable."""

    exit_code = 2
    code = "wrong_settings"


class Unauthorized(RagqaError):
    """No key, or one that is not known."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class Forbidden(RagqaError):
    """A known key that may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class ModelMissing(RagqaError):
    """Model weights that are needed are not on this machine."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "model_missing"


class GenerationFailed(RagqaError):
    """The generator broke, or the server behind it did not answer."""

    status = HTTPStatus.BAD_GATEWAY
    code = "generation_failed"


class RateLimited(RagqaError):
    """A key had its share; try again after ``retry_after`` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Busy(RagqaError):
    """More work than can be queued; try again after ``retry_after`` seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "busy"
    retry_after = 5


class StoreError(RagqaError):
    """Postgres refused or lost the operation; the cause is chained."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "store_unavailable"
    retry_after = 2


class DimensionMismatch(RagqaError):
    """An embedder and a collection disagree about the dimension of vectors."""

    code = "dimension_mismatch"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"embedding has {actual} dimensions, collection expects {expected}")
        self.expected = expected
        self.actual = actual
