"""What requests may say; what is said back is made by ``ragqa.shapes``."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from ragqa.callers import Limits, Role
from ragqa.errors import InvalidInput
from ragqa.types import DocumentId, Filter, Id

QUESTION_CHARACTERS = 1000
EMBEDDED_CHARACTERS = 20_000

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=QUESTION_CHARACTERS),
]
CollectionName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
BAD_METADATA = (
    "metadata: a JSON object was expected, at most 50 names with a text, number or truth value "
    'of up to 1,000 characters each, like {"year": "2024"}'
    " / metadata 应为 JSON 对象：至多 50 项，值为文本、数字或布尔值，每项不超过 1000 个字符"
)
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
        return _in_utc(given)

    def to_limits(self) -> Limits:
        """Return the limits of the core."""
        return Limits(self.requests_per_minute, self.questions_a_day, self.upload_bytes_a_day)


Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=100)],
        Annotated[str, StringConstraints(max_length=1000)],
    ],
    BeforeValidator(lambda given: _as_words(given)),
    Field(max_length=50, examples=[{"department": "法务", "year": "2024"}]),
]
"""Pairs that a document was given; numbers and truth values are taken as they are written."""


def read_metadata(text: str | None) -> dict[str, str] | None:
    """Read the metadata of an upload; None and white space give none.

    Raises:
        InvalidInput: If it is no JSON object of short values.
    """
    if text is None or not text.strip():
        return None
    try:
        return TypeAdapter(Metadata).validate_python(storable(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(BAD_METADATA, code="bad_metadata") from error


def _as_words(given: Any) -> Any:
    """Return an object with its plain values written out; anything else as it is."""
    if not isinstance(given, dict):
        raise ValueError(BAD_METADATA)  # noqa: TRY004  (pydantic tells no other errors)
    return {
        key: json.dumps(value) if isinstance(value, bool | int | float) else value
        for key, value in given.items()
    }


class NewDetails(Request):
    """Body of ``PATCH /v1/documents/{id}``."""

    metadata: Metadata


class FilterFields(Request):
    """Which chunks a search may see: those that everything given here lets through."""

    document: str | None = Field(default=None, examples=["1-17"])

    documents: list[str] = Field(default=[], max_length=1000, examples=[["1-17"]])
    pages: (
        tuple[Annotated[int, Field(ge=1, le=10**6)], Annotated[int, Field(ge=1, le=10**6)]] | None
    ) = None
    kind: Literal["text", "table"] | None = None
    metadata: Metadata = {}
    since: dt.datetime | None = Field(default=None, description="Taken in then or later.")
    until: dt.datetime | None = Field(default=None, description="Taken in before then.")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        # A misspelt restriction that is passed over would show what nobody asked for.
        unknown = sorted(set(given) - set(cls.model_fields)) if isinstance(given, dict) else []
        if unknown:
            fields = ", ".join(cls.model_fields)
            told = ", ".join(map(str, unknown))[:200]
            raise ValueError(
                f"{told}: no such filter; expected some of {fields}"
                f" / 没有这种筛选条件，可用：{fields}"
            )
        return given

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.pages and self.pages[0] > self.pages[1]:
            raise ValueError(
                f"pages {list(self.pages)}: the first page must not be after the last"
                " / 起始页不能大于结束页"
            )
        since, until = _in_utc(self.since), _in_utc(self.until)
        if since and until and since >= until:
            raise ValueError("since must be before until / 起始时间必须早于结束时间")
        return self

    def to_filter(self) -> Filter:
        """Return the filter of the core.

        Raises:
            NotFound: If a document id cannot be one.
        """
        named = [*self.documents, self.document] if self.document else self.documents
        return Filter(
            documents=tuple(DocumentId(Id.parse(text, "document")) for text in named),
            pages=self.pages,
            kind=self.kind,
            metadata=tuple(self.metadata.items()),
            since=_in_utc(self.since),
            until=_in_utc(self.until),
        )


class SearchQuery(Request):
    """Body of ``POST /v1/search``."""

    query: Text = Field(examples=["保修期多久"])
    collection: CollectionName | None = Field(default=None, examples=["demo"])
    collections: list[CollectionName] = Field(
        default=[], max_length=100, description="Several, searched as one, instead of `collection`."
    )
    top_k: TopK = 10
    filter: FilterFields | None = None
    explain: bool = Field(
        default=False, description="Also tell terms, stages, ranks, scores and times."
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.names():
            raise ValueError(
                "`collection` (or `collections`) is missing: where to search"
                " / 缺少 `collection`（或 `collections`）：请说明在哪个集合中搜索"
            )
        return self

    def names(self) -> list[str]:
        """Return the collections to search, each once."""
        given = [self.collection, *self.collections] if self.collection else self.collections
        return list(dict.fromkeys(given))


def _in_utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment and moment.tzinfo is None else moment


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
