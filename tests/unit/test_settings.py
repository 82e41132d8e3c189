"""Where settings come from, which source beats which, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ragqa.errors import WrongSettings
from ragqa.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LLM_THREADS", "OCR_DPI", "MAX_PAGES", "OFFLINE", "KEEP_VERSIONS"):
        monkeypatch.delenv(f"RAGQA_{name}", raising=False)


def test_what_is_given_beats_variables_these_dotenv_and_that_toml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ragqa.toml").write_text(
        "llm_threads = 1\nocr_dpi = 101\nmax_pages = 11\nkeep_versions = 1\n"
    )
    (tmp_path / ".env").write_text("RAGQA_LLM_THREADS=2\nRAGQA_OCR_DPI=102\nRAGQA_MAX_PAGES=12\n")
    monkeypatch.setenv("RAGQA_LLM_THREADS", "3")
    monkeypatch.setenv("RAGQA_OCR_DPI", "103")
    settings = load_settings(folder=tmp_path, llm_threads=4)
    assert (settings.llm_threads, settings.ocr_dpi) == (4, 103)
    assert (settings.max_pages, settings.keep_versions) == (12, 1)


def test_without_a_folder_no_file_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("RAGQA_OCR_DPI=102\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(folder=None).ocr_dpi == 150
    assert load_settings().ocr_dpi == 102


def test_where_nothing_is_set_the_home_is_below_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAGQA_HOME", raising=False)
    monkeypatch.delenv("RAGQA_MODELS", raising=False)

    settings = load_settings(folder=None)

    assert settings.home == tmp_path / ".local/share/ragqa"
    assert settings.models_folder == tmp_path / ".local/share/ragqa/models"


def test_what_is_no_setting_of_ours_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OCR_DPI=200\nOTHER\nRAGQA_NOTHING=1\nRAGQA_OFFLINE=1\n")
    settings = load_settings(folder=tmp_path)
    assert (settings.ocr_dpi, settings.offline) == (150, True)


@pytest.mark.parametrize("value", ["fast", "71", "601", ""])
def test_a_value_that_cannot_be_used_is_refused_by_its_name(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGQA_OCR_DPI", value)
    with pytest.raises(WrongSettings, match="RAGQA_OCR_DPI is"):
        load_settings(folder=None)


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "ragqa.toml").write_text("ocr_dpi: 150\n")
    with pytest.raises(WrongSettings, match=r"ragqa\.toml is not TOML"):
        load_settings(folder=tmp_path)
