"""A GGUF file as generator, in this process, through llama-cpp-python."""

from __future__ import annotations

import codecs
import logging
import os
import threading
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.errors import GenerationFailed, ModelMissing
from ragqa.models.adapters import adapt, likelihood, with_adapter
from ragqa.models.chat_templates import TEMPLATES, formatter
from ragqa.models.kept_prompts import KeptPrompts, shared
from ragqa.models.stops import cut_at
from ragqa.models.turns import Turns
from ragqa.types import Token, Usage

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Iterator, Sequence

    from ragqa.settings import ChatTemplate
    from ragqa.types import Message

logger = logging.getLogger(__name__)

SEED = 0
PIECE = 128
"""Tokens of a prompt that are read at once: between two pieces a caller may leave."""
GPU_PIECE = 2048
"""The same with layers on a GPU, which reads these in about a tenth of a second."""
BEAT = 0.25
"""Seconds after which one who waits for the model may leave."""

# llama-cpp-python mutes a load by pointing the process's stdout elsewhere for its duration: two
# loads at once could leave it there.
_loading = threading.Lock()


class LlamaCppGenerator:
    """Greedy decoding with the chat template that the file carries, or with a named one.

    One sequence, hence one lock: a second caller waits for the first to end or close, and those
    who wait are served in the order they came. The keys and values of the last prompts are kept,
    so that a prompt which begins like one of them is only read from where it differs.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        context_tokens: int = 4096,
        gpu_layers: int = 0,
        threads: int = 0,
        chat_template: ChatTemplate = "",
        adapter: Path | None = None,
        refusals: Sequence[str] = (),
    ) -> None:
        """Load the file.

        Args:
            path: A GGUF file of a chat model.
            context_tokens: Tokens of prompt and completion together; cut to what the model was
                trained for.
            gpu_layers: Layers put on the GPU, -1 all; needs a build with GPU support.
            threads: Threads to compute with; 0 is one per core.
            chat_template: How turns are written; empty: as the file says.
            adapter: What was fitted to this model (``ragqa.models.adapters``).
            refusals: What a model writes where the passages have no answer, if it was fitted to do
                so, by an adapter or in its weights.

        Raises:
            ModelMissing: If the file is not there, is no GGUF, has no chat template and none is
                named, or the adapter is none for it.
        """
        path = Path(path)
        _require_gguf(path)
        self._llama = _load(path, context_tokens, gpu_layers, threads)
        self._name = path.stem
        if adapter is not None:
            adapt(self._llama, adapter)
            self._name = with_adapter(path.stem, adapter)
        self._refusals = [self._tokenize(text, special=False)[0] for text in refusals]
        self._template = formatter(self._llama, path, chat_template)
        self._stops = TEMPLATES[chat_template].stops if chat_template else ()
        self._piece = GPU_PIECE if gpu_layers and supports_gpu() else PIECE
        self._kept = KeptPrompts(self._llama)
        self._turns = Turns()

    @property
    def name(self) -> str:
        """The file's name without its suffix, and which adapter it has."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and completion may have together."""
        return int(self._llama.n_ctx())

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in ``text``."""
        return len(self._tokenize(text, special=False))

    def close(self) -> None:
        """Free the model, once the completion in progress has ended."""
        with self._turns:
            self._kept.forget()
            self._llama.close()

    def forget(self) -> None:
        """Forget all prompts: the next one is read from its beginning."""
        with self._turns:
            self._kept.forget()
            self._llama.reset()

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Stream[Token, None, Usage]:
        """Yield the completion piece by piece; the generator's return value is the usage.

        Greedy, so the same prompt gives the same completion. The completion ends before the first
        of the ``stop`` strings, at the model's end token, after ``max_tokens``, or where the
        context is full. While others have the model, and while the prompt is read, empty pieces
        come from time to time, so that the generator can be closed then too; closing it frees the
        model at once.

        Raises:
            GenerationFailed: If the prompt does not fit (code ``context_overflow``), or llama.cpp
                fails.
        """
        prompt = self._tokenize(self._render(messages), special=True)
        room = self.context_tokens - len(prompt)
        if room < 1:
            raise GenerationFailed(
                f"the prompt has {len(prompt)} tokens, the context has room for "
                f"{self.context_tokens}: show fewer or shorter passages, or raise "
                "RAGQA_LLM_CONTEXT_TOKENS",
                code="context_overflow",
            )
        counted = _Count()
        limit = min(max_tokens, room)
        turn = self._turns.join()
        try:
            while not turn.wait(BEAT):
                yield Token("")
            for _ in self._read(prompt):
                yield Token("")
            # The decoder is closed before the turn ends: a suspended one must not outlive it.
            with closing(self._decode(prompt, limit, counted)) as pieces:
                for text in cut_at(pieces, (*stop, *self._stops)):
                    yield Token(text)
        finally:
            turn.end()
        return Usage(len(prompt), counted.tokens, counted.doubt)

    def _read(self, prompt: list[int]) -> Iterator[None]:
        """Read all of a prompt but its last piece, and yield after every piece."""
        self._kept.put_back(prompt)
        known = shared(self._llama.input_ids[: self._llama.n_tokens].tolist(), prompt)
        for end in range(known + self._piece, len(prompt), self._piece):
            with _failing(), closing(self._llama.generate(prompt[:end], temp=0.0)) as tokens:
                next(tokens)
            yield

    def _decode(self, prompt: list[int], limit: int, counted: _Count) -> Stream[str, None, None]:
        """Yield text as soon as its bytes are whole characters."""
        import llama_cpp

        vocabulary = llama_cpp.llama_model_get_vocab(self._llama.model)
        text = codecs.getincrementaldecoder("utf-8")("replace")
        with _failing(), closing(self._llama.generate(prompt, temp=0.0)) as tokens:
            for token in tokens:
                if not counted.tokens and self._refusals:
                    counted.doubt = likelihood(self._llama, self._refusals)
                if llama_cpp.llama_vocab_is_eog(vocabulary, token):
                    break
                counted.tokens += 1
                try:
                    if whole := text.decode(self._llama.detokenize([token], special=False)):
                        yield whole
                finally:
                    if counted.tokens == 1:  # what was read is kept once the first word is out
                        self._kept.keep()
                if counted.tokens >= limit:
                    break
        if rest := text.decode(b"", final=True):
            yield rest

    def _render(self, messages: Sequence[Message]) -> str:
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        try:
            return str(self._template(messages=turns).prompt)
        except ValueError as error:
            raise GenerationFailed(f"the chat template of {self._name} refuses: {error}") from error

    def _tokenize(self, text: str, *, special: bool) -> list[int]:
        tokens: list[int] = self._llama.tokenize(
            text.encode("utf-8", "replace"), add_bos=False, special=special
        )
        return tokens


class _Count:
    def __init__(self) -> None:
        self.tokens = 0
        self.doubt: float | None = None


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise GenerationFailed(f"llama.cpp failed while generating: {error}") from error


def _require_gguf(path: Path) -> None:
    if not path.is_file():
        raise ModelMissing(
            f"no model file {path}; fetch one with `ragqa models pull`, or set RAGQA_LLM_MODEL"
        )
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelMissing(f"{path} is not a GGUF file: it does not start with GGUF")


def supports_gpu() -> bool:
    """Return whether llama.cpp was built for a GPU and sees one."""
    return bool(_library().llama_supports_gpu_offload())


def _library() -> Any:
    """Return llama.cpp, whose own log goes where ours goes."""
    import llama_cpp

    llama_cpp.llama_log_set(_log_sink(), None)
    return llama_cpp


def _load(path: Path, context_tokens: int, gpu_layers: int, threads: int) -> Any:
    # For those who come without the command line, which says so too: two threads that spin while
    # they wait for each other generate 0.3 tokens a second on two busy cores, these 15.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251  (not a setting of ours)
    llama_cpp = _library()
    if gpu_layers and not llama_cpp.llama_supports_gpu_offload():
        logger.warning(
            "RAGQA_LLM_GPU_LAYERS is %d, but this llama-cpp-python was built without GPU support, "
            "or sees no GPU: the model runs on the CPU (`ragqa doctor` says more)",
            gpu_layers,
        )
    options: dict[str, Any] = {"n_threads": threads, "n_threads_batch": threads} if threads else {}
    try:
        with _loading:
            trained = _trained_context(path)
            return llama_cpp.Llama(
                str(path),
                n_ctx=min(context_tokens, trained) if trained else context_tokens,
                n_gpu_layers=gpu_layers,
                seed=SEED,
                verbose=False,
                **options,
            )
    except (ValueError, RuntimeError, OSError) as error:
        raise ModelMissing(f"llama.cpp cannot load {path}: {error}") from error


def _trained_context(path: Path) -> int:
    import llama_cpp

    words = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    try:
        architecture = words.metadata.get("general.architecture", "")
        return int(words.metadata.get(f"{architecture}.context_length", 0))
    finally:
        words.close()


@cache
def _log_sink() -> Any:
    """Return the C callback that sends llama.cpp's own lines to our debug log.

    Made once and kept: C holds a bare pointer to it.
    """
    import llama_cpp

    def forward(level: int, text: bytes, _: Any) -> None:
        del level
        if line := text.decode("utf-8", "replace").strip(" .\n"):
            logger.debug("llama.cpp: %s", line)

    return llama_cpp.llama_log_callback(forward)
