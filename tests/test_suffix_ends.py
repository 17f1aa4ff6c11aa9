"""How training from a boundary ends early: stopped, closed, out of memory, out of disk."""

from __future__ import annotations

import errno
import gc
import os
import tempfile
import threading
import weakref

import pytest
import torch

from tests.suffix_helpers import HEAD_ONLY, blunt, later_is_better, quick
from tests.toys import textures, tuned
from vgg_hub import Classifier, finetune
from vgg_hub import views as views_module
from vgg_hub.errors import FinetuneError
from vgg_hub.events import Embedding, Step
from vgg_hub.inference import Prepared
from vgg_hub.learner import Learner
from vgg_hub.views import CROPS, Views

__all__ = ["later_is_better", "quick"]


@pytest.mark.usefixtures("quick")
def test_stop_ends_within_a_step_with_the_best_so_far():
    stop, steps = threading.Event(), []
    for event in finetune(blunt(), textures(20), device="cpu", trainable="block2", stop=stop):
        if isinstance(event, Step):
            steps.append(event.step)
            if event.step == 3:  # in the middle of the second pass
                stop.set()
    assert steps == [1, 2, 3]
    assert (event.report.stopped, event.report.steps) == (True, 3)
    assert HEAD_ONLY not in event.report.warnings, "nobody knows"
    assert event.report.validation.n == 40
    assert all(torch.isfinite(tensor).all() for tensor in event.model.state_dict().values())


@pytest.mark.usefixtures("later_is_better")
@pytest.mark.parametrize("during", ["step", "logits", "features"])
def test_stop_is_heard_between_the_batches_of_training_and_of_judging(monkeypatch, during):
    stop, calls = threading.Event(), []
    original = getattr(Learner, during)

    def counted(self, *arguments):
        calls.append(during)
        if len(calls) == 2:
            stop.set()
        return original(self, *arguments)

    monkeypatch.setattr(Learner, during, counted)
    *_, finished = finetune(blunt(), textures(8), device="cpu", trainable="block2", stop=stop)
    assert len(calls) == 2
    assert finished.report.stopped
    assert finished.report.steps == (0 if during == "step" else 1)
    assert finished.report.validation.n == 16
    assert (finished.model.unlike is None) == (during == "features"), "only there it was not learnt to the end"


@pytest.mark.parametrize("after", [Embedding, Step])
def test_closing_it_leaves_nothing(monkeypatch, tmp_path, after):
    """Neither a thread nor a file nor memory, with the cache in a file."""
    monkeypatch.setattr(views_module, "CACHE_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alive = []
    for kind in (Views, Learner):
        original = kind.__init__

        def watched(self, *arguments, original=original):
            original(self, *arguments)
            alive.append(weakref.ref(self))

        monkeypatch.setattr(kind, "__init__", watched)
    threads, open_files = threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0
    model = blunt()
    events = finetune(model, textures(6), device="cpu", trainable="block2")
    for event in events:
        if isinstance(event, after):
            break
    assert len(alive) == (1 if after is Embedding else 5)
    assert all(reference() is not None for reference in alive)
    events.close()
    gc.collect()
    assert [reference() for reference in alive] == [None] * len(alive)
    assert threading.active_count() == threads
    assert list(tmp_path.iterdir()) == []
    assert open_files == (len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0)
    assert torch.is_grad_enabled()
    assert next(events, None) is None


@pytest.mark.usefixtures("later_is_better")
@pytest.mark.parametrize("trainable", ["block2", "all"])
def test_want_of_memory_on_the_way_changes_nothing(monkeypatch, trainable):
    model, task = blunt(), textures(8)
    expected = tuned(task, model, trainable=trainable)
    tried = []

    def short(compute):
        def computed(self, x, *ends):
            tried.append(len(x))
            if len(x) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return compute(self, x, *ends)

        return computed

    monkeypatch.setattr(Prepared, "_run", short(Prepared._run))  # what is frozen
    monkeypatch.setattr(torch.nn.Conv2d, "forward", short(torch.nn.Conv2d.forward))  # what trains
    found = tuned(task, model, trainable=trainable)
    assert max(tried) == 16
    assert sum(size > 3 for size in tried) == 3 + 4 * 4, "the cache and each learner find out once"
    for key, tensor in found.model.state_dict().items():
        assert (tensor - expected.model.state_dict()[key]).abs().max() < 1e-5, key
    assert found.report.validation == expected.report.validation


def test_not_even_one_photo_fits(monkeypatch):
    def short(self, x):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.nn.Conv2d, "forward", short)
    message = (
        r"^The device has not enough memory to train on a single photo; use device cpu, train less \(head\), or start"
    )
    with pytest.raises(FinetuneError, match=message):
        tuned(textures(3), blunt(), trainable="block2")


NEEDED = 12 * (2 + CROPS) * 12 * 16 * 16  # numbers in the cache of twelve photos at block 2


@pytest.mark.usefixtures("later_is_better")
@pytest.mark.parametrize("limit", [2 * NEEDED, 2 * NEEDED - 1], ids=["float16", "file"])
def test_a_smaller_cache_gives_the_same_answers(monkeypatch, limit):
    task, model = textures(6), blunt()
    expected = tuned(task, model, trainable="block2")
    monkeypatch.setattr(views_module, "CACHE_BYTES", limit)
    found = tuned(task, model, trainable="block2")
    unseen = [picture for group in textures(6, seed=5).values() for picture in group]
    one, other = (Classifier(f.model, device="cpu")(unseen) for f in (expected, found))
    assert [answer.label for answer in one] == [answer.label for answer in other]
    for a, b in zip(one, other, strict=True):
        assert b.scores == pytest.approx(a.scores, abs=0.02)
    assert not torch.equal(expected.model.features[4].weight, found.model.features[4].weight), "it was rounded"


def test_a_full_disk_is_a_sentence(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(views_module, "CACHE_BYTES", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    message = (
        rf"^The cache needs 0\.0 GB in {tmp_path}, which has no room for it \(No space left on device\); make room,"
    )
    with pytest.raises(FinetuneError, match=message):
        tuned(textures(3), blunt(), trainable="block2")
