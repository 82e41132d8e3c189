"""Made-up people, firms, places and other words for made-up facts.

The words are in ``answers_words.txt``. ``NAMES`` has what is put together from several of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def rows_of(name: str) -> list[list[list[str]]]:
    """Return the rows of a text file beside this one: columns (``|``) of parts (``;`` or ``；``).

    Lines that begin with ``#`` say what the columns are.
    """
    text = Path(__file__).with_name(name).read_text("utf-8").replace("；", ";")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [
        [[part.strip() for part in column.split(";") if part.strip()] for column in line.split("|")]
        for line in lines
    ]


WORDS = {name: {"zh": zh, "en": en} for (name,), zh, en in rows_of("answers_words.txt")}
"""Words by what they are, then by language."""


def one_of(chance: Random, *forms: str) -> str:
    """Return one of ``forms``, all of which were written before it is drawn."""
    return chance.choice(forms)


def _zh(chance: Random, name: str) -> str:
    return chance.choice(WORDS[name]["zh"])


def _en(chance: Random, name: str) -> str:
    return chance.choice(WORDS[name]["en"])


def _company(r: Random, zh: bool) -> str:
    if zh:
        return "".join(_zh(r, name) for name in ("city", "firm", "firm", "trade", "tail"))
    return f"{_en(r, 'firm')} {_en(r, 'tail')}"


def _people(r: Random, zh: bool) -> str:
    if zh:
        family = _zh(r, "family")
        given = "".join(_zh(r, "given") for _ in range(r.choice([1, 2, 2])))
        return family + given + one_of(r, "", "", "", "经理", "工程师")
    return f"{one_of(r, '', '', 'Ms ', 'Mr ', 'Dr ')}{_en(r, 'given')} {_en(r, 'family')}"


def _place(r: Random, zh: bool) -> str:
    if zh:
        town = _zh(r, "city") + "市" + r.choice(["", *WORDS["district"]["zh"]])
        street = f"{_zh(r, 'firm')}{_zh(r, 'firm')}路{r.randint(1, 299)}号"
        return town + r.choice(["", street, "买方仓库", "第二厂区"])
    return one_of(
        r,
        _en(r, "city"),
        f"{r.randint(1, 250)} {_en(r, 'family')} Street, {_en(r, 'city')}",
        f"the warehouse in {_en(r, 'city')}",
        f"plant {r.randint(2, 9)} in {_en(r, 'city')}",
    )


def _bank(r: Random, zh: bool) -> str:
    if zh:
        return _zh(r, "banks") + _zh(r, "city") + one_of(r, "分行", "支行", "高新支行", "城东支行")
    return f"{_en(r, 'banks')} {_en(r, 'city')}"


def _account(r: Random, zh: bool) -> str:
    del zh
    return "".join(r.choice("0123456789") for _ in range(r.choice([16, 17, 19])))


def _phone(r: Random, zh: bool) -> str:
    if zh:
        return one_of(
            r,
            f"400-{r.randint(100, 999)}-{r.randint(1000, 9999)}",
            f"0{r.randint(10, 99)}{r.randint(0, 9)}-{r.randint(10**7, 10**8 - 1)}",
            f"1{r.choice('3578')}{r.randint(10**8, 10**9 - 1)}",
        )
    return f"+{r.randint(1, 49)} {r.randint(20, 999)} {r.randint(100000, 9999999)}"


def _court(r: Random, zh: bool) -> str:
    if zh:
        return one_of(
            r,
            "上海仲裁委员会",
            "中国国际经济贸易仲裁委员会",
            f"{_zh(r, 'city')}仲裁委员会",
            "买方所在地人民法院",
            f"{_zh(r, 'city')}市中级人民法院",
        )
    return one_of(
        r,
        f"the courts of {_en(r, 'city')}",
        "the International Chamber of Commerce",
        f"an arbitration panel in {_en(r, 'city')}",
    )


NAMES = {
    "account": _account,
    "bank": _bank,
    "company": _company,
    "court": _court,
    "people": _people,
    "phone": _phone,
    "place": _place,
}
"""What writes a value of a kind: it gets chance, and whether Chinese is wanted."""
