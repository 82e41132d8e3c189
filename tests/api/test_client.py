"""Both Python doors: to a real server with a real worker beside it, and in process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import ragqa
from ingest.worker import run_worker
from ragqa.errors import Conflict, InvalidInput, NotFound, Unauthorized, WrongSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ragqa.records import Answer, Document
    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

Door = ragqa.Client | ragqa.Local
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["service", "in process"])
def door(request: pytest.FixtureRequest, live: str, services: Services) -> Iterator[Door]:
    opened: Door = (
        ragqa.Client(live, "any")
        if request.param == "service"
        else ragqa.Local(worker=False, **chosen(services))
    )
    with opened:
        yield opened


def chosen(services: Services) -> dict[str, Any]:
    """Return the settings of ``services`` that are not the defaults."""
    names = ("home", "database_url", "embedding_model", "llm_model", "models")
    return {name: getattr(services.settings, name) for name in names}


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
    door: Door, reading: None, manual: Path
) -> None:
    door.create_collection("合同")
    states: list[Document] = []
    (document,) = door.upload("合同", manual, metadata={"year": 2024}, progress=states.append)
    assert document["status"] == "ready"
    assert states[-1] == document
    assert [one["id"] for one in door.documents("合同")] == [document["id"]]

    hit = door.search("保修期", "合同", top_k=1)[0]
    page = door.page(hit["document_id"], hit["page"])
    assert page["text"][slice(*hit["span"])] == hit["text"]
    boxed = door.page_image(hit["document_id"], hit["page"], chunk=hit["chunk_id"])
    assert boxed.startswith(b"\x89PNG")

    assert door.search("保修期", "合同", filter={"metadata": {"year": 2024}})
    changed = door.set_metadata(document["id"], {"year": 2025})
    assert changed["metadata"] == {"year": "2025"}
    assert not door.search("保修期", "合同", filter={"metadata": {"year": 2024}})
    with pytest.raises(InvalidInput):
        door.set_metadata(document["id"], {"": "x"})

    answer = door.ask("保修期是多久？", "合同")
    assert "三十六个月" in answer["text"]
    assert answer["id"] is not None
    door.rate(answer["id"], 1, "好")

    door.delete_document(document["id"])
    assert list(door.documents("合同")) == []
    door.delete_collection("合同")
    assert door.collections() == []


def test_a_streamed_answer_calls_back_and_is_the_same(door: Door, demo: dict[str, Any]) -> None:
    first: list[Answer] = []
    pieces: list[str] = []
    streamed = door.ask("保修期是多久？", "demo", evidence=first.append, token=pieces.append)

    assert streamed["text"] == door.ask("保修期是多久？", "demo")["text"]
    assert "三十六个月" in first[0]["text"]
    assert streamed["citations"][0]["document_id"] == demo["id"]


def test_many_documents_are_listed_over_several_pages(door: Door, tmp_path: Path) -> None:
    door.create_collection("many")
    for n in range(103):
        (tmp_path / f"{n:03}.txt").write_text(f"text {n}")
    door.upload("many", *sorted(tmp_path.glob("*.txt")), wait=None)

    names = [one["filename"] for one in door.documents("many", status="queued")]
    assert names == [f"{n:03}.txt" for n in range(103)]


def test_both_doors_tell_the_same_errors(door: Door, demo: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere") as missing:
        door.ask("保修期？", "nowhere", token=print)
    assert missing.value.code == "collection_not_found"
    with pytest.raises(Conflict):
        door.create_collection("demo")
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(InvalidInput) as empty:
        door.upload("demo", tmp_path / "empty.pdf")
    assert empty.value.code == "empty_file"
    with pytest.raises(InvalidInput, match="query"):
        door.search("  ", "demo")
    with pytest.raises(InvalidInput, match="top_k"):
        door.ask("保修期？", "demo", top_k=0)
    poems: Any = {"kind": "poem"}
    with pytest.raises(InvalidInput, match="kind"):
        door.search("保修期", "demo", filter=poems)
    for call in (door.document, door.delete_document):
        with pytest.raises(NotFound) as gone:
            call("1-99")
        assert gone.value.code == "document_not_found"
    with pytest.raises(NotFound):
        door.page(demo["id"], 9)
    with pytest.raises(NotFound):
        door.rate("1-99", 1)
    (tmp_path / "late.txt").write_text("late")
    with pytest.raises(TimeoutError, match="not read after 0 s"):
        door.upload("demo", tmp_path / "late.txt", wait=0)


def test_both_doors_filter(door: Door, demo: dict[str, Any]) -> None:
    hits = door.search("device kilograms 保修期", "demo", filter={"pages": [2, 2]})
    assert {hit["page"] for hit in hits} == {2}
    answer = door.ask("保修期是多久？", "demo", filter={"document": "1-77"})
    assert not answer["answered"]


def test_what_one_door_says_is_what_the_other_says(
    live: str, services: Services, demo: dict[str, Any]
) -> None:
    with (
        ragqa.Client(live) as client,
        ragqa.Local(worker=False, **chosen(services)) as local,
    ):
        doors: list[Door] = [client, local]
        for say in (
            lambda door: door.collections(),
            lambda door: list(door.documents("demo")),
            lambda door: door.document(demo["id"]),
            lambda door: door.page(demo["id"], 1),
            lambda door: door.page_image(demo["id"], 1, dpi=50),
            lambda door: door.search("保修期", "demo"),
        ):
            one, other = (say(door) for door in doors)
            assert one == other
        answers = [dict(door.ask("保修期是多久？", "demo")) for door in doors]
        for answer in answers:
            for own in ("id", "conversation_id", "timings_ms"):
                assert answer.pop(own)
        assert answers[0] == answers[1]


def test_in_process_a_worker_reads_what_is_uploaded_and_goes_with_the_door(
    services: Services, manual: Path
) -> None:
    with ragqa.Local(**chosen(services)) as local:
        local.create_collection("alone")
        (document,) = local.upload("alone", manual, wait=60)
        assert document["status"] == "ready", document["error"]
        (worker,) = (one for one in psutil.Process().children() if "worker" in one.cmdline())
        # Whoever searches meanwhile goes first.
        assert worker.nice() > psutil.Process().nice()
    assert not worker.is_running()


def test_in_process_a_wrong_setting_is_named() -> None:
    with pytest.raises(WrongSettings, match="RAGQA_OCR_DPI"):
        ragqa.Local(ocr_dpi=5)


def test_a_service_that_is_not_there_is_told(live: str) -> None:
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
        "assert (ragqa.Client.__name__, ragqa.Local.__name__) == ('Client', 'Local')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_the_example_without_a_service_runs(services: Services, manual: Path) -> None:
    given = {f"RAGQA_{name.upper()}": str(value) for name, value in chosen(services).items()}
    run = subprocess.run(
        [sys.executable, str(ROOT / "examples/local.py"), str(manual), "保修期是多久？"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | given | {"PYTHONPATH": str(ROOT)},
    )

    assert run.returncode == 0, run.stderr
    assert "[1] 说明 书.pdf, p. 1: " in run.stdout
    assert "三十六个月" in run.stdout


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
