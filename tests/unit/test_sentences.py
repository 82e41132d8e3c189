from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.sentences import flow, split_sentences


def texts(text: str, kind: str = "text") -> list[str]:
    return [span.of(text) for span in split_sentences(text, "table" if kind == "table" else "text")]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Dr. Smith paid $3.5 million. He left (see Fig. 3). U.S. sales grew.",
            ["Dr. Smith paid $3.5 million.", "He left (see Fig. 3).", "U.S. sales grew."],
        ),
        ("他来了。她说：“好！”然后走了。", ["他来了。", "她说：“好！”", "然后走了。"]),
        ("高3.5米；宽2米。完", ["高3.5米；", "宽2米。", "完"]),
        ("It is so.[1] Next one [2]. End", ["It is so.[1]", "Next one [2].", "End"]),
        ("J. K. Rowling wrote it. True!", ["J. K. Rowling wrote it.", "True!"]),
        (
            "2. Pay first. It opened in 1958. So it is.",
            ["2. Pay first.", "It opened in 1958.", "So it is."],
        ),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    assert texts(text) == sentences


def test_a_line_that_the_page_only_wrapped_ends_no_sentence() -> None:
    text = "这一行被排版折断了所以它很长很长很长很长很长很长\n续行接着说完。下一句。"

    assert texts(text) == [text[: text.index("。") + 1], "下一句。"]


def test_items_of_a_list_and_rows_of_a_table_are_sentences_of_their_own() -> None:
    assert texts("要求如下\n- 第一项\n- 第二项") == ["要求如下", "- 第一项", "- 第二项"]
    assert texts("name | 2019\nsales | 1.5", "table") == ["name | 2019", "sales | 1.5"]


@given(st.text(alphabet="ab .。！\n[1]3；（）\t|“”", max_size=80))
def test_spans_never_overlap_and_leave_out_only_white_space(text: str) -> None:
    spans = split_sentences(text)

    assert all(a.end <= b.start for a, b in pairwise(spans))
    kept = "".join(span.of(text) for span in spans)
    assert "".join(kept.split()) == "".join(text.split())
    assert all(span.of(text) == span.of(text).strip() for span in spans)


def test_wrapped_chinese_flows_without_a_space_and_english_with_one() -> None:
    assert flow("中\n文 and\nEnglish") == "中文 and English"
