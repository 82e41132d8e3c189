"""How many planted lies does verification find, and how many true sentences does it flag?

    RAGQA_EVAL_DATA=... python benchmarks/answers_lies.py [--size 1000] [--show 20]

True sentences are verbatim, or rewritten by rule without change of meaning: other numerals, other
forms of dates, full width, a part of the sentence, a lead-in. Lies are true sentences with one
number, date, unit or name changed; names also to others of the same passage.
"""

from __future__ import annotations

import argparse
import calendar
import random
import re
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import rjieba
from answers_data import passages

from ragqa.answering.sentences import split_sentences
from ragqa.answering.verification import verify

if TYPE_CHECKING:
    from collections.abc import Callable

SETS = ("cmrc2018", "drcd", "xquad-zh", "rgb-zh", "squad2", "rgb-en-fact", "pubmedqa", "tatqa")
ZH = "零一二三四五六七八九"
UNITS = [
    ["公里", "米", "厘米", "毫米", "英里"],
    ["公斤", "克", "吨", "磅"],
    ["年", "个月", "天", "小时"],
    ["万", "亿"],
    ["美元", "欧元", "英镑", "日元"],
    ["平方公里", "平方米", "公顷"],
    ["人", "家", "次"],
    ["million", "billion", "thousand"],
    ["years", "months", "days", "weeks", "hours"],
    ["km", "m", "miles", "feet"],
    ["kilometers", "meters", "miles"],
    ["%", "‰"],
]
MONTHS = [calendar.month_name[number] for number in range(1, 13)]


def zh_number(value: int) -> str:
    """Write 0..9999 in Chinese."""
    if value < 10:
        return ZH[value]
    out = ""
    pending = False
    for unit, worth in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = value // worth % 10
        if digit:
            out += (
                ("零" if pending else "")
                + ("" if worth == 10 and digit == 1 and not out else ZH[digit])
                + unit
            )
            pending = False
        elif out:
            pending = True
    return out


def change_number(text: str, rng: random.Random) -> str | None:
    """Change one digit of one number."""
    found = list(re.finditer(r"\d+(?:[.,]\d+)*", text))
    if not found:
        return None
    m = rng.choice(found)
    places = [i for i, c in enumerate(m.group()) if c.isdigit()]
    at = rng.choice(places)
    digits = list(m.group())
    digits[at] = rng.choice([d for d in "123456789" if d != digits[at]])
    return text[: m.start()] + "".join(digits) + text[m.end() :]


def change_chinese_number(text: str, rng: random.Random) -> str | None:
    """Change one digit of a Chinese numeral."""
    found = list(re.finditer(r"[二三四五六七八九](?=[十百千万亿名位年月岁座次])", text))
    if not found:
        return None
    m = rng.choice(found)
    return text[: m.start()] + rng.choice([d for d in ZH[2:] if d != m.group()]) + text[m.end() :]


def change_date(text: str, rng: random.Random) -> str | None:
    """Change a year, month or day."""
    found = [
        *re.finditer(r"(?<!\d)\d{4}(?=年)|(?<!\d)\d{1,2}(?=[月日])|\b(?:1[5-9]|20)\d{2}\b", text),
        *re.finditer(r"\b(?:" + "|".join(MONTHS) + r")\b", text),
    ]
    if not found:
        return None
    m = rng.choice(found)
    if m.group().isdigit():
        value = int(m.group())
        new = (
            str(value + rng.choice([-10, -3, -1, 1, 2, 10])) if value > 99 else str(value % 11 + 1)
        )
    else:
        new = rng.choice([month for month in MONTHS if month != m.group()])
    return None if new == m.group() else text[: m.start()] + new + text[m.end() :]


def change_unit(text: str, rng: random.Random) -> str | None:
    """Change the unit behind a number."""
    options = []
    for group in UNITS:
        for unit in group:
            for m in re.finditer(r"(?<=[\d万亿])\s?" + re.escape(unit) + r"(?![a-zA-Z])", text):
                if unit == "年" and re.search(r"\d{3,4}$", text[: m.start()]):
                    continue
                options += [(m, unit, other) for other in group if other != unit]
    if not options:
        return None
    m, unit, other = rng.choice(options)
    return text[: m.start()] + m.group().replace(unit, other) + text[m.end() :]


