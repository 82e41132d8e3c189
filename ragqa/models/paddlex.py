"""PP-OCRv6 ONNX weights laid out as the local model folders that PaddleOCR 3 opens.

Each folder holds ``inference.onnx`` and an ``inference.yml``. ``Global.model_name`` must equal the
``*_model_name`` that PaddleOCR is given, or it refuses the folder.

Source: the layout is that of PaddleX 3.7's ``inference.yml`` for text detection and recognition.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

DETECTION = "PP-OCRv6_small_det"
RECOGNITION = "PP-OCRv6_small_rec"
ORIENTATION = "PP-LCNet_x0_25_textline_ori"

_DECODE = {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}}


def _detection() -> dict[str, Any]:
    return {
        "Global": {"model_name": DETECTION},
        "PreProcess": {
            "transform_ops": [
                _DECODE,
                {"DetLabelEncode": None},
                {"DetResizeForTest": {"limit_side_len": 736, "limit_type": "min"}},
                {
                    "NormalizeImage": {
                        "mean": [0.485, 0.456, 0.406],
                        "std": [0.229, 0.224, 0.225],
                        "scale": "1./255.",
                        "order": "hwc",
                    }
                },
                {"ToCHWImage": None},
                {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": 0.3,
            "box_thresh": 0.6,
            "max_candidates": 1000,
            "unclip_ratio": 1.5,
        },
    }


def _recognition(characters: list[str]) -> dict[str, Any]:
    return {
        "Global": {"model_name": RECOGNITION},
        "PreProcess": {
            "transform_ops": [
                _DECODE,
                {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}},
                {"RecResizeImg": {"image_shape": [3, 48, 320]}},
                {
                    "KeepKeys": {
                        "keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]
                    }
                },
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": characters},
    }


def _orientation() -> dict[str, Any]:
    """The line orientation classifier of PP-OCRv2, in the place PaddleX has for one."""
    return {
        "Global": {"model_name": ORIENTATION},
        "PreProcess": {
            "transform_ops": [
                {"ResizeImage": {"size": [192, 48]}},
                {
                    "NormalizeImage": {
                        "channel_num": 3,
                        "mean": [0.5, 0.5, 0.5],
                        "std": [0.5, 0.5, 0.5],
                        "scale": 1 / 255,
                        "order": "",
                    }
                },
                {"ToCHWImage": None},
            ]
        },
        "PostProcess": {"Topk": {"topk": 1, "label_list": ["0_degree", "180_degree"]}},
    }


def convert(source: Path, folder: Path) -> None:
    """Write the three model folders into ``folder`` from the ONNX files in ``source``."""
    import onnxruntime
    import yaml

    weights = source / "PP-OCRv6_rec_small.onnx"
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    characters = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    for name, file, configuration in (
        (DETECTION, source / "PP-OCRv6_det_small.onnx", _detection()),
        (RECOGNITION, weights, _recognition(characters)),
        (ORIENTATION, source / "ch_ppocr_mobile_v2.0_cls_mobile.onnx", _orientation()),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / name / "inference.onnx")
        (folder / name / "inference.yml").write_text(
            yaml.safe_dump(configuration, allow_unicode=True, sort_keys=False), "utf-8"
        )
