"""What the card says of loading: each way only where it holds, and its code runs; the check; the head alone."""

from __future__ import annotations

import importlib.util
import json
import re
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.test_card import HOSTILE, cells, structure
from tests.test_config_json import JSON
from tests.toys import run_python, smooth_picture, tiny_vgg
from vgg_hub import VGG, VGGConfig
from vgg_hub.card import render_card

SHA = "ab" * 32
RECEIPT = {
    "pictures": 4,
    "saved_as": "float16",
    "rounding": {"logits": 0.0031, "spread": 1.44, "top1": 0.75},
    "loaders": [
        {
            "name": "vgg_hub",
            "version": "0.1.0",
            "outcome": "equal",
            "logits": 0.0,
            "preprocessing": 0.0,
            "labels": True,
            "why": None,
        },
        {"name": "timm", "version": "1.0.31", "outcome": "equal", "logits": 2.5e-6, "preprocessing": 0, "labels": None},
        {"name": "transformers", "version": None, "outcome": "not installed", "logits": None, "labels": None},
        {"name": "torchvision", "version": "0.29.1", "outcome": "not for this net", "why": "its width is | 0.5"},
    ],
}
EQUAL = ["vgg_hub", "0.1.0", "equal", "0.0e+00", "0.0e+00", "the same"]


def code(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("fields", "timm", "torchvision"),
    [
        ({}, True, "vgg11_bn"),
        ({"depth": 19, "batch_norm": False}, True, "vgg19"),
        ({"input_size": 256}, False, "vgg11_bn"),
        ({"width": 0.5}, False, None),
        ({"pool_size": 3}, False, None),
        ({"hidden_features": 0}, False, None),
        ({"in_channels": 1}, False, None),
        ({"layers": [64, "M"]}, False, None),
    ],
)
def test_each_way_stands_only_where_it_holds(fields, timm, torchvision):
    text = render_card(VGGConfig(**fields), where="me/net")
    assert 'VGG.from_pretrained("me/net")' in text
    assert ('timm.create_model("hf-hub:me/net", pretrained=True)' in text) == timm
    assert ('pipeline("image-classification", "me/net")' in text) == timm
    assert re.findall(r"from torchvision.models import (\w+)", text) == ([torchvision] if torchvision else [])
    assert len(code(text)) == 1 + 2 * timm + (torchvision is not None)


@pytest.mark.parametrize("where", ["FOLDER", "/home/me/net", "./net", "../me/net", "a/b/c"])
def test_a_local_folder_opens_in_timm_by_another_scheme(where):
    assert f'timm.create_model("local-dir:{where}"' in render_card(VGGConfig(), None, where)


def ran(folder: Path, photo: Path) -> list[object]:
    """What the card's pieces of code make, in a fresh process and in the photo's folder: a net's logits or the rest."""
    script = """
        import contextlib, io, json, os, sys
        from pathlib import Path
        import torch
        from PIL import Image
        from tests.test_card_loading import code

        folder, photo = map(Path, sys.argv[1:])
        os.chdir(photo.parent)
        x = None
        made = []
        for piece in code((folder / "README.md").read_text(encoding="utf-8")):
            names, printed = {}, io.StringIO()
            with contextlib.redirect_stdout(printed), torch.no_grad():
                exec(piece, names)
                if "preprocess" in names:
                    x = names["preprocess"](Image.open(photo))[None]
                logits = names["model"](x)[0].tolist() if "model" in names and x is not None else None
            made.append([logits, printed.getvalue()])
        print(json.dumps(made))
    """
    done = run_python(script, folder, photo)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_code_of_a_tiny_nets_card_runs(tmp_path):
    smooth_picture(50, 40).save(tmp_path / "photo.jpg")
    model = tiny_vgg().replace_head(["cat", "dog"])
    folder = tmp_path / "net"
    model.save_pretrained(folder, card=render_card(model.config, None, str(folder)))
    ((_, printed),) = ran(folder, tmp_path / "photo.jpg")
    assert re.search(r"Prediction\(label='(cat|dog)'", printed)


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("timm", "transformers"))), reason="timm and transformers are extras"
)
def test_the_code_of_a_whole_nets_card_runs_and_agrees():
    model = VGG(depth=11, label_names=["cat", "dog", "cow"], input_size=32).eval()
    with torch.no_grad():
        model.head.weight.mul_(300)  # a fresh net says nearly the same of all classes
    with tempfile.TemporaryDirectory() as scratch:  # half a gigabyte: not for pytest to keep
        smooth_picture(50, 40).save(Path(scratch) / "photo.jpg")
        folder = Path(scratch) / "net"
        model.save_pretrained(folder, card=render_card(model.config, None, str(folder)))
        ours, timm, transformers, torchvision = ran(folder, Path(scratch) / "photo.jpg")
    expected = torch.tensor(timm[0])
    assert expected.std() > 0.1
    assert torch.allclose(torch.tensor(torchvision[0]), expected, atol=1e-4)
    order = [model.config.label_names[i] for i in expected.argsort(descending=True)]
    scores = expected.softmax(0).sort(descending=True).values.tolist()
    answer = json.loads(transformers[1].replace("'", '"'))
    assert [row["label"] for row in answer] == order
    assert [row["score"] for row in answer] == pytest.approx(scores, abs=1e-3)
    assert f"Prediction(label='{order[0]}'" in ours[1]


