"""What the trainable part of a net reads: the frozen part's output for a few views of each photo, computed once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from PIL import Image, ImageOps
from torch import Tensor

from .errors import FinetuneError
from .model import VGG
from .predict import as_image
from .preprocess import RESAMPLING, preprocess
from .room import room_for

__all__ = ["CACHE_BYTES", "Pieces", "Views", "memory_said", "random_view", "use_bfloat16"]

CACHE_BYTES = 1_000_000_000  # of memory, for the cache; past it a file takes its place
CROPS = 4  # random views cached beside the photo and its mirror image
SMALLEST_CROP = 0.6  # side of a random crop's square, as a share of the photo's short side
STRETCH = 1.2  # a random crop is at most this much wider or higher than the square
BATCH_SIZE = 16
HALF = torch.finfo(torch.float16)
NO_MEMORY = (
    "The device has not enough memory to train on a single photo; use device cpu, train less (head), or start from a "
    "smaller net."
)


def use_bfloat16(device: torch.device) -> bool:
    """Whether to compute in bfloat16. On the CPU and on MPS all is float32: exact, and the same everywhere."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def random_view(image: Image.Image, config, generator: torch.Generator) -> Tensor:
    """A random crop, mirrored or not: (in_channels, input_size, input_size) float32, as `preprocess` gives it.

    Args:
        image: upright.
        config: of the model, with crop_pct 1, for what is left of the picture is all to be seen.
        generator: of the five numbers that it takes.
    """
    size, stretch, across, down, mirrored = torch.rand(5, generator=generator, dtype=torch.float64).tolist()
    width, height = image.size
    side = min(width, height) * (SMALLEST_CROP + (1 - SMALLEST_CROP) * size)
    stretch = STRETCH ** (2 * stretch - 1)
    crop_width, crop_height = min(width, side * stretch), min(height, side / stretch)
    left, top = across * (width - crop_width), down * (height - crop_height)
    box = (left, top, left + crop_width, top + crop_height)
    image = image.convert("RGB" if config.in_channels == 3 else "L")
    view = image.resize((config.input_size, config.input_size), RESAMPLING[config.interpolation], box=box)
    return preprocess(ImageOps.mirror(view) if mirrored < 0.5 else view, config)


@contextlib.contextmanager
def memory_said() -> Iterator[None]:
    """Say in a sentence that the memory is out, where smaller pieces would not help.

    Raises:
        FinetuneError: it is. Any other error passes.
    """
    try:
        yield
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        raise FinetuneError(NO_MEMORY) from error


def _out_of_memory(error: RuntimeError) -> bool:
    # torch.OutOfMemoryError is CUDA's; MPS and the CPU raise its base class and say it in words.
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, torch.OutOfMemoryError) or any(said in str(error) for said in words)


