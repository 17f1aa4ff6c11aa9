"""Two processes: the same as one, on uneven shares too; they fail together, and none waits for one that is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import psutil
import pytest
import torch

from tests.many_helpers import LAUNCH, accelerator, drawn_folder, launch, taught
from tests.toys import ROOT, stripes_net
from vgg_hub import VGG
from vgg_hub.errors import DeviceError, FinetuneError
from vgg_hub.many import processes, train
from vgg_hub.many.processes import LostProcess, need, start_processes, together

__all__ = ["accelerator"]
# Sums are taken in another order, and AdamW makes more of it where a gradient is small. What trains moves by 0.01 and more;
# a loss averaged by process instead of over the whole batch moved it by 0.17.
TOLERANCE = 5e-5


def largest_difference(one: VGG, other: VGG) -> float:
    first, second = one.state_dict(), other.state_dict()
    assert first.keys() == second.keys()
    return max(float((first[key].double() - second[key].double()).abs().max()) for key in first)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path, accelerator, monkeypatch):
    many = drawn_folder(tmp_path / "photos", {"broad": 14, "fine": 17})
    few = drawn_folder(tmp_path / "few" / "train", {"broad": 4, "fine": 3}).parent
    drawn_folder(few / "validation", {"broad": 5, "fine": 4}, seed=1)
    ran = launch("-m", "tests.many_script", many, few, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    said = json.loads((tmp_path / "said.json").read_text())
    assert max(said["batch norm"].values()) < 1e-5
    assert said["failure"] == ["The second cannot read it."] * 2
    assert (said["few events"][1], said["many events"][1]) == (0, 0), "the second process says nothing"

    monkeypatch.setattr(train, "PHOTOS_FOR_STATISTICS", 1)
    model = stripes_net(hidden_features=16, dropout=0.5)
    for name, folder in {"many": many, "few": few}.items():
        one = taught(folder, accelerator, tmp_path / f"{name}.one", model, trainable="all", epochs=3, batch_size=8)
        two = VGG.from_pretrained(tmp_path / name)
        assert largest_difference(one.model, two) < TOLERANCE
        assert largest_difference(one.model, model.share().replace_head(["broad", "fine"])) > 0.01, "it moved"
        report = json.loads(json.dumps(one.report.to_dict()))
        assert said[name]["validation"] == report["validation"]
        assert [row["file"] for row in said[name]["predictions"]] == [row["file"] for row in report["predictions"]]
        scores = [[row["score"] for row in rows["predictions"]] for rows in (said[name], report)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-3)
        assert (said[name]["counts"], said[name]["steps"]) == (report["counts"], report["steps"])
        assert (said[name]["training"]["processes"], said[name]["training"]["batch"]) == (2, 8)
        assert said[name].get("unlike") == report.get("unlike")
        assert (two.unlike is None) == (name == "many"), "three photos of a class to judge by are too few"
        if two.unlike:
            assert (two.unlike.means - one.model.unlike.means).abs().max() < TOLERANCE
            assert two.unlike.limits == pytest.approx(one.model.unlike.limits, rel=1e-2)
    assert said["few"]["validation"]["n"] == 9, "nine photos on two processes: none twice, none left out"


@pytest.mark.slow
def test_a_killed_process_ends_the_run_and_the_same_command_goes_on(tmp_path, accelerator):
    photos = drawn_folder(tmp_path / "photos", {"broad": 40, "fine": 40})
    model = stripes_net()
    model.save_pretrained(tmp_path / "start")
    out, options = tmp_path / "out", {"trainable": "all", "epochs": 6}
    command = ["-m", "vgg_hub", "finetune", photos, "--weights", tmp_path / "start", "--out", out, "--device", "cpu"]
    command = [*map(str, command), "--trainable", "all", "--epochs", "6", "--batch-size", "2"]
    kept = tmp_path / "out.checkpoints" / "last.safetensors"
    with subprocess.Popen([*LAUNCH, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as launcher:
        _wait_for(kept.exists, launcher)
        workers = psutil.Process(launcher.pid).children(recursive=True)
        (second,) = [worker for worker in workers if worker.environ().get("RANK") == "1"]
        os.kill(second.pid, signal.SIGKILL)
        launcher.communicate(timeout=60)  # the first does not wait for it
        assert launcher.returncode != 0
    assert not out.exists()
    assert kept.exists()
    stopped = kept.stat().st_mtime_ns
    ran = launch(*command, "--json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    report = json.loads(ran.stdout)
    whole = taught(photos, accelerator, tmp_path / "whole", model, batch_size=4, **options)
    assert largest_difference(whole.model, VGG.from_pretrained(out)) < TOLERANCE
    assert report["validation"] == json.loads(json.dumps(whole.report.to_dict()["validation"]))
    assert report["training"] == {**whole.report.training, "processes": 2}
    assert stopped < time.time_ns()
    assert not kept.parent.exists(), "removed after success"


def _wait_for(happened, process: subprocess.Popen, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_what_is_wrong_is_said_once(tmp_path):
    ran = launch("-m", "vgg_hub", "finetune", tmp_path / "nothing", "--out", tmp_path / "out", "--device", "cpu")
    assert ran.returncode != 0
    sentences = [line for line in ran.stderr.splitlines() if "vgg-hub: " in line]
    assert len(sentences) == 1
    assert sentences[0].startswith("vgg-hub: nothing does not exist; give a folder")
    assert ran.stdout == ""


def test_a_single_process_fails_by_itself(accelerator):
    def fail():
        raise DeviceError("It is not there.")

    assert together(accelerator, lambda: 3) == 3
    with pytest.raises(DeviceError, match=r"^It is not there\.$"):
        together(accelerator, fail)


def test_the_words_of_a_lost_process_are_one_sentence_and_others_stay():
    message = (
        r"^Another process ended before its work was done; the same command again goes on from the last whole epoch\.$"
    )
    with pytest.raises(FinetuneError, match=message), LostProcess():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:14232")
    with pytest.raises(RuntimeError, match="a size does not fit"), LostProcess():
        raise RuntimeError("a size does not fit")


def test_processes_that_cannot_start_are_one_sentence(monkeypatch):
    with pytest.raises(DeviceError, match=r"^device is 'cpu:0'; each process takes a GPU of its own, so give auto"):
        start_processes("cpu:0")
    monkeypatch.setattr(processes, "resolve_device", lambda device: torch.device("cuda"))
    with pytest.raises(DeviceError, match=r"^2 processes were started and there are 0 GPUs; start one process a GPU"):
        start_processes("cuda", 2, 2)
    message = r"^A data set needs some_package_x, not installed here: pip install some_package_x$"
    with pytest.raises(FinetuneError, match=message):
        need("some_package_x", "A data set")


def test_processes_that_do_not_work_together_are_refused(accelerator):
    with pytest.raises(
        FinetuneError, match=r"^2 processes were started as NO, of which 1 work together; plain data-parallel"
    ):
        start_processes("cpu", 2)
