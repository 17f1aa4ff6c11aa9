"""The frozen configuration: all that shapes a VGG and its use, and nothing else.

The four layer lists are table 1 of Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition" (ICLR 2015, https://arxiv.org/abs/1409.1556), columns A, B, D and E.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType

from .errors import ConfigError, LabelError
from .notes import Note

__all__ = [
    "DEPTHS",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "LAYERS",
    "MAX_LABEL_LENGTH",
    "VGGConfig",
    "check_labels",
    "check_layers",
    "is_unseen",
]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

LAYERS: MappingProxyType[int, tuple[int | str, ...]] = MappingProxyType(
    {
        11: (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
        13: (64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
        16: (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
        19: (64, 64, "M", 128, 128, "M") + (256,) * 4 + ("M",) + (512,) * 4 + ("M",) + (512,) * 4 + ("M",),
    }
)
"""Layer lists by depth: an int is a 3x3 convolution with that many output channels, `"M"` a 2x2 max pooling."""

DEPTHS = tuple(LAYERS)
INTERPOLATIONS = ("bilinear", "bicubic", "nearest", "lanczos")
MAX_LABEL_LENGTH = 100
JOINERS = "\u200c\u200d"  # invisible, and needed: Persian is spelt with the first, families of emoji with the second
# A config comes from strangers: these bounds keep a net that no machine could hold from being described at all.
MAX_CHANNELS = 65_536
MAX_LAYERS = 1_000


def _error(field: str, value: object, expected: Note) -> ConfigError:
    try:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
    except ValueError:  # Python writes no number of more than 4300 digits
        shown = Note.said("a number of thousands of digits")
    return ConfigError("{field} is {value}; expected {expected}.", field=field, value=shown, expected=expected)


def _whole(field: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _error(field, value, Note.said("a whole number from {low} to {high}", low=low, high=high))
    return value


def _number(field: str, value: object, low: float, high: float, *, above: bool = False, below: bool = False) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not low <= value <= high or (above and value == low) or (below and value == high):
        if above:
            rule = Note.said("a number above {low:g} to {high:g}", low=low, high=high)
        elif below:
            rule = Note.said("a number from {low:g} and below {high:g}", low=low, high=high)
        else:
            rule = Note.said("a number from {low:g} to {high:g}", low=low, high=high)
        raise _error(field, value, rule)
    return float(value)


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return class names ready for use: Unicode NFC, outer spaces cut.

    Raises:
        LabelError: for a name that is not text, is empty, is longer than 100 characters, holds a slash, an angle
            bracket, a control character (such as a newline) or an invisible one, or bytes that are no text, or stands twice.
    """
    if isinstance(labels, str):
        raise LabelError("The class names are one text, {given!r}; expected a list of names.", given=labels[:40])
    if not isinstance(labels, Sequence):
        raise LabelError("The class names are {given!r:.40}; expected a list of names.", given=labels)
    clean: dict[str, str] = {}  # by what two of them may not share
    for position, label in enumerate(labels, start=1):
        if not isinstance(label, str):
            raise LabelError("Class name {position} is {label!r:.60}; expected text.", position=position, label=label)
        name = unicodedata.normalize("NFC", label).strip()
        if not name.strip(JOINERS):
            raise LabelError("Class name {position} is empty; give each class a name.", position=position)
        if len(name) > MAX_LABEL_LENGTH:
            raise LabelError(
                "Class name {position} has {length} characters; the limit is {most}: shorten it.",
                position=position,
                length=len(name),
                most=MAX_LABEL_LENGTH,
            )
        if any("\ud800" <= c <= "\udfff" for c in name):  # how Python writes bytes that it cannot decode
            raise LabelError(
                "Class name {position} is no text in this system's encoding: rename it, or, if it is UTF-8, set PYTHONUTF8=1.",
                position=position,
            )
        bad = next((c for c in name if c in "/\\<>" or is_unseen(c)), None)
        if bad is not None:
            raise LabelError(
                "Class name {position}, {name!r}, holds {bad!r}; leave out slashes, angle brackets, control characters "
                "and invisible ones.",
                position=position,
                name=name,
                bad=bad,
            )
        if name in (".", ".."):
            raise LabelError(
                "Class name {position} is {name!r}, which names a folder; choose another name.",
                position=position,
                name=name,
            )
        if name.casefold() in clean:
            raise LabelError("Two classes have the same name, {name!r}; give each class its own name.", name=name)
        clean[name.casefold()] = name
    return tuple(clean.values())


