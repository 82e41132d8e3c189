"""The Python door, against a real server with a real worker beside it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ragqa
from ingest.worker import run_worker
from ragqa.errors import Conflict, InvalidInput, NotFound, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ragqa.records import Answer, Document
    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def door(live: str) -> Iterator[ragqa.Client]:
    with ragqa.Client(live, "any") as client:
        yield client


@pytest.fixture
def reading(services: Services) -> Iterator[None]:
    """A worker that reads whatever is uploaded meanwhile."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(0.1):
            run_worker(services, until_idle=True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stopping.set()
    thread.join(30)


@pytest.fixture
def manual(tmp_path: Path, make_pdf: MakePdf) -> Path:
    path = tmp_path / "说明 书.pdf"
    path.write_bytes(make_pdf("本产品的保修期为三十六个月。", "The device weighs 12 kilograms."))
    return path


def test_a_program_uploads_searches_asks_and_deletes(
    door: ragqa.Client, reading: None, manual: Path
) -> None:
    door.create_collection("合同")
    states: list[Document] = []
    (document,) = door.upload("合同", manual, progress=states.append)
    assert document["status"] == "ready"
    assert states[-1] == document
    assert [one["id"] for one in door.documents("合同")] == [document["id"]]

    hit = door.search("保修期", "合同", top_k=1)[0]
    page = door.page(hit["document_id"], hit["page"])
    assert page["text"][slice(*hit["span"])] == hit["text"]
    boxed = door.page_image(hit["document_id"], hit["page"], chunk=hit["chunk_id"])
    assert boxed.startswith(b"\x89PNG")

    answer = door.ask("保修期是多久？", "合同")
    assert "三十六个月" in answer["text"]
    assert answer["id"] is not None
    door.rate(answer["id"], 1, "好")

    door.delete_document(document["id"])
    assert list(door.documents("合同")) == []
    door.delete_collection("合同")
    assert door.collections() == []


def test_a_streamed_answer_calls_back_and_is_the_same(
    door: ragqa.Client, demo: dict[str, Any]
) -> None:
    first: list[Answer] = []
    pieces: list[str] = []
    streamed = door.ask("保修期是多久？", "demo", evidence=first.append, token=pieces.append)

    assert streamed["text"] == door.ask("保修期是多久？", "demo")["text"]
    assert "三十六个月" in first[0]["text"]
    assert streamed["citations"][0]["document_id"] == demo["id"]


def test_many_documents_are_listed_over_several_pages(door: ragqa.Client, tmp_path: Path) -> None:
    door.create_collection("many")
    for n in range(103):
        (tmp_path / f"{n:03}.txt").write_text(f"text {n}")
    door.upload("many", *sorted(tmp_path.glob("*.txt")), wait=None)

    names = [one["filename"] for one in door.documents("many", status="queued")]
    assert names == [f"{n:03}.txt" for n in range(103)]


def test_errors_are_those_of_the_service(
    door: ragqa.Client, live: str, demo: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="nowhere") as missing:
        door.ask("保修期？", "nowhere", token=print)
    assert missing.value.code == "collection_not_found"
    with pytest.raises(Conflict):
        door.create_collection("demo")
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(InvalidInput) as empty:
        door.upload("demo", tmp_path / "empty.pdf")
    assert empty.value.code == "empty_file"
    with pytest.raises(NotFound), ragqa.Client(f"{live}/elsewhere") as lost:
        lost.collections()


def test_a_wrong_key_is_told(services: Services) -> None:
    from ragqa.api.app import create_app
    from ragqa.wiring import Services as Wired
    from tests.api.conftest import serving

    settings = services.settings.model_copy(update={"api_key": "s3cret"})
    with serving(create_app(Wired(settings, services.database, services.files))) as url:
        with ragqa.Client(url, "wrong") as stranger, pytest.raises(Unauthorized):
            stranger.collections()
        with ragqa.Client(url, "s3cret") as friend:
            assert friend.collections() == []


def test_importing_ragqa_imports_nothing_else() -> None:
    code = (
        "import sys, ragqa; heavy = {'httpx', 'numpy', 'pydantic', 'fastapi', 'torch', 'psycopg'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "assert ragqa.Client.__name__ == 'Client'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_the_example_runs(live: str, reading: None, manual: Path) -> None:
    run = subprocess.run(
        [
            *(sys.executable, str(ROOT / "examples/client.py"), str(manual)),
            *("保修期是多久？", "--url", live),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "[1] 说明 书.pdf, p. 1: " in run.stdout
    assert "三十六个月" in run.stdout
