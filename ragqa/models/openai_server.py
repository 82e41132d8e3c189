"""A generator behind an OpenAI-compatible server: llama-server, vLLM, Ollama and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.errors import GenerationFailed
from ragqa.types import Token, Usage

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Sequence

    from ragqa.types import Message

CONNECT_SECONDS = 5.0
READ_SECONDS = 120.0
"""Longest silence between two pieces; a long prompt on a CPU is read in silence."""
SEED = 0


class OpenAiServerGenerator:
    """Chat completions of a server, streamed; temperature 0 and a fixed seed."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = "",
        model: str = "",
        context_tokens: int = 4096,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """Prepare the client; the server is first asked when something is generated.

        Args:
            base_url: Address with its version, such as ``http://127.0.0.1:8080/v1``.
            api_key: Key that the server wants; many want none.
            model: Model to ask for; the first that the server lists when empty.
            context_tokens: Tokens that prompt and completion may have together there.
            read_seconds: Longest silence that is waited through.
        """
        from openai import OpenAI, Timeout

        self._base_url = base_url
        self._model = model
        self._context_tokens = context_tokens
        self._client = OpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            timeout=Timeout(read_seconds, connect=CONNECT_SECONDS),
            max_retries=1,
        )

    @property
    def name(self) -> str:
        """The model's name on the server.

        Raises:
            GenerationFailed: If it has to be asked for and the server does not answer.
        """
        if not self._model:
            self._model = self._first_model()
        return self._model

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and completion may have together, as configured."""
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        """Return an estimate on the high side: three bytes of UTF-8 a token.

        That is one token for a Chinese character, and a third of a token for an English letter.
        """
        return -(-len(text.encode("utf-8", "replace")) // 3)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Stream[Token, None, Usage]:
        """Yield the completion piece by piece; the generator's return value is the usage.

        A server that reports no usage is counted for: its pieces are tokens, the prompt is
        estimated. Closing the generator closes the connection, which stops the server.

        Raises:
            GenerationFailed: If the server cannot be reached, refuses, is silent for too long, or
                breaks off.
        """
        import httpx2
        from openai import OpenAIError

        usage: Usage | None = None
        pieces = 0
        try:
            with self._open(messages, max_tokens, stop) as stream:
                for chunk in stream:
                    if chunk.usage:
                        usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    text = chunk.choices[0].delta.content if chunk.choices else None
                    if text:
                        pieces += 1
                        yield Token(text)
        except (OpenAIError, httpx2.HTTPError) as error:
            raise GenerationFailed(self._explain(error)) from error
        return usage or Usage(sum(self.count_tokens(turn.content) for turn in messages), pieces)

    def _open(self, messages: Sequence[Message], max_tokens: int, stop: Sequence[str]) -> Any:
        turns: Any = [{"role": turn.role, "content": turn.content} for turn in messages]
        return self._client.chat.completions.create(
            model=self.name,
            messages=turns,
            max_tokens=max_tokens,
            stop=list(stop) or None,
            temperature=0,
            seed=SEED,
            stream=True,
            stream_options={"include_usage": True},
        )

    def _first_model(self) -> str:
        import httpx2
        from openai import OpenAIError

        try:
            for model in self._client.models.list():
                return model.id
        except (OpenAIError, httpx2.HTTPError) as error:
            raise GenerationFailed(self._explain(error)) from error
        raise GenerationFailed(f"the server at {self._base_url} lists no model")

    def _explain(self, error: Exception) -> str:
        """Return what went wrong with the server, in a sentence that says what to do."""
        import httpx2
        import openai

        server = f"the language model server at {self._base_url}"
        match error:
            case openai.APITimeoutError() | httpx2.TimeoutException():
                return f"{server} was silent for too long; is it overloaded?"
            case openai.APIConnectionError() | httpx2.TransportError():
                return f"{server} cannot be reached; is it running, and RAGQA_LLM_BASE_URL right?"
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return f"{server} refuses the key; check RAGQA_LLM_API_KEY"
            case openai.NotFoundError():
                return f"{server} knows no such address or model: {error}"
            case openai.APIStatusError():
                return f"{server} answered {error.status_code}: {error.message}"
            case _:
                return f"{server} failed: {error}"
