"""One set of photos, many nets: what do depth and batch normalisation change here, and is it more than chance?

Each net in turn is taught the same photos, judged on the same folds, and let go of before the next one is opened. Two
nets are compared on the photos that one names right and the other wrong, by the exact sign test (McNemar 1947,
https://doi.org/10.1007/BF02295996); among k nets there are k (k - 1) / 2 pairs, and the level is shared among them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch

from .errors import FinetuneError
from .events import Embedding, Finished, Step
from .finetune import finetune
from .model import VGG
from .notes import Note
from .predict import Picture
from .report import Report
from .summary import multiply_adds, parameter_count

__all__ = ["SENTENCES", "Opening", "Trial", "compare_nets", "conclusion"]

LEVEL = 0.05  # of a wrong "better" among all pairs together
DIGITS = 3

SENTENCES = {
    "noise": "The differences between these nets are within the noise: the best here, {best}, is right on {most} of {n} "
    "photos that it had not seen, and the worst, {worst}, on {least}. With so few photos that may be chance; choose the "
    "fastest.",
    "same": "These nets are right on the same {n} photos: nothing here tells them apart; choose the fastest.",
    "better": "{best} is better than {others} by more than chance would explain.",
    "best_of_rest": "Between {best} and {others} nothing can be told from {n} photos.",
    "one": "One net was tried; try others to compare.",
}


@dataclass(frozen=True)
class Opening:
    """The net of this name, `number` of `total` from 1 on, is being opened."""

    net: str
    number: int
    total: int


@dataclass(frozen=True)
class Trial:
    """What one net made of the photos.

    Attributes:
        net: its name.
        accuracy, low, high, n: the estimate on photos not seen, its 95 % interval, and how many photos (scenes) are behind.
        seconds: of teaching, without opening the net.
        parameters: of the tuned net.
        multiply_adds: of one picture.
        hits: for each scene, in the order of the photos, the share of its photos that were named right, 0 to 1.
        shown: what `look` made of the tuned net.
    """

    net: str
    accuracy: float
    low: float
    high: float
    n: int
    seconds: float
    parameters: int
    multiply_adds: int
    hits: tuple[float, ...]
    shown: object = None

    def to_dict(self) -> dict[str, object]:
        """For JSON: all but `hits` and `shown`."""
        return {key: value for key, value in asdict(self).items() if key not in ("hits", "shown")}


def compare_nets(
    nets: Sequence[str],
    photos: Mapping[str, Sequence[Picture]],
    *,
    trainable: str = "head",
    seed: int = 0,
    device: str | torch.device = "auto",
    stop: threading.Event | None = None,
    look: Callable[[VGG], object] | None = None,
) -> Iterator[Opening | Embedding | Step | Trial]:
    """Teach each net the same photos; one net at a time is in memory.

    Args:
        nets: shipped names, Hub repos or folders, each once.
        photos: see `finetune`.
        trainable, seed, device: see `finetune`.
        stop: set it, from any thread, to end within one step; the net that was under way has no trial.
        look: called with each tuned net before it is let go of; what it gives is the trial's `shown`.

    Yields:
        Opening, Embedding..., Step..., Trial, and so on for the next net.

    Raises:
        FinetuneError: no net, or one twice; or see `finetune`.
        CheckpointError, HubError: a net cannot be opened.
    """
    if not nets or len(set(nets)) < len(nets):
        raise FinetuneError(
            "The nets are {nets}; name one or more, each once.", nets=", ".join(nets) or Note.said("none")
        )
    stop = stop or threading.Event()
    for number, net in enumerate(nets, start=1):
        if stop.is_set():
            return
        yield Opening(net, number, len(nets))
        model = VGG.from_pretrained(net)
        try:
            for event in finetune(
                model, photos, trainable=trainable, seed=seed, device=device, stop=stop, unlike=False
            ):
                if isinstance(event, Embedding | Step):
                    yield event
        except FinetuneError:
            if stop.is_set():  # there was nothing to keep
                return
            raise
        if isinstance(event, Finished) and not event.report.stopped:
            yield _trial(net, event, look)
        del model, event  # before the next one is opened


def _trial(net: str, finished: Finished, look: Callable[[VGG], object] | None) -> Trial:
    report, model = finished.report, finished.model
    found = report.validation
    return Trial(
        net=net,
        accuracy=found.accuracy,
        low=found.low,
        high=found.high,
        n=found.n,
        seconds=report.seconds,
        parameters=parameter_count(model.config),
        multiply_adds=multiply_adds(model.config),
        hits=_hits(report),
        shown=look(model) if look else None,
    )


def _hits(report: Report) -> tuple[float, ...]:
    scenes: dict[int, list[bool]] = {}
    for judged in report.predictions:
        scenes.setdefault(judged.scene, []).append(judged.predicted == judged.label)
    return tuple(sum(hits) / len(hits) for hits in scenes.values())


def conclusion(trials: Sequence[Trial]) -> list[Note]:
    """Sentences on what the trials show, and on what they cannot.

    Args:
        trials: of one set of photos; one or more.
    """
    best, *rest = sorted(trials, key=lambda trial: (-trial.accuracy, trial.multiply_adds))
    if not rest:
        return [Note.of(SENTENCES, "one")]
    if all(trial.hits == best.hits for trial in rest):
        return [Note.of(SENTENCES, "same", n=best.n)]
    pairs = len(trials) * (len(trials) - 1) / 2
    worse = [trial for trial in rest if sign_test(best.hits, trial.hits) < LEVEL / pairs]
    if not worse:
        worst = rest[-1]
        most, least = (f"{trial.accuracy * trial.n:.{DIGITS}g}" for trial in (best, worst))
        return [Note.of(SENTENCES, "noise", best=best.net, worst=worst.net, most=most, least=least, n=best.n)]
    notes = [Note.of(SENTENCES, "better", best=best.net, others=", ".join(trial.net for trial in worse))]
    alike = [trial.net for trial in rest if trial not in worse]
    if alike:
        notes.append(Note.of(SENTENCES, "best_of_rest", best=best.net, others=", ".join(alike), n=best.n))
    return notes


def sign_test(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided exact p-value that neither is right more often, of (n,) shares each; where they are equal says nothing."""
    from scipy.special import bdtr  # here, for the package must import without scipy

    signs = [a > b for a, b in zip(one, other, strict=True) if a != b]
    fewer = min(signs.count(True), signs.count(False))
    return min(1.0, 2 * float(bdtr(fewer, len(signs), 0.5))) if signs else 1.0
