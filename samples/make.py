"""Make the sample PDFs from the pages under ``samples/source``.

Only somebody who changes a sample needs this; the PDFs are committed. It wants::

    apt install fonts-noto-cjk libpango-1.0-0 libpangoft2-1.0-0
    pip install weasyprint==70.0 fonttools==4.68.0 pymupdf==1.28.2 pillow==13.0.0 numpy
    python samples/make.py

Only the glyphs that occur are embedded. The scan is drawn the same way, then rasterised, turned a
little, made grey and noisy, stamped and saved as JPEG pages without any text layer.
"""

from __future__ import annotations

import io
import math
import string
import tempfile
from pathlib import Path

import numpy as np
import pymupdf
import weasyprint
from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from weasyprint.text.fonts import FontConfiguration

FOLDER = Path(__file__).resolve().parent
SOURCE = FOLDER / "source"
NOTO = Path("/usr/share/fonts/opentype/noto")
SERIF = NOTO / "NotoSerifCJK-Bold.ttc"
FACES = (
    ("Page Serif", "normal", NOTO / "NotoSerifCJK-Regular.ttc"),
    ("Page Serif", "bold", SERIF),
    ("Page Sans", "normal", NOTO / "NotoSansCJK-Regular.ttc"),
    ("Page Sans", "bold", NOTO / "NotoSansCJK-Bold.ttc"),
)
SIMPLIFIED_CHINESE_FACE = 2
TRUETYPE_LIMITS = {
    "maxZones": 1,
    "maxTwilightPoints": 0,
    "maxStorage": 0,
    "maxFunctionDefs": 0,
    "maxInstructionDefs": 0,
    "maxStackElements": 0,
    "maxSizeOfInstructions": 0,
    "maxComponentElements": 0,
}

MANUAL = FOLDER / "LX-260使用与维护手册.pdf"
POLICY = FOLDER / "Travel-and-Expenses-Policy.pdf"
CONTRACT = FOLDER / "设备采购合同-扫描件.pdf"

SCAN_DPI = 150
SKEW_DEGREES = (0.9, -1.1, 0.8)
PAPER = 246
SEAL_RED = (196, 38, 42)


