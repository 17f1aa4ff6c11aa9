"""Checkpoints: back as they were, of one run alone, never half, never a pickle."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vgg_hub.errors import CheckpointError
from vgg_hub.many import checkpoint
from vgg_hub.many.checkpoint import Checkpoints, Progress, State, check_like

RUN = {"seed": 1, "class names": ["a", "b"]}


def state(value: float = 1.0) -> State:
    ones = torch.full((2, 3), value)
    optimiser = {"0/step": torch.tensor(3.0), "0/exp_avg": ones * 4}
    return State({"x.weight": ones}, {"x.weight": ones * 2}, ones * 3, optimiser, Progress([0.5], [0.75], 1.5))


def test_it_comes_back_and_is_removed(tmp_path):
    checkpoints = Checkpoints(tmp_path / "kept", RUN)
    assert checkpoints.load() is None
    checkpoints.save(state(9.0))
    checkpoints.save(state())
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["last.safetensors"]
    back = Checkpoints(tmp_path / "kept", dict(RUN)).load()
    assert back.progress == state().progress
    for part in ("tensors", "best", "optimiser"):
        assert check_like(getattr(back, part), getattr(state(), part))
        assert all(torch.equal(tensor, getattr(state(), part)[name]) for name, tensor in getattr(back, part).items())
    assert torch.equal(back.scores, state().scores)
    checkpoints.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_more_in_it_stays(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    checkpoints = Checkpoints(tmp_path, RUN)
    checkpoints.save(state())
    checkpoints.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_another_run_is_refused(tmp_path):
    Checkpoints(tmp_path / "kept", RUN).save(state())
    message = (
        r"^kept/last\.safetensors is of another run, with other seed: 1 there, 2 here; remove it to start anew, or name "
        r"another folder with --checkpoints\.$"
    )
    with pytest.raises(CheckpointError, match=message):
        Checkpoints(tmp_path / "kept", {**RUN, "seed": 2}).load()
    with pytest.raises(
        CheckpointError, match=r"^kept/last\.safetensors is of another run, with other class names; remove it"
    ):
        Checkpoints(tmp_path / "kept", {**RUN, "class names": ["a"]}).load()


@pytest.mark.parametrize(
    "said",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"run": {}, "progress": {}}x',
        '{"run": {}, "progress": {"losses": [1], "accuracies": [], "seconds": 1}}',
        '{"run": {}, "progress": {"losses": ["x"], "accuracies": [1], "seconds": 1}}',
        '{"run": {}, "progress": {"losses": [NaN], "accuracies": [1], "seconds": 1}}',
        '{"run": {}, "progress": {"other": 1}}',
        '{"run": 3, "progress": {}}',
        "[" * 100_000,
    ],
)
def test_a_strange_file_is_one_sentence(tmp_path, said):
    save_file({"tensors:x": torch.ones(1)}, tmp_path / "last.safetensors", metadata=said and {"vgg_hub": said})
    with pytest.raises(
        CheckpointError, match=r"last\.safetensors is damaged, or no checkpoint of a training: remove it"
    ):
        Checkpoints(tmp_path, {}).load()


def test_what_is_cut_short_or_a_pickle_is_refused(tmp_path):
    Checkpoints(tmp_path, RUN).save(state())
    whole = (tmp_path / "last.safetensors").read_bytes()
    torch.save({"x": torch.ones(1)}, tmp_path / "pickle")
    for content in (whole[:-5], whole[:40], b"", (tmp_path / "pickle").read_bytes()):
        (tmp_path / "last.safetensors").write_bytes(content)
        with pytest.raises(CheckpointError, match="is damaged, or no checkpoint"):
            Checkpoints(tmp_path, RUN).load()


def test_the_file_holds_tensors_and_json_alone(tmp_path):
    Checkpoints(tmp_path, RUN).save(state())
    with safe_open(tmp_path / "last.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["vgg_hub"])["run"] == RUN
    assert "all:scores" in load_file(tmp_path / "last.safetensors")


def test_a_failed_save_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, RUN)
    checkpoints.save(state())

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(
        CheckpointError, match=r"cannot hold a checkpoint \(.*No space left on device\); free some space"
    ):
        checkpoints.save(state(2.0))
    assert torch.equal(checkpoints.load().scores, state().scores)


def test_tensors_that_do_not_fit_are_told():
    like = {"a": torch.ones(2)}
    assert check_like({"a": torch.zeros(2)}, like)
    for other in (
        {},
        {"a": torch.ones(3)},
        {"a": torch.ones(2).double()},
        {"a": torch.full((2,), torch.nan)},
        {"b": torch.ones(2)},
    ):
        assert not check_like(other, like)
