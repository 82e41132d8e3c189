"""Questions in one language about documents in the other: Chinese and English.

A model of several languages puts passages in the question's language nearer to it than others,
whatever they are about. In which direction passages of the two languages lie from each other is
seen from sentences that say the same in both; how much nearer, from the passages that are found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from ragqa.retrieval.folding import CJK
from ragqa.retrieval.lexical import hash_term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from numpy.typing import NDArray

    from ragqa.ports import Embedder, Snapshot
    from ragqa.types import Language

PAIRS = (
    ("这台机器的保修期为两年。", "The warranty of this machine is two years."),
    ("请在三十天内提交申请表。", "Please submit the application form within thirty days."),
    ("会议将于星期五上午在北京举行。", "The meeting is in Beijing on Friday morning."),
    ("该公司去年的收入增长了百分之十。", "The company's revenue grew by ten percent last year."),
    ("水在一百摄氏度时沸腾。", "Water boils at one hundred degrees Celsius."),
    ("他于1985年出生在一个小村庄。", "He was born in a small village in 1985."),
    ("员工每年享有十五天带薪假期。", "Employees have fifteen days of paid leave each year."),
    ("如果屏幕不亮，请检查电源线。", "If the screen stays dark, check the power cable."),
    ("研究人员发现了一种新的治疗方法。", "Researchers found a new method of treatment."),
    ("合同自双方签字之日起生效。", "The contract takes effect when both parties have signed it."),
    ("蔬菜应在低温下保存。", "Vegetables should be kept at a low temperature."),
    ("政府宣布了新的税收政策。", "The government announced a new tax policy."),
    ("这种鸟类主要分布在南美洲。", "This bird is mainly found in South America."),
    ("软件的最新版本修复了多个错误。", "The latest version of the software fixes several errors."),
    ("所有付款必须通过银行转账完成。", "All payments must be made by bank transfer."),
    ("进入工地必须佩戴安全帽。", "A helmet must be worn on the building site."),
)
"""Sentences that say the same, of sorts that documents have."""
KNOWN = 0.05
"""By how much nearer a sentence must be to its translation than to other sentences in that
language, or the model knows only one of the two."""
MARKS: dict[Language, tuple[str, ...]] = {
    "en": ("the", "of", "and", "to", "in", "a", "is", "for"),
    "zh": tuple(
        "一个 没有 可以 他们 自己 这个 我们 时间 进行 其中 由于 以及 因为 第一 成为 使用 主要 开始 "  # noqa: SIM905
        "之后 之间 位于 包括 目前 其他 作为 方面 国家 公司 认为 并且 如果 的一 了一 是一 在一 有一 "
        "中的 上的 或者 应当 需要 规定 以上 以下 不得 必须 如下 内容 说明".split()
    ),
}
"""Terms, as they are folded, that hardly any longer text in a language is without."""
ENOUGH: dict[Language, int] = {"en": 2, "zh": 1}
"""So many different ones are not there by chance: "a" and "in" are in Chinese texts, too."""
COMPARED = 50
"""The nearest chunks of each language, which are taken to be as near in meaning on the whole."""
_bridges: WeakKeyDictionary[Embedder, Bridge | None] = WeakKeyDictionary()
"""What was found out about models that are loaded."""
_CHINESE = re.compile(f"[{CJK}]")
_ENGLISH = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Bridge:
    """From a question's vector to passages in the other language."""

    to_chinese: NDArray[np.float32]
    """From English passages to Chinese ones. Shape: ``(dimension,)``."""

    def turn(self, vector: NDArray[np.float32], language: Language) -> NDArray[np.float32]:
        """Return the vector of a question that is asked of passages in the other language."""
        turned = vector + (self.to_chinese if language == "en" else -self.to_chinese)
        unit: NDArray[np.float32] = turned / np.linalg.norm(turned)
        return unit


