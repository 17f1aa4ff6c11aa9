"""Run the fine-tuning that a folder records again on its photos, and say whether the same comes out."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import torch

from .bundled import bundled_names
from .config_json import config_to_json
from .delta import Base, base_of
from .errors import CheckpointError, ConfigError, DeviceError, HubError, PhotoError
from .events import Finished, Step
from .finetune import finetune
from .fingerprint import tensors_digest
from .model import VGG
from .predict import Classifier, Picture, resolve_device

__all__ = ["Replay", "replay"]

KINDS = {
    "counts": dict, "validation": dict, "trainable": str, "seed": int, "steps": int, "stopped": bool,
    "photo_digests": dict, "machine": dict, "versions": dict, "head_sha256": str, "base": str,
}  # fmt: skip
OF_THE_FIRST_VERSION = ("counts", "validation", "trainable", "seed")
APART = {"photo_digests", "machine", "versions", "head_sha256", "base_facts"}  # compared with words of their own
TOLERANCE = 1e-6  # of figures: intervals and the like may differ in the last digits
SENTENCES = 6  # on figures
NAMES_SHOWN = 10


@dataclass(frozen=True)
class Replay:
    """The outcome.

    Attributes:
        matches: the stored weights are those that came out, bit for bit, and so is the stored report.
        largest_difference: of any weight, in its own units; 0.0 where they are the same; None: they cannot be compared.
        same_answers: both models name each photo alike; None: they cannot be compared.
        differences: sentences on what differs.
        notes: sentences on what could differ and made no difference, or could not be checked.
    """

    matches: bool
    largest_difference: float | None
    same_answers: bool | None
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def replay(folder: str | os.PathLike[str], photos: Mapping[str, Sequence[Picture]]) -> Replay:
    """Fine-tune again as a folder's `config.json` records it.

    Args:
        folder: what `finetune` made and `save_pretrained` wrote; also a Hub repo.
        photos: class name -> its photos, in the order of the run; the order of the classes is taken from the folder.

    Raises:
        CheckpointError: the folder was not fine-tuned, lacks what a replay needs, or its start is not to be had.
        HubError: its start, in a repo, is not to be had.
        FinetuneError: these photos are too few.
    """
    stored = VGG.from_pretrained(folder, dtype=None)
    shown, labels = stored.source, list(stored.config.label_names)
    facts = _facts(stored.provenance, shown)
    if set(photos) != set(labels):
        there, here = (_named(sorted(names)) for names in (labels, photos))
        return Replay(False, None, None, [f"The run had the classes {there}; these photos have {here}."])
    photos = {label: photos[label] for label in labels}
    start, differences, notes = _start(stored, facts, shown)
    found = _run(start, photos, facts)
    inputs = differences + _photo_differences(facts["photo_digests"], found.report.photo_digests)
    circumstances = [
        f"{name}: {facts[part].get(name)!s:.60} then, {value!s:.60} now."
        for part in ("versions", "machine")
        for name, value in getattr(found.report, part).items()
        if facts[part].get(name) != value
    ]
    results = _figures(stored, found.model)
    largest, tensors = _weights(stored, found.model)
    if tensors:
        gave = tensors_digest(found.model.head.state_dict()) == facts["head_sha256"]
        said = (
            "; the stored report still tells of those that it gives, so they were changed after the run" if gave else ""
        )
        results.append(f"The stored weights are not those that the run gives ({', '.join(tensors[:3])}){said}.")
    elif facts["head_sha256"] != found.report.head_sha256 and stored.head.weight.dtype == found.model.head.weight.dtype:
        results.append("The digest of the head in the stored report is not that of the head.")
    if not (inputs or results):
        return Replay(True, 0.0, True, [], notes + circumstances)
    if results and not (inputs or circumstances):
        results.append("The photos, the versions, the machine and the start are the same: the folder was changed.")
    same = None if largest is None else not tensors or _same_answers(stored, found.model, photos)
    return Replay(False, largest, same, inputs + circumstances + results, notes)


def _named(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(map(repr, names[:NAMES_SHOWN])) + (f" and {more} more" if more > 0 else "")


def _facts(provenance: Mapping[str, object] | None, shown: str) -> dict[str, object]:
    facts = dict(provenance or {})
    if any(key not in facts for key in OF_THE_FIRST_VERSION):
        raise CheckpointError(
            f"{shown} was not fine-tuned: its config.json holds no report; give a folder that `vgg-hub finetune` wrote."
        )
    if facts.get("training") is not None:
        raise CheckpointError(
            f"{shown} was trained by epochs on many photos, which takes as long again; only fine-tunings on few are replayed."
        )
    if any(key not in facts for key in KINDS):
        raise CheckpointError(
            f"{shown} was fine-tuned by a version of vgg-hub that did not note what a replay needs; fine-tune it again."
        )
    for key, kind in KINDS.items():
        if not isinstance(facts[key], kind) or (kind is int and isinstance(facts[key], bool)):
            raise CheckpointError(
                f"config.json of {shown} cannot be replayed: {key} is {facts[key]!r:.60}; it was changed by hand."
            )
    if facts["stopped"] and facts["steps"] == 0:
        raise CheckpointError(
            f"{shown} was stopped before the first step of its training, at a moment that is not noted: it cannot be replayed."
        )
    return facts


def _start(stored: VGG, facts: Mapping[str, object], shown: str) -> tuple[VGG, list[str], list[str]]:
    """The net that the run started from, what differs in it, and what is to be said of it."""
    recorded = facts["base"]
    try:
        base = base_of({"base": facts["base_facts"]}) if facts.get("base_facts") else None
    except ConfigError as error:
        raise CheckpointError(f"config.json of {shown} cannot be replayed: {error}") from error
    if base is None:
        if facts["trainable"] != "head":
            raise CheckpointError(
                f"{shown} started from {recorded!r:.80}, which is no net that others can get, and more than its head was "
                "trained: the run cannot be made again."
            )
        start = stored.share()
        start.source = None if recorded == "random weights" else recorded
        return start, [], [f"The start, {recorded!r:.80}, cannot be checked; the folder's own frozen part was used."]
    start = _based_on(base, shown)
    differences, notes = [], []
    if start.base is None or start.base.sha256 != base.sha256:
        now = start.base.sha256[:12] if start.base else "unknown"
        differences.append(f"The start, {base.name}, has other weights: sha256 {base.sha256[:12]} then, {now} now.")
    if start.source != recorded:
        notes.append(f"The start was called {recorded!r:.80}; its frozen part is that of {base.name}.")
        start.source = recorded
    return start, differences, notes


def _based_on(base: Base, shown: str) -> VGG:
    lead = f"{shown} started from {base.name}, which is not to be had"
    if not base.commit and base.name not in bundled_names():
        raise CheckpointError(f"{lead}: it ships with vgg-hub {base.version}, not with this version; install that one.")
    try:
        return VGG.from_pretrained(base.name, revision=base.commit or None)
    except HubError as error:
        raise HubError(f"{lead}: {error}") from error
    except CheckpointError as error:
        raise CheckpointError(f"{lead}: {error}") from error


def _run(start: VGG, photos: Mapping[str, Sequence[Picture]], facts: Mapping[str, object]) -> Finished:
    try:
        device = resolve_device(str(facts["machine"].get("device", "cpu")))
    except DeviceError:
        device = resolve_device("cpu")
    stop, event = threading.Event(), None
    options = {"trainable": facts["trainable"], "seed": facts["seed"], "unlike": facts.get("unlike") is not None}
    verdict = facts.get("verdict")  # "unknown": a person stopped a finished head while its learning curve was measured
    cut = facts["trainable"] == "head" and isinstance(verdict, dict) and verdict.get("key") == "unknown"
    for event in finetune(start, photos, device=device, stop=stop, **options):
        if isinstance(event, Step) and (facts["stopped"] or cut) and event.step == facts["steps"]:
            stop.set()  # where a person did
    return event


def _photo_differences(then: Mapping[str, object], now: Mapping[str, Mapping[str, object]]) -> list[str]:
    sentences = []
    for label, digests in now.items():
        before = then.get(label)
        before = before if isinstance(before, dict) else {}
        if before.get("n") != digests["n"]:
            sentences.append(f"{label}: {digests['n']} photos that can be read, {before.get('n')!s:.20} in the run.")
        elif before.get("any_order") != digests["any_order"]:
            sentences.append(f"{label}: as many photos, {digests['n']}, but not all of them the same.")
        elif before.get("sha256") != digests["sha256"]:
            sentences.append(f"{label}: the same photos in another order.")
    return sentences


def _figures(stored: VGG, found: VGG) -> list[str]:
    """What the stored report and configuration say, and did not come out."""
    sentences = []
    for one, other in ((_report(stored), _report(found)), (_configuration(stored), _configuration(found))):
        before, now = dict(_leaves(one)), dict(_leaves(other))
        for key in [*now, *(before.keys() - now.keys())]:
            if key not in before or key not in now or not _alike(before[key], now[key]):
                was, comes = (f"{side[key]!r:.60}" if key in side else "nothing" for side in (before, now))
                sentences.append(f"{key} is stored as {was}; {comes} came out.")
    more = len(sentences) - SENTENCES
    return sentences[:SENTENCES] + ([f"{more} more figures differ."] if more > 0 else [])


def _report(model: VGG) -> dict[str, object]:
    facts = {key: value for key, value in (model.provenance or {}).items() if key not in APART}
    return json.loads(json.dumps(facts))


def _configuration(model: VGG) -> dict[str, object]:
    return json.loads(config_to_json(model.config, unlike=model.unlike))


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, (dict, list)) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _alike(one: object, other: object) -> bool:
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (one, other))
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE) if numbers else one == other


def _weights(stored: VGG, found: VGG) -> tuple[float | None, list[str]]:
    """The largest difference, None where shapes differ, and the names of the tensors that are not the same bits."""
    before, now = stored.state_dict(), found.state_dict()
    if {k: t.shape for k, t in before.items()} != {k: t.shape for k, t in now.items()}:
        return None, sorted(k for k in before.keys() | now.keys() if k not in now or before[k].shape != now[k].shape)
    rounded = {key: tensor.to(before[key].dtype) for key, tensor in now.items()}  # a folder may be in half precision
    other = [key for key in before if not torch.equal(before[key], rounded[key])]
    return max([float((before[k].double() - rounded[k].double()).abs().max()) for k in other], default=0.0), other


def _same_answers(stored: VGG, found: VGG, photos: Mapping[str, Sequence[Picture]]) -> bool:
    answers = [
        [None if isinstance(a, PhotoError) else a.label for files in photos.values() for a in net.each(files)]
        for net in (Classifier(stored, "cpu"), Classifier(found, "cpu"))
    ]
    return answers[0] == answers[1]
