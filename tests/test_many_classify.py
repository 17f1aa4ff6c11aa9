"""Classification in shares: in one process, and in two through the command, with the answers of one."""

from __future__ import annotations

import json

import pytest
import torch

from tests.cli_helpers import photos, run, start
from tests.many_helpers import accelerator, launch
from tests.toys import textures, tiny_vgg
from vgg_hub import Classifier
from vgg_hub.errors import PhotoError
from vgg_hub.inference import multiplies_bfloat16
from vgg_hub.many.classify import shared_answers

__all__ = ["accelerator", "photos", "run", "start"]


def test_one_process_gives_what_the_classifier_gives(accelerator, tmp_path):
    pictures = [*textures(10)["fine"], tmp_path / "nothing.png"]
    classifier = Classifier(tiny_vgg(), "cpu", batch_size=4)
    expected, found = list(classifier.each(pictures)), list(shared_answers(classifier, pictures, accelerator))
    assert found[:10] == expected[:10]
    assert isinstance(found[10], PhotoError)
    assert str(found[10]) == str(expected[10])


@pytest.mark.slow
def test_two_processes_print_what_one_prints(start, photos, run):
    for number in range(21):  # 37 pictures, one of them none: three batches for two processes
        (photos / "fine" / f"again {number}.png").write_bytes((photos / "fine" / "fine 0.png").read_bytes())
    (photos / "broad" / "broken.png").write_bytes(b"x")
    status, out, _ = run("classify", start, photos, "--json", "--device", "cpu")
    ran = launch("-m", "vgg_hub", "classify", start, photos, "--json", "--device", "cpu")
    assert (status, ran.returncode) == (1, 1)
    one, two = json.loads(out), json.loads(ran.stdout)
    assert len(one) == 38
    assert [row["file"] for row in two] == [row["file"] for row in one]
    for first, second in zip(one, two, strict=True):
        assert (first.get("label"), first.get("error")) == (second.get("label"), second.get("error"))
        # The batches differ, so where the processes compute in bfloat16, so does its rounding.
        tolerance = 1e-3 if multiplies_bfloat16(torch.device("cpu")) else 1e-6
        assert second.get("scores", {}) == pytest.approx(first.get("scores", {}), abs=tolerance)