def is_unseen(character: str) -> bool:
    """Whether it is a control character, or changes a text unseen, such as its direction: such names can lie."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in JOINERS


def check_layers(layers: Sequence[int | str]) -> tuple[int | str, ...]:
    """Return a layer list as a tuple.

    Raises:
        ConfigError: an entry is neither a positive int nor "M", or there is no int; it names the entry.
    """
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise _error(
            "layers", layers, Note.said("a list of positive whole numbers and 'M', such as [64, 'M', 128, 'M']")
        )
    if not 1 <= len(layers) <= MAX_LAYERS:
        raise ConfigError("layers has {count} entries; expected 1 to {most}.", count=len(layers), most=MAX_LAYERS)
    for position, entry in enumerate(layers):
        good = isinstance(entry, int) and not isinstance(entry, bool) and 1 <= entry <= MAX_CHANNELS
        if not (entry == "M" or good):
            raise _error(
                f"layers[{position}]", entry, Note.said("a positive whole number of channels or 'M' for max pooling")
            )
    if not any(entry != "M" for entry in layers):
        raise _error("layers", layers, Note.said("at least one convolution (a positive whole number)"))
    return tuple(layers)


@dataclass(frozen=True, kw_only=True)
class VGGConfig:
    """All that shapes a VGG and its use. Immutable; every field is checked when it is made.

    Attributes:
        depth: 11, 13, 16 or 19. Follows from `layers` where they are given; None for a list of one's own.
        layers: ints (output channels of a 3x3 convolution) and `"M"` (2x2 max pooling), before `width` is applied.
        batch_norm: a BatchNorm2d after each convolution.
        num_classes: width of the logits. Follows from `label_names` where they are given; else 1000.
        in_channels: channels of the input (3: RGB; 1: grey).
        pool_size: side of the adaptive average pooling after the last layer (7 in the paper).
        hidden_features: width of the two hidden Linear layers (4096 in the paper). 0: no hidden layer; one Linear
            reads the pooled features.
        width: multiplier of every convolution's channels.
        dropout: probability of the Dropout after each hidden Linear.
        label_names: ordered class names, empty where they are not known.
        input_size: side in pixels of the square that the net reads.
        crop_pct: share of the resized picture's short side that the centre crop keeps, 0.1 to 1.
        interpolation: "bilinear", "bicubic", "nearest" or "lanczos".
        mean, std: per channel, of values in 0 to 1.
    """

    depth: int | None = None
    layers: tuple[int | str, ...] = ()
    batch_norm: bool = True
    num_classes: int | None = None
    in_channels: int = 3
    pool_size: int = 7
    hidden_features: int = 4096
    width: float = 1.0
    dropout: float = 0.5
    label_names: tuple[str, ...] = ()
    input_size: int = 224
    crop_pct: float = 0.875
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        layers, depth = self._resolve_layers()
        labels = check_labels(self.label_names)
        classes = self.num_classes
        if classes is None:
            classes = len(labels) or 1000
        _whole("num_classes", classes, 1, 1_000_000)
        if labels and len(labels) != classes:
            raise ConfigError(
                "num_classes is {classes} but label_names has {count} names; they must agree.",
                classes=classes,
                count=len(labels),
            )
        if not isinstance(self.batch_norm, bool):
            raise _error("batch_norm", self.batch_norm, Note.said("true or false"))
        if self.interpolation not in INTERPOLATIONS:
            raise _error(
                "interpolation", self.interpolation, Note.said("one of {names}", names=", ".join(INTERPOLATIONS))
            )
        values = {
            "layers": layers,
            "depth": depth,
            "label_names": labels,
            "num_classes": classes,
            "in_channels": _whole("in_channels", self.in_channels, 1, 4096),
            "pool_size": _whole("pool_size", self.pool_size, 1, 64),
            "hidden_features": _whole("hidden_features", self.hidden_features, 0, MAX_CHANNELS),
            "width": _number("width", self.width, 0, 16, above=True),
            "dropout": _number("dropout", self.dropout, 0, 1, below=True),
            "input_size": _whole("input_size", self.input_size, 1, 4096),
            "crop_pct": _number("crop_pct", self.crop_pct, 0.1, 1),
            "mean": self._per_channel("mean", self.mean, -1e3, False),
            "std": self._per_channel("std", self.std, 0, True),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if any(entry != "M" and entry > MAX_CHANNELS for entry in self.channels):
            raise _error(
                "width",
                self.width,
                Note.said("one that leaves each of the layers at most {most} channels", most=MAX_CHANNELS),
            )
        smallest = 2 ** layers.count("M")
        if self.input_size < smallest:
            raise _error(
                "input_size",
                self.input_size,
                Note.said("at least {smallest}, for each 'M' in layers halves it", smallest=smallest),
            )

    def _resolve_layers(self) -> tuple[tuple[int | str, ...], int | None]:
        if self.layers == ():
            depth = 11 if self.depth is None else self.depth
            if not isinstance(depth, int) or depth not in LAYERS:
                raise _error("depth", depth, Note.said("11, 13, 16 or 19, or a list of your own in layers"))
            return LAYERS[depth], depth
        layers = check_layers(self.layers)
        known = next((depth for depth, standard in LAYERS.items() if standard == layers), None)
        if self.depth is not None and self.depth != known:
            whose = Note.said("those of VGG{known}", known=known) if known else Note.said("a list of their own")
            raise ConfigError(
                "depth is {depth} but layers are {whose}; give one of the two.", depth=self.depth, whose=whose
            )
        return layers, known

    def _per_channel(self, field: str, values: object, low: float, above: bool) -> tuple[float, ...]:
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise _error(field, values, Note.said("{count} numbers, one a channel", count=self.in_channels))
        # Grey and multi-band nets that say nothing else share the mean of the three.
        default = IMAGENET_MEAN if field == "mean" else IMAGENET_STD
        if tuple(values) == default and self.in_channels != 3:
            values = (sum(default) / 3,) * self.in_channels
        if len(values) != self.in_channels:
            raise _error(field, list(values), Note.said("{count} numbers, one a channel", count=self.in_channels))
        return tuple(_number(f"{field}[{i}]", value, low, 1e3, above=above) for i, value in enumerate(values))

    @property
    def channels(self) -> tuple[int | str, ...]:
        """The layer list with `width` applied: what the convolutions really have, at least one channel each."""
        return tuple(entry if entry == "M" else max(1, round(entry * self.width)) for entry in self.layers)

    @property
    def out_channels(self) -> int:
        """Channels of the last feature map."""
        return next(entry for entry in reversed(self.channels) if entry != "M")

    @property
    def pooled_features(self) -> int:
        """Width of the flattened pooled features, 25088 for the paper's nets."""
        return self.out_channels * self.pool_size**2

    @property
    def embed_features(self) -> int:
        """Width of what the last Linear reads: 4096 for the paper's nets."""
        return self.hidden_features or self.pooled_features

    @property
    def name(self) -> str:
        """`vgg11-bn` and the like; `vgg` for a layer list of one's own."""
        return f"vgg{self.depth or ''}{'-bn' if self.batch_norm else ''}"

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))