def to_truetype(font: TTFont) -> None:
    """Replace the outlines by quadratic ones.

    The originals are CID-keyed: once cut, glyph numbers and CIDs differ, and the PDF would show
    blanks.
    """
    glyphs = font.getGlyphSet()
    outlines = {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, max_err=0.8, reverse_direction=True))
        outlines[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = glyf = newTable("glyf")
    glyf.glyphOrder = font.getGlyphOrder()
    glyf.glyphs = outlines
    del font["CFF "]
    font["maxp"].tableVersion = 0x00010000
    for field, value in TRUETYPE_LIMITS.items():
        setattr(font["maxp"], field, value)
    font["post"].formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"


def cut_faces(characters: str, folder: Path) -> str:
    """Write the faces with only ``characters`` into ``folder``; return the CSS that names them."""
    rules = []
    for family, weight, path in FACES:
        font = TTFont(path, fontNumber=SIMPLIFIED_CHINESE_FACE, recalcTimestamp=False)
        options = subset.Options(layout_features=["kern"], drop_tables=["VORG", "vhea", "vmtx"])
        cutter = subset.Subsetter(options)
        cutter.populate(text=characters)
        cutter.subset(font)
        to_truetype(font)
        cut = folder / f"{family.replace(' ', '')}-{weight}.ttf"
        font.save(cut)
        rules.append(
            f"@font-face {{ font-family: '{family}'; font-weight: {weight};"
            f" src: url('{cut.as_uri()}') }}"
        )
    return "\n".join(rules)


def typeset(name: str) -> bytes:
    """Return the PDF of one page of ``samples/source``."""
    page = SOURCE / name
    characters = page.read_text() + page.with_suffix(".css").read_text() + string.printable
    with tempfile.TemporaryDirectory() as folder:
        fonts = FontConfiguration()
        faces = weasyprint.CSS(string=cut_faces(characters, Path(folder)), font_config=fonts)
        made: bytes | None = weasyprint.HTML(filename=str(page)).write_pdf(
            stylesheets=[faces], font_config=fonts
        )
    if made is None:
        raise RuntimeError(f"{name} gave no PDF")
    return made


def seal(text: str, diameter: int) -> Image.Image:
    """Draw a round red company seal: a ring, a star, the name along the upper arc."""
    scale = 3
    size = diameter * scale
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    ring = size // 28
    pen.ellipse((ring, ring, size - ring, size - ring), outline=(*SEAL_RED, 215), width=ring)
    centre = size / 2
    star = [
        (
            centre + math.sin(k * math.pi / 5) * size * (0.15 if k % 2 == 0 else 0.058),
            centre - math.cos(k * math.pi / 5) * size * (0.15 if k % 2 == 0 else 0.058),
        )
        for k in range(10)
    ]
    pen.polygon(star, fill=(*SEAL_RED, 215))
    font = ImageFont.truetype(str(SERIF), size // 11, index=SIMPLIFIED_CHINESE_FACE)
    for position, character in enumerate(text):
        angle = -118 + 236 * position / (len(text) - 1)
        tile = Image.new("RGBA", (size, size), (0, 0, 0, 0))
        ImageDraw.Draw(tile).text(
            (centre, size * 0.155), character, font=font, fill=(*SEAL_RED, 215), anchor="mm"
        )
        image.alpha_composite(tile.rotate(-angle, resample=Image.Resampling.BICUBIC))
    return image.resize((diameter, diameter), Image.Resampling.LANCZOS)


def sign(pen: ImageDraw.ImageDraw, x: float, y: float, seed: int) -> None:
    """Scribble a signature: two damped waves in ball-pen blue."""
    generator = np.random.default_rng(seed)
    for start in (0.0, 0.55):
        t = np.linspace(0, 1, 90)
        wave = np.sin(t * 2 * np.pi * generator.uniform(2.0, 3.2) + generator.uniform(0, 3))
        loops = np.cos(t * 2 * np.pi * generator.uniform(1.4, 2.4)) * 9
        xs = x + (start + t * 0.5) * 110 + loops
        ys = y + wave * (13 - 9 * t) + t * 5
        pen.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=(38, 52, 128), width=2)


def scan(page: pymupdf.Page, number: int) -> bytes:
    """Return ``page`` as the JPEG that an office scanner would have made of it."""
    pixels = page.get_pixmap(dpi=SCAN_DPI * 2, alpha=False)
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)
    image = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    colour = False
    for anchor, company, seed in (
        ("甲方（盖章）", "云台市第二实验中学", 5),
        ("乙方（盖章）", "海州博远教学仪器有限公司", 11),
    ):
        for found in page.search_for(anchor):
            x, y = (value * SCAN_DPI / 72 for value in (found.x0, found.y0))
            stamp = seal(company, int(40 / 25.4 * SCAN_DPI))
            image.paste(stamp, (int(x + 95), int(y + 75)), stamp)
            sign(ImageDraw.Draw(image), x + 190, y + 58, seed)
            colour = True
    paper = Image.new("RGB", image.size, (255, 255, 255))
    paper.paste(image)
    turned = paper.rotate(
        SKEW_DEGREES[number % len(SKEW_DEGREES)],
        resample=Image.Resampling.BICUBIC,
        fillcolor=(255, 255, 255),
    ).filter(ImageFilter.GaussianBlur(0.45))
    grid = np.asarray(turned, dtype=np.float32)
    height, width = grid.shape[:2]
    generator = np.random.default_rng(2025 + number)
    light = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    grid = grid / 255 * (PAPER - 9 * light) + 14 * (1 - grid / 255)
    grid += generator.normal(0, 2.6, (height, width, 1)).astype(np.float32)
    for _ in range(45):
        y, x = int(generator.integers(0, height - 3)), int(generator.integers(0, width - 3))
        grid[y : y + 2, x : x + 2] -= float(generator.uniform(40, 120))
    result = Image.fromarray(np.clip(grid, 0, 255).astype(np.uint8))
    if not colour:
        result = result.convert("L")
    out = io.BytesIO()
    result.save(out, "JPEG", quality=45, optimize=True, dpi=(SCAN_DPI, SCAN_DPI))
    return out.getvalue()


def rasterise(pdf: bytes) -> bytes:
    """Return the pages of ``pdf`` as a scan: one image a page, no text."""
    source = pymupdf.open("pdf", pdf)
    made = pymupdf.open()
    for number, page in enumerate(source):
        sheet = made.new_page(width=page.rect.width, height=page.rect.height)
        sheet.insert_image(sheet.rect, stream=scan(page, number))
    made.set_metadata({"producer": "Office scanner", "title": ""})
    packed: bytes = made.tobytes(garbage=4, deflate=True, no_new_id=True)
    return packed


def main() -> None:
    """Write the three PDFs beside this script."""
    MANUAL.write_bytes(typeset("manual-zh.html"))
    POLICY.write_bytes(typeset("policy-en.html"))
    CONTRACT.write_bytes(rasterise(typeset("contract-zh.html")))
    for path in (MANUAL, POLICY, CONTRACT):
        with pymupdf.open(path) as document:
            print(f"{path.name}: {document.page_count} pages, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
