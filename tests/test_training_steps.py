"""The steps that made the nets that ship are those that were recorded, and the command would take them again."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest

from training import steps
from training.steps import SHIPPED, STEPS, log_of, recipe_of
from vgg_hub.bundled import bundled_names


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_what_was_recorded(step):
    recorded = json.loads(log_of(step).read_text(encoding="utf-8"))
    told = asdict(recipe_of(step, Path("runs")))
    assert {name: told[name] for name in recorded["recipe"] if name != "start"} == {
        name: value for name, value in recorded["recipe"].items() if name != "start"
    }
    assert len(recorded["epochs"]) == told["epochs"]
    assert "/" not in recorded["recipe"].get("start", "").removeprefix("weights/")


def test_every_net_that_ships_has_a_step():
    assert sorted(SHIPPED) == sorted(bundled_names())


def test_each_step_begins_from_one_before_it_and_is_called_as_by_hand(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(steps, "_call", lambda module, arguments: calls.append((module, arguments)))
    monkeypatch.setattr(sys, "argv", ["steps", "--data", "data", "--runs", str(tmp_path), "--device", "cpu"])
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "final.safetensors").touch()  # done already
    steps.main()
    trained = [
        Path(arguments[arguments.index("--out") + 1]).name for module, arguments in calls if "--out" in arguments
    ]
    assert trained == [step for step in STEPS if step != "first"]
    for place, step in enumerate(STEPS):
        assert STEPS[step][0] in ["", *list(STEPS)[:place]]
    assert all(dict(pairwise(arguments))["--device"] == "cpu" for _, arguments in calls)
    after = [(module, Path(arguments[-1]).name) for module, arguments in calls if "--run" in arguments]
    assert after == [(f"training.{what}", step) for step in SHIPPED for what in ("evaluate", "export")]
    given_to = {dict(pairwise(arguments)).get("--out"): arguments for _, arguments in calls}
    plain = given_to[str(tmp_path / "vgg13")]
    given = dict(pairwise(plain))
    assert "--no-batch-norm" in plain
    assert given["--start"] == str(tmp_path / "vgg13-bn" / "final.safetensors")
    assert (given["--depth"], given["--peak-rate"], given["--width"]) == ("13", "0.005", "0.4375")


def test_a_step_that_fails_ends_all(tmp_path):
    with pytest.raises(SystemExit, match=r"training\.nothing failed: see above\. Run this again to go on from there\."):
        steps._call("training.nothing", [])