class Pieces:
    """Computes batches in pieces that the device's memory holds: it halves them when the memory is out, and goes on.

    Attributes:
        size: photos in a piece.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def of(self, count: int) -> list[slice]:
        return [slice(first, min(first + self.size, count)) for first in range(0, count, self.size)]

    def halve(self, error: RuntimeError) -> None:
        """After an error: make the pieces half as large.

        Raises:
            RuntimeError: the error itself, if it was not for want of memory.
            FinetuneError: they cannot be smaller.
        """
        if not _out_of_memory(error):
            raise error
        if self.size == 1:
            raise FinetuneError(NO_MEMORY) from error
        self.size //= 2

    def run(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """function(x), piece by piece; the results on the CPU, float32.

        Raises:
            FinetuneError: the memory does not hold a single one.
        """
        while True:
            try:
                return torch.cat([function(x[piece]).float().cpu() for piece in self.of(len(x))])
            except RuntimeError as error:
                self.halve(error)


class Views:
    """The cache of all photos' views at a boundary of a net.

    It is kept in float32 where that takes no more than CACHE_BYTES (a gigabyte), else in float16; where this takes more
    too, in a temporary file (see `room`).

    At the very input nothing is frozen: then the photos themselves are kept, decoded, as many as CACHE_BYTES more hold
    (the others are decoded at each use), and random views are made of them anew each time.

    Args:
        model: the net to start from; not changed.
        device: where it runs.
        start: number of modules of `features` that are frozen; all of them: the pooled features are cached.
        photos: how many there will be at most.
        seed: of the random views.

    Attributes:
        model: the net on the device, float32, in eval mode.
        live: nothing is frozen.
    """

    def __init__(self, model: VGG, device: torch.device, start: int, photos: int, seed: int) -> None:
        self.config = model.config
        self.device, self.start, self.live = device, start, start == 0
        self.model = model.share().to(device, torch.float32)
        if device.type == "cuda":
            self.model.to(memory_format=torch.channels_last)
        # Of the given net, not of what may be a copy of it: so a `Classifier` of that net and other runs have the same form.
        self._form = model.forms.of(model, device, torch.bfloat16 if use_bfloat16(device) else torch.float32)
        self._photos = photos
        self._pieces = Pieces(BATCH_SIZE)
        self._whole = replace(model.config, crop_pct=1.0)
        self._chance = torch.Generator().manual_seed(seed)
        self._store: Tensor | None = None  # (photos, views, ...)
        self._images: list[object] = []
        self._image_bytes = 0
        self._used = 0

    def look(self, image: Image.Image, picture: object) -> Tensor:
        """The views of the next photo: itself, its mirror image, random crops. (views, C, S, S) float32.

        Args:
            image: upright, RGB.
            picture: the same as it was given, to be decoded again where there is no room to keep it.
        """
        x = preprocess(image, self.config)
        views = [x, x.flip(2)]
        if self.live:
            self._keep(image, picture)
        else:
            views += [random_view(image, self._whole, self._chance) for _ in range(CROPS)]
        return torch.stack(views)

    def add(self, x: Tensor) -> Tensor:
        """Cache what the frozen part makes of the next photos' views, (b, views, C, S, S).

        Returns:
            (b, 2, D) float32 on the CPU: what the given net's last Linear reads for the photos and their mirror images.

        Raises:
            FinetuneError: there is no room, in the device's memory or on the disk.
        """
        cached = self._run(self._frozen, x.flatten(0, 1)).unflatten(0, x.shape[:2])
        self._write(cached[:, :1] if self.live else cached)
        return self._run(self._rest, cached[:, :2].flatten(0, 1)).unflatten(0, (-1, 2))

    def plain(self, rows: Tensor) -> Tensor:
        """(m, ...) float32 of the photos as they are; `rows` (m,) count them in the order in which they were added."""
        return self._store[rows, 0].float()

    def random(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """(m, ...) float32, a random view of each photo."""
        if self.live:
            views = [random_view(as_image(self._images[row]), self._whole, generator) for row in rows.tolist()]
            return torch.stack(views)
        which = torch.randint(self._store.shape[1], (len(rows),), generator=generator)
        return self._store[rows, which].float()

    @torch.no_grad()
    def _run(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        def on_device(piece: Tensor) -> Tensor:
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=use_bfloat16(self.device)):
                return function(piece.to(self.device))

        return self._pieces.run(on_device, x)

    def _frozen(self, x: Tensor) -> Tensor:
        if self.live:
            return x
        x = self._form.maps(x, self.start)
        return torch.flatten(self.model.avgpool(x), 1) if self._at_classifier else x

    def _rest(self, x: Tensor) -> Tensor:
        return self.model.classifier[:-1](x) if self._at_classifier else self._form.embed(x, self.start)

    @property
    def _at_classifier(self) -> bool:
        return self.start == len(self.model.features)

    def _keep(self, image: Image.Image, picture: object) -> None:
        enough = math.ceil(self.config.input_size / SMALLEST_CROP)  # the smallest crop is still sharp
        smaller = enough / min(image.size)
        if smaller < 1:
            size = [max(1, round(side * smaller)) for side in image.size]
            image = image.resize(size, RESAMPLING[self.config.interpolation])
        self._image_bytes += 3 * image.width * image.height
        self._images.append(image if self._image_bytes <= CACHE_BYTES else picture)

    def _write(self, views: Tensor) -> None:
        """(b, views, ...) float32 at the end of the store."""
        if self._store is None:
            shape = (self._photos, *views.shape[1:])
            exact = 4 * math.prod(shape) <= CACHE_BYTES
            self._store = room_for(shape, torch.float32 if exact else torch.float16, CACHE_BYTES)
        if self._store.dtype == torch.float16:
            views = views.clamp(HALF.min, HALF.max)  # activations of a net without normalisation may be large
        self._store[self._used : self._used + len(views)] = views
        self._used += len(views)
