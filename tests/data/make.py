"""Make the PDFs of this folder. All text is our own; run again after changing it.

``python tests/data/make.py`` rewrites them; MuPDF's built-in fonts are the only material.
"""

from __future__ import annotations

from pathlib import Path

import pymupdf

HERE = Path(__file__).parent
ZH = pymupdf.Font("cjk")
EN = pymupdf.Font("tiro")
BOLD = pymupdf.Font("tibo")

LEFT = (
    "水泵每运行五百小时应检查一次密封圈，发现渗漏立即停机更换。更换前须关闭进水阀，"
    "并把管路中的余水放净，以免烫伤。新的密封圈要涂上硅脂再装入槽内。"
)
RIGHT = (
    "滤芯的寿命与水质有关，一般为六个月。当出水量低于每分钟两升时，应提前更换滤芯，"
    "并用清水冲洗十分钟。旧滤芯按可回收物处理，不得焚烧。"
)
POLICY = (
    "Travellers are reimbursed for economy fares. A fare above the published limit needs the "
    "written consent of the department before the journey, and the consent is kept with the "
    "receipts for seven years. Meals are paid by a daily allowance, which is lower on the first "
    "and on the last day of the journey."
)


def write(
    page: pymupdf.Page, x: float, y: float, text: str, size: float, font: pymupdf.Font
) -> None:
    """Set one line."""
    writer = pymupdf.TextWriter(page.rect)
    writer.append((x, y), text, font=font, fontsize=size)
    writer.write_text(page)


def column(page: pymupdf.Page, x: float, y: float, text: str, *, characters: int) -> float:
    """Set Chinese text in lines of so many characters; return where the next line would stand."""
    for start in range(0, len(text), characters):
        write(page, x, y, text[start : start + characters], 10, ZH)
        y += 16
    return y


def english(page: pymupdf.Page, x: float, y: float, lines: list[str]) -> None:
    """Set lines as they are."""
    for line in lines:
        write(page, x, y, line, 10.5, EN)
        y += 14


def grid(page: pymupdf.Page, rows: list[list[str]], *, ruled: bool, top: float) -> None:
    """Set a table of three columns at x = 60, 220, 360."""
    xs = (60, 220, 360, 500)
    for number, row in enumerate(rows):
        for x, cell in zip(xs, row, strict=False):
            write(page, x + 5, top + 18 * number + 13, cell, 10, ZH)
        if ruled:
            page.draw_line((60, top + 18 * number), (500, top + 18 * number), width=0.7)
    bottom = top + 18 * len(rows)
    if ruled:
        page.draw_line((60, bottom), (500, bottom), width=0.7)
        for x in xs:
            page.draw_line((x, top), (x, bottom), width=0.7)


def manual() -> pymupdf.Document:
    """Three pages: headings, two columns under a full-width heading, a ruled and a bare table."""
    document = pymupdf.open()
    for number in range(1, 4):
        page = document.new_page(width=595, height=842)
        write(page, 60, 40, "水泵维护手册", 9, ZH)
        write(page, 290, 815, f"第 {number} 页", 9, ZH)
        if number == 1:
            write(page, 60, 90, "第一章 日常维护", 18, ZH)
            column(page, 60, 130, LEFT, characters=20)
            column(page, 320, 130, RIGHT, characters=20)
            write(page, 60, 300, "1.1 保养周期", 14, ZH)
            column(page, 60, 330, LEFT + RIGHT, characters=46)
        elif number == 2:
            write(page, 60, 90, "表 1 备件清单", 10, ZH)
            rows = [["名称", "型号", "数量"], ["密封圈", "MF-20", "4"], ["滤芯", "LX-7", "2"]]
            grid(page, [*rows, ["轴承", "ZC-6204", "1"]], ruled=True, top=110)
            column(page, 60, 260, RIGHT, characters=46)
        else:
            rows = [["项目", "2024", "2025"], ["销量", "1,204", "1,530"], ["库存", "310", "275"]]
            grid(
                page, [*rows, ["退货", "12", "9"], ["合计", "1,526", "1,814"]], ruled=False, top=110
            )
    document.set_toc([[1, "第一章 日常维护", 1], [2, "1.1 保养周期", 1]])
    return document


