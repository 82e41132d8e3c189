"""How turns of a chat are written for older models, whose files do not say it themselves."""

from __future__ import annotations

from dataclasses import dataclass


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
