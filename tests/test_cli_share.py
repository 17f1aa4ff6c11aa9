"""`vgg-hub push`, `convert` and `export`."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from tests.cli_helpers import error_of, left_behind, run
from tests.toys import smooth_batch, textures, tiny_vgg, tuned
from vgg_hub import VGG
from vgg_hub.bundled import bundled_names
from vgg_hub.config_foreign import imagenet_labels

__all__ = ["run"]

LAYERS = ("--layers", "8,M,16,M")


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "pets.pth"
    torch.save(tiny_vgg().state_dict(), path)
    return path


def answers(model: VGG) -> torch.Tensor:
    with torch.no_grad():
        return model(smooth_batch(2, 32))


# convert


def test_a_file_becomes_a_folder_of_ours(run, file, tmp_path):
    out = tmp_path / "new" / "pets"
    status, shown, err = run("convert", file, out, *LAYERS, "--labels", "cat, dog")
    assert status == 0
    assert shown == f"Saved vgg-bn with 2 classes in {out}. Look at it: python -m vgg_hub inspect {out}\n"
    digest = sha256(file.read_bytes()).hexdigest()
    first, second, *rest = err.splitlines()
    assert first == f"vgg-hub: pets.pth has no sha256 in its name to check it by; its own is {digest}."
    assert second.startswith("vgg-hub: pets.pth does not say how pictures are prepared for it; ")
    assert rest == []
    model = VGG.from_pretrained(out)
    assert model.config.label_names == ("cat", "dog")
    assert torch.equal(answers(model), answers(tiny_vgg()))
    assert digest in (out / "README.md").read_text().replace("\\", "")
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_with_json_there_is_one_document(run, file, tmp_path):
    status, shown, err = run("convert", file, tmp_path / "out", *LAYERS, "--json", "--dtype", "float16")
    assert (status, err) == (0, "")
    facts = json.loads(shown)
    assert {key: value for key, value in facts.items() if key not in ("warnings", "sha256")} == {
        "folder": str(tmp_path / "out"),
        "name": "vgg-bn",
        "num_classes": 2,
        "label_names": [],
    }
    assert (facts["sha256"], len(facts["warnings"])) == (sha256(file.read_bytes()).hexdigest(), 3)
    assert load_file(tmp_path / "out" / "model.safetensors")["head.fc.weight"].dtype == torch.float16


def test_labels_from_a_file_or_imagenets(run, tmp_path, file):
    (tmp_path / "names.txt").write_text("\ufeffcat, tabby\r\n개\n", encoding="utf-8")
    assert run("convert", file, tmp_path / "out", *LAYERS, "--labels", tmp_path / "names.txt")[0] == 0
    assert VGG.from_pretrained(tmp_path / "out").config.label_names == ("cat, tabby", "개")
    tiny_vgg(num_classes=1000).save_pretrained(tmp_path / "many")
    assert run("convert", tmp_path / "many", tmp_path / "named", "--labels", "imagenet")[0] == 0
    assert VGG.from_pretrained(tmp_path / "named").config.label_names == imagenet_labels()


def test_a_folder_or_a_repo_is_copied_whole(run, tmp_path, hub):
    model = tiny_vgg(label_names=("cat", "dog"))
    model.provenance = {"licence": "mit"}
    model.save_pretrained(tmp_path / "m")
    hub.add_repo("someone/pets", {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()})
    for source in (tmp_path / "m", "someone/pets"):
        status, _, err = run("convert", source, tmp_path / "copy", "--dtype", "bfloat16")
        assert (status, err) == (0, "")
        copy = VGG.from_pretrained(tmp_path / "copy", dtype=None)
        assert (copy.config, copy.provenance, copy.head.weight.dtype) == (
            model.config,
            {"licence": "mit"},
            torch.bfloat16,
        )
        assert torch.equal(copy.head.weight, model.head.weight.to(torch.bfloat16))
    assert run("convert", tmp_path / "m", tmp_path / "m", "--labels", "a,b")[0] == 0
    again = VGG.from_pretrained(tmp_path / "m")
    assert again.config.label_names == ("a", "b")
    assert torch.equal(answers(again), answers(model))


def test_a_head_alone_becomes_a_whole_folder(run, tmp_path, hub):
    tiny_vgg(seed=3).save_pretrained(tmp_path / "base")
    hub.add_repo("someone/base", {path.name: path.read_bytes() for path in (tmp_path / "base").iterdir()})
    model = VGG.from_pretrained("someone/base").replace_head(["cat", "dog", "fox"])
    model.save_pretrained(tmp_path / "head", delta=True)
    assert not (tmp_path / "head" / "model.safetensors").exists()
    assert run("convert", tmp_path / "head", tmp_path / "whole")[0] == 0
    with hub.offline():
        whole = VGG.from_pretrained(tmp_path / "whole")
    assert torch.equal(answers(whole), answers(model))
    assert whole.config == model.config


def test_what_cannot_be_converted_is_said_and_leaves_nothing(run, file, tmp_path):
    def refused(*arguments: object) -> str:
        sentence = error_of(run("convert", *arguments))
        assert not (tmp_path / "out").exists()
        assert left_behind(tmp_path) == []
        return sentence

    out = tmp_path / "out"
    assert "add --layers 8,M,16,M or, if none does, --layers 8,M,16." in refused(file, out)
    assert refused(file, out, "--layers", "8,M,x") == (
        "layers[2] is 'x'; expected a positive whole number of channels or 'M' for max pooling."
    )
    assert refused(file, out, *LAYERS, "--labels", "a,b,c") == (
        "pets.pth has 2 classes but 3 names are given; they must agree."
    )
    assert refused(tmp_path / "gone.pth", out) == "gone.pth is not a file here; check its name and folder."
    assert refused(tmp_path / "gone", out).startswith(f"'{tmp_path / 'gone'}'"[:60])
    (tmp_path / "note.txt").write_text("hello")
    assert refused(tmp_path / "note.txt", out).startswith("note.txt cannot be read as weights: it is cut short, or no")
    (tmp_path / "names").write_bytes(b"\xff\xfe\x00")
    assert refused(file, out, *LAYERS, "--labels", tmp_path / "names") == (
        "names is no UTF-8 text; give a text file with a class name a line."
    )
    tiny_vgg().save_pretrained(tmp_path / "m")
    assert refused(tmp_path / "m", out, *LAYERS).endswith("; --layers is for a file without one.")
    assert refused(tmp_path / "m", out, "--labels", "a") == "m has 2 classes but 1 names are given; they must agree."
    assert error_of(run("convert", tmp_path / "m", file)) == "pets.pth is a file; name a folder to save the model in."


# export


def test_export_writes_a_file_that_onnxruntime_opens(run, tmp_path):
    model = tiny_vgg(label_names=("cat", "dog"))
    model.save_pretrained(tmp_path / "m", dtype="float16")
    file = tmp_path / "m.onnx"
    status, shown, err = run("export", tmp_path / "m", file)
    assert (status, err) == (0, "")
    assert shown.startswith(
        f"Saved vgg-bn in {file}: ONNX opset 18, input pixels (batch, 3, 32, 32), labels and preprocessing in its metadata."
    )
    session = onnxruntime.InferenceSession(file)
    logits = torch.from_numpy(session.run(None, {"pixels": smooth_batch(2, 32).numpy()})[0])
    assert (logits - answers(VGG.from_pretrained(tmp_path / "m"))).abs().max() < 1e-4
    status, shown, err = run("export", tmp_path / "m", file, "--json")
    facts = json.loads(shown)
    assert (status, err, facts.pop("largest_difference") < 1e-5) == (0, "", True)
    assert facts == {"file": str(file), "opset": 18, "input": [3, 32, 32], "label_names": ["cat", "dog"]}


def test_export_says_what_is_wrong(run, tmp_path, monkeypatch):
    tiny_vgg().save_pretrained(tmp_path / "m")
    assert error_of(run("export", tmp_path / "m", tmp_path)).endswith(" is a folder; name a file to write.")
    assert "is not a folder here" in error_of(run("export", tmp_path / "none", tmp_path / "m.onnx"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    packages = "onnx onnxscript onnxruntime"
    sentence = f"ONNX export needs {packages.replace(' ', ', ')}, not installed here: pip install {packages}"
    assert error_of(run("export", tmp_path / "m", tmp_path / "m.onnx")) == sentence
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_new_names_of_classes_are_new_in_the_card_too(run, tmp_path):
    tuned(textures(6)).model.save_pretrained(tmp_path / "m")
    assert run("convert", tmp_path / "m", tmp_path / "n", "--labels", "eins,zwei")[0] == 0
    card = (tmp_path / "n" / "README.md").read_text()
    assert "| eins | 6 |" in card
    assert not any(f"| {old} |" in card for old in textures(1))


def test_a_folder_is_not_named_like_a_net_that_ships(run, tmp_path, file, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = "vgg11-bn is the name of a net that ships; choose another for the folder to save in."
    assert error_of(run("convert", file, "vgg11-bn")) == sentence
    assert error_of(run("finetune", tmp_path, "--out", "vgg11-bn")) == sentence
    for line in (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").splitlines():
        if "vgg_hub convert" in line:
            assert line.partition("#")[0].split()[-1] not in bundled_names()


def test_a_home_is_the_same_place_for_saving_and_for_loading(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    tiny_vgg().save_pretrained("~/m")
    assert run("convert", "~/m", "~/n")[1].endswith(f"inspect {tmp_path}/home/n\n")
    assert run("export", "~/n", "~/n.onnx")[0] == 0
    assert VGG.from_pretrained("~/n").config == VGG.from_pretrained(tmp_path / "home" / "m").config
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["m", "n", "n.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


# push


def test_push_says_its_steps_and_shows_the_address_alone(run, hub, tmp_path, monkeypatch):
    asked = {}

    def push(self, repo_id, *, say, **options):
        asked.update(options, repo=repo_id, dtype_here=self.head.weight.dtype)
        say("Saving the model.")
        return "https://hub/commit/1"

    monkeypatch.setattr(VGG, "push_to_hub", push)
    tiny_vgg().save_pretrained(tmp_path / "m", dtype="float16")
    assert run("push", tmp_path / "m", "me/m") == (0, "https://hub/commit/1\n", "vgg-hub: Saving the model.\n")
    plain = {"repo": "me/m", "dtype_here": torch.float16, "private": None, "dtype": None, "delta": False}
    card = (tmp_path / "m" / "README.md").read_text()
    assert asked == plain | {"replace_card": False, "card": card, "check": True}
    (tmp_path / "m" / "README.md").unlink()
    plain["card"] = ""
    run("push", tmp_path / "m", "me/m", "--private", "--dtype", "bfloat16", "--delta", "--replace-card", "--no-check")
    assert asked == plain | {"private": True, "dtype": "bfloat16", "delta": True, "replace_card": True, "check": False}
