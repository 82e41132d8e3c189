from __future__ import annotations

import pytest

from ragqa.answering.verification import verify, verify_claims
from ragqa.errors import InvalidInput

ZH = (
    "中国电视体育联播平台由神州天地影视传媒有限公司策划，二〇〇七年10月1日试播，"
    "外资Mediaset持有49%的股份，占地4000余平方米，投资三千万元。"
)
EN = (
    "In 2019, Dr. Smith paid $3.5 million to Jones. "
    "In 2018, Miller sold 120 km2 of land in Ohio to the ISO-9001 group."
)
LIST = "2020, Andy Murray (Austria); 2019, Rafael Nadal (Spain)."


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        (ZH, ZH),
        ("外资Mediaset持有百分之四十九的股份。", ZH),
        ("2007年10月1日试播", ZH),
        ("10月1日", ZH),
        ("占地四千余平方米", ZH),
        ("投资3000万元", ZH),
        ("投资30,000,000元", ZH),
        ("投資三千萬元", ZH),
        ("根据资料，外资Ｍｅｄｉａｓｅｔ持有４９％的股份。", ZH),
        ("Dr. Smith paid 3,500,000 dollars to Jones in 2019.", EN),
        ("Miller sold 120 square kilometers of land in Ohio.", EN),
        ("Rafael Nadal (Spain)", LIST),
    ],
)
def test_what_the_quote_says_is_supported_in_any_form(sentence: str, quote: str) -> None:
    assert verify(sentence, [quote]).reasons == ()


@pytest.mark.parametrize(
    ("sentence", "quote", "reason"),
    [
        ("外资Mediaset持有59%的股份", ZH, "number not in the quotes: 59%"),
        ("外资Mediaset持有49‰的股份", ZH, "number"),
        ("2008年10月1日试播", ZH, "date not in the quotes: 2008年10月1日"),
        ("占地4000平方公里", ZH, "number"),
        ("投资三亿元", ZH, "number"),
        ("外资Mediacom持有49%的股份", ZH, "name not in the quotes: Mediacom"),
        ("神州长城影视传媒有限公司策划", ZH, "words not in the quotes: 长城"),
        ("Dr. Smith paid $3.5 billion to Jones.", EN, "number"),
        ("In 2018, Dr. Smith paid $3.5 million to Jones.", EN, "where the sentence has"),
        ("In 2019, Dr. Miller paid $3.5 million to Jones.", EN, "where the sentence has"),
        ("Miller sold 120 km2 of land in Ohio to the ISO-9002 group.", EN, "code"),
        ("2019, Andy Murray (Austria)", LIST, "where the sentence has"),
        ("Dr. Smith never paid $3.5 million to Jones.", EN, "quote"),
        ("Cats purr when they are content.", EN, "only 0%"),
    ],
)
def test_a_changed_fact_is_found_and_named(sentence: str, quote: str, reason: str) -> None:
    verdict = verify(sentence, [quote])

    assert not verdict.supported
    assert any(reason in given for given in verdict.reasons)


def test_nothing_is_supported_by_no_quote() -> None:
    assert verify("水是湿的。", []).reasons == ("no quote",)
    assert not verify("水是湿的。", [" "]).supported


def test_quotes_support_together_what_none_supports_alone() -> None:
    quotes = ["Miller sold land in Ohio.", "The sale was in 2018."]

    assert verify("Miller sold land in Ohio in 2018.", quotes).supported
    assert not verify("Miller sold land in Ohio in 2018.", quotes[:1]).supported


def test_claims_are_judged_line_by_line() -> None:
    lines: list[dict[str, object]] = [
        {"id": "a", "sentence": "投资3000万元", "quotes": [ZH]},
        {"id": 2, "sentence": "投资3001万元", "quotes": [ZH]},
    ]

    first, second = verify_claims(lines)

    assert first == {"id": "a", "supported": True, "reasons": []}
    assert (second["id"], second["supported"]) == (2, False)
    assert second["reasons"]


@pytest.mark.parametrize(
    "line",
    [
        {"sentence": "x", "quotes": []},
        {"id": 1, "quotes": []},
        {"id": 1, "sentence": "x", "quotes": "x"},
        {"id": 1, "sentence": "x", "quotes": [1]},
    ],
)
def test_a_claim_without_its_fields_is_refused_by_line(line: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="line 1: expected"):
        verify_claims([line])


def test_what_stands_in_the_quote_word_for_word_is_supported_and_a_piece_of_a_word_is_not() -> None:
    quote = ["The skin secretes antimicrobial peptides such as the β-defensins."]

    assert verify("β-defensins", quote).supported
    assert not verify("defensi", quote).supported
