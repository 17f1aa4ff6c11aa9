"""A model as one ONNX file, for runtimes without PyTorch.

The file, of opset 18:

- input `pixels`: (batch, channels, side, side) float32, normalised; any batch, the side fixed to the configuration's
  `input_size`, for ONNX has no adaptive pooling: it is written out for that size;
- output `logits`: (batch, classes) float32, before the softmax;
- metadata (`metadata_props`), texts: `labels`, a JSON list of the class names in the order of the logits (empty where they
  are not known), and `preprocessing`, a JSON object: `input_size` [channels, side, side], `resize` (the short side in
  pixels), `crop_pct`, `crop_mode`, `interpolation`, `mean`, `std`. A picture is resized (with antialiasing) to that
  short side, its centre square is cut, and (value / 255 - mean) / std is taken in each channel.

With onnxruntime:

    session = onnxruntime.InferenceSession("model.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    labels, preprocessing = json.loads(facts["labels"]), json.loads(facts["preprocessing"])
    logits = session.run(None, {"pixels": pixels})[0]
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from ._shell import ended_at_once
from ._version import __version__
from .config import VGGConfig
from .errors import CheckpointError
from .folder import replaced_file
from .model import VGG

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["OPSET", "export_onnx"]

OPSET = 18
NEEDED = ("onnx", "onnxscript", "onnxruntime")
MAX_BYTES = 2_000_000_000  # a protobuf message ends at 2 GiB
TOLERANCE = 1e-4


def export_onnx(model: VGG, path: str | os.PathLike[str]) -> float:
    """Write a model as ONNX, in float32, and compare the answers of onnxruntime with its own.

    Args:
        model: is not changed; it is exported as it answers in eval mode.
        path: of the file; one that is there is replaced, once the new one is whole and agrees.

    Returns:
        The largest difference of a logit, on two smooth random inputs.

    Raises:
        CheckpointError: packages are missing, the model is too large for one file, the answers differ by more than 1e-4
            (of the largest logit, where that is above 1), or the file cannot be written. Nothing is then left.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise CheckpointError(
            f"ONNX export needs {', '.join(missing)}, not installed here: pip install {' '.join(missing)}"
        )
    path = Path(path)
    twin = model.share().to("cpu", torch.float32)  # .to gives the twin tensors of its own, where they change
    size = sum(tensor.numel() * 4 for tensor in twin.parameters())
    if size > MAX_BYTES:
        raise CheckpointError(f"The model has {size / 1e9:.1f} GB of weights; an ONNX file holds 2 GB at most.")
    with ended_at_once():
        program = _program(twin)
    with replaced_file(path) as temporary:
        program.save(temporary, external_data=False)
        difference, scale = _difference(twin, temporary)
        if not difference <= TOLERANCE * max(1.0, scale):
            raise CheckpointError(
                f"{path.name} was not saved: onnxruntime's answers differ from the model's by {difference:.2g}, expected at "
                f"most {TOLERANCE:g}; update onnxruntime, or share the model's folder instead."
            )
    return difference


def _program(model: VGG) -> torch.onnx.ONNXProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch and onnxscript are about to change in themselves
        program = torch.onnx.export(
            model,
            (_inputs(model.config),),
            input_names=["pixels"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _describe(program.model, model.config)
    return program


def _describe(exported: onnx_ir.Model, config: VGGConfig) -> None:
    """Take out the exporter's notes, which name files of this machine and fill megabytes, and put ours in."""
    for graph in (exported.graph, *exported.functions.values()):
        graph.metadata_props.clear()
        for node in graph:
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()
    for value in (*exported.graph.inputs, *exported.graph.initializers.values()):
        value.metadata_props.clear()
    exported.producer_name, exported.producer_version = "vgg-hub", __version__
    exported.metadata_props.clear()
    exported.metadata_props["labels"] = json.dumps(config.label_names, ensure_ascii=False)
    exported.metadata_props["preprocessing"] = json.dumps(
        {
            "input_size": [config.in_channels, config.input_size, config.input_size],
            "resize": math.floor(config.input_size / config.crop_pct),
            "crop_pct": config.crop_pct,
            "crop_mode": "center",
            "interpolation": config.interpolation,
            "mean": config.mean,
            "std": config.std,
        }
    )


def _inputs(config: VGGConfig) -> Tensor:
    """(2, in_channels, side, side) float32: waves, for to plain noise a net answers nearly always the same."""
    coarse = torch.randn(2, config.in_channels, 6, 6, generator=torch.Generator().manual_seed(0)) * 1.5
    return F.interpolate(coarse, size=(config.input_size,) * 2, mode="bicubic", align_corners=False)


def _difference(model: VGG, file: Path) -> tuple[float, float]:
    """The largest difference of a logit between the file and the model, and the largest logit."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    pixels = _inputs(model.config)
    with torch.no_grad():
        expected = model(pixels)
    answers = torch.from_numpy(session.run(["logits"], {"pixels": pixels.numpy()})[0])
    return float((answers - expected).abs().max()), float(expected.abs().max())
