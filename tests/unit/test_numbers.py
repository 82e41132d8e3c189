from __future__ import annotations

from decimal import Decimal

import pytest

from ragqa.answering.dates import find_dates
from ragqa.answering.mentions import plain
from ragqa.answering.numbers import chinese_value, find_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三千万", 30_000_000),
        ("3000万", 30_000_000),
        ("30,000,000", 30_000_000),
        ("３０００万", 30_000_000),
        ("30 million", 30_000_000),
        ("1亿2000万", 120_000_000),
        ("一亿二千万", 120_000_000),
        ("1,234.50", Decimal("1234.5")),
        ("(1,234.50)", Decimal("-1234.5")),
        ("-5", -5),
        ("负5", -5),
        ("twenty-five million", 25_000_000),
        ("two hundred and fifty thousand", 250_000),
        ("3.2bn", 3_200_000_000),
        ("十二", 12),
        ("一百零五", 105),
        ("三百五", 350),
        (".05", Decimal("0.05")),
    ],
)
def test_one_number_has_one_value_however_it_is_written(text: str, value: Decimal | int) -> None:
    assert [number.value for number in find_numbers(plain(text))] == [value]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.5公里", "3500米"),
        ("3.5 km", "三千五百米"),
        ("12人", "12名"),
        ("30%", "百分之三十"),
        ("30 percent", "30％"),
        ("百分之30", "30%"),
        ("千分之五", "5‰"),
        ("千分之五", "0.5%"),
        ("万分之3.5", "万分之三点五"),
        ("$5 million", "5,000,000 dollars"),
        ("2小时", "120 minutes"),
        ("三点五公斤", "3500克"),
    ],
)
def test_units_are_worth_what_they_are_worth(one: str, other: str) -> None:
    (first,), (second,) = find_numbers(plain(one)), find_numbers(plain(other))

    assert (first.value, first.unit) == (second.value, second.unit)
    assert first.unit


@pytest.mark.parametrize("word", ["一些", "统一", "唯一", "四川", "万一", "之一"])
def test_numerals_inside_words_are_no_numbers(word: str) -> None:
    assert find_numbers(word) == []


@pytest.mark.parametrize(
    "text",
    ["2023年5月1日", "二〇二三年五月一日", "2023-05-01", "May 1, 2023", "1 May 2023", "2023/5/1"],
)
def test_one_day_has_one_date_however_it_is_written(text: str) -> None:
    (date,) = find_dates(plain(text))

    assert date.parts() == {"year": 2023, "month": 5, "day": 1}


@pytest.mark.parametrize(
    ("written", "value"),
    [("二〇二三", 2023), ("十", 10), ("二十", 20), ("一万零三", 10003), ("点", None), ("万", None)],
)
def test_chinese_numerals_are_read_by_place_or_by_name(written: str, value: int | None) -> None:
    assert chinese_value(written) == value
