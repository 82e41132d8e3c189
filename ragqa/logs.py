"""The log: lines for people, or one JSON object a line, each naming the request it belongs to."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from contextvars import ContextVar
from typing import Literal

from typing_extensions import override

Form = Literal["text", "json"]

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that this thread or task works for; empty outside of one."""

CHATTY = ("httpx", "procrastinate", "sentence_transformers", "RapidOCR", "pdfminer", "mcp", "gguf")


def start_log(level: str, form: Form) -> None:
    """Send the log of this process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class TextLines(logging.Formatter):
    """A line for people; the request's id follows the time."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, a traceback below it."""
        name = request_id.get()
        of_request = f" [{name}]" if name else ""
        self._style._fmt = f"%(asctime)s{of_request} %(levelname)s %(name)s: %(message)s"
        return super().format(record)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request and traceback if any."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the object; what a caller passed as ``extra={"fields": {…}}`` is part of it."""
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if name := request_id.get():
            line["request_id"] = name
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=False, default=str)
