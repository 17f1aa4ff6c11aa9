"""The part of a fine-tuning that needs the GPU, as one function, so that it can run in another process.

On a ZeroGPU Space a GPU is lent for a time that is named beforehand, to a process of its own: what goes in and what
comes out is pickled (https://huggingface.co/docs/hub/spaces-zerogpu). So the net goes in as its choice, not as its
tensors; what comes out last are the tensors that training made, for the frozen ones are here already. Elsewhere the same
function runs where it is called.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..finetune import Event, Finished, finetune
from ..model import VGG
from ..report import Report
from ..unlike import UnlikeRule
from .backbones import backbones
from .choice import Choice
from .stop_file import StopFile

__all__ = ["Outcome", "Wishes", "adopt", "lent_seconds", "on_zero_gpu", "work"]

LEAST_SECONDS, MOST_SECONDS = 20, 120
SECONDS_A_PHOTO = 0.1  # read, made small, and through the net
SECONDS_DEEPER = 30  # past the head: `suffix.PHOTOS_SEEN` views for each of four suffixes


@dataclass(frozen=True)
class Wishes:
    """What is asked of a fine-tuning beside its net and photos."""

    trainable: str = "head"
    seed: int = 0
    unlike: bool = True


@dataclass(frozen=True)
class Outcome:
    """What was taught, without the frozen part.

    Attributes:
        tensors: those that training made, by their names in the model, on the CPU.
        unlike: the rule for pictures of none of the classes, if there is one.
        provenance: of the tuned model.
        report: of the run.
    """

    tensors: dict[str, Tensor]
    unlike: UnlikeRule | None
    provenance: dict[str, object] | None
    report: Report


def on_zero_gpu() -> bool:
    """Whether a GPU is lent to this Space by the call."""
    return os.environ.get("SPACES_ZERO_GPU", "").casefold() in ("1", "t", "true")


def lent_seconds(
    choice: Choice,
    photos: Mapping[str, Sequence[Path]],
    wishes: Wishes,
    stop: StopFile,
) -> int:
    """For how long to ask for the GPU. The arguments are those of `work`."""
    seconds = LEAST_SECONDS + SECONDS_A_PHOTO * sum(map(len, photos.values()))
    return min(MOST_SECONDS, round(seconds + (SECONDS_DEEPER if wishes.trainable != "head" else 0)))


def work(
    choice: Choice,
    photos: Mapping[str, Sequence[Path]],
    wishes: Wishes,
    stop: StopFile,
) -> Iterator[Event | Outcome]:
    """Fine-tune; yields the events of `finetune`, in place of the last one an Outcome.

    Raises:
        VGGHubError: see `finetune` and `Backbones.get`.
    """
    start = backbones.get(choice)
    options = {"trainable": wishes.trainable, "seed": wishes.seed, "unlike": wishes.unlike}
    for event in finetune(start, photos, device=choice.device, stop=stop, **options):
        if not isinstance(event, Finished):
            yield event
            continue
        tuned, frozen = event.model, {t.data_ptr() for t in start.state_dict().values()}
        made = {key: t for key, t in tuned.state_dict().items() if t.data_ptr() not in frozen}
        yield Outcome(made, tuned.unlike, tuned.provenance, event.report)


def adopt(start: VGG, outcome: Outcome) -> VGG:
    """The tuned model, in eval mode on the CPU; it shares the frozen tensors of the net that it started from."""
    tuned = start.taught(outcome.report.labels, outcome.tensors)
    tuned.unlike, tuned.provenance = outcome.unlike, outcome.provenance
    return tuned


if on_zero_gpu():  # the package is on every such Space, and nowhere else of use
    import spaces

    work = spaces.GPU(duration=lent_seconds)(work)
