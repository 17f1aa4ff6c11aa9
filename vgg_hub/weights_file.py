"""A file of weights alone, opened with care: what `torch.save` wrote, or safetensors, to tensors by name.

The one place that opens a pickle, and only because a person named the file: `torch.load(weights_only=True)` makes
tensors and containers and runs no code.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from .errors import CheckpointError
from .folder import FLOATS, WHOLE
from .layouts import disk_names, is_timm_layout

__all__ = ["read_weights_file"]

WRAPPERS = ("state_dict", "model_state_dict", "model")  # where training scripts put the weights beside other things
# What `torch.load` raises for files that are cut, of another kind, or changed at random.
UNREADABLE = (
    *(RuntimeError, EOFError, OSError, ValueError, LookupError, AttributeError, TypeError, AssertionError),
    *(ArithmeticError, MemoryError, struct.error, zipfile.BadZipFile),
)


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """The tensors of one VGG under torchvision's names, all plain and finite; memory-mapped where the format allows.

    Args:
        path: a state dict, alone or under "state_dict", "model_state_dict" or "model"; what all its names begin with
            (`module.` of DataParallel) is cut; in torchvision's layout or timm's.

    Raises:
        CheckpointError: it cannot be read, is damaged, needs more than tensors, or holds no VGG; names the file.
    """
    tensors = _state_dict(_read(path), path.name)
    _check_tensors(tensors, path)
    return _torchvision_names(tensors)


def _read(path: Path) -> object:
    """What the file holds, memory-mapped where its format allows."""
    try:
        if path.suffix.casefold() == ".safetensors":
            return load_file(path)
        mapped = zipfile.is_zipfile(path)  # files from before PyTorch 1.6, as torchvision's of 2017, are no archives
        if mapped:
            _check_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is an error below
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        needed = re.search(r"GLOBAL ([\w.]+)", str(error))
        if needed is None:
            raise _unreadable(path) from error
        raise CheckpointError(
            f"{path.name} holds more than tensors ({needed[1][:80]}), which could run code when opened; where it can be "
            "trusted, save the weights alone: torch.save(model.state_dict(), FILE)."
        ) from error
    except (*UNREADABLE, SafetensorError) as error:
        raise _unreadable(path) from error


def _check_archive(path: Path) -> None:
    """What memory-mapping does not look at: that the records are plain bytes, and undamaged."""
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise CheckpointError(f"{path.name} was packed again, with compression; take what it was packed from.")
        damaged = archive.testzip()
    if damaged is not None:
        raise CheckpointError(f"{path.name} is damaged: {damaged[:80]} in it has another checksum; fetch it again.")


def _unreadable(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path.name} cannot be read as weights: it is cut short, or no file of PyTorch's or safetensors; fetch it again."
    )


def _state_dict(document: object, shown: str) -> dict[str, Tensor]:
    """The tensors by name, out of the mappings around them and without what all names begin with."""
    for _ in range(3):  # a pickle may hold itself
        if isinstance(document, Mapping) and not _is_state_dict(document):
            document = next((document[key] for key in WRAPPERS if key in document), None)
    if not _is_state_dict(document):
        raise CheckpointError(
            f"{shown} holds no state dict, a mapping of names to tensors; save one: torch.save(model.state_dict(), FILE)."
        )
    first = next((key for key in document if key.endswith("features.0.weight")), None)
    if first is None:
        raise CheckpointError(
            f"{shown} holds no VGG: it has no features.0.weight, but {', '.join(f'{key!r:.40}' for key in [*document][:3])}."
        )
    prefix = first.removesuffix("features.0.weight")
    other = next((key for key in document if not key.startswith(prefix)), None)
    if other is not None:
        raise CheckpointError(f"{shown} holds {other!r:.60} beside the net under {prefix!r:.60}; save the net alone.")
    return {key.removeprefix(prefix): tensor.detach() for key, tensor in document.items()}


def _is_state_dict(document: object) -> bool:
    return (
        isinstance(document, Mapping)
        and len(document) > 0
        and all(isinstance(key, str) and type(t) in (Tensor, nn.Parameter) for key, t in document.items())
    )


def _check_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse what is no plain numbers, all of them in the file, before anything is computed from it."""
    for key, tensor in tensors.items():
        plain = tensor.layout == torch.strided and not tensor.is_quantized and tensor.device.type == "cpu"
        if not plain or not (tensor.dtype in FLOATS or (key.endswith("tracked") and tensor.dtype in WHOLE)):
            raise CheckpointError(f"{path.name}: {key!r:.60} is of type {tensor.dtype}; expected plain floats.")
        if 0 in tensor.shape:
            raise CheckpointError(f"{path.name}: {key!r:.60} is empty, of shape {list(tensor.shape)}.")
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > path.stat().st_size:
        raise CheckpointError(f"{path.name}: its tensors are larger than the file; it is not what it seems.")
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not all(bound.isfinite() for bound in tensor.aminmax()):
            raise CheckpointError(f"{path.name}: {key!r:.60} holds numbers that are not finite; it answers nothing.")


def _torchvision_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if not is_timm_layout(tensors):
        return tensors
    hidden = "pre_logits.fc1.weight" in tensors
    names = {on_disk: in_memory for in_memory, on_disk in disk_names(hidden).items()}
    renamed = {}
    for key, tensor in tensors.items():
        module, _, leaf = key.rpartition(".")
        renamed[f"{names.get(module, module)}.{leaf}"] = (
            tensor.flatten(1) if module.startswith("pre_logits.") and tensor.ndim > 1 else tensor
        )
    return renamed
