"""What a net is, in numbers: its layers one by one, parameters, multiply-adds and bytes. Nothing is built or run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .config import VGGConfig

if TYPE_CHECKING:
    from .model import VGG

__all__ = ["LayerRow", "layer_table", "multiply_adds", "parameter_count", "summarise", "weight_bytes"]

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class LayerRow:
    """One layer as the textbook's table shows it, for a picture of the net's own input size.

    Attributes:
        name: the stage's name (`conv1_1`, `pool1`, `fc6` ...); `avgpool` and `head` for the two that are no stage.
        type: "convolution", "max pooling", "average pooling" or "fully connected".
        output: (channels, height, width) of what it gives; (features,) after the flattening.
        kernel, stride: of the sliding window; None where there is none.
        activation: "ReLU", or None. A convolution's batch normalisation belongs to its row.
        parameters: trainable numbers.
        multiply_adds: multiplications, each with its addition, for one picture. Those of batch normalisation are not
            counted: folded into the convolution they cost nothing.
    """

    name: str
    type: str
    output: tuple[int, ...]
    kernel: int | None
    stride: int | None
    activation: str | None
    parameters: int
    multiply_adds: int


def layer_table(config: VGGConfig) -> list[LayerRow]:
    """The layers in the order of the computation."""
    return [*_feature_rows(config), *_classifier_rows(config)]


def _feature_rows(config: VGGConfig) -> list[LayerRow]:
    rows: list[LayerRow] = []
    channels, side, block, conv = config.in_channels, config.input_size, 1, 0
    for entry in config.channels:
        if entry == "M":
            side //= 2
            rows.append(LayerRow(f"pool{block}", "max pooling", (channels, side, side), 2, 2, None, 0, 0))
            block, conv = block + 1, 0
            continue
        conv += 1
        products = 9 * channels * entry
        parameters = products + entry + (2 * entry if config.batch_norm else 0)
        output = (entry, side, side)
        rows.append(
            LayerRow(f"conv{block}_{conv}", "convolution", output, 3, 1, "ReLU", parameters, products * side**2)
        )
        channels = entry
    pooled = (channels, config.pool_size, config.pool_size)
    # The pooling adapts its window to what comes in, so it has no one kernel.
    rows.append(LayerRow("avgpool", "average pooling", pooled, None, None, None, 0, 0))
    return rows


def _classifier_rows(config: VGGConfig) -> list[LayerRow]:
    hidden = config.hidden_features
    sizes = [("fc6", config.pooled_features, hidden), ("fc7", hidden, hidden)] if hidden else []
    sizes.append(("head", config.embed_features, config.num_classes))
    return [
        LayerRow(
            name,
            "fully connected",
            (outputs,),
            None,
            None,
            None if name == "head" else "ReLU",
            (inputs + 1) * outputs,
            inputs * outputs,
        )
        for name, inputs, outputs in sizes
    ]


def parameter_count(config: VGGConfig) -> int:
    """Trainable parameters of the net that a config describes."""
    return sum(row.parameters for row in layer_table(config))


def multiply_adds(config: VGGConfig) -> int:
    """Multiply-adds for one picture of the net's input size."""
    return sum(row.multiply_adds for row in layer_table(config))


def weight_bytes(config: VGGConfig, bytes_per_number: int = FLOAT32_BYTES) -> int:
    """Bytes of the weights, running means and variances of batch normalisation among them; a file has a header more."""
    running = sum(2 * entry for entry in config.channels if entry != "M") if config.batch_norm else 0
    return (parameter_count(config) + running) * bytes_per_number


def summarise(model: VGG) -> dict[str, object]:
    """What a loaded model is, ready for JSON: sizes, labels, where it came from and its layers."""
    config = model.config
    return {
        "name": config.name,
        "source": model.source,
        "parameters": parameter_count(config),
        "multiply_adds": multiply_adds(config),
        "weight_bytes": sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        "input_size": config.input_size,
        "num_classes": config.num_classes,
        "label_names": list(config.label_names),
        "provenance": model.provenance,
        "layers": [asdict(row) for row in layer_table(config)],
    }