def policy() -> pymupdf.Document:
    """One page in English: a word broken over two lines, a ligature, an accent in two parts."""
    document = pymupdf.open()
    page = document.new_page(width=612, height=792)
    write(page, 72, 80, "Travel policy", 16, BOLD)
    english(
        page,
        72,
        110,
        [
            "Travellers are reimbursed for economy fares. A fare above the published lim-",
            "it needs the written consent of the department before the journey, and the",
            "consent is kept with the receipts for seven years. The office in Orle\u0301ans files",
            "them.",
        ],
    )
    return document


def scan(source: pymupdf.Document, *, angle: float = 0.0, rotate: int = 0) -> pymupdf.Document:
    """The first page as a picture, tilted by ``angle`` degrees, in a page of its own."""
    pixmap = source[0].get_pixmap(dpi=150, colorspace=pymupdf.csGRAY)
    tilted = pymupdf.open()
    page = tilted.new_page(width=595, height=842)
    page.insert_image(page.rect, pixmap=pixmap)
    if angle:
        turned = page.get_pixmap(
            matrix=pymupdf.Matrix(150 / 72, 150 / 72).prerotate(angle), colorspace=pymupdf.csGRAY
        )
        tilted = pymupdf.open()
        page = tilted.new_page(width=turned.width * 72 / 150, height=turned.height * 72 / 150)
        page.insert_image(page.rect, stream=turned.tobytes("jpg", jpg_quality=70))
    else:
        tilted = pymupdf.open()
        page = tilted.new_page(width=595, height=842)
        page.insert_image(page.rect, stream=pixmap.tobytes("jpg", jpg_quality=70))
    page.set_rotation(rotate)
    return tilted


def broken_font() -> pymupdf.Document:
    """A page whose fonts map glyphs to the wrong characters, as careless producers leave them."""
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    column(page, 60, 100, LEFT + RIGHT, characters=30)
    document.subset_fonts()
    for xref in range(1, document.xref_length()):
        kind, value = document.xref_get_key(xref, "ToUnicode")
        if kind == "xref":
            document.xref_set_key(xref, "ToUnicode", "null")
            del value
    return document


def hidden() -> pymupdf.Document:
    """Text that shows, text white on white, and text outside the page."""
    document = pymupdf.open()
    page = document.new_page(width=400, height=300)
    page.insert_text((50, 80), "Everybody sees this sentence.", fontsize=12)
    page.insert_text((50, 120), "Nobody sees this one.", fontsize=12, color=(1, 1, 1))
    page.insert_text((50, 500), "This one is off the page.", fontsize=12)
    page.draw_rect((40, 150, 360, 200), fill=(0, 0, 0.4))
    page.insert_text((50, 180), "White on blue is read.", fontsize=12, color=(1, 1, 1))
    return document


def form() -> pymupdf.Document:
    """A form with a filled field, and a note on the page."""
    document = pymupdf.open()
    page = document.new_page(width=400, height=300)
    page.insert_text((50, 80), "Name:", fontsize=12)
    widget = pymupdf.Widget()
    widget.field_name, widget.field_type = "name", pymupdf.PDF_WIDGET_TYPE_TEXT
    widget.rect, widget.field_value = pymupdf.Rect(100, 65, 300, 85), "Ada Lovelace"
    page.add_widget(widget)
    page.add_text_annot((200, 150), "Ask for the second page.")
    return document


def main() -> None:
    """Write every file."""
    whole = manual()
    save(whole, "manual_zh.pdf")
    save(policy(), "policy_en.pdf")
    save(scan(whole), "scan_zh.pdf")
    save(scan(whole, angle=2.5), "scan_tilted_zh.pdf")
    save(broken_font(), "broken_font_zh.pdf")
    save(hidden(), "hidden_en.pdf")
    save(form(), "form_en.pdf")
    turned = manual()
    for page in turned:
        page.set_rotation(90)
    save(turned, "turned_zh.pdf")
    locked = manual()
    locked.set_metadata({})
    locked.subset_fonts()
    locked.save(
        HERE / "locked_zh.pdf",
        encryption=pymupdf.PDF_ENCRYPT_AES_256,
        user_pw="开门",
        owner_pw="owner",
        garbage=4,
        deflate=True,
    )


def save(document: pymupdf.Document, name: str) -> None:
    """Write a document small, without dates, so that making it again changes nothing."""
    document.set_metadata({})
    document.subset_fonts()
    document.save(HERE / name, garbage=4, deflate=True, no_new_id=True)


if __name__ == "__main__":
    main()
