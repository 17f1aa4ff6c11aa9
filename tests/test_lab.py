"""Several nets on the same photos: each as `finetune` has it, one in memory at a time, and what is said of them."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from dataclasses import replace
from math import comb

import pytest
import torch

from tests.scene_pictures import burst
from tests.toys import stripes_net, textures, tiny_vgg
from vgg_hub import VGG, finetune
from vgg_hub.cli import main
from vgg_hub.errors import CheckpointError, FinetuneError
from vgg_hub.events import Embedding, Step
from vgg_hub.lab import Opening, Trial, compare_nets, conclusion, sign_test
from vgg_hub.summary import multiply_adds, parameter_count


@pytest.fixture
def nets(shipped):
    """Two that ship: one sees stripes, the other is random."""
    stripes_net().save_pretrained(shipped / "vgg11-bn")
    tiny_vgg(num_classes=2).save_pretrained(shipped / "vgg13")
    return ["vgg11-bn", "vgg13"]


def trial(net: str, hits: list[float], multiply_adds: int = 10) -> Trial:
    accuracy = sum(hits) / len(hits)
    return Trial(net, accuracy, 0.0, 1.0, len(hits), 1.0, 100, multiply_adds, tuple(map(float, hits)))


def test_each_net_is_taught_as_it_would_be_alone(nets):
    photos = textures(8)
    photos["fine"] += burst(3, 3)
    events = list(compare_nets(nets, photos, device="cpu", look=lambda model: model.config.name))
    kinds = [type(event) for event in events]
    assert [event for event in events if isinstance(event, Opening)] == [Opening(nets[0], 1, 2), Opening(nets[1], 2, 2)]
    assert {Embedding, Step} < set(kinds)
    trials = [event for event in events if isinstance(event, Trial)]
    assert [found.net for found in trials] == nets
    for found in trials:
        model = VGG.from_pretrained(found.net)
        *_, alone = finetune(model, photos, device="cpu", unlike=False)
        said, report = alone.report.validation, alone.report
        assert (found.accuracy, found.low, found.high, found.n) == (said.accuracy, said.low, said.high, said.n)
        assert found.n == len(found.hits) == 17, "a burst is one scene"
        assert sum(found.hits) / 17 == pytest.approx(found.accuracy)
        in_burst = [judged for judged in report.predictions if judged.label == "fine" and judged.index >= 8]
        assert [judged.scene for judged in in_burst] == [8] * 3
        assert found.hits[8] == sum(judged.predicted == judged.label for judged in in_burst) / 3
        assert found.parameters == parameter_count(alone.model.config)
        assert found.multiply_adds == multiply_adds(alone.model.config)
        assert found.shown == alone.model.config.name
    assert trials[0].hits != trials[1].hits


def test_a_net_is_let_go_of_before_the_next_is_opened(nets, monkeypatch):
    opened, alive = [], []
    original = VGG.from_pretrained.__func__

    def opening(cls, *arguments, **options):
        gc.collect()
        alive.append([model() is not None for model in opened])
        model = original(cls, *arguments, **options)
        opened.append(weakref.ref(model))
        return model

    monkeypatch.setattr(VGG, "from_pretrained", classmethod(opening))
    list(compare_nets(nets, textures(5), device="cpu"))
    assert alive == [[], [False]]


@pytest.mark.parametrize("when", [Opening, Embedding, Step])
def test_stopped_it_has_the_trials_so_far(nets, when):
    stop, found, second = threading.Event(), [], False
    for event in compare_nets(nets, textures(5), device="cpu", stop=stop):
        second = second or event == Opening("vgg13", 2, 2)
        if second and isinstance(event, when):
            stop.set()
        found.append(event)
    assert [event.net for event in found if isinstance(event, Trial)] == ["vgg11-bn"]


def test_what_is_wrong_is_a_sentence(nets):
    with pytest.raises(FinetuneError, match=r"^The nets are none; name one or more, each once\.$"):
        list(compare_nets([], textures(3)))
    with pytest.raises(FinetuneError, match=r"^The nets are vgg13, vgg13; name one or more, each once\.$"):
        list(compare_nets(["vgg13"] * 2, textures(3)))
    with pytest.raises(CheckpointError, match=r"^'nowhere' is not a folder here, nor a checkpoint that ships"):
        list(compare_nets(["nowhere"], textures(3)))
    with pytest.raises(FinetuneError, match=r"^trainable is 'most'"):
        list(compare_nets(nets, textures(3), trainable="most"))


@pytest.mark.parametrize(("wins", "losses", "ties"), [(0, 0, 5), (1, 0, 3), (5, 0, 0), (9, 2, 4), (3, 3, 1)])
def test_the_sign_test_is_the_binomial_sum(wins, losses, ties):
    one = [1.0] * wins + [0.0] * losses + [0.5] * ties
    other = [0.0] * wins + [1.0] * losses + [0.5] * ties
    n = wins + losses
    expected = min(1.0, 2 * sum(comb(n, k) for k in range(min(wins, losses) + 1)) / 2**n)
    assert sign_test(one, other) == sign_test(other, one) == pytest.approx(expected)


def test_it_says_what_is_noise():
    one, other = trial("a", [1] * 18 + [0] * 2), trial("b", [1] * 16 + [0] * 4)
    assert conclusion([other, one]) == [
        "The differences between these nets are within the noise: the best here, a, is right on 18 of 20 photos that it had "
        "not seen, and the worst, b, on 16. With so few photos that may be chance; choose the fastest."
    ]
    assert conclusion([one]) == ["One net was tried; try others to compare."]
    twin = replace(one, net="c", multiply_adds=5)
    assert conclusion([one, twin]) == [
        "These nets are right on the same 20 photos: nothing here tells them apart; choose the fastest."
    ]


def test_it_says_what_is_not_noise_and_shares_the_level_among_the_pairs():
    best, worst = trial("a", [1] * 20), trial("b", [0] * 7 + [1] * 13)
    assert sign_test(best.hits, worst.hits) == pytest.approx(2 / 2**7)
    assert conclusion([best, worst]) == ["a is better than b by more than chance would explain."]
    middle = trial("c", [0] + [1] * 19)
    assert conclusion([worst, middle, best]) == [
        "a is better than b by more than chance would explain.",
        "Between a and c nothing can be told from 20 photos.",
    ], "0.0156 is below 0.05 / 3"
    assert conclusion([worst, middle, trial("d", [1, 0] + [1] * 18), best])[0].startswith("The differences"), "0.05 / 6"


def test_chance_alone_is_seldom_called_better():
    """Eight nets that are all right on 80 % of forty photos, apart by chance alone."""
    generator = torch.Generator().manual_seed(0)
    said = 0
    for _ in range(200):
        hits = (torch.rand(8, 40, generator=generator) < 0.8).double()
        said += conclusion([trial(str(net), row.tolist()) for net, row in enumerate(hits)])[0].key == "better"
    assert said <= 10


def test_in_the_shell(nets, tmp_path, capsys):
    for label, pictures in textures(6).items():
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            picture.save(tmp_path / "photos" / label / f"{number}.png")
    assert main(["compare", str(tmp_path / "photos"), "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["net"] for row in found["trials"]] == nets
    assert found["trials"][0].keys() >= {"accuracy", "low", "high", "n", "seconds", "parameters", "multiply_adds"}
    assert len(found["conclusion"]) == 1
    assert main(["compare", str(tmp_path / "photos"), "--nets", "vgg13", "--device", "cpu"]) == 0
    header, row, _, said = capsys.readouterr().out.splitlines()
    assert header.split() == ["net", "right", "likely", "seconds", "parameters", "multiply-adds"]
    assert row.startswith("vgg13  ")
    assert said == "One net was tried; try others to compare."
    assert main(["compare", str(tmp_path / "photos"), "--nets", str(tmp_path / "none"), "--device", "cpu"]) == 1
    assert capsys.readouterr().err.startswith(f"vgg-hub: '{tmp_path}/none' is not a folder here")
