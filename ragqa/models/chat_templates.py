"""How turns of a chat are written: as a model's file says, or by a template for older models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import ModelMissing

if TYPE_CHECKING:
    from pathlib import Path

    from ragqa.settings import ChatTemplate


@dataclass(frozen=True, slots=True)
class Template:
    """A Jinja template over ``messages``, ``bos_token`` and ``eos_token``.

    ``stops`` are what a model writes when it goes on with the next turn by itself.
    """

    text: str
    stops: tuple[str, ...] = ()


def _turns(system: str, user: str, assistant: str, opening: str) -> str:
    """Return a template from what stands for each turn; ``@`` is the turn's content."""

    def said(form: str) -> str:
        return form.replace("@", "{{ message['content'] }}")

    return (
        "{{ bos_token }}{% for message in messages %}"
        f"{{% if message['role'] == 'system' %}}{said(system)}"
        f"{{% elif message['role'] == 'user' %}}{said(user)}"
        f"{{% else %}}{said(assistant)}{{% endif %}}{{% endfor %}}{opening}"
    )


TEMPLATES: dict[str, Template] = {
    "chatml": Template(
        _turns(
            "<|im_start|>system\n@<|im_end|>\n",
            "<|im_start|>user\n@<|im_end|>\n",
            "<|im_start|>assistant\n@<|im_end|>\n",
            "<|im_start|>assistant\n",
        ),
        ("<|im_end|>",),
    ),
    "alpaca": Template(
        _turns(
            "@\n\n",
            "### Instruction:\n@\n\n",
            "### Response:\n@{{ eos_token }}\n\n",
            "### Response:\n",
        ),
        ("### Instruction", "### Response"),
    ),
    "vicuna": Template(
        _turns("@\n\n", "USER: @ ", "ASSISTANT: @{{ eos_token }}", "ASSISTANT:"),
        ("USER:", "ASSISTANT:"),
    ),
    "llama-2": Template(
        "{% for message in messages %}"
        "{% if message['role'] == 'system' %}{% elif message['role'] == 'user' %}"
        "{{ bos_token }}[INST] {% if loop.index0 == 1 and messages[0]['role'] == 'system' %}"
        "<<SYS>>\n{{ messages[0]['content'] }}\n<</SYS>>\n\n{% endif %}"
        "{{ message['content'] }} [/INST]{% else %} {{ message['content'] }} {{ eos_token }}"
        "{% endif %}{% endfor %}",
        ("[INST]",),
    ),
    "baichuan": Template(
        _turns("@", "<reserved_102>@", "<reserved_103>@{{ eos_token }}", "<reserved_103>")
    ),
    "baichuan-2": Template(
        _turns("@", "<reserved_106>@", "<reserved_107>@{{ eos_token }}", "<reserved_107>")
    ),
}
"""Sources: the model cards of Qwen, Stanford Alpaca, Vicuna, Llama 2 and Baichuan."""


def formatter(llama: Any, path: Path, name: ChatTemplate) -> Any:
    """Return what writes a model's turns: as its file says, or as a named template does.

    Raises:
        ModelMissing: If the file says nothing and none is named.
    """
    from llama_cpp import llama_chat_format

    template = TEMPLATES[name].text if name else llama.metadata.get("tokenizer.chat_template")
    if not template:
        raise ModelMissing(
            f"{path} carries no chat template: choose an instruct model, or say how its turns are "
            "written with RAGQA_LLM_CHAT_TEMPLATE (alpaca, vicuna, baichuan, …)"
        )
    return llama_chat_format.Jinja2ChatFormatter(
        template=template,
        eos_token=_special(llama, llama.token_eos()),
        bos_token=_special(llama, llama.token_bos()),
    )


def _special(llama: Any, token: int) -> str:
    return llama.detokenize([token], special=True).decode("utf-8", "replace") if token >= 0 else ""
