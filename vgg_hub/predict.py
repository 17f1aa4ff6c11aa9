"""Batched classification with a trained net."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .as_usual import as_usual
from .data import read_image
from .errors import ConfigError, DeviceError, PhotoError
from .inference import Unchanged, check_finite, multiplies_bfloat16
from .model import VGG
from .preprocess import cut_square, normalised
from .reader import read_in_batches

__all__ = ["Classifier", "Picture", "Prediction", "as_image", "resolve_device"]

Picture = str | Path | Image.Image | np.ndarray
BATCH_SIZE = 16


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    Attributes:
        label: the most probable class.
        scores: probability by class name, every class, highest first; they add up to 1.
        unlike: whether the picture is unlike all classes, so that neither the label nor the scores say anything of it;
            None where the model has no rule for that.
        unlike_score: how unlike: above 1, it is (see `UnlikeRule.score`); None likewise.
    """

    label: str
    scores: dict[str, float]
    unlike: bool | None = None
    unlike_score: float | None = None


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """`"auto"`: the GPU (CUDA, else MPS) where there is one, else the CPU.

    Raises:
        DeviceError: the device has no such name, or this machine does not have it.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise DeviceError("device is {device!r:.40}; expected auto, cpu, cuda or mps.", device=device) from None
    have = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (found.index or 0) >= have.get(found.type, 0):
        raise DeviceError("device is {device!r}, which this machine does not have; use auto or cpu.", device=str(found))
    return found


def as_image(picture: Picture) -> Image.Image:
    """A path, PIL image or array as an upright RGB image.

    Args:
        picture: a path; a PIL image of any mode; or an array (H, W), (H, W, 3) or (H, W, 4), uint8.

    Raises:
        PhotoError: it cannot be read, or the array has another shape or type.
    """
    if isinstance(picture, (str, Path)):
        return read_image(picture)
    if isinstance(picture, np.ndarray):
        good = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (3, 4))
        if picture.dtype != np.uint8 or not good or 0 in picture.shape:
            raise PhotoError(
                "The array has shape {shape} and type {kind}; expected (height, width), (height, width, 3) or (height, "
                "width, 4) of uint8, 0 to 255.",
                shape=picture.shape,
                kind=picture.dtype,
            )
        picture = Image.fromarray(picture)
    if not isinstance(picture, Image.Image):
        raise PhotoError(
            "A picture is a {kind}; expected a path, a PIL image or a numpy array.", kind=type(picture).__name__
        )
    return read_image(picture)


class Classifier:
    """A net ready to classify pictures. The model given is not changed; once its weights are, make another.

    Args:
        model: a VGG, in any mode.
        device: "auto", "cpu", "cuda", "mps" or a torch.device.
        precision: "float32" is exact; "auto" uses bfloat16 where the processor multiplies it faster.
        batch_size: pictures computed at a time, while as many more are read: the bound on memory.
        unlike: say of each picture whether it is unlike all classes, where the model has a rule for it.

    Raises:
        ConfigError: an argument that cannot be, or a layer that is not the one of the model's configuration.
        CheckpointError: weights that are not finite.
        DeviceError: no such device.

    Attributes:
        net: what computes the features; one for all models that stand on the same tensors.
    """

    def __init__(
        self,
        model: VGG,
        device: str | torch.device = "auto",
        precision: str = "auto",
        batch_size: int = BATCH_SIZE,
        unlike: bool = True,
    ) -> None:
        if precision not in ("auto", "float32"):
            raise ConfigError("precision is {precision!r:.40}; expected auto or float32.", precision=precision)
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ConfigError(
                "batch_size is {batch_size!r:.40}; expected a positive whole number.", batch_size=batch_size
            )
        self.device = resolve_device(device)
        self.config = model.config
        self.batch_size = batch_size
        self.unlike = model.unlike if unlike else None
        fast = precision == "auto" and multiplies_bfloat16(self.device)
        self.net = model.forms.of(model, self.device, torch.bfloat16 if fast else torch.float32)
        # The last layer is small and decides: it is exact.
        self._head = [t.detach().to(self.device, torch.float32) for t in (model.head.weight, model.head.bias)]
        check_finite(self._head)
        self._shared = Unchanged(self._head)

    def __call__(self, images: Iterable[Picture]) -> list[Prediction]:
        """Classify pictures, in the order given.

        Raises:
            PhotoError: for the first picture that cannot be read; it names the file.
            CheckpointError: the logits are not finite numbers.
        """
        if isinstance(images, (str, Path, Image.Image, np.ndarray)):
            images = [images]  # a single picture is what people pass first
        predictions = []
        for answer in self.each(images):
            if isinstance(answer, PhotoError):
                raise answer
            predictions.append(answer)
        return predictions

    def each(self, images: Iterable[Picture]) -> Iterator[Prediction | PhotoError]:
        """Classify pictures one answer at a time, an error in the place of each one that cannot be read.

        Raises:
            CheckpointError: the logits are not finite numbers.
        """
        for batch in read_in_batches(images, self.batch_size, self._read):
            answers = iter(self._predict([square for square in batch if not isinstance(square, PhotoError)]))
            yield from (square if isinstance(square, PhotoError) else next(answers) for square in batch)

    def _read(self, picture: Picture) -> Image.Image | PhotoError:
        """What the net will see of it. All is Pillow's work here: a thread in which PyTorch computes gets threads of its own."""
        try:
            return cut_square(as_image(picture), self.config)
        except PhotoError as error:
            return error

    def _predict(self, squares: Sequence[Image.Image]) -> list[Prediction]:
        return self.answers(self.net.embed(self.batch(squares))) if squares else []

    def batch(self, squares: Sequence[Image.Image]) -> Tensor:
        """Squares of `cut_square` -> (B, in_channels, H, W) float32, as the net reads them."""
        return torch.stack([normalised(square, self.config) for square in squares])

    @as_usual()
    def answers(self, features: Tensor) -> list[Prediction]:
        """What the last layer makes of (B, embed_features) float32, on the net's device; one prediction a row.

        Raises:
            CheckpointError: the logits are not finite numbers.
            ConfigError: the head's weights were changed since the Classifier was made.
        """
        self._shared.check()
        logits = F.linear(features, *self._head).cpu()
        check_finite([logits])
        probabilities = torch.softmax(logits, dim=1)
        strangeness = [None] * len(features) if self.unlike is None else self.unlike.score(features.cpu()).tolist()
        orders = torch.argsort(probabilities, dim=1, descending=True, stable=True).tolist()
        labels = self.config.label_names or [f"class {i}" for i in range(self.config.num_classes)]
        predictions = []
        for row, order, score in zip(probabilities.tolist(), orders, strangeness, strict=True):
            scores = {labels[i]: row[i] for i in order}
            unlike = None if score is None else score > 1
            predictions.append(Prediction(labels[order[0]], scores, unlike, score))
        return predictions

    @as_usual()
    def logits(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) float32, preprocessed -> (B, num_classes) float32, on the CPU."""
        self._shared.check()
        return F.linear(self.net.embed(x), *self._head).cpu()

    def embed(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) float32, preprocessed -> (B, embed_features) float32, on the CPU."""
        return self.net.embed(x).cpu()
