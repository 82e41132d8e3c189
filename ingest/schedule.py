"""The nightly batch as a line for cron, or as a service and a timer for systemd."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.errors import InvalidInput
from ragqa.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ragqa.settings import Settings

SERVICE = """\
[Unit]
Description=ragqa: bring folders into the collection {collection}
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
{environment}
ExecStart={command}
# 3: some files could not be read, the rest is in
SuccessExitStatus=3
Nice=10
IOSchedulingClass=idle
"""

TIMER = """\
[Unit]
Description=ragqa: bring folders in every night

[Timer]
OnCalendar=*-*-* {hour:02}:{minute:02}:00
# A machine that was off at that hour makes up for it.
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is brought in, and when."""

    paths: Sequence[Path]
    collection: str
    hour: int
    minute: int
    prune: bool
    folder: Path
    """Where ``ragqa.toml`` and ``.env`` are looked for."""

    @property
    def command(self) -> list[str]:
        """The words of the command, with absolute paths."""
        words = [sys.executable, "-m", "ragqa", "ingest", *map(str, self.paths)]
        return [*words, "--collection", self.collection, *(["--prune"] if self.prune else [])]


def read_time(text: str) -> tuple[int, int]:
    """Read ``HH:MM``.

    Raises:
        InvalidInput: If it is no time of day.
    """
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    hour, minute = map(int, found.groups()) if found else (24, 0)
    if hour > 23 or minute > 59:
        raise InvalidInput(f"--at {text}: a time of day such as 02:30 was expected")
    return hour, minute


def open_names(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults; secrets stay in files of settings."""
    names = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        secret = not field.repr or name == "database_url"
        if value != field.default and value is not None and not secret:
            names[PREFIX + name.upper()] = str(int(value) if isinstance(value, bool) else value)
    return names


def cron_line(schedule: Schedule, settings: Settings) -> str:
    """Return a line for ``crontab``; what the run says goes to ``nightly.log`` in the home."""
    names = [f"{name}={shlex.quote(value)}" for name, value in open_names(settings).items()]
    log = shlex.quote(str(settings.home / "nightly.log"))
    command = " ".join([*names, shlex.join(schedule.command)])
    line = f"cd {shlex.quote(str(schedule.folder))} && {command} >> {log} 2>&1"
    # To cron a bare % ends the command, and there is no quoting but the backslash.
    return f"{schedule.minute} {schedule.hour} * * * {line.replace('%', chr(92) + '%')}"


def unit_files(schedule: Schedule, settings: Settings) -> dict[str, str]:
    """Return the texts of ``NAME.service`` and ``NAME.timer``."""
    name = "ragqa-" + (re.sub(r"[^A-Za-z0-9_]+", "-", schedule.collection).strip("-") or "nightly")
    environment = [
        f"Environment={_quoted(f'{key}={value}')}" for key, value in open_names(settings).items()
    ]
    service = SERVICE.format(
        collection=schedule.collection.replace("%", "%%"),
        folder=str(schedule.folder).replace("%", "%%"),
        environment="\n".join(environment),
        command=" ".join(_quoted(word).replace("$", "$$") for word in schedule.command),
    )
    timer = TIMER.format(hour=schedule.hour, minute=schedule.minute)
    return {f"{name}.service": service, f"{name}.timer": timer}


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
