"""The documents say what the code does: settings, commands, codes, rooms, tables, links."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

import ragqa.errors
from ingest.cli import PARTLY_DONE, mount
from ragqa.api.problems import CODES
from ragqa.cli import app
from ragqa.errors import RagqaError
from ragqa.models.presets import PRESETS
from ragqa.settings import PREFIX, Settings
from ragqa.types import RefusalReason

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = (
    *READMES,
    "CHANGELOG.md",
    "samples/README.md",
    *("docs/api.md", "docs/architecture.md", "docs/errors.md", "docs/keys.md", "docs/watching.md"),
)
UNDOCUMENTED = {"--help", "--json"}


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def rows_of(page: str, mark: str) -> list[list[str]]:
    """Return the cells of the table between ``<!-- mark -->`` and ``<!-- /mark -->``."""
    text = read(page)
    between = text.split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0]
    lines = [line for line in between.splitlines() if line.startswith("|")][2:]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]


def words_of(page: str, mark: str) -> list[str]:
    """Return what stands in backquotes in the first cell of each row."""
    return [word for row in rows_of(page, mark) for word in re.findall(r"`([^`]+)`", row[0])]


# --- settings ---------------------------------------------------------------------------------


def shown(default: object) -> str:
    """Return a default as somebody would type it into a shell."""
    match default:
        case None | "":
            return ""
        case bool():
            return f"`{int(default)}`"
        case _:
            return f"`{default}`"


@pytest.mark.parametrize("page", READMES)
def test_the_readme_lists_every_setting_with_its_default(page: str) -> None:
    documented = {row[0].strip("`"): row[1] for row in rows_of(page, "settings")}
    fields = {
        PREFIX + name.upper(): shown(field.default) for name, field in Settings.model_fields.items()
    }
    assert documented == fields


# --- commands ---------------------------------------------------------------------------------


def commands() -> dict[str, TyperCommand]:
    """Return every command of the program by its full name."""
    program = typer.Typer()
    mount(program)
    found: dict[str, TyperCommand] = {}
    for root in (typer.main.get_command(app), typer.main.get_command(program)):
        found |= leaves_of(root, "")
    return found


def leaves_of(command: object, name: str) -> dict[str, TyperCommand]:
    if isinstance(command, TyperGroup):
        below = [leaves_of(c, f"{name} {word}".strip()) for word, c in command.commands.items()]
        return {leaf: found for leaves in below for leaf, found in leaves.items()}
    assert isinstance(command, TyperCommand)
    return {name: command}


def test_the_table_of_commands_is_the_same_in_both_languages() -> None:
    english, chinese = ([row[0] for row in rows_of(page, "commands")] for page in READMES)
    assert english == chinese


def test_the_readme_lists_every_command_with_every_option() -> None:
    documented = {}
    for row in rows_of("README.md", "commands"):
        line = row[0].strip("`").removeprefix("ragqa ")
        name = " ".join(word for word in line.split("[")[0].split() if word.islower())
        name = name.split(" --")[0]
        documented[name] = set(re.findall(r"--[a-z-]+", line))
    assert documented.keys() == commands().keys()
    for name, command in commands().items():
        options = [p for p in command.params if isinstance(p, TyperOption) and not p.hidden]
        spellings = [{*p.opts, *p.secondary_opts} for p in options]
        known = set().union(*spellings) | UNDOCUMENTED
        assert documented[name] <= known, f"{name}: {documented[name] - known} is not there"
        for spelling in spellings:
            if not spelling & UNDOCUMENTED:
                assert spelling & documented[name], f"{name}: {spelling} is not documented"


def test_the_exit_codes_of_the_readme_are_those_of_the_code() -> None:
    codes = {kind.exit_code for kind in kinds_of_error()} | {0, PARTLY_DONE}
    assert codes == {0, 1, 2, 3}
    assert "Exit codes: 0 done, 1 failed" in read("README.md")
    assert "3 partly done" in read("README.md")


# --- codes ------------------------------------------------------------------------------------


def kinds_of_error() -> list[type[RagqaError]]:
    return [
        kind
        for kind in vars(ragqa.errors).values()
        if isinstance(kind, type) and issubclass(kind, RagqaError)
    ]


def calls() -> list[tuple[str, ast.Call]]:
    """Return every call of a plain name in the source, with the name."""
    files = [file for room in ("ragqa", "ingest") for file in (ROOT / room).rglob("*.py")]
    return [
        (node.func.id, node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


def codes_raised() -> dict[str, int]:
    """Return every code an error may carry, with its HTTP status."""
    statuses = {kind.__name__: int(kind.status) for kind in kinds_of_error()}
    found = {kind.code: int(kind.status) for kind in kinds_of_error()}
    for name, call in calls():
        given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
        if name in statuses and given and isinstance(given[0], ast.Constant):
            found[str(given[0].value)] = statuses[name]
    return found | {code: int(status) for status, code in CODES.items()}


def codes_noted(record: str) -> set[str]:
    """Return the codes that are written down where ``record`` is made."""
    return {
        str(call.args[0].value)
        for name, call in calls()
        if name == record and call.args and isinstance(call.args[0], ast.Constant)
    }


def test_every_error_code_is_documented_with_its_status() -> None:
    documented = {row[0].strip("`"): int(row[1]) for row in rows_of("docs/errors.md", "errors")}
    assert documented == codes_raised()


def test_every_code_of_failed_documents_is_documented() -> None:
    assert set(words_of("docs/errors.md", "failures")) == codes_noted("Failure")


def test_every_code_of_warnings_is_documented() -> None:
    assert set(words_of("docs/errors.md", "warnings")) == codes_noted("Notice")


def test_every_reason_of_a_refusal_is_documented() -> None:
    assert words_of("docs/errors.md", "refusals") == list(get_args(RefusalReason))


# --- architecture -----------------------------------------------------------------------------


def test_every_room_of_the_architecture_is_there() -> None:
    rooms = words_of("docs/architecture.md", "rooms")
    assert [room for room in rooms if not (ROOT / room).exists()] == []


def test_every_table_of_the_schema_is_in_the_architecture() -> None:
    schema = "\n".join(file.read_text("utf-8") for file in (ROOT / "migrations").glob("*.sql"))
    # procrastinate brings its own schema, which is its own business.
    made = set(re.findall(r"^CREATE TABLE (\w+)", schema, re.MULTILINE))
    made = {name for name in made if not name.startswith("procrastinate")}
    assert set(words_of("docs/architecture.md", "tables")) - {"embeddings_<key>"} >= made


# --- everything -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(page))
    here = (ROOT / page).parent
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (here / target).exists()] == []


def test_both_readmes_have_the_same_parts() -> None:
    depths = [re.findall(r"^(#+) ", read(page), re.MULTILINE) for page in READMES]
    assert depths[0] == depths[1]
    fences = [re.findall(r"^```(\w*)", read(page), re.MULTILINE) for page in READMES]
    assert fences[0] == fences[1]


def test_every_default_model_has_its_licence_in_the_notice() -> None:
    notice = read("NOTICE")
    for preset in PRESETS:
        if preset.default:
            family = preset.title.split(",")[0].split(":")[0]
            assert re.sub(r"[\s-]", "", family) in re.sub(r"[\s-]", "", notice)


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert 'license = "AGPL-3.0-or-later"' in read("pyproject.toml")
    head = read("LICENSE").splitlines()[:2]
    assert [line.strip() for line in head] == [
        "GNU AFFERO GENERAL PUBLIC LICENSE",
        "Version 3, 19 November 2007",
    ]


def test_code_fences_are_closed_and_headings_do_not_skip_a_level() -> None:
    for page in PAGES:
        text = read(page)
        assert text.count("\n```") % 2 == 0, page
        outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        levels = [len(marks) for marks in re.findall(r"^(#+) ", outside, re.MULTILINE)]
        assert all(after - before <= 1 for before, after in pairwise(levels)), page
