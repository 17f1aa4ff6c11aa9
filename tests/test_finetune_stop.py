"""How a run ends early: stopped, closed, or beside another one."""

from __future__ import annotations

import copy
import itertools
import threading

import pytest
import torch

from tests.toys import stripes_net, textures, tuned
from vgg_hub import finetune
from vgg_hub.errors import FinetuneError
from vgg_hub.finetune import Embedding, Finished, Started, Step


def test_stop_before_the_first_step():
    stop = threading.Event()
    stop.set()
    events = finetune(stripes_net(), textures(3), device="cpu", stop=stop)
    assert isinstance(next(events), Started)
    message = r"^Stopped before the first step: there is nothing to keep, and nothing was changed\.$"
    with pytest.raises(FinetuneError, match=message):
        next(events)
    assert next(events, None) is None


def test_stop_while_photos_are_read():
    stop = threading.Event()
    events = finetune(stripes_net(), textures(12), device="cpu", stop=stop)
    assert isinstance(next(events), Started)
    assert next(events).done == 8
    stop.set()
    with pytest.raises(FinetuneError, match="Stopped before the first step"):
        next(events)


def test_stop_midway_keeps_the_best_so_far():
    stop = threading.Event()
    seen = []
    for event in finetune(stripes_net(), textures(10), device="cpu", stop=stop):
        seen.append(event)
        if isinstance(event, Step) and event.step == 3:
            threading.Thread(target=stop.set).start()
            assert stop.wait(5)
    finished = seen[-1]
    assert [event.step for event in seen if isinstance(event, Step)] == [1, 2, 3]
    assert (finished.report.stopped, finished.report.steps) == (True, 3)
    assert finished.report.validation.n == 20
    assert finished.model.config.label_names == ("fine", "broad")
    assert torch.isfinite(finished.model.head.weight).all()


def test_stop_set_at_the_very_end_is_no_stop():
    stop = threading.Event()
    photos = textures(6)
    total = tuned(photos).report.steps
    for event in finetune(stripes_net(), photos, device="cpu", stop=stop):
        if isinstance(event, Step) and event.step == total:
            stop.set()
    assert event.report.stopped is False


@pytest.mark.parametrize("after", [Started, Embedding, Step])
def test_closing_it_early_leaves_nothing_behind(after):
    model = stripes_net()
    before, threads = copy.deepcopy(model.state_dict()), threading.active_count()
    events = finetune(model, textures(6), device="cpu")
    for event in events:
        if isinstance(event, after):
            break
    events.close()
    assert next(events, None) is None
    assert threading.active_count() == threads
    assert torch.is_grad_enabled()
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


def test_two_runs_side_by_side_do_not_mix():
    photos = [textures(5, seed=1), textures(6, seed=2)]
    alone = [tuned(group) for group in photos]
    model = stripes_net()
    runs = [finetune(model, group, device="cpu") for group in photos]
    ends = {}
    for turn in itertools.count():
        for index, run in enumerate(runs):
            event = next(run, None)
            if isinstance(event, Finished):
                ends[index] = event
        if len(ends) == 2 or turn > 200:
            break
    for index, finished in ends.items():
        assert torch.equal(finished.model.head.weight, alone[index].model.head.weight)
        assert finished.report.validation == alone[index].report.validation