def build_bridge(embedder: Embedder) -> Bridge | None:
    """Look at sentences that say the same in both; None: the model does not know both."""
    chinese, english = (list(side) for side in zip(*PAIRS, strict=True))
    passages = embedder.embed_passages(chinese), embedder.embed_passages(english)
    for asked, others in ((chinese, passages[1]), (english, passages[0])):
        cosines = np.array([embedder.embed_query(text) for text in asked]) @ others.T
        count = len(cosines)
        right = float(np.trace(cosines)) / count
        beside = (float(cosines.sum()) - count * right) / (count * (count - 1))
        if right - beside < KNOWN:
            return None
    return Bridge((passages[0].mean(axis=0) - passages[1].mean(axis=0)).astype(np.float32))


def bridge_of(embedder: Embedder) -> Bridge | None:
    """Return what ``build_bridge`` found, once for a model: it embeds 64 sentences."""
    if embedder not in _bridges:
        _bridges[embedder] = build_bridge(embedder)
    return _bridges[embedder]


def language_asked(question: str) -> Language:
    """Return the language of a question: Chinese as soon as there is a Chinese character."""
    return "zh" if _CHINESE.search(question) else "en"


def is_foreign(text: str, language: Language) -> bool:
    """Say whether a passage is in the other language; one of figures is in none."""
    chinese, english = len(_CHINESE.findall(text)), len(_ENGLISH.findall(text))
    few, many = (chinese, english) if language == "zh" else (english, chinese)
    return many > 3 * few + 3


def _other(language: Language) -> Language:
    return "en" if language == "zh" else "zh"


def has_others(snapshot: Snapshot, language: Language) -> bool:
    """Say whether some chunk of a collection is in the other language."""
    marks = dict.fromkeys(map(hash_term, MARKS[_other(language)]), 1.0)
    return any(chunks for chunks, _ in snapshot.worth(marks).values())


def find_foreign(
    snapshot: Snapshot, chunk_ids: Sequence[int], language: Language
) -> frozenset[int]:
    """Return the chunks of documents that are in the other language, as far as they were found.

    A list of names in Latin letters in a Chinese document is not in English.
    """
    marks = {one: set(map(hash_term, MARKS[one])) for one in MARKS}
    found = snapshot.terms_in(chunk_ids, dict.fromkeys(marks["zh"] | marks["en"], 1.0))
    under = {key: document for key, (document, _) in snapshot.pages_under(chunk_ids).items()}
    written = {
        one: {under[key] for key, terms in found.items() if len(terms & marks[one]) >= ENOUGH[one]}
        for one in MARKS
    }
    foreign = written[_other(language)] - written[language]
    return frozenset(key for key, document in under.items() if document in foreign)


def even_out(cosines: Mapping[int, float], foreign: Set[int]) -> Mapping[int, float]:
    """Return the cosines of found chunks as if all were in the question's language."""
    own = sorted(cosine for key, cosine in cosines.items() if key not in foreign)
    others = sorted(cosine for key, cosine in cosines.items() if key in foreign)
    if not own or not others:
        return cosines
    lacking = mean(own[-COMPARED:]) - mean(others[-COMPARED:])
    return {key: cosine + lacking * (key in foreign) for key, cosine in cosines.items()}


def credit(
    values: Mapping[int, float], foreign: Set[int], near: Mapping[int, float], share: float
) -> Mapping[int, float]:
    """Credit passages in the other language with words that they cannot have.

    Args:
        values: What the words of each passage are worth.
        foreign: Passages in the other language.
        near: How near each passage is in meaning, in [0, 1].
        share: What the nearest of them gets of what the best of the others has; the further they
            are, the less.
    """
    if not foreign:
        return values
    best = max((value for key, value in values.items() if key not in foreign), default=0.0)
    given = {key: share * best * near.get(key, 0.0) ** 2 for key in foreign}
    return {**values, **{key: max(values.get(key, 0.0), got) for key, got in given.items()}}
