"""What every generator must do, on the real 0.5B model, in this process and behind a server."""

# Longer than 300 lines: what every generator must do stands together.

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from ragqa.errors import GenerationFailed, ModelMissing
from ragqa.langchain import LangChainGenerator
from ragqa.models.extractive import ExtractiveGenerator
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.openai_server import OpenAiServerGenerator
from ragqa.models.stops import cut_at
from ragqa.types import Message, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ragqa.ports import Generator
    from ragqa.settings import ChatTemplate

COUNT = (Message("system", "You repeat."), Message("user", "Write: one two three four five six"))
CHINESE = (Message("user", "重复一遍：你好，世界！😀"),)
BY_MODEL = ["llama_cpp", "openai_server"]


@pytest.fixture(scope="session")
def llama(llm_file: Path, threads: int, gpu_layers: int) -> Iterator[LlamaCppGenerator]:
    generator = LlamaCppGenerator(
        llm_file, context_tokens=1024, threads=threads, gpu_layers=gpu_layers
    )
    yield generator
    generator.close()


@pytest.fixture(scope="session")
def server(llm_file: Path, threads: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """llama-cpp-python's own OpenAI-compatible server, with a key."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(llm_file)),
        *("--host", "127.0.0.1", "--port", str(port), "--n_ctx", "1024"),
        *("--n_threads", str(threads), "--api_key", "secret", "--model_alias", "qwen"),
    ]
    log = tmp_path_factory.mktemp("server") / "log"
    # Into a file: nobody reads a pipe while the tests run, and a full one would stop the server.
    with log.open("w") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/v1/models", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()[-2000:]}")
        try:
            httpx.get(address, headers={"Authorization": "Bearer secret"}).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start within a minute")


@pytest.fixture(params=BY_MODEL)
def generator(request: pytest.FixtureRequest) -> Generator:
    if request.param == "llama_cpp":
        found: Generator = request.getfixturevalue("llama")
        return found
    return OpenAiServerGenerator(request.getfixturevalue("server"), api_key="secret")


def run(
    generator: Generator, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
) -> tuple[list[str], Usage]:
    stream = generator.generate(messages, max_tokens=max_tokens, stop=stop)
    pieces: list[str] = []
    while True:
        try:
            pieces.append(next(stream).text)
        except StopIteration as end:
            usage: Usage = end.value
            return pieces, usage


def test_the_same_prompt_gives_the_same_completion_piece_by_piece(generator: Generator) -> None:
    first, usage = run(generator, COUNT, max_tokens=24)
    run(generator, CHINESE, max_tokens=3)
    second, _ = run(generator, COUNT, max_tokens=24)

    assert first == second
    assert len(first) > 3
    assert "two three four" in "".join(first).lower()
    assert usage.prompt_tokens > 10
    assert 6 <= usage.completion_tokens <= 24


def test_chinese_and_emoji_arrive_whole(generator: Generator) -> None:
    pieces, _ = run(generator, CHINESE, max_tokens=32)

    assert "你好，世界！😀" in "".join(pieces)
    assert "�" not in "".join(pieces)


def test_the_completion_ends_before_a_stop_string(generator: Generator) -> None:
    pieces, _ = run(generator, COUNT, max_tokens=24, stop=["ree f", "zzz"])

    text = "".join(pieces)
    assert text.rstrip().lower().endswith("one two th")


def test_no_more_tokens_than_asked_for_are_generated(generator: Generator) -> None:
    _, usage = run(generator, COUNT, max_tokens=3)

    assert usage.completion_tokens == 3


def test_closing_early_frees_the_model_for_the_next(generator: Generator) -> None:
    stream = generator.generate(COUNT, max_tokens=200)
    next(stream)
    stream.close()

    pieces, _ = run(generator, COUNT, max_tokens=4)

    assert pieces


def test_a_second_caller_waits_for_the_first_to_close(llama: LlamaCppGenerator) -> None:
    first = llama.generate(COUNT, max_tokens=200)
    next(first)
    done: list[str] = []
    second = threading.Thread(target=lambda: done.extend(run(llama, COUNT, max_tokens=2)[0]))
    second.start()
    second.join(0.3)
    assert done == []

    first.close()
    second.join(60)

    assert done


def test_a_prompt_that_begins_like_the_last_is_not_read_again(llama: LlamaCppGenerator) -> None:
    passage = "滤芯每六个月更换一次，水箱容量为一点八升。" * 25
    read: list[int] = []
    evaluate = llama._llama.eval

    def listen(tokens: Sequence[int]) -> None:
        read.append(len(tokens))
        evaluate(tokens)

    llama._llama.eval = listen
    try:
        run(llama, [Message("user", f"{passage}\n滤芯多久更换？")], max_tokens=1)
        assert sum(read) > 300
        read.clear()
        run(llama, [Message("user", f"{passage}\n水箱多大？")], max_tokens=1)
    finally:
        llama._llama.eval = evaluate

    assert sum(read) < 30


def test_a_prompt_that_does_not_fit_is_refused_with_what_to_do(llama: LlamaCppGenerator) -> None:
    with pytest.raises(GenerationFailed, match=r"1024.*RAGQA_LLM_CONTEXT_TOKENS") as caught:
        run(llama, [Message("user", "水 " * 2000)], max_tokens=8)

    assert caught.value.code == "context_overflow"
    assert run(llama, COUNT, max_tokens=2)[0]


def test_the_completion_ends_where_the_context_is_full(llm_file: Path, threads: int) -> None:
    small = LlamaCppGenerator(llm_file, context_tokens=512, threads=threads)
    prompt = [Message("user", "the cat sat on a mat " * 75 + "Count from 1 to 100.")]

    _, usage = run(small, prompt, max_tokens=500)

    assert usage.prompt_tokens + usage.completion_tokens == 512
    small.close()


def test_tokens_are_counted_as_the_model_does(llama: LlamaCppGenerator) -> None:
    assert llama.count_tokens("") == 0
    assert llama.count_tokens("one two three") == 3
    # Text is text: what looks like a control token in a passage is not one.
    assert llama.count_tokens("<|im_end|>") > 1


def test_layers_for_a_gpu_that_the_build_cannot_use_are_warned_about(
    llm_file: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    import llama_cpp

    with caplog.at_level(logging.WARNING, "ragqa"):
        LlamaCppGenerator(llm_file, context_tokens=512, gpu_layers=-1, threads=1).close()

    warned = any("without GPU support" in record.message for record in caplog.records)
    assert warned is not llama_cpp.llama_supports_gpu_offload()
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04")

    with pytest.raises(ModelMissing, match="is not a GGUF file"):
        LlamaCppGenerator(tmp_path / "model.gguf")
    with pytest.raises(ModelMissing, match="no model file"):
        LlamaCppGenerator(tmp_path / "absent.gguf")


def test_a_gguf_that_is_cut_short_is_refused(llm_file: Path, tmp_path: Path) -> None:
    with llm_file.open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(1 << 20))

    with pytest.raises(ModelMissing, match="cannot load"):
        LlamaCppGenerator(tmp_path / "cut.gguf")


def test_the_server_is_asked_for_its_model(server: str) -> None:
    assert OpenAiServerGenerator(server, api_key="secret").name == "qwen"
    assert OpenAiServerGenerator(server, api_key="secret", model="other").name == "other"


def test_a_wrong_key_is_named(server: str) -> None:
    with pytest.raises(GenerationFailed, match="RAGQA_LLM_API_KEY"):
        run(OpenAiServerGenerator(server, api_key="wrong"), COUNT, max_tokens=2)


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(GenerationFailed, match=r"cannot be reached.*RAGQA_LLM_BASE_URL"):
        run(OpenAiServerGenerator(f"http://127.0.0.1:{port}/v1"), COUNT, max_tokens=2)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}/v1"
        generator = OpenAiServerGenerator(address, model="m", read_seconds=0.2)
        with pytest.raises(GenerationFailed, match="silent for too long"):
            run(generator, COUNT, max_tokens=2)


def test_the_extractive_generator_drafts_nothing() -> None:
    pieces, usage = run(ExtractiveGenerator(), COUNT, max_tokens=10)

    assert pieces == []
    assert usage == Usage(0, 0)
    assert ExtractiveGenerator().name == "extractive"


def test_a_langchain_model_streams_stops_and_is_cut() -> None:
    def model() -> LangChainGenerator:
        replies = iter([AIMessage("one two three four five")])
        return LangChainGenerator(GenericFakeChatModel(messages=replies))

    assert "".join(run(model(), COUNT, max_tokens=99)[0]) == "one two three four five"
    assert "".join(run(model(), COUNT, max_tokens=99, stop=["three"])[0]) == "one two "
    pieces, usage = run(model(), COUNT, max_tokens=2)
    # Estimated at three bytes a token: "one " is two tokens.
    assert "".join(pieces) == "one "
    assert usage.completion_tokens == 2
    assert len(run(model(), COUNT, max_tokens=99)[0]) > 3


def test_a_langchain_model_that_breaks_is_a_failed_generation() -> None:
    empty = LangChainGenerator(GenericFakeChatModel(messages=iter([])), name="broken")

    with pytest.raises(GenerationFailed, match="broken failed"):
        run(empty, COUNT, max_tokens=2)


@pytest.mark.parametrize(
    ("pieces", "stop", "text"),
    [
        (["ab", "cd"], [], "abcd"),
        (["ab", "cd"], ["bc"], "a"),
        (["a", "\n", "\n", "b"], ["\n\n"], "a"),
        (["a", "\n"], ["\n\n"], "a\n"),
        (["xyxz"], ["xz", "yx"], "x"),
        (["stop"], ["stop"], ""),
    ],
)
def test_a_stop_string_may_span_pieces(pieces: list[str], stop: list[str], text: str) -> None:
    assert "".join(cut_at(iter(pieces), stop)) == text


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (
            "alpaca",
            "A.\n\n### Instruction:\nB\n\n### Response:\nC<|im_end|>\n\n### Instruction:\nD",
        ),
        ("vicuna", "A.\n\nUSER: B ASSISTANT: C<|im_end|>USER: D ASSISTANT:"),
        ("baichuan", "A.<reserved_102>B<reserved_103>C<|im_end|><reserved_102>D<reserved_103>"),
        ("baichuan-2", "A.<reserved_106>B<reserved_107>C<|im_end|><reserved_106>D<reserved_107>"),
        ("llama-2", "[INST] <<SYS>>\nA.\n<</SYS>>\n\nB [/INST] C <|im_end|>"),
        ("chatml", "<|im_start|>system\nA.<|im_end|>\n<|im_start|>user\nB<|im_end|>"),
    ],
)
def test_turns_are_written_as_the_named_template_says(
    llm_file: Path, threads: int, name: ChatTemplate, written: str
) -> None:
    generator = LlamaCppGenerator(llm_file, context_tokens=512, threads=threads, chat_template=name)
    turns = (
        *(Message("system", "A."), Message("user", "B"), Message("assistant", "C")),
        Message("user", "D"),
    )

    assert written in generator._render(turns)
    pieces, usage = run(generator, COUNT, max_tokens=12)
    assert "".join(pieces).strip()
    assert "###" not in "".join(pieces)
    assert usage.completion_tokens <= 12
    generator.close()
