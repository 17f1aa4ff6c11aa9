"""What tells two fine-tunings apart without naming a photo: digests, versions and the machine. See `replay`."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence

import PIL
import torch
from torch import Tensor

from ._version import __version__

__all__ = ["machine", "photo_digests", "tensors_digest", "versions"]


def photo_digests(labels: Sequence[str], photos: Iterable[tuple[int, bytes]]) -> dict[str, dict[str, object]]:
    """Of each class `n`, the photos that could be read; `sha256` over their pixels in the order given; `any_order`.

    One digest stands for all photos of a class: nobody can look a single photo up by it, as a digest of each would let
    them. Who has all the photos can tell that it was these.

    Args:
        labels: class names.
        photos: position of the class, and digest of the pixels, of each photo in the order given.
    """
    found: list[list[bytes]] = [[] for _ in labels]
    for target, digest in photos:
        found[target].append(digest)
    return {
        label: {"n": len(digests), "sha256": _joined(digests), "any_order": _joined(sorted(digests))}
        for label, digests in zip(labels, found, strict=True)
    }


def _joined(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(digests)).hexdigest()


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Hex sha256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of the packages that take part."""
    return {
        "vgg_hub": __version__,
        "torch": torch.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
    }


def machine(device: torch.device) -> dict[str, object]:
    """What the last bits of a sum depend on: `device`, `threads` and `processor`, its kind and not its owner's name."""
    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"device": device.type, "threads": torch.get_num_threads(), "processor": f"{platform.machine()} {processor}"}
