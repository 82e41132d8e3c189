"""Lists of words that answering treats alike."""

from __future__ import annotations


def _ordered(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ENGLISH_STOP = _words(
    """
    a an and are as at be been but by did do does for from had has have he her his how i in
    into is it its many much of on or s she so such than that the their them there these
    they this those to was were what when where which who whom whose why will with would can
    could may might you your we our us if not no any all also about
    """
)
"""English words that say nothing about a subject."""

CHINESE_STOP = _words(
    """
    什么 么的 多少 哪些 哪个 哪一 哪里 哪年 何时 时候 怎么 怎样 如何
    为何 为什 是什 是谁 谁是 是哪 有哪 有多 少个 一个 这个 那个 以及
    或者 还是 可以 是否 请问 几个 有几 是多 么是 个是 的是 是在 在哪
    叫什 么名 名字 是何 什麼 麼的 哪個 哪裡 時候 怎麼 怎樣 為何 為什
    是誰 誰是 多久 幾個 有幾 麼是 一個 這個 那個
    """
)
"""Pairs of characters that only make a question."""

PLAIN_WORDS = _words(
    """
    根据 资料 文档 文中 显示 记载 提到 指出 其中 因此 所以 由于 因为
    但是 然而 不过 同时 此外 另外 以及 并且 而且 或者 大约 约为 左右
    一共 总共 共有 共计 达到 分别 包括 包含 位于 处于 属于 成为 作为
    称为 叫做 名为 也就 就是 即为 这是 这个 那个 这些 那些 该国 该市
    当时 之后 之前 以后 以前 后来 随后 目前 现在 已经 曾经 主要 通过
    进行 可以 能够 需要 应该 没有 拥有 具有 存在 发生 出现 开始 结束
    答案 问题 问及 回答 时间 地点 原因 方式 情况 人数 数量 名字 名称
    表示 认为 可知 于是 例如 比如 如下 以下 上述 对于 关于 至于 自己
    他们 她们 它们 我们 使得 导致 以致 从而 原名 全称 简称 又称 别称
    """
)
"""Chinese words of grammar and report that need no evidence."""

SENTENCE_STARTERS = _words(
    """
    after although among another because before besides between both during each either
    every few finally first following further given here however including indeed instead
    later like many more moreover most neither next nevertheless nor now once one only other
    others over overall part several similarly since some soon specifically still such then
    therefore though through thus together two three four five under unlike until upon yes
    no not within without according answer currently today additionally also even just based
    per
    """
)
"""English words that begin a sentence with a capital without being names."""

ABBREVIATIONS = _words(
    """
    mr mrs ms dr prof sr jr st vs etc e.g i.e cf fig figs no nos vol vols pp p ch sec eq
    approx inc ltd co corp dept univ est gen col lt capt sgt rev hon gov sen rep jan feb mar
    apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun ed eds al ph.d m.d b.c
    a.d a.m p.m u.s u.k u.n d.c mt ft
    """
)
"""What may stand before a dot that ends no sentence."""

ASKING = _words(
    """
    什么 哪些 哪个 哪里 哪儿 哪一 哪年 哪位 哪种 何时 何地 何处 何人
    何年 多少 多久 多大 多高 多长 怎么 怎样 如何 为何 为什么 是否 请问
    时候 时间 几个 几年 分别 名字 名称 叫做 叫作 称为 一个 一种 一年
    一位 属于 位于 因为 由于 所以 可以 主要 进行 以及 或者 还是 关于
    有关 其中 当时 原因 地方 东西 方面 情况 认为 根据 成为 作为 具有
    通过 没有 什么样 什么时候 哪一年 哪一个 为了 之后 之前 目前 现在 曾经
    已经 最后 最终 哪一天 第几
    """
)
"""Chinese words of a question that a passage need not have."""

CARDINALS = _ordered(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen
    """
)
"""From 0."""

TENS = _ordered("twenty thirty forty fifty sixty seventy eighty ninety")
"""From 20."""

ORDINALS = _ordered(
    """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
    thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
    """
)
"""From 1."""