def names_of(text: str) -> list[str]:
    """Return names: by part of speech in Chinese, by capitals in English."""
    if re.search(r"[\u4e00-\u9fff]", text):
        return [
            w
            for w, tag in rjieba.tag(text)
            if tag in ("nr", "ns", "nt", "nz", "nrt", "nrfg") and len(w) > 1
        ]
    return [m.group() for m in re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*", text)]


def change_name(text: str, rng: random.Random, pool: list[str]) -> str | None:
    """Put another name in a name's place."""
    inside = [name for name in names_of(text) if name not in MONTHS]
    others = [name for name in pool if name not in text and name not in MONTHS]
    if not inside or not others:
        return None
    old, new = rng.choice(inside), rng.choice(others)
    return None if old in new or new in old else text.replace(old, new)


def rewrite(text: str, rng: random.Random) -> str:
    """Say the same otherwise: numerals, dates, width, a lead-in."""
    chinese = bool(re.search(r"[\u4e00-\u9fff]", text))
    ways: list[Callable[[str], str]] = [
        lambda t: (
            re.sub(
                r"(?<![\d.,A-Za-z-])(\d{4,})(?![\d.,年A-Za-z-])(?!\s*(?:[A-Z]|and|\)|,|\.))",
                lambda m: f"{int(m[1]):,}",
                t,
            )
            if chinese
            else t
        ),
        lambda t: re.sub(r"(?<=\d),(?=\d{3})", "", t),
    ]
    if chinese:
        ways += [
            lambda t: t.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}),
            lambda t: re.sub(
                r"(?<![\d.])(\d{4})年",
                lambda m: "".join("〇一二三四五六七八九"[int(c)] for c in m[1]) + "年",
                t,
            ),
            lambda t: re.sub(
                r"(?<![\d.,-])([1-9]\d?)(?=[个名位座次岁月日天])", lambda m: zh_number(int(m[1])), t
            ),
            lambda t: re.sub(
                r"(?<![\d.])(\d{1,2})(?:%|％)", lambda m: "百分之" + zh_number(int(m[1])), t
            ),
            lambda t: re.sub(r"(?<![\d.,])([1-9]\d{0,3})0000(?![\d,])", r"\1万", t),
            lambda t: "根据资料，" + t,
            lambda t: "，".join(re.split("，", t)[: max(1, len(re.split("，", t)) - 1)]),
        ]
    else:
        ways += [
            lambda t: re.sub(r"\b(" + "|".join(MONTHS) + r") (\d{1,2}), (\d{4})", r"\2 \1 \3", t),
            lambda t: re.sub(r"(\d)%", r"\1 percent", t),
            lambda t: re.sub(r"(\d) percent", r"\1%", t),
            lambda t: re.sub(
                r"\$(\d+(?:\.\d+)?) million", lambda m: f"${float(m[1]) * 1e6:,.0f}", t
            ),
            lambda t: (
                "According to the document, " + t[0].lower() + t[1:]
                if t.split()[0] in ("The", "A", "In", "It", "This")
                else t
            ),
        ]
    changed = [w for w in (way(text) for way in ways) if w != text]
    return rng.choice(changed) if changed else text


def main() -> None:  # noqa: C901  one case after the other
    """Print flagged shares by kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    corpus = [p for name in SETS for p in rng.sample(passages(name), min(400, len(passages(name))))]
    rng.shuffle(corpus)
    pools: dict[str, list[str]] = {"zh": [], "en": []}
    for _, _, text in corpus[:300]:
        pools["zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"] += names_of(text)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    shown: dict[str, int] = defaultdict(int)
    seconds = 0.0
    checked = 0
    for _, _, text in corpus:
        if checked >= options.size:
            break
        spans = [s for s in split_sentences(text) if 15 < s.end - s.start < 300]
        if not spans:
            continue
        at = rng.randrange(len(spans))
        sentence = spans[at].of(text)
        if sentence.count("\n") > 1:
            continue
        around = text[spans[max(0, at - 1)].start : spans[min(len(spans) - 1, at + 1)].end]
        quote = rng.choice([sentence, around])
        own = names_of(text)
        chinese = bool(re.search(r"[\u4e00-\u9fff]", sentence))
        cases = {
            "true verbatim": sentence,
            "true rewritten": rewrite(sentence, rng),
            "lie number": change_number(sentence, rng),
            "lie numeral": change_chinese_number(sentence, rng),
            "lie date": change_date(sentence, rng),
            "lie unit": change_unit(sentence, rng),
            "lie name": change_name(sentence, rng, pools["zh" if chinese else "en"]),
            "lie name of the passage": change_name(sentence, rng, own),
        }
        for name, claim in cases.items():
            if (
                claim is None
                or (name.startswith("lie") and claim == sentence)
                or (name == "true rewritten" and claim == sentence)
            ):
                continue
            checked += 1
            started = time.perf_counter()
            verdict = verify(claim, [quote])
            seconds += time.perf_counter() - started
            wrong = verdict.supported if name.startswith("lie") else not verdict.supported
            key = f"{name} {'zh' if chinese else 'en'}"
            counts[key][0] += 1
            counts[key][1] += not verdict.supported
            if wrong and shown[key] < options.show:
                shown[key] += 1
                print(f"WRONG {key}\n  claim {claim}\n  quote {quote}\n  {verdict.reasons}")
    for key, (n, flagged) in sorted(counts.items()):
        print(f"{key:32} n={n:5} flagged {flagged / n:.3f}")
    for kind in ("true", "lie"):
        rows = [v for k, v in counts.items() if k.startswith(kind)]
        total, flagged = sum(row[0] for row in rows), sum(row[1] for row in rows)
        print(f"{kind:32} n={total:5} flagged {flagged / max(1, total):.4f}")
    print(f"{1000 * seconds / max(1, checked):.2f} ms a sentence (busy machine)")


if __name__ == "__main__":
    main()
