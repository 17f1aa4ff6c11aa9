"""The table and the picture of the nets that ship hold what was recorded, and are up to date."""

from __future__ import annotations

import re
import shutil
from copy import deepcopy
from xml.etree import ElementTree

import pytest

from training.table import PLACES, ROOT, picture, recorded, steps_table, table
from training.times import measure
from vgg_hub import VGG
from vgg_hub.bundled import bundled_names

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def two() -> dict:
    """The record of a net that ships, and as if there were one without batch normalisation, worse by known figures."""
    with_norm = recorded()["vgg11-bn"]
    without = deepcopy(with_norm)
    without["as_shipped"]["scores"] = {"tiny": 0.4, "caltech": 0.801, "cifar": 0.8}
    size = str(without["evaluation"]["input_size"])
    without["evaluation"]["transfer"]["trained"][size] = {"mean": 0.9, "deviation": 0.05}
    without["evaluation"]["transfer"]["random"][size] = {"mean": 0.7, "deviation": 0.1}
    return {"vgg11": without, "vgg11-bn": with_norm}


def test_every_net_that_ships_has_a_record():
    assert sorted(recorded()) == sorted(bundled_names())


def test_what_stands_in_the_readme_is_what_was_recorded():
    text = (ROOT / "weights" / "README.md").read_text(encoding="utf-8")
    assert PLACES["nets"].search(text)[1] == table(recorded())
    steps = (ROOT / "training" / "README.md").read_text(encoding="utf-8")
    assert PLACES["steps"].search(steps)[1] == steps_table()
    assert (ROOT / "weights" / "nets.svg").read_text(encoding="utf-8") == picture(recorded())


def test_a_row_holds_the_nets_own_figures(two, tmp_path):
    net = VGG(layers=[8, "M"], hidden_features=0, input_size=32, pool_size=1, num_classes=2)
    for name in two:
        net.save_pretrained(tmp_path / "weights" / name)
    two["vgg11"]["milliseconds"] = {"picture": 1.25, "opening": 30.0}
    size = two["vgg11"]["evaluation"]["input_size"]
    _, _, first, second = table(two, tmp_path).splitlines()
    # 3 * 9 * 8 + 8 numbers of the convolution, 16 of the batch norm, 8 * 2 + 2 of the head; 32 * 32 * 216 + 16 multiply-adds.
    expected = (
        f"| `vgg11` | 40.0 % | 80.1 % | 80.0 % | 90.0 ± 5.0 % | 70.0 ± 10.0 % | {size} px | 258 | 0 million | 1.2 ms |"
    )
    assert first == f"{expected} 30.0 ms |"
    assert second.startswith("| `vgg11-bn` | ")


def test_the_picture_is_drawn_to_scale(two):
    root = ElementTree.fromstring(picture(two))  # noqa: S314, it is ours
    left, right = root.findall(f"{SVG}g")
    circles = [(float(c.get("cx")), float(c.get("cy")), c.get("fill")) for c in left.iter(f"{SVG}circle")]
    grid = [float(re.match(r"M\S+ (\S+)H", p.get("d"))[1]) for p in left.iter(f"{SVG}path") if "H" in p.get("d")]
    bottom, top = grid[0], grid[-1]
    shares = {fill: 0.5 + 0.5 * (bottom - y) / (bottom - top) for _, y, fill in circles}
    trained, random = (two["vgg11-bn"]["evaluation"]["transfer"][kind] for kind in ("trained", "random"))
    size = str(two["vgg11-bn"]["evaluation"]["input_size"])
    assert shares["#b45309"] == pytest.approx(0.9, abs=1e-3)
    assert shares["#0f766e"] == pytest.approx(trained[size]["mean"], abs=1e-3)
    assert shares["#78716c"] == pytest.approx(random[size]["mean"], abs=1e-3), (
        "of the same net, with batch normalisation"
    )
    assert len(list(right.iter(f"{SVG}circle"))) == 2


def test_the_times_are_of_the_nets_that_were_named(shipped, tmp_path):
    source = VGG(layers=[8, "M"], hidden_features=0, input_size=32, pool_size=1, num_classes=2)
    source.save_pretrained(tmp_path / "tiny")
    shutil.copytree(tmp_path / "tiny", shipped / "vgg13")
    found = measure(("vgg13",), warm=0, repeats=3)
    assert found.keys() == {"vgg13"}
    assert all(0 < found["vgg13"][what] < 5000 for what in ("picture", "opening"))
