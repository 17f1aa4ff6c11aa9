"""The parity receipt: one fresh process, judged strictly. The nets are tiny; for other loaders see test_parity_variants."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.hub_helpers import REPO, folder_of
from tests.parity_helpers import edit_config, judge
from tests.toys import run_python, saved, tiny_vgg
from vgg_hub import VGG, VGGConfig, parity
from vgg_hub.errors import CheckpointError, ParityError
from vgg_hub.parity import LOADERS, check_folder, draw_pictures, not_for, reference_of

LABELS = ("ca\"t's ♥", "🐕‍🦺 犬")
STANDARD = "builds the standard nets alone, in full width, for three channels"


def shim(monkeypatch, folder: Path, name: str, code: str) -> None:
    """Put a module of this code before the installed one, for fresh processes."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(str(folder))


def at_start(monkeypatch, folder: Path, code: str) -> None:
    """Run this code at the start of every fresh Python."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(textwrap.dedent(code))
    monkeypatch.setenv("PYTHONPATH", str(folder))


def ask_everyone(monkeypatch) -> None:
    """Hold the toy for a net that timm has."""
    monkeypatch.setattr(parity, "not_for", lambda name, config, delta: "not asked" if name == "torchvision" else None)


def test_the_receipt_of_a_net_that_only_ours_can_build(tmp_path):
    model = saved(tmp_path / "m", label_names=LABELS, input_size=40, crop_pct=0.8, mean=(0.1, 0.2, 0.3)).train()
    before, random = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    receipt = check_folder(tmp_path / "m", model)
    ours, *others = receipt.to_dict()["loaders"]
    assert (receipt.pictures, receipt.saved_as, receipt.rounding) == (4, "float32", None)
    assert ours == {
        "name": "vgg_hub",
        "version": "0.1.0",
        "outcome": "equal",
        "logits": pytest.approx(0, abs=1e-6),
        "preprocessing": 0.0,
        "labels": True,
        "why": None,
    }
    assert [(other["name"], other["outcome"], other["why"]) for other in others] == [
        ("timm", "not for this net", f"timm {STANDARD}"),
        ("transformers", "not for this net", f"it opens the folder through timm, which {STANDARD}"),
        ("torchvision", "not for this net", f"torchvision {STANDARD}"),
    ]
    assert json.loads(json.dumps(receipt.to_dict(), allow_nan=False)) == receipt.to_dict()
    assert model.training, "the model's mode is its owner's"
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"depth": 16}, [None, None, None, None]),
        (
            {"input_size": 256},
            [None, rf"timm {STANDARD}, for pictures under 256 pixels$", r"timm, which builds .* 256", None],
        ),
        ({"in_channels": 1}, [None, rf"timm {STANDARD}$", rf"timm, which {STANDARD}$", rf"^torchvision {STANDARD}$"]),
        ({"layers": [8, "M"], "input_size": 4}, [None, rf"timm {STANDARD}$", r"timm, which", r"^torchvision builds"]),
        ({"num_classes": 1}, [None, None, r"^its pipeline takes a single class for a yes or no$", None]),
    ],
)
def test_which_loaders_a_net_is_for(fields, reasons):
    for name, expected in zip(LOADERS, reasons, strict=True):
        reason = not_for(name, VGGConfig(**fields), delta=False)
        assert reason is None if expected is None else re.search(expected, reason)
        assert not_for(name, VGGConfig(**fields), delta=True) == (None if name == "vgg_hub" else "head only")


def test_the_pictures_are_real_and_differ_in_size():
    first, second = draw_pictures(), draw_pictures()
    assert [picture.mode for picture in first] == ["RGB"] * 4
    assert len({picture.size for picture in first}) == 4
    assert len({width > height for width, height in (picture.size for picture in first)}) == 2
    assert [picture.tobytes() for picture in first] == [picture.tobytes() for picture in second]
    assert all(max(high - low for low, high in picture.getextrema()) > 30 for picture in first), "none is plain"


def swap_labels(document: dict) -> None:
    document["label_names"].reverse()


def shift_mean(document: dict) -> None:
    document["pretrained_cfg"]["mean"][0] += 0.01


def narrow(document: dict) -> None:
    del document["label_names"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            swap_labels,
            re.escape(
                f"but its class 0 is {LABELS[1]!r} where the model has {LABELS[0]!r}; save the model again, and if"
            ),
        ),
        (
            shift_mean,
            r"but its preprocessing differs: -?\d\S* where the model has -?\d\S*, and 0\.000\d is allowed; save",
        ),
        (narrow, r"but it has 0 class names where the model has 2; save the model again"),
    ],
)
def test_a_config_that_says_something_else(tmp_path, change, message):
    model = saved(tmp_path / "m", label_names=LABELS)
    edit_config(tmp_path / "m", change)
    with pytest.raises(ParityError, match=r"^vgg_hub 0\.1\.0 opens the saved folder, " + message):
        judge("vgg_hub", tmp_path / "m", model)


def test_one_weight_that_is_not_the_models(tmp_path):
    model = saved(tmp_path / "m")
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    tensors["features.0.weight"][0, 0, 1, 1] += 0.05
    save_file(tensors, tmp_path / "m" / "model.safetensors")
    with pytest.raises(
        ParityError, match=r"its logits differ: \S+ where the model has \S+, and \S+ is allowed; save the"
    ):
        check_folder(tmp_path / "m", model)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@torch.no_grad()
def test_what_rounding_does_is_measured(tmp_path, dtype):
    model = tiny_vgg()
    model.head.weight.mul_(50)
    model.save_pretrained(tmp_path / "m", dtype=dtype)
    reference, rounding = reference_of(model, dtype)
    rounded = VGG.from_pretrained(tmp_path / "m")(reference.pixels)
    live = model(reference.pixels)
    assert torch.equal(reference.logits, rounded)
    assert rounding == {
        "logits": pytest.approx(float((rounded - live).abs().max()), rel=1e-3),
        "spread": pytest.approx(max(float(column.max() - column.min()) for column in live.T)),
        "top1": float((rounded.argmax(1) == live.argmax(1)).float().mean()),
    }
    assert 0 < rounding["logits"] < rounding["spread"]
    assert judge("vgg_hub", tmp_path / "m", model, dtype).logits == 0
    with pytest.raises(ParityError, match="its logits differ"):
        judge("vgg_hub", tmp_path / "m", model, "float32")


def test_a_model_that_is_half_already_loses_nothing(tmp_path):
    model = saved(tmp_path / "m").to(torch.bfloat16)
    model.save_pretrained(tmp_path / "m")
    reference, rounding = reference_of(model, "bfloat16")
    assert (rounding, reference.logits.dtype) == (None, torch.float32)
    assert judge("vgg_hub", tmp_path / "m", model, "bfloat16").outcome == "equal"
    assert model.head.weight.dtype == torch.bfloat16


def test_a_head_alone_is_for_our_loader_only(hub, tmp_path):
    hub.add_repo(REPO, folder_of(tmp_path, layers=[64, "M", 128, "M"])[1])
    model = VGG.from_pretrained(REPO).replace_head(["cat", "dog"])
    model.save_pretrained(tmp_path / "delta", delta=True, dtype="float16")
    hub.clear_log()
    receipt = check_folder(tmp_path / "delta", model)
    assert receipt.loaders[0].outcome == "equal"
    assert {(other.outcome, other.why) for other in receipt.loaders[1:]} == {("not for this net", "head only")}
    assert receipt.saved_as == "float16"
    assert 0 < receipt.rounding["logits"] < 0.01
    assert hub.log == [], "the fresh process has the Hub switched off"


def test_a_loader_that_is_not_installed_or_broken_fails_nothing(tmp_path, monkeypatch):
    ask_everyone(monkeypatch)
    shim(monkeypatch, tmp_path / "shim", "timm", "raise ModuleNotFoundError(\"No module named 'timm'\", name='timm')")
    shim(monkeypatch, tmp_path / "shim", "transformers", "raise RuntimeError('needs\\n  torch 9')")
    receipt = check_folder(tmp_path / "m", saved(tmp_path / "m"))
    rows = [(loader.name, loader.outcome, loader.why) for loader in receipt.loaders]
    assert rows == [
        ("vgg_hub", "equal", None),
        ("timm", "not installed", None),
        ("transformers", "not installed", "transformers cannot be imported: RuntimeError: needs torch 9"),
        ("torchvision", "not for this net", "not asked"),
    ]
    assert receipt.loaders[1].version is None
    assert receipt.loaders[2].version.startswith("5.")


def test_transformers_without_timm(tmp_path):
    """In a fresh process: transformers remembers for good which packages it found."""
    ran = run_python(
        """
        import sys
        from pathlib import Path
        from vgg_hub.parity_loaders import open_folder

        sys.modules["timm"] = None
        facts, tensors = open_folder("transformers", Path(sys.argv[1]))
        print(facts["missing"], tensors)
        """,
        tmp_path,
    )
    assert ran.stdout == "it opens the folder through timm, which is not installed {}\n", ran.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"its process ended with status -9\)"),
        (
            "import os; print('{]\\n🎈\\x1b[31m garbage', flush=True); os._exit(0)",
            re.escape("its process ended with status 0 after " + repr("🎈\x1b[31m garbage") + ")"),
        ),
        ("class Odd(Exception): pass\nraise Odd('line\\nbreak')", r"Odd: line break\)"),
    ],
)
def test_a_loader_that_takes_the_process_down(tmp_path, monkeypatch, code, message):
    ask_everyone(monkeypatch)
    shim(monkeypatch, tmp_path / "shim", "timm", code)
    with pytest.raises(
        ParityError, match=r"^timm cannot open the saved folder \(" + message + r"; save the model again, .*\.$"
    ):
        check_folder(tmp_path / "m", saved(tmp_path / "m"))


def test_a_loader_that_cannot_open_the_folder(tmp_path, monkeypatch):
    ask_everyone(monkeypatch)
    with pytest.raises(
        ParityError,
        match=r"^timm cannot open the saved folder \(RuntimeError: Unknown model \(vgg_hub_only\)\); save the model",
    ):
        check_folder(tmp_path / "m", saved(tmp_path / "m"))


def test_a_process_that_hangs_is_stopped(tmp_path, monkeypatch):
    at_start(
        monkeypatch,
        tmp_path / "shim",
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)",
    )
    with pytest.raises(
        ParityError, match=r"^vgg_hub cannot open the saved folder \(it was stopped after 3 s\); save the"
    ):
        check_folder(tmp_path / "m", saved(tmp_path / "m"), timeout=3)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIG_DFL)


def test_the_fresh_process_has_no_secret_and_no_hub(tmp_path, monkeypatch):
    for name, value in {
        "HF_TOKEN": "hf_secret",
        "OAUTH_CLIENT_SECRET": "s",
        "PYTHONWARNINGS": "error",
        "KEPT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    at_start(
        monkeypatch,
        tmp_path / "shim",
        f"import json, os, sys, warnings\nwarnings.warn('nobody minds')\n"
        f"json.dump(dict(os.environ), open({str(tmp_path / 'environment')!r}, 'w'))",
    )
    assert check_folder(tmp_path / "m", saved(tmp_path / "m")).loaders[0].outcome == "equal"
    found = json.loads((tmp_path / "environment").read_text())
    assert (found["HF_HUB_OFFLINE"], found["TRANSFORMERS_OFFLINE"], found["KEPT"]) == ("1", "1", "1")
    assert {"HF_TOKEN", "OAUTH_CLIENT_SECRET", "PYTHONWARNINGS"} & found.keys() == set()
    assert "hf_secret" not in found.values()
    assert "HF_TOKEN" in os.environ, "this process keeps its own"


@torch.no_grad()
def test_a_model_without_finite_answers(tmp_path):
    model = tiny_vgg()
    model.head.bias[0] = float("nan")
    model.save_pretrained(tmp_path / "m")
    with pytest.raises(
        ParityError, match=r"^The model's logits are not finite numbers for a drawn picture; train or load"
    ):
        check_folder(tmp_path / "m", model)


def test_a_folder_that_is_not_whole(tmp_path):
    model = saved(tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(
        ParityError, match=r"^model\.safetensors of the saved folder cannot be read \(.*\); save it again\.$"
    ):
        check_folder(tmp_path / "m", model)
    (tmp_path / "m" / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"^m has no config\.json"):
        check_folder(tmp_path / "m", model)
