"""Where a run stood after its last whole epoch: one safetensors file, replaced at once, with its figures as JSON.

Nothing in it is pickled. It belongs to one run, told by its fingerprint; chance needs no state (see `chance`).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..data import file_name
from ..errors import CheckpointError

__all__ = ["Checkpoints", "Progress", "State", "check_like"]

FILE = "last.safetensors"
PARTIAL = "last.partial"
ADVICE = "remove it to start anew, or name another folder with --checkpoints."


@dataclass
class Progress:
    """The figures of a run so far.

    Attributes:
        losses, accuracies: of the validation photos, after each epoch.
        seconds: of training, all runs together.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class State:
    """What is kept: tensors by name, and figures.

    Attributes:
        tensors: of what trains.
        best: the same, after the best epoch.
        scores: (m, C) logits of the validation photos after the best epoch.
        optimiser: by "position of the tensor/name".
        progress: the figures.
    """

    tensors: dict[str, Tensor]
    best: dict[str, Tensor]
    scores: Tensor
    optimiser: dict[str, Tensor]
    progress: Progress


class Checkpoints:
    """The folder of one run's checkpoint.

    Args:
        folder: made when there is something to save.
        run: the run's fingerprint, facts in words and what they are; a run with another one is not this run.
    """

    def __init__(self, folder: Path, run: Mapping[str, object]) -> None:
        self._folder = folder
        self._run = json.loads(json.dumps(run))

    def save(self, state: State) -> None:
        """Put the state in the place of the one before.

        Raises:
            CheckpointError: the disk is full or the place cannot be written to; the one before is then still there.
        """
        parts = {
            "tensors": state.tensors,
            "best": state.best,
            "optimiser": state.optimiser,
            "all": {"scores": state.scores},
        }
        flat = {
            f"{part}:{key}": t.detach().cpu().contiguous() for part, group in parts.items() for key, t in group.items()
        }
        said = json.dumps({"run": self._run, "progress": asdict(state.progress)})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(flat, self._folder / PARTIAL, metadata={"vgg_hub": said})
            os.replace(self._folder / PARTIAL, self._folder / FILE)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"{file_name(self._folder)} cannot hold a checkpoint ({error!s:.120}); free some space, or name another "
                "folder with --checkpoints."
            ) from error

    def load(self) -> State | None:
        """The state saved last; None where there is none.

        Raises:
            CheckpointError: it is of another run, or damaged.
        """
        path = self._folder / FILE
        if not path.exists():
            return None
        shown = f"{file_name(self._folder)}/{FILE}"
        try:
            with safe_open(path, framework="pt") as file:
                said = json.loads((file.metadata() or {})["vgg_hub"])
                progress, run = _progress(said), dict(said["run"])
                self._check_run(run, shown)
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            parts: dict[str, dict[str, Tensor]] = {"tensors": {}, "best": {}, "optimiser": {}, "all": {}}
            for key, tensor in tensors.items():
                part, _, name = key.partition(":")
                parts[part][name] = tensor
            return State(parts["tensors"], parts["best"], parts["all"]["scores"], parts["optimiser"], progress)
        except (SafetensorError, OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise CheckpointError(f"{shown} is damaged, or no checkpoint of a training: {ADVICE}") from error

    def _check_run(self, run: Mapping[str, object], shown: str) -> None:
        for what, here in self._run.items():
            if run.get(what) != here:
                there = run.get(what)
                said = (
                    f": {there!s:.40} there, {here!s:.40} here"
                    if isinstance(here, (int, str)) and len(str(here)) < 40
                    else ""
                )
                raise CheckpointError(f"{shown} is of another run, with other {what}{said}; {ADVICE}")

    def remove(self) -> None:
        """After the end: the file, and the folder if it held nothing else."""
        for name in (FILE, PARTIAL):
            (self._folder / name).unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


def _progress(said: Mapping[str, object]) -> Progress:
    progress = Progress(**said["progress"])
    figures = [*progress.losses, *progress.accuracies, progress.seconds]
    if len(progress.losses) != len(progress.accuracies) or not all(math.isfinite(float(figure)) for figure in figures):
        raise ValueError("figures that cannot be")
    return progress


def check_like(found: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> bool:
    """Whether tensors have the names, shapes and types of others, and only finite numbers."""
    return found.keys() == like.keys() and all(
        found[key].shape == t.shape and found[key].dtype == t.dtype and bool(torch.isfinite(found[key]).all())
        for key, t in like.items()
    )
