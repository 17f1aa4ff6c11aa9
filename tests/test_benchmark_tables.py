"""The tables of README and docs are what the committed measurements say."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.speed_tables import layers_picture
from benchmarks.tables import DOCUMENTS, PICTURE, RESULTS, TABLES, filled

TEXTS = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
FACTS = {
    "command": "python -m benchmarks.tutorial --epochs 5",
    "versions": {"torch": "2.14.1"},
    "cpu": {"name": "Some CPU", "threads": 2, "instructions": "AVX2"},
}
SPEED = {
    "seconds": {"clock": {"vgg_hub": 5.04, "tutorial": 88.0}, "processor": {"vgg_hub": 9.0, "tutorial": 170.96}},
    "ratio": {"clock": 17.5, "processor": 19.0},
}


@pytest.fixture
def results(tmp_path):
    (tmp_path / "tutorial.json").write_text(json.dumps(FACTS | SPEED), encoding="utf-8")
    return tmp_path


def test_every_table_stands_somewhere_as_the_results_give_it():
    assert sorted(re.findall(r"<!-- table: (.*) -->", "".join(TEXTS))) == sorted(TABLES)
    assert [filled(text) for text in TEXTS] == TEXTS, "python -m benchmarks.tables writes them"


def test_the_picture_is_made_from_the_results():
    result = json.loads((RESULTS / "classifying.json").read_text(encoding="utf-8"))
    drawn = PICTURE.read_text(encoding="utf-8")
    assert drawn == layers_picture(result), "python -m benchmarks.tables draws it"
    whole = sum(result["16"]["layers"]["ours"]["milliseconds a picture"].values())
    assert f">{whole:.1f} ms</text>" in drawn


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_result_says_how_it_was_made(path):
    result = json.loads(path.read_text(encoding="utf-8"))
    benchmark = path.stem.partition("-")[0]  # "classifying-intel" is of the same one on another machine
    assert re.match(rf"python -m benchmarks\.{benchmark}\b", result["command"])
    assert f"--json benchmarks/results/{path.name}" in result["command"]
    assert not re.search(r"(^|\s)/", result["command"]), "a folder of one machine"
    assert {"torch", "python", "vgg_hub"} <= set(result["versions"])
    assert result["cpu"]["name"]


def test_a_table_is_made_from_its_result(results):
    text = "before\n<!-- table: speed -->\nold\n<!-- end -->\nafter\n"
    assert filled(text, results) == (
        "before\n<!-- table: speed -->\n"
        "| time | `finetune` | PyTorch's tutorial | ratio |\n"
        "| --- | --- | --- | --- |\n"
        "| clock | 5.0 s | 88.0 s | 17.5 times |\n"
        "| processor | 9.0 s | 171.0 s | 19.0 times |\n"
        "\n`python -m benchmarks.tutorial --epochs 5`, torch 2.14.1 on Some CPU, 2 threads, AVX2.\n\n"
        "<!-- end -->\nafter\n"
    )


def test_making_it_again_changes_nothing(results):
    text = filled("<!-- table: speed -->\n<!-- end -->\n<!-- table: speed -->\n<!-- end -->\n", results)
    assert text.count("17.5 times") == 2
    assert filled(text, results) == text


def test_a_table_that_nobody_makes_is_named(results):
    message = r"There is no table 'sped'; expected speed, few photos, coverage, unlike, growth, processes, "
    message += (
        r"classifying, in short, opening, classifying, classifying, AVX2, winograd, deeper, folder, starting, page, "
    )
    message += r"together, visitors\."
    with pytest.raises(SystemExit, match=message):
        filled("<!-- table: sped -->\n<!-- end -->\n", results)


def test_a_result_that_is_missing_is_named(results):
    with pytest.raises(SystemExit, match=r"unlike\.json is missing; run python -m benchmarks\.unlike with --json"):
        filled("<!-- table: unlike -->\n<!-- end -->\n", results)
