"""What reaches somebody: a telephone number, an address of mail or of a site."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(
            r"(?:电话|電話|热线|熱線|传真|傳真|手机号|手機號)(?:号码?|號碼?|码|碼)?(?:是|为|為|有)*"
            r"(?:多少(?![钱錢元块塊台部个個次])|什么号|什么[？?]?$|甚麼|几号|哪个)|"
            r"^(?!.*(?:哪|什么|甚麼|什麼|谁|誰|几|幾|多少|何)).*"
            r"(?:电话|電話|热线|熱線|传真|傳真|手机号|手機號)(?:号码?|號碼?|码|碼)?[？?]?$|"
            r"\b(?:tele)?(?:phone|fax) number\b|\bhotline\b|"
            r"\bnumber (?:do|can|should) i (?:call|dial)\b",
            re.IGNORECASE,
        ),
        re.compile(r"\d(?:[ ()（）-]{0,2}\d){4,}"),
    ),
    (
        re.compile(
            r"(?:邮箱|郵箱|电子邮件|電子郵件)(?:地址)?(?:是|为|為|有)*(?:多少|什么|甚麼|哪)|"
            r"\be-?mail address\b",
            re.IGNORECASE,
        ),
        re.compile(r"\S@\S+\.\w"),
    ),
    (
        re.compile(
            r"(?:网址|網址|官网|官網|网站|網站)(?:地址)?(?:是|为|為)*(?:多少|什么|甚麼|哪)|"
            r"\b(?:web(?:site)? address|url)\b|\bwhat is .+ website\b",
            re.IGNORECASE,
        ),
        re.compile(r"https?:|www\.|\w\.(?:com|org|net|cn|io|edu|gov|de|uk)\b", re.IGNORECASE),
    ),
)


@lru_cache(maxsize=64)
def contact_of(question: str) -> re.Pattern[str] | None:
    """Return what the thing looks like by which a question asks to reach somebody; None: none."""
    folded = unicodedata.normalize("NFKC", question).strip()
    return next((looks for asks, looks in _KINDS if asks.search(folded)), None)


def lacks_contact(text: str, question: str) -> bool:
    """Say whether a question asks how to reach somebody and ``text`` has nothing that would."""
    looks = contact_of(question)
    return looks is not None and not looks.search(unicodedata.normalize("NFKC", text))
