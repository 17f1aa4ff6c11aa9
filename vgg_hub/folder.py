"""A model's folder on disk, and single files: written whole or not at all, read strictly."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .config import VGGConfig
from .errors import CheckpointError
from .layouts import from_disk, is_timm_layout, shapes_on_disk
from .notes import Note
from .read_ahead import read_ahead

__all__ = [
    "CARD_FILE",
    "CONFIG_FILE",
    "HEAD_FILE",
    "WEIGHTS_FILE",
    "read_weights",
    "replaced_file",
    "replaced_folder",
    "tensor_problems",
    "write_weights",
]

CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "model.safetensors", "README.md"
HEAD_FILE = "head.safetensors"  # in place of the weights, where the head alone is kept (see `delta`)
OURS = {CONFIG_FILE, WEIGHTS_FILE, HEAD_FILE, CARD_FILE}
# safetensors knows more: in 8 bits and fewer a tensor has not the shape that its header says, or needs a scale.
FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
WHOLE = {torch.int64, torch.int32}


@contextlib.contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write to; on success it takes the place of `folder`, else `folder` stays as it was.

    What `folder` held besides our files is kept; where it is a link, the folder it leads to is replaced. The
    exchange is one system call on Linux; elsewhere it is three renames.

    Raises:
        CheckpointError: the disk is full, or the place cannot be written to.
    """
    folder = os.path.expanduser(folder)  # as `VGG.from_pretrained` reads it
    shown, folder = Path(os.path.abspath(folder)).name, Path(os.path.realpath(folder))
    temporary: Path | None = None
    try:
        here = Path.cwd()
        if folder in (here, *here.parents):
            raise CheckpointError(
                "{place} is the folder you are in, or one around it; name a folder of its own for the model.",
                place=shown or folder,
            )
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise CheckpointError("{place} is a file; name a folder to save the model in.", place=shown)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".{folder.name[:40]}.{secrets.token_hex(4)}.tmp"
        temporary.mkdir()  # not tempfile.mkdtemp: that one is closed to other users, and so would the model be
        yield temporary
        _take_place(temporary, folder)
    except (OSError, SafetensorError) as error:
        raise _write_error(shown, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Give a name to write to; on success that file takes the place of `path`, else nothing of it is left.

    Where `path` is a link, the file that it leads to is replaced.

    Raises:
        CheckpointError: it cannot be written.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.tmp")
    try:
        if path.is_dir():
            raise CheckpointError("{place} is a folder; name a file to write.", place=path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _write_error(path.name, error) from error
    finally:
        with contextlib.suppress(OSError):  # it may never have been made
            temporary.unlink()


def _take_place(new: Path, folder: Path) -> None:
    if not os.path.exists(folder):
        new.rename(folder)
        return
    # What else the old folder holds gets a second name in the new one first: whatever fails, one of the two is whole.
    shutil.copytree(
        folder,
        new,
        symlinks=True,
        ignore=lambda at, names: OURS if at == str(folder) else set(),
        copy_function=_link,
        dirs_exist_ok=True,
    )
    _exchange(new, folder)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def _exchange(first: Path, second: Path) -> None:
    """Swap two folders: renameat2 with RENAME_EXCHANGE (Linux), else by way of a third name."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    at_cwd, exchange = -100, 2
    if renameat2 and renameat2(at_cwd, os.fsencode(first), at_cwd, os.fsencode(second), exchange) == 0:
        return
    aside = first.with_suffix(".old")
    second.rename(aside)
    try:
        first.rename(second)
    except OSError:
        aside.rename(second)
        raise
    aside.rename(first)


def _write_error(shown: str, error: Exception) -> CheckpointError:
    number = error.errno if isinstance(error, OSError) else None
    # safetensors reports the system's error as text only.
    if number == errno.ENOSPC or "os error 28" in str(error).lower() or "no space left" in str(error).lower():
        return CheckpointError("The disk is full: {place} was not saved; free some space and save again.", place=shown)
    reason = os.strerror(number) if number else str(error)
    return CheckpointError(
        "{place} was not saved: {reason}; choose a place that can be written to.", place=shown, reason=Note.said(reason)
    )


def write_weights(path: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype | None) -> None:
    """Write tensors (names on disk) as safetensors; floating ones in `dtype` where it is given.

    Raises:
        CheckpointError: a number is too large for `dtype`.
    """
    ready = {}
    for key, tensor in tensors.items():
        kept = tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor
        if kept.dtype == torch.float16 and not torch.equal(kept.isfinite(), tensor.isfinite()):
            raise CheckpointError(
                "{key} holds numbers above 65504, too large for float16; save it as bfloat16.", key=key
            )
        ready[key] = kept.detach().cpu().contiguous()
    path.touch()
    mode = path.stat().st_mode
    save_file(ready, path, metadata={"format": "pt"})
    path.chmod(mode)  # save_file makes it readable by its owner only


def read_weights(path: Path, expected: Mapping[str, Tensor], config: VGGConfig, shown: str) -> dict[str, Tensor]:
    """Read a safetensors file in timm's or torchvision's layout, memory-mapped, under torchvision's names.

    Names and shapes are compared before any tensor is read.

    Raises:
        CheckpointError: no such file, not safetensors, or not the weights of this configuration; lists what differs.
    """
    if not path.is_file():
        pickled = [p.name for p in path.parent.glob("*") if p.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt")]
        if pickled:
            raise CheckpointError(
                "{place} has no {file} (only {other}, which can run code when opened, so it is not read); ask its owner "
                "for a safetensors file.",
                place=shown,
                file=path.name,
                other=pickled[0],
            )
        raise CheckpointError(
            "{place} has no {file}; ask its owner for a safetensors file.", place=shown, file=path.name
        )
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 (not a dict)
            problems = tensor_problems(found, shapes_on_disk(expected, config, is_timm_layout(set(found))))
            if problems:
                raise CheckpointError(
                    "{file} of {place} does not hold the tensors that its config.json describes; {problems}.",
                    file=path.name,
                    place=shown,
                    problems=problems,
                )
            read_ahead(path)
            tensors = {key: file.get_tensor(key) for key in found}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            "{file} of {place} cannot be read ({problem}); it is cut short or not safetensors: fetch or save it again.",
            file=path.name,
            place=shown,
            problem=_shown(str(error)[:120]),
        ) from error
    for key, tensor in tensors.items():
        whole = key.endswith("num_batches_tracked")
        if tensor.dtype not in (WHOLE if whole else FLOATS):
            floats = Note.said("floats of 16, 32 or 64 bits") if tensor.is_floating_point() else Note.said("floats")
            kind = Note.said("whole numbers") if whole else floats
            raise CheckpointError(
                "{file} of {place}: {key} has the type {dtype}; expected {kind}.",
                file=path.name,
                place=shown,
                key=key,
                dtype=tensor.dtype,
                kind=kind,
            )
    return from_disk(tensors, expected, config)


def tensor_problems(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> Note | None:
    """What of the names and shapes found is not as expected, in words; None where all is."""
    missing = [key for key in expected if key not in found]
    extra = sorted(key for key in found if key not in expected)
    shapes = [
        Note.said(
            "{key} is {found!s:.60}, expected {expected}", key=key, found=list(found[key]), expected=list(expected[key])
        )
        for key in expected
        if key in found and found[key] != expected[key]
    ]
    problems = []
    if missing:
        problems.append(Note.said("{count} missing: {names}", count=len(missing), names=_some(missing)))
    if extra:
        problems.append(
            Note.said("{count} not expected: {names}", count=len(extra), names=_some(list(map(_shown, extra))))
        )
    if shapes:
        problems.append(Note.said("{count} of another shape: {names}", count=len(shapes), names=_some(shapes)))
    return (
        reduce(lambda first, then: Note.said("{first}; {then}", first=first, then=then), problems) if problems else None
    )


def _some(names: Sequence[str]) -> str:
    shown = reduce(lambda first, then: Note.said("{first}, {then}", first=first, then=then), names[:3])
    return Note.said("{first}, ...", first=shown) if len(names) > 3 else shown


def _shown(name: str) -> str:
    """A text out of the file, such as a name, as it may stand in a sentence: a stranger chose it."""
    return "".join(c if c.isprintable() else "?" for c in name[:200])
