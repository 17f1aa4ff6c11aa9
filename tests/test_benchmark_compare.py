"""A figure that became worse by a tenth is seen, whichever way is better."""

import copy
import json

import pytest

from benchmarks import compare
from benchmarks.tables import RESULTS

RUN = {
    "command": "python -m benchmarks.opening --repeats 5",
    "cpu": {"name": "Some CPU", "threads": 2},
    "load": 0.1,
    "warm": {
        "seconds": {"vgg_hub": 0.1, "mixin": 1.0},
        "seconds, ours over": {"mixin": 0.1},
        "runs": [{"vgg_hub": 0.1}, {"vgg_hub": 0.2}],
    },
    "ratio": {"clock": 40.0},
    "rows": [{"photos": 10, "milliseconds_a_photo": 2.0}],
}


def run(monkeypatch, tmp_path, old, new, *more):
    paths = []
    for name, document in (("old", old), ("new", new)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["compare", *map(str, paths), *more])
    return compare.main()


def changed(path: list, factor: float) -> dict:
    document = copy.deepcopy(RUN)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] *= factor
    return document


def test_only_figures_of_ours_are_compared():
    assert {name: small for name, _, small in compare.figures(RUN)} == {
        "warm / seconds / vgg_hub": True,
        "warm / seconds, ours over / mixin": True,
        "ratio / clock": False,
        "rows / 0 / milliseconds_a_photo": True,
    }


@pytest.mark.parametrize(
    ("path", "factor", "status"),
    [
        (["warm", "seconds", "vgg_hub"], 1.11, 1),
        (["warm", "seconds", "vgg_hub"], 1.09, 0),
        (["warm", "seconds", "vgg_hub"], 0.5, 0),
        (["warm", "seconds, ours over", "mixin"], 1.2, 1),
        (["ratio", "clock"], 0.9, 1),
        (["ratio", "clock"], 0.92, 0),
        (["ratio", "clock"], 2, 0),
        (["rows", 0, "milliseconds_a_photo"], 1.5, 1),
        (["warm", "seconds", "mixin"], 2, 0),  # a peer's
        (["load"], 100, 0),
    ],
)
def test_the_exit_status_says_whether_a_figure_is_worse_by_a_tenth(monkeypatch, tmp_path, capsys, path, factor, status):
    assert run(monkeypatch, tmp_path, RUN, changed(path, factor)) == status
    assert f"{status} of 4 figures worse by 10% or more; 0 in one of the files alone." in capsys.readouterr().out


def test_the_worst_comes_first(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, tmp_path, RUN, changed(["ratio", "clock"], 0.5)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| ratio / clock | 40 | 20 | 0.50 | worse |"
    assert lines[3] == "| warm / seconds / vgg_hub | 0.1 | 0.1 | 1.00 |  |"


def test_the_tolerance_can_be_chosen(monkeypatch, tmp_path):
    assert run(monkeypatch, tmp_path, RUN, changed(["ratio", "clock"], 0.8), "--tolerance", "0.3") == 0


def test_another_machine_and_a_figure_that_is_gone_are_said(monkeypatch, tmp_path, capsys):
    new = copy.deepcopy(RUN) | {"cpu": {"name": "Another", "threads": 2}}
    del new["ratio"]
    assert run(monkeypatch, tmp_path, RUN, new) == 0
    said = capsys.readouterr().out
    assert "0 of 3 figures worse by 10% or more; 1 in one of the files alone." in said
    assert "They were measured on different machines: only the ratios can be compared." in said


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (
            RUN | {"command": "python -m benchmarks.growth"},
            r"^These are of two benchmarks, opening and growth; give two runs",
        ),
        (
            {"command": "python -m benchmarks.opening"},
            r"^The two have no figure in common; give two runs of one benchmark\.$",
        ),
        ({"seconds": 1}, r"^new\.json is not what a benchmark wrote: it names no command\.$"),
        ([], r"^new\.json is not what a benchmark wrote"),
    ],
)
def test_what_cannot_be_compared_is_said(monkeypatch, tmp_path, new, message):
    with pytest.raises(SystemExit, match=message):
        run(monkeypatch, tmp_path, RUN, new)


def test_a_file_that_is_no_json_is_named(monkeypatch, tmp_path):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["compare", str(tmp_path / "bad.json"), str(tmp_path / "none.json")])
    with pytest.raises(SystemExit, match=r"^bad\.json cannot be read as JSON .* give what a benchmark wrote\.$"):
        compare.main()


@pytest.mark.parametrize("name", ["opening", "classifying", "tutorial", "growth", "processes"])
def test_a_committed_result_compares_with_itself(monkeypatch, capsys, name):
    path = str(RESULTS / f"{name}.json")
    monkeypatch.setattr("sys.argv", ["compare", path, path])
    assert compare.main() == 0
    assert int(capsys.readouterr().out.rpartition("0 of ")[2].split(" ")[0]) >= 3
