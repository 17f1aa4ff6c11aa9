"""Ordinary training with many photos: augmented passes over a data set, judged after each, in any number of processes.

Everything that is drawn by chance depends on the seed, the epoch and the photo alone, and the loss is that of the whole
batch over all processes: two processes with batches of 8 give what one gives with batches of 16, up to rounding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import CheckpointError, FinetuneError, PhotoError
from ..events import Event, Started, Step
from ..fingerprint import tensors_digest
from ..learner import PHOTOS_FOR_STATISTICS
from ..model import VGG
from ..suffix import boundary_names, warm_cosine
from .adamw_state import load_optimiser, optimiser_tensors
from .batches import Order, plain_loader, random_loader
from .checkpoint import Checkpoints, Progress, State, check_like
from .look import Looked, look_at_all
from .net import Student
from .outcome import finished
from .processes import LostProcess, together
from .table import PhotoTable

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["BATCH_SIZE", "EPOCHS", "finetune_many"]

EPOCHS = 10
BATCH_SIZE = 32
PATIENCE = 5  # epochs without a better one, and it ends


def finetune_many(
    model: VGG,
    table: PhotoTable,
    accelerator: Accelerator,
    checkpoints: Path,
    *,
    trainable: str = "head",
    seed: int = 0,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    workers: int = 0,
    unlike: bool = True,
) -> Iterator[Event]:
    """Train on a table of photos. To be iterated in every process; the main process alone gets events.

    AdamW with warm-up and half a cosine; classes weigh the same, however many photos each has; the weights of the epoch
    with the least loss on the validation photos are kept, and it ends early where that does not fall any more.

    Args:
        model: the net to start from; not changed.
        table: the photos; where it has no validation split, a fifth of each class is held out.
        accelerator: see `processes.start_processes`.
        checkpoints: folder to keep the state in after each epoch, and to go on from. Its file is left there: remove it by
            `Checkpoints.remove` when the result is safe.
        trainable: "head", "classifier", "block5" ..., "all"; see `finetune`.
        seed: of the held-out photos, the order, the views and dropout.
        epochs: passes over the photos at most.
        batch_size: photos in a step of one process.
        workers: processes that read photos for this one; 0: it does so itself.
        unlike: also learn, on the validation photos, when a picture is none of the classes (see `unlike`).

    Yields:
        Started, Step after each step, and last Finished(model, report).

    Raises:
        FinetuneError: too few photos, an argument that cannot be, a loss that is no number, or another process ended.
        CheckpointError: the checkpoint is of another run or damaged, or cannot be written.
        PhotoError: a photo could be read at the first look, and then no more.
    """
    names = boundary_names(model)
    if trainable not in names:
        raise FinetuneError(f"trainable is {trainable!r:.40}; expected {', '.join(names[:-1])} or {names[-1]}.")
    with LostProcess():
        main = accelerator.is_main_process
        if main:
            yield Started({label: int((table.targets == t).sum()) for t, label in enumerate(table.labels)})
        looked = look_at_all(table, accelerator, seed, workers)
        run = {
            "class names": table.labels,
            "photos": looked.digests,
            "photos to judge by": looked.validation.tolist(),
            "start": tensors_digest(model.state_dict()),
            "trainable": trainable,
            "seed": seed,
            "epochs": epochs,
            "batch of all processes": batch_size * accelerator.num_processes,
        }
        training = _Training(
            model,
            table,
            looked,
            accelerator,
            Checkpoints(checkpoints, run),
            trainable=trainable,
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            workers=workers,
        )
        together(accelerator, training.resume)
        for step in training.steps():
            if main:
                yield step
        features = training.features() if unlike else None
        if main:
            yield finished(model, table, looked, training.state(), training.facts(), accelerator.device, features)


class _Training:
    """One process's part in a run."""

    def __init__(
        self,
        model: VGG,
        table: PhotoTable,
        looked: Looked,
        accelerator: Accelerator,
        checkpoints: Checkpoints,
        *,
        trainable: str,
        seed: int,
        epochs: int,
        batch_size: int,
        workers: int,
    ) -> None:
        processes, device = accelerator.num_processes, accelerator.device
        self._accelerator, self._checkpoints, self._epochs = accelerator, checkpoints, epochs
        self._facts = {"trainable": trainable, "seed": seed, "batch": batch_size * processes, "processes": processes}
        statistics = len(looked.train) >= PHOTOS_FOR_STATISTICS
        self._student = Student(model, table.labels, trainable, seed, statistics, device)
        optimiser = torch.optim.AdamW(self._student.groups(), lr=0.0)
        self._net, self._optimiser = accelerator.prepare(self._student.net, optimiser)
        counts = torch.bincount(table.targets[looked.train])
        self._class_weights = (len(looked.train) / (len(counts) * counts)).to(device)
        self._targets = table.targets[looked.validation]
        pin = device.type == "cuda"
        self._order = Order(looked.train, batch_size, processes, accelerator.process_index, seed)
        self._loader = random_loader(table, model.config, self._order, seed, workers, pin)
        judged = plain_loader(table, model.config, looked.validation, batch_size, workers, pin)
        self._judged = accelerator.prepare_data_loader(judged)
        self._places = {photo: place for place, photo in enumerate(looked.validation.tolist())}
        self._progress = Progress()
        self._best: dict[str, Tensor] = {}
        self._scores = torch.zeros(len(self._targets), len(table.labels))

    @property
    def _over(self) -> bool:
        done = len(self._progress.losses)
        return done == self._epochs or (done > 0 and done - 1 - self._best_epoch >= PATIENCE)

    @property
    def _best_epoch(self) -> int:
        losses = self._progress.losses
        return losses.index(min(losses))

    def resume(self) -> None:
        """Take up the checkpoint, if there is one.

        Raises:
            CheckpointError: it is of another run or damaged.
        """
        state = self._checkpoints.load()
        if state is None:
            return
        like, scores = self._student.tensors(), {"": self._scores}
        fits = (
            check_like(state.tensors, like) and check_like(state.best, like) and check_like({"": state.scores}, scores)
        )
        if not (
            fits and load_optimiser(self._optimiser, state.optimiser) and 0 < len(state.progress.losses) <= self._epochs
        ):
            raise CheckpointError(
                "The checkpoint is damaged: its tensors are not those of this net; remove its folder."
            )
        self._student.load(state.tensors)
        self._best, self._scores, self._progress = state.best, state.scores, state.progress

    def steps(self) -> Iterator[Step]:
        """The epochs that are left."""
        total, started, before = self._epochs * self._order.steps, time.perf_counter(), self._progress.seconds
        done = first = len(self._progress.losses) * self._order.steps
        while not self._over:
            self._order.epoch = len(self._progress.losses)
            loss, right, seen = 0.0, 0, 0
            for batch, size in zip(self._loader, self._order.sizes(), strict=True):
                found = self._step(batch, size, warm_cosine(done, total))
                loss, right, seen, done = loss + found[0], right + round(found[1]), seen + size, done + 1
                if done % self._order.steps == 0:
                    self._end_epoch(before + time.perf_counter() - started)
                passed = (time.perf_counter() - started) / (done - first)
                left = 0.0 if self._over else passed * (total - done)
                yield Step(done, total, loss / seen, right / seen, *self._latest(), left)

    def _latest(self) -> tuple[float, float]:
        """Loss and accuracy after the last epoch; a head of zeros gives all classes alike and names the first."""
        if self._progress.losses:
            return self._progress.losses[-1], self._progress.accuracies[-1]
        return math.log(self._scores.shape[1]), float((self._targets == 0).float().mean())

    def _step(self, batch: list[object], size: int, rate: float) -> tuple[float, float]:
        """One step on a batch of `size` over all processes: sum of its cross-entropies, and how many are named right."""
        x, y, photos, wrong = batch
        device = self._accelerator.device
        x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
        self._student.train_mode(self._order.epoch, photos.tolist(), size)
        logits = self._net(x).float()
        losses = F.cross_entropy(logits, y, reduction="none")
        # The gradients are averaged over the processes; times their number that is the mean over the whole batch.
        scale = self._accelerator.num_processes / size
        self._accelerator.backward((losses * self._class_weights[y]).sum() * scale)
        right = (logits.detach().argmax(1) == y).sum()
        found = torch.stack([losses.detach().sum(), right.float(), losses.new_tensor(sum(map(bool, wrong)))])
        loss, right, failed = self._accelerator.reduce(found, "sum").tolist()
        if failed:
            self._refuse(wrong)
        if not math.isfinite(loss):
            raise FinetuneError(
                f"The loss is no finite number any more in epoch {self._order.epoch + 1}; train less (--trainable head), "
                "or start from other weights."
            )
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["full_rate"]
        self._optimiser.step()
        self._optimiser.zero_grad()
        return loss, right

    def _refuse(self, wrong: list[str]) -> None:
        """All processes raise what is wrong with a photo of one of them."""

        def first() -> None:
            for sentence in filter(None, wrong):
                raise PhotoError(sentence)

        together(self._accelerator, first)

    def _judge(self) -> Tensor:
        """(m, C) float32 on the CPU, logits of the validation photos, in every process."""
        return self._of_validation(self._student.net, self._scores.shape[1])

    def features(self) -> Tensor:
        """(m, D) float32 on the CPU, what the last Linear reads of the validation photos under the best weights."""
        self._student.load(self._best)
        return self._of_validation(self._student.net.embed, self._student.net.head.in_features)

    @torch.no_grad()
    def _of_validation(self, function: Callable[[Tensor], Tensor], numbers: int) -> Tensor:
        self._student.net.eval()
        rows, failures = torch.zeros(len(self._targets), numbers), []
        for x, _, photos, wrong in self._judged:
            found, photos = self._accelerator.gather_for_metrics((function(x).float(), photos))
            rows[[self._places[photo] for photo in photos.tolist()]] = found.cpu()
            failures += filter(None, wrong)
        self._refuse(failures)
        return rows

    def _end_epoch(self, seconds: float) -> None:
        scores = self._judge()
        losses = F.cross_entropy(scores, self._targets, reduction="none")
        per_class = torch.bincount(self._targets, minlength=scores.shape[1])[self._targets]
        self._progress.losses.append(float((losses / per_class).sum() / (1 / per_class).sum()))
        self._progress.accuracies.append(float((scores.argmax(1) == self._targets).float().mean()))
        self._progress.seconds = seconds
        if not math.isfinite(self._progress.losses[-1]):
            raise FinetuneError("The loss on the validation photos is no finite number; train less (--trainable head).")
        if self._best_epoch == len(self._progress.losses) - 1:
            self._scores, self._best = scores, self._student.tensors()
        if self._accelerator.is_main_process:
            self._checkpoints.save(self.state())

    def state(self) -> State:
        """Where it stands."""
        return State(
            self._student.tensors(), self._best, self._scores, optimiser_tensors(self._optimiser), self._progress
        )

    def facts(self) -> dict[str, object]:
        """Of the run, for the report."""
        done = len(self._progress.losses)
        return {
            **self._facts,
            "steps": done * self._order.steps,
            "epochs": done,
            "most_epochs": self._epochs,
            "best_epoch": self._best_epoch + 1,
        }
