"""Configuration: read once at start, then passed, never looked up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ragqa.errors import WrongSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "RAGQA_"
HERE = Path()
ChatTemplate = Literal["", "chatml", "alpaca", "vicuna", "llama-2", "baichuan", "baichuan-2"]


class Settings(BaseModel):
    """What may be set, and what is used where nothing is; ``load_settings`` reads it."""

    # Defaults are checked as what is set is: a home below ``~`` becomes a path.
    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    home: Path = Field(
        default=Path("~/.local/share/ragqa"),
        description="Data folder: embedded database, original files, models.",
    )
    models: Path | None = Field(
        default=None,
        description="Folder of model weights, to share among homes; empty: `RAGQA_HOME/models`.",
    )
    files: str = Field(
        default="",
        description="Folder or URL (`s3://…`) of original files; empty: `RAGQA_HOME/files`.",
    )
    database_url: str = Field(
        default="",
        description="A Postgres with pgvector to use instead of the embedded one.",
    )
    embedding_model: str = Field(
        default="multilingual-e5-small-q4",
        description="Preset, hub id, or folder of the embedding model; `hashing` needs no weights.",
    )
    reranker_model: str = Field(
        default="", description="Preset, hub id or folder of a cross-encoder; empty: none."
    )
    close_reading_chunks: int = Field(
        default=20_000,
        ge=0,
        description="Chunks of what is searched up to which passages that come out nearly alike "
        "are read together with the question; 0: never.",
    )
    llm_model: str = Field(
        default="qwen2.5-coder-0.5b-instruct-q4_k_m",
        description="Preset or path of a GGUF file; `extractive` needs no weights.",
    )
    llm_gpu_layers: int = Field(
        default=0, ge=-1, description="Layers put on the GPU; -1: all of them."
    )
    llm_context_tokens: int = Field(
        default=4096, ge=512, description="Context window of the in-process model, in tokens."
    )
    llm_chat_template: ChatTemplate = Field(
        default="",
        description="How turns are written for the in-process model: `chatml`, `alpaca`, "
        "`vicuna`, `llama-2`, `baichuan`, `baichuan-2`; empty: as its file says.",
    )
    llm_threads: int = Field(
        default=0, ge=0, description="Threads of the in-process model; 0: one per core."
    )
    llm_base_url: str = Field(
        default="", description="An OpenAI-compatible server used instead of the in-process model."
    )
    llm_api_key: str = Field(default="", description="Key for that server.", repr=False)
    ocr_engine: Literal["", "paddleocr", "rapidocr", "none"] = Field(
        default="", description="`paddleocr`, `rapidocr` or `none`; empty: the best one installed."
    )
    ocr_dpi: int = Field(default=150, ge=72, le=600, description="Resolution scans are read at.")
    api_key: str = Field(default="", description="Bootstrap administrator key.", repr=False)
    requests_per_minute: int = Field(
        default=600,
        ge=1,
        description="Requests a key may make in a minute, if it says nothing else.",
    )
    session_hours: int = Field(
        default=12,
        ge=1,
        description="Hours that somebody stays signed in on the page.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names, with commas, by which an open service may be called beside localhost.",
    )
    offline: bool = Field(default=False, description="1: never try the network.")
    max_upload_bytes: int = Field(
        default=1 << 30, gt=0, description="Largest file that is taken, in bytes."
    )
    max_pages: int = Field(default=2000, gt=0, description="Most pages a document may have.")
    page_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds of computing one page may take before it is given up.",
    )
    page_memory_mb: int = Field(
        default=1500, gt=0, description="Megabytes the process that reads a page may use."
    )
    keep_versions: int = Field(
        default=1, ge=0, description="Older versions of a document that are kept beside the newest."
    )
    worker_concurrency: int = Field(
        default=3,
        ge=1,
        description="Documents a worker has in hand: while some are embedded, the next is read.",
    )
    max_questions: int = Field(
        default=16,
        ge=1,
        description="Questions that are answered or wait at once; one more is told to come later.",
    )
    request_seconds: float = Field(
        default=300,
        gt=0,
        description="Seconds until a response must have begun, once all of the request is there.",
    )
    otlp_endpoint: str = Field(
        default="",
        description="OpenTelemetry collector that traces go to, by OTLP over HTTP; empty: none.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Lines for people, or one JSON object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is logged to stderr."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("models", mode="before")
    @classmethod
    def _absolute_or_none(cls, models: Path | str | None) -> Path | None:
        return Path(models).expanduser().absolute() if models else None

    @property
    def models_folder(self) -> Path:
        """Where model weights lie."""
        return self.models or self.home / "models"

    @property
    def files_folder(self) -> Path:
        """Where original files lie, content-addressed."""
        return self.home / "files"


def load_settings(*, folder: Path | None = HERE, **given: Any) -> Settings:
    """Read ``RAGQA_*`` variables, below them ``.env``, below that ``ragqa.toml``.

    Args:
        folder: Where the two files may lie; None: they are not looked at.
        given: Settings by name, which beat every other source.

    Raises:
        WrongSettings: If a value cannot be used; the sentence names the variable.
    """
    read = _read_files(folder) if folder is not None else {}
    read |= _ours(os.environ)  # noqa: TID251  (here they are read)
    try:
        return Settings(**read | given)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise WrongSettings(f"{name} is {first.get('input')!r}: {first['msg']}") from error


def _read_files(folder: Path) -> dict[str, Any]:
    """Return what the files of a folder set; their readers are loaded where there is a file."""
    read: dict[str, Any] = {}
    toml, dotenv = folder / "ragqa.toml", folder / ".env"
    if toml.is_file():
        import tomllib

        try:
            read |= tomllib.loads(toml.read_text("utf-8"))
        except ValueError as error:
            raise WrongSettings(f"{toml.absolute()} is not TOML: {error}") from error
    if dotenv.is_file():
        from dotenv import dotenv_values

        read |= _ours(dotenv_values(dotenv))
    return read


def _ours(variables: Mapping[str, str | None]) -> dict[str, str]:
    """Return the settings among environment variables; case makes no difference."""
    return {
        name[len(PREFIX) :].lower(): value
        for name, value in variables.items()
        if value is not None and name.upper().startswith(PREFIX)
    }


def show_settings(settings: Settings) -> list[dict[str, Any]]:
    """Return each setting, its value and meaning; of secrets only whether they are set."""
    shown = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if not field.repr or name == "database_url":
            value = "•••" if value else ""
        shown.append(
            {
                "name": PREFIX + name.upper(),
                "value": str(value) if isinstance(value, Path) else value,
                "default": str(field.default) if isinstance(field.default, Path) else field.default,
                "description": field.description,
            }
        )
    return shown


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment in which another process reads the same settings."""
    given = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        shown = int(value) if isinstance(value, bool) else value
        given[PREFIX + name.upper()] = "" if shown is None else str(shown)
    return os.environ | given  # noqa: TID251  (what is not ours is passed on)


def require_key_beyond_loopback(settings: Settings, host: str, *, keys: bool = False) -> None:
    """Refuse to serve the network without a key.

    Args:
        settings: May hold the bootstrap key.
        host: Where the service is to listen.
        keys: Whether the database holds keys.

    Raises:
        WrongSettings: If ``host`` is not a loopback address and there is no key.
    """
    if settings.api_key or keys or is_loopback(host):
        return
    raise WrongSettings(
        f"--host {host} can be reached from other machines, RAGQA_API_KEY is empty and the "
        "database holds no keys: set one, make one with `ragqa key create`, or serve on 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
