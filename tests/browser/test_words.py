"""The page has words, in both languages, for everything it may have to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.readers.kind import SUFFIXES
from ragqa.web.page import STATIC

DOCUMENTED = Path("docs/errors.md")
# What only a terminal shows, and families of codes that share a sentence.
NOT_ON_THE_PAGE = {"already_running", "port_taken"}


def _words(language: str) -> dict[str, str]:
    files = sorted((STATIC / "js").glob(f"words.*{language}.js"))
    text = "".join(file.read_text() for file in files)
    return dict(re.findall(r'^  "?([\w.]+)"?: "(.*)",$', text, re.MULTILINE))


def _codes(section: str) -> set[str]:
    text = DOCUMENTED.read_text()
    table = text.split(f"<!-- {section} -->")[1].split(f"<!-- /{section} -->")[0]
    return set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_both_languages_say_the_same_things_with_the_same_gaps() -> None:
    english, chinese = _words("en"), _words("zh")
    assert english.keys() == chinese.keys()
    for key, words in english.items():
        gaps = set(re.findall(r"{\w+}", words))
        assert gaps == set(re.findall(r"{\w+}", chinese[key])), key


@pytest.mark.parametrize(
    ("section", "prefix"),
    [
        ("errors", "error"),
        ("failures", "error"),
        ("warnings", "warning"),
        ("refusals", "refusal"),
    ],
)
def test_every_documented_code_has_a_sentence(section: str, prefix: str) -> None:
    known = _words("zh")
    codes = {
        "not_found" if code.endswith("_not_found") and code != "route_not_found" else code
        for code in _codes(section) - NOT_ON_THE_PAGE
    }
    assert codes
    assert not {code for code in codes if f"{prefix}.{code}" not in known}


def test_every_word_the_scripts_ask_for_exists() -> None:
    known = _words("en").keys()
    for script in sorted((STATIC / "js").glob("*.js")):
        asked = set(re.findall(r'\bt\("([\w.]+)"', script.read_text()))
        assert not asked - known, script.name


def test_the_page_takes_every_kind_of_file_that_is_read() -> None:
    script = (STATIC / "js" / "uploads.js").read_text()
    listed = re.search(r"export const READ = \[(.*)\];", script)
    assert listed is not None
    assert set(re.findall(r'"(\.\w+)"', listed[1])) == set(SUFFIXES)
