from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyOptions

from ragqa.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
INSTRUCTION = re.compile(r"^([A-Z]+)\s+(.*)$", re.DOTALL)


def read_dockerfile() -> list[tuple[str, str]]:
    """Its instructions, continued lines joined and comments left out."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", "")
    found = [INSTRUCTION.match(line) for line in text.splitlines() if line.strip()]
    assert all(found), "every line is an instruction"
    return [(match[1], match[2].strip()) for match in found if match]


def read_compose() -> dict[str, Any]:
    """The file as Compose sees it: variables filled in, anchors merged."""
    compose = yaml.safe_load(fill(compose_text(), RAGQA_API_KEY="key", POSTGRES_PASSWORD="secret"))
    assert isinstance(compose, dict)
    return compose


def compose_text() -> str:
    return (ROOT / "docker-compose.yml").read_text("utf-8")


def fill(text: str, **given: str) -> str:
    """Fill in ``${NAME:-default}`` and ``${NAME:?message}`` as Compose does."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if name in given:
            return given[name]
        assert kind == ":-", f"{name} is required: {rest}"
        return str(rest)

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, text)


def test_the_image_is_set_up_by_the_command_of_the_makefile() -> None:
    builds = [text for name, text in read_dockerfile() if name == "RUN" and "scripts/" in text]
    compiling = "python -m compileall -q ragqa ingest"
    assert [" ".join(re.sub(r"--mount=\S+\s+", "", text).split()) for text in builds] == [
        f"sh scripts/setup.sh --runtime && .venv/bin/{compiling}"
    ]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "sh scripts/setup.sh\n" in makefile
    assert compiling in makefile


def test_what_the_image_copies_is_let_through_and_nothing_else() -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*", "all is left out but what is named"
    named = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    missing = {name for name in named if not (ROOT / name).exists()}
    assert not missing
    script = (ROOT / "scripts" / "setup.sh").read_text("utf-8")
    needed = {"constraints.txt", "requirements-postgres.txt", "pyproject.toml", "packaging"}
    assert needed <= named
    assert all(name in script for name in needed)


def test_the_image_runs_without_root_rights() -> None:
    names = [name for name, _ in read_dockerfile()]
    users = [text for name, text in read_dockerfile() if name == "USER"]
    assert users == ["ragqa"]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name == "RUN")


def test_the_image_starts_the_service_the_makefile_starts() -> None:
    (command,) = [json.loads(text) for name, text in read_dockerfile() if name == "CMD"]
    (recipe,) = [
        line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if " serve " in line
    ]
    made = shlex.split(recipe.strip().removeprefix("@exec "))
    assert [Path(made[0]).name, made[1]] == command[:2] == ["ragqa", "serve"]
    assert "--port" in command
    assert "--port" in made


def test_settings_in_image_and_compose_are_settings_of_ragqa() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    image = " ".join(text for name, text in read_dockerfile() if name == "ENV")
    used = set(re.findall(r"\bRAGQA_\w+", image + compose_text()))
    assert used
    assert used <= known


def test_the_compose_file_is_valid() -> None:
    filled = fill(compose_text(), RAGQA_API_KEY="key", POSTGRES_PASSWORD="secret")
    compose = PyOptions(apply_merge=True).from_yaml(filled)
    compose.validate()
    assert set(compose.service_names()) == {"db", "models", "app", "worker"}
    with pytest.raises(ValueError, match="depends"):
        PyOptions(apply_merge=True).from_yaml(filled.replace("depends_on:", "depends:"))


@pytest.mark.parametrize("secret", ["RAGQA_API_KEY", "POSTGRES_PASSWORD"])
def test_compose_starts_nothing_without_its_secrets(secret: str) -> None:
    uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", compose_text())
    assert uses
    assert all(use.startswith(":?") and len(use) > 10 for use in uses)


def test_service_and_worker_share_files_models_and_database() -> None:
    services = read_compose()["services"]
    app, worker = services["app"], services["worker"]
    assert app["volumes"] == worker["volumes"] == ["files:/data", "models:/models"]
    assert app["environment"] == worker["environment"]
    database = app["environment"]["RAGQA_DATABASE_URL"]
    assert database == "postgresql://ragqa:secret@db:5432/ragqa"
    assert set(read_compose()["volumes"]) == {"database", "files", "models"}


def test_everything_waits_until_what_it_needs_is_healthy() -> None:
    services = read_compose()["services"]
    assert "healthcheck" in services["db"]
    for name in ("app", "worker"):
        waits = {key: value["condition"] for key, value in services[name]["depends_on"].items()}
        assert waits == {
            "db": "service_healthy",
            "models": "service_completed_successfully",
        }
    # The service's own check comes with the image.
    assert "/readyz" in next(text for name, text in read_dockerfile() if name == "HEALTHCHECK")


def test_ragqa_knows_every_command_and_option_of_image_and_compose() -> None:
    used = [json.loads(text) for name, text in read_dockerfile() if name == "CMD"]
    for service in read_compose()["services"].values():
        used += [service[key] for key in ("command",) if key in service]
        used += (
            [service["healthcheck"].get("test", ["CMD"])[1:]] if "healthcheck" in service else []
        )
    ours = {tuple(command[1:]) for command in used if command and command[0] == "ragqa"}
    assert {command[0] for command in ours} == {"serve", "worker", "models", "doctor"}
    for command in ours:
        words = [word for word in command if word.isalpha()]
        start = "import sys; from ragqa.cli import main; sys.exit(main())"
        told = subprocess.run(
            [sys.executable, "-c", start, *words, "--help"], capture_output=True, text=True
        )
        assert told.returncode == 0, told.stderr
        assert {word for word in command if word.startswith("--")} <= set(
            re.findall(r"--[a-z-]+", told.stdout)
        )
