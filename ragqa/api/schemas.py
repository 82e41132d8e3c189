"""What requests may say; what is said back is made by ``ragqa.shapes``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from ragqa.callers import Limits, Role
from ragqa.types import DocumentId, Filter, Id

QUESTION_CHARACTERS = 1000
EMBEDDED_CHARACTERS = 20_000

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=QUESTION_CHARACTERS),
]
CollectionName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
TopK = Annotated[int, Field(ge=1, le=100)]


def storable(value: Any) -> Any:
    """Return JSON without what no database and no UTF-8 can hold: NUL, halves of characters."""
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode()
        case list():
            return [storable(one) for one in value]
        case dict():
            return {storable(key): storable(one) for key, one in value.items()}
        case _:
            return value


class Request(BaseModel):
    """Base of requests: unknown fields are let through, as JSON APIs grow."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, given: Any) -> Any:
        return storable(given)


class NewCollection(Request):
    """Body of ``POST /v1/collections``."""

    name: CollectionName = Field(examples=["manuals"])


class SignIn(Request):
    """Body of ``POST /v1/session``."""

    key: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class NewKey(Request):
    """Body of ``POST /v1/keys``."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        examples=["reading room"]
    )
    role: Role = "reader"
    collections: list[CollectionName] | None = Field(
        default=None,
        max_length=1000,
        examples=[["manuals"]],
        description="What the key may see; null: every collection, those to come included.",
    )
    expires_at: dt.datetime | None = Field(default=None, examples=["2030-01-01T00:00:00Z"])
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    questions_a_day: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    upload_bytes_a_day: Annotated[int, Field(ge=1, lt=1 << 60)] | None = None

    @field_validator("expires_at")
    @classmethod
    def _in_utc(cls, given: dt.datetime | None) -> dt.datetime | None:
        return given.replace(tzinfo=dt.UTC) if given and given.tzinfo is None else given

    def to_limits(self) -> Limits:
        """Return the limits of the core."""
        return Limits(self.requests_per_minute, self.questions_a_day, self.upload_bytes_a_day)


class FilterFields(Request):
    """Which chunks a search may see."""

    documents: list[str] = Field(default=[], max_length=1000, examples=[["1-17"]])
    pages: (
        tuple[Annotated[int, Field(ge=1, le=10**6)], Annotated[int, Field(ge=1, le=10**6)]] | None
    ) = None
    kind: Literal["text", "table"] | None = None

    def to_filter(self) -> Filter:
        """Return the filter of the core.

        Raises:
            NotFound: If a document id cannot be one.
        """
        return Filter(
            documents=tuple(DocumentId(Id.parse(text, "document")) for text in self.documents),
            pages=self.pages,
            kind=self.kind,
        )


class SearchQuery(Request):
    """Body of ``POST /v1/search``."""

    query: Text = Field(examples=["保修期多久"])
    collection: CollectionName = Field(examples=["demo"])
    top_k: TopK = 10
    filter: FilterFields | None = None


class Question(Request):
    """Body of ``POST /v1/ask``."""

    question: Text = Field(examples=["保修期多久？"])
    collection: CollectionName = Field(examples=["demo"])
    conversation_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    top_k: TopK = 10
    filter: FilterFields | None = None


class Feedback(Request):
    """Body of ``POST /v1/answers/{id}/feedback``."""

    rating: Literal[1, -1]
    comment: Annotated[str, StringConstraints(max_length=4000)] | None = None


class ChatMessage(Request):
    """One message of an OpenAI-style chat."""

    role: str
    content: str | list[dict[str, Any]] | None = None

    def text(self) -> str:
        """Return the text of the message, parts joined."""
        if isinstance(self.content, list):
            return "".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""


class StreamOptions(Request):
    """OpenAI's ``stream_options``."""

    include_usage: bool = False


class ChatRequest(Request):
    """Body of ``POST /v1/chat/completions``; the model is a collection."""

    model: CollectionName = Field(examples=["demo"])
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: StreamOptions | None = None


class EmbeddingRequest(Request):
    """Body of ``POST /v1/embeddings``; the model is a collection, or the default embedder."""

    model: str = Field(max_length=300, examples=["demo"])
    input: (
        Annotated[str, StringConstraints(max_length=EMBEDDED_CHARACTERS)]
        | Annotated[
            list[Annotated[str, StringConstraints(max_length=EMBEDDED_CHARACTERS)]],
            Field(min_length=1, max_length=256),
        ]
    ) = Field(examples=["保修期多久"])
    encoding_format: Literal["float", "base64"] = "float"
    input_type: Literal["query", "passage"] = Field(
        default="passage", description="Models that tell questions from passages need to know."
    )

    def texts(self) -> list[str]:
        """Return what to embed, one text or more."""
        return [self.input] if isinstance(self.input, str) else self.input