def test_the_check_is_told_a_loader_a_row():
    text = render_card(VGGConfig(), receipt=RECEIPT)
    assert "## Checked before it was shared" in text
    assert "the model that was saved, on 4 pictures." in text
    table = [cells(text)[i : i + 6] for i in range(0, 30, 6)]
    assert table[0] == ["Loader", "Version", "Outcome", "Logits", "Preprocessing", "Labels"]
    assert table[1:3] == [EQUAL, ["timm", "1.0.31", "equal", "2.5e-06", "0.0e+00", ""]]
    assert table[3:] == [
        ["transformers", "", "not installed", "", "", ""],
        ["torchvision", "0.29.1", "not for this net, its width is | 0.5", "", "", ""],
    ]
    assert (
        "The weights are stored in half precision, float16: it changed the logits by at most 0.0031, where they differ "
        "by 1.4 from picture to picture; the first class stayed the same on 75 % of the pictures.\n"
    ) in text


@pytest.mark.parametrize(
    ("receipt", "sentence"),
    [
        ({"saved_as": "bfloat16"}, "The weights are stored in half precision, bfloat16.\n"),
        (
            {"saved_as": "float16", "rounding": {"logits": 0.5, "spread": "wide", "top1": 2}},
            "float16: it changed the logits by at most 0.5.\n",
        ),
        (
            {"saved_as": "float16", "rounding": {"logits": float("nan"), "top1": 1}},
            "float16: the first class stayed the same on 100 % of the pictures.\n",
        ),
    ],
)
def test_half_precision_is_told_as_far_as_it_is_known(receipt, sentence):
    assert sentence in render_card(VGGConfig(), receipt=receipt)


@pytest.mark.parametrize(
    "receipt",
    [
        {"saved_as": "float32", "rounding": None, "loaders": []},
        {"saved_as": ["float16"], "rounding": {"logits": 1}},
        {"loaders": "all", "pictures": 4},
        {"loaders": [5, {}, {"name": "timm"}, {"name": ["timm"], "outcome": "equal"}]},
        {"loaders": [{"name": "evil", "outcome": "equal"}, {"name": "timm", "outcome": "<b>fine</b>"}]},
    ],
)
def test_a_receipt_without_facts_makes_no_section(receipt):
    assert render_card(VGGConfig(), receipt=receipt) == render_card(VGGConfig())


ROWS = st.fixed_dictionaries(
    {"name": st.just("timm"), "outcome": st.sampled_from(["equal", "not installed", "not for this net"])},
    optional=dict.fromkeys(["version", "logits", "preprocessing", "labels", "why"], JSON | st.sampled_from(HOSTILE)),
)
RECEIPTS = st.fixed_dictionaries(
    {"loaders": st.lists(ROWS, min_size=1, max_size=1)},
    optional={
        "saved_as": st.just("float16"),
        "pictures": JSON,
        "rounding": st.fixed_dictionaries({}, optional=dict.fromkeys(["logits", "spread", "top1"], JSON)) | JSON,
    },
)


@given(RECEIPTS)
def test_no_value_of_a_receipt_is_markup(receipt):
    plain = {"loaders": [{"name": "timm", "outcome": "equal"}], "saved_as": receipt.get("saved_as")}
    found, expected = (structure(render_card(VGGConfig(), receipt=told)) for told in (receipt, plain))
    assert [t for t in found if t[0] != "text"] == [t for t in expected if t[0] != "text"]  # a cell may be empty


def test_a_head_alone_says_what_it_needs():
    delta = {"name": "timm/vgg11_bn.tv_in1k", "commit": "0123456789ab" * 3 + "0123", "sha256": SHA}
    text = render_card(VGGConfig(), where="me/cats", delta=delta)
    assert "**Only the last layer is here.** This is a format of vgg-hub's own" in text
    assert f"timm/vgg11\\_bn.tv\\_in1k at commit {delta['commit']} (sha256 of its weights: {SHA}), which" in text
    assert "timm, transformers and torchvision cannot open it. This writes the whole folder, which they open:" in text
    assert "```sh\nvgg-hub convert me/cats OUT\n```\n" in text
    assert len(code(text)) == 1
    assert "create_model" not in text
    assert "This writes the whole folder:" in render_card(VGGConfig(width=0.5), delta=delta)
    assert "vgg-hub convert 'my cats' OUT\n" in render_card(VGGConfig(), where="my cats", delta=delta)
    assert "at commit" not in render_card(VGGConfig(), delta={"name": "vgg11-bn", "version": "0.1.0", "sha256": SHA})


@given(st.dictionaries(st.sampled_from(["base", "name", "commit", "sha256"]), JSON | st.sampled_from(HOSTILE)))
def test_no_value_of_a_base_is_markup(delta):
    text = render_card(VGGConfig(), delta=delta)
    assert structure(text) == structure(render_card(VGGConfig(), delta={}))
    assert ("at commit" in text, "sha256 of" in text) == (False, False)
