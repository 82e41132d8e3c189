"""What every test may ask for: a real Postgres, a migrated database of its own, the models."""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pymupdf
import pytest
from fastapi.testclient import TestClient
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from ingest.worker import run_worker
from ragqa.api.app import create_app
from ragqa.settings import load_settings
from ragqa.store.db import Database
from ragqa.store.embedded import start_or_attach
from ragqa.store.files import Files
from ragqa.store.migrations import migrate
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEST_DATABASE = "RAGQA_TEST_DATABASE_URL"

# The tests' own surroundings, for themselves and for every process they start: nothing of the
# user's settings but where the models lie, and no way to a model hub.
_MODELS = load_settings(folder=None).models_folder
for _name in [name for name in os.environ if name.startswith("RAGQA_") and name != _TEST_DATABASE]:
    del os.environ[_name]
os.environ |= {
    "RAGQA_MODELS": str(_MODELS),
    "RAGQA_OFFLINE": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LANGSMITH_TRACING": "false",
    "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True",
    # More threads than cores make every model many times slower on a small machine.
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "passive",
}


def _stay_on_this_machine(event: str, args: tuple[Any, ...]) -> None:
    """Refuse connections that leave the machine: no test reaches a remote server by accident."""
    if event != "socket.connect" or not isinstance(args[1], tuple):
        return
    host = str(args[1][0])
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise PermissionError(f"a test tried to reach {host}")


sys.addaudithook(_stay_on_this_machine)


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder with the pulled default models; ``RAGQA_MODELS`` or ``RAGQA_HOME`` moves it."""
    if not _MODELS.is_dir():
        pytest.fail(f"no models in {_MODELS}: run `.venv/bin/ragqa models pull`")
    return _MODELS


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Conninfo of a server where the tests may create databases and extensions."""
    if given := os.environ.get(_TEST_DATABASE):
        yield given
        return
    # Not in pytest's own folder, which is closed to the account that root's Postgres runs as.
    with (
        tempfile.TemporaryDirectory(prefix="ragqa-") as home,
        start_or_attach(Path(home)) as started,
    ):
        yield started.conninfo


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """Name of a migrated, empty database that each test copies."""
    name = f"ragqa_template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            migrate(make_conninfo(server, dbname=name))
            yield name
        finally:
            _drop(admin, name)


@pytest.fixture
def database_url(server: str, template: str) -> Iterator[str]:
    """Conninfo of a migrated, empty database of this test's own."""
    name = f"ragqa_test_{uuid.uuid4().hex[:8]}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            _drop(admin, name)


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection to ``database_url`` as the product's pool makes them."""
    # A statement that waits for a lock for ever must fail a test, not hang it.
    limited = make_conninfo(database_url, options="-c statement_timeout=30s")
    with psycopg.connect(limited, row_factory=dict_row) as conn:
        register_vector(conn)
        yield conn


def _drop(admin: psycopg.Connection[Any], name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def services(database_url: str, tmp_path: Path) -> Iterator[Services]:
    """Everything a command or request may use, with the models that need no weights."""
    settings = load_settings(
        folder=None,
        home=tmp_path / "home",
        database_url=database_url,
        embedding_model="hashing",
        llm_model="extractive",
        models=_MODELS,
    )
    database = Database(database_url)
    try:
        yield Services(settings, database, Files(str(settings.files_folder)))
    finally:
        database.close()


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    """A client of the real application over ``services``."""
    with TestClient(
        create_app(services), base_url="http://127.0.0.1", raise_server_exceptions=False
    ) as client:
        yield client


MakePdf = Callable[..., bytes]


@pytest.fixture(scope="session")
def make_pdf() -> MakePdf:
    """Return a maker of born-digital PDFs: one argument a page, its lines parted by newlines."""

    def make(*pages: str) -> bytes:
        document = pymupdf.open()
        for text in pages:
            page = document.new_page(width=595, height=842)
            for row, line in enumerate(text.split("\n")):
                page.insert_text((72, 90 + 22 * row), line, fontname="china-s", fontsize=12)
        data: bytes = document.tobytes()
        document.close()
        return data

    return make


@pytest.fixture
def take_in_pdfs(
    services: Services, client: TestClient, make_pdf: MakePdf
) -> Callable[[dict[str, str]], Services]:
    """Return what brings PDFs, a text by each name, into a new collection "demo"."""

    def bring(texts: dict[str, str]) -> Services:
        client.post("/v1/collections", json={"name": "demo"}).raise_for_status()
        files = [
            ("files", (name, make_pdf(text), "application/pdf")) for name, text in texts.items()
        ]
        client.post("/v1/collections/demo/documents", files=files).raise_for_status()
        run_worker(services, until_idle=True)
        return services

    return bring
