"""Made-up values for made-up facts: a sum, a date, a weight, one function per kind.

``write_value(kind, chance, "zh")`` draws one. Every form of a value is written before one is taken,
so that a kind takes the same draws whichever form it gets: where none is added or left out, the
examples stay those that the adapter was fitted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers_adapter_names import NAMES, WORDS, one_of

if TYPE_CHECKING:
    from random import Random

    from ragqa.types import Language

NUMBERS = {2: "two", 3: "three", 5: "five", 7: "seven", 10: "ten", 14: "fourteen", 30: "thirty",
           60: "sixty"}  # fmt: skip
DIGITS = "一二三四五六七八九"
LETTERS = "ABCDHKLMRSTX"


def write_value(kind: str, chance: Random, language: Language) -> str:
    """Return a value of a kind, in one of the forms that a language has for it."""
    if kind in KINDS:
        return KINDS[kind](chance, language == "zh")
    return chance.choice(WORDS[kind][language])


# --- money and shares -------------------------------------------------------------------------


def _money(r: Random, zh: bool) -> str:
    n = r.choice([
        r.randint(2, 99) * 10,
        r.randint(1, 99) * 1000,
        r.randint(10, 999) * 100,
        r.randint(100, 9999) * 1000 + r.choice([0, 0, 500]),
    ])  # fmt: skip
    if zh:
        short = f"{n / 10000:g}万元" if n > 9999 else f"{n}元"
        return one_of(r, f"人民币{n:,}元", f"{n}元", f"¥{n:,}.00", short, f"{n:,} 元")
    return one_of(r, f"EUR {n:,}", f"${n:,}", f"{n:,} euros", f"£{n:,}", f"USD {n:,}.00")


def _money2(r: Random, zh: bool) -> str:
    v = r.choice([r.randint(100, 9999) / 100, r.randint(10, 999) / 10, r.randint(2, 900)])
    if zh:
        return one_of(r, f"{v:g}亿元", f"{v:g}万元", f"人民币{v:g}百万元", f"{v:g} 亿美元")
    return one_of(
        r, f"${v:g} million", f"EUR {v:g} million", f"£{v:g} billion", f"{v:g} million dollars"
    )


def _percent(r: Random, zh: bool) -> str:
    return one_of(
        r,
        f"{r.randint(1, 99)}%",
        f"{r.randint(1, 990) / 10:g}%",
        f"{r.randint(1, 20) * 5}%",
        f"百分之{DIGITS[r.randint(0, 8)]}十" if zh else f"{r.randint(2, 95)} percent",
    )


def _permille(r: Random, zh: bool) -> str:
    del zh
    return one_of(
        r,
        f"千分之{DIGITS[r.randint(0, 8)]}",
        f"{r.randint(1, 9)}‰",
        f"{r.randint(1, 20) / 10:g}%",
        "万分之五",
    )


def _rate(r: Random, zh: bool) -> str:
    del zh
    return f"EUR 0.{r.randint(18, 60)}" + one_of(r, "", " per km")


# --- time -------------------------------------------------------------------------------------


def _days(r: Random, zh: bool) -> str:
    n = r.choice([2, 3, 5, 7, 10, 12, 14, 15, 20, 25, 28, 30, 45, 60, 90])
    if zh:
        return one_of(r, f"{n}天", f"{n}个工作日", f"{n} 日", f"{n}个自然日")
    return one_of(
        r,
        f"{n} days",
        f"{n} working days",
        f"{NUMBERS.get(n, n)} days",
        f"{n} calendar days",
        f"{max(1, n // 7)} weeks",
    )


def _months(r: Random, zh: bool) -> str:
    n = r.choice([1, 2, 3, 6, 9, 12, 18, 24, 36, 48, 60])
    if zh:
        return one_of(r, f"{n}个月", f"{n} 个月", f"{n // 12}年" if n >= 12 else f"{n}个月")
    return one_of(r, f"{n} months", f"{n // 12} years" if n > 23 else f"{n} months")


def _hours(r: Random, zh: bool) -> str:
    n = r.choice([2, 4, 6, 8, 12, 24, 36, 48, 72, 100, 250, 500, 800, 1000, 2000])
    return one_of(r, f"{n}小时", f"{n} 小时") if zh else f"{n} hours"


def _minutes(r: Random, zh: bool) -> str:
    n = r.choice([1, 2, 3, 5, 10, 12, 15, 20, 30, 45])
    return f"{n}分钟" if zh else f"{n} minutes"


def _years(r: Random, zh: bool) -> str:
    n = r.choice([2, 3, 5, 7, 8, 10, 12, 15, 20, 25, 30])
    return one_of(r, f"{n}年", f"{n} 年") if zh else f"{n} years"


def _year(r: Random, zh: bool) -> str:
    return f"{r.randint(1890, 2022)}" + ("年" if zh else "")


def _date(r: Random, zh: bool) -> str:
    y, m, d = r.randint(2012, 2027), r.randint(1, 12), r.randint(1, 28)
    if zh:
        return one_of(r, f"{y}年{m}月{d}日", f"{y}-{m:02}-{d:02}", f"{y}年{m}月")
    month = WORDS["month"]["en"][m - 1]
    return one_of(r, f"{d} {month} {y}", f"{month} {d}, {y}", f"{y}-{m:02}-{d:02}")


def _time(r: Random, zh: bool) -> str:
    h, m = r.randint(7, 18), r.choice(["00", "15", "30", "45"])
    if zh:
        return one_of(r, f"{h}:{m}", f"{h}时{m}分", f"上午{h}点" if h < 12 else f"{h}点")
    half = "a.m." if h < 12 else "p.m."
    return one_of(r, f"{h}:{m}", f"{h if h < 13 else h - 12}:{m} {half}")


def _weekday(r: Random, zh: bool) -> str:
    if zh:
        r.random()  # decides nothing: see the module
    return r.choice(WORDS["weekday"]["zh" if zh else "en"])


# --- counts and measures ----------------------------------------------------------------------


def _staff(r: Random, zh: bool) -> str:
    n = r.choice([r.randint(12, 990), r.randint(1000, 42000)])
    if zh:
        return one_of(r, f"{n}人", f"{n:,} 人", f"{n}名")
    return one_of(r, f"{n:,} people", f"{n:,}", f"about {n:,} employees")


def _accidents(r: Random, zh: bool) -> str:
    n = r.randint(1, 24)
    return one_of(r, f"{n}起", f"{n} 起") if zh else f"{n} accidents"


def _area(r: Random, zh: bool) -> str:
    del zh
    n = r.randint(8, 900) * 100
    return one_of(r, f"{n}平方米", f"{n:,} m²", f"{n / 10000:g}万平方米")


def _weight(r: Random, zh: bool) -> str:
    n = r.choice([r.randint(2, 99), r.randint(100, 2400), r.randint(10, 990) / 10])
    if zh:
        return one_of(r, f"{n} kg", f"{n}kg", f"{n}千克", f"{n}公斤")
    return one_of(r, f"{n} kg", f"{n} lb", f"{n} kilograms")


def _size(r: Random, zh: bool) -> str:
    sides = [str(r.randint(20, 220) * 10) for _ in range(3)]
    return (one_of(r, "×", " × ", "*") if zh else " x ").join(sides) + " mm"


def _volt(r: Random, zh: bool) -> str:
    v = r.choice([12, 24, 36, 110, 220, 230, 380, 400])
    return one_of(r, f"{v}V", f"AC {v} V", f"{v} V / 50 Hz", f"{v}伏" if zh else f"{v} volts")


def _power(r: Random, zh: bool) -> str:
    v = r.choice([r.randint(2, 99) * 10, r.randint(100, 3000)])
    return one_of(r, f"{v} W", f"{v / 1000:g} kW", f"{v}瓦" if zh else f"{v} watts")


def _temperature(r: Random, zh: bool) -> str:
    low = r.randint(-20, 15)
    high = low + r.randint(10, 60)
    return one_of(
        r,
        f"{low}℃~{high}℃",
        f"{low}～{high}°C",
        f"{low}至{high}摄氏度" if zh else f"{low} to {high} °C",
        f"{high} °C",
    )


def _noise(r: Random, zh: bool) -> str:
    del zh
    return f"{r.randint(28, 85)} dB" + one_of(r, "", "(A)")


def _flow(r: Random, zh: bool) -> str:
    del zh
    n = r.choice([r.randint(2, 90), r.randint(100, 3000)])
    return one_of(r, f"{n} L/h", f"{n} 升/小时", f"每小时{n}升")


def _litres(r: Random, zh: bool) -> str:
    n = r.choice([0.8, 1.5, 2, 3, 5, 8, 12, 20, 45, 80, 120])
    return one_of(r, f"{n} L", f"{n}升" if zh else f"{n} litres", f"{n} L")


def _code(r: Random, zh: bool) -> str:
    del zh
    return one_of(
        r,
        f"E{r.randint(1, 60):02}",
        f"F{r.randint(1, 9)}",
        f"{r.choice(LETTERS)}{r.choice(LETTERS)}-{r.randint(10, 990)}",
        f"Err {r.randint(1, 30)}",
        f"{r.choice(LETTERS)}{r.randint(100, 9900)}{r.choice('ABS')}",
    )


KINDS = NAMES | {
    "accidents": _accidents,
    "area": _area,
    "code": _code,
    "date": _date,
    "days": _days,
    "flow": _flow,
    "hours": _hours,
    "litres": _litres,
    "minutes": _minutes,
    "money": _money,
    "money2": _money2,
    "months": _months,
    "noise": _noise,
    "percent": _percent,
    "permille": _permille,
    "power": _power,
    "rate": _rate,
    "size": _size,
    "staff": _staff,
    "temperature": _temperature,
    "time": _time,
    "volt": _volt,
    "weekday": _weekday,
    "weight": _weight,
    "year": _year,
    "years": _years,
}
