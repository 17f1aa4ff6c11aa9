"""The card's metadata: what the Hub's client reads again, and nothing that the Hub would refuse."""

from __future__ import annotations

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from tests.test_card import HOSTILE, REPORT, SHIPPED, seen
from tests.toys import textures, tiny_vgg, tuned
from vgg_hub import VGGConfig
from vgg_hub.card import render_card
from vgg_hub.card_metadata import is_repo_id
from vgg_hub.config_json import config_to_json, read_config

BARE = VGGConfig(layers=[8, "M"])


def data_of(facts: object, config: VGGConfig = BARE, **options: object) -> dict[str, object]:
    """The metadata as the Hub's client reads it, which is what plain YAML says."""
    text = render_card(config, facts, **options)
    card = ModelCard(text)
    assert str(card) == text, "the client would write it otherwise"
    data = card.data.to_dict()
    assert yaml.safe_load(text.partition("---\n")[2].partition("\n---\n")[0]) == data
    return data


def test_front_matter_of_a_fine_tuned_net(tmp_path):
    model = tiny_vgg().replace_head(["cat", "dog"])
    model.provenance = REPORT | {"licence": "bsd-3-clause"}
    model.save_pretrained(tmp_path / "m")
    data = ModelCard.load(tmp_path / "m" / "README.md").data
    assert (data.library_name, data.pipeline_tag, data.license) == ("vgg-hub", "image-classification", "bsd-3-clause")
    assert data.tags == ["vgg", "vgg-bn"]
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.9)
    assert result.metric_args == {"low": 0.735, "high": 0.979, "n": 30}


def test_epochs_are_not_called_cross_validation():
    names = [
        data_of(REPORT | more)["model-index"][0]["results"][0]["dataset"]["name"]
        for more in ({}, {"training": {"epochs": 2}})
    ]
    assert names == [f"the photos it was fine-tuned on, {how}" for how in ("cross-validated", "some held out")]


def test_the_bases_licence_and_name_go_through_a_fine_tuning():
    model = tiny_vgg(seed=1)
    model.provenance, model.source = {"licence": "bsd-3-clause"}, "timm/vgg11_bn.tv_in1k@0123456789ab"
    finished = tuned(textures(8), model)
    data = data_of(finished.model.provenance, finished.model.config)
    assert (data["license"], data["base_model"]) == ("bsd-3-clause", "timm/vgg11_bn.tv_in1k")
    assert data["base_model_relation"] == "finetune"
    args = data["model-index"][0]["results"][0]["metrics"][0]["args"]
    assert args["n"] == 16
    assert 0 <= args["low"] < args["high"] <= 1


def test_front_matter_of_a_shipped_net():
    data = ModelCard(render_card(VGGConfig(depth=13), SHIPPED)).data
    (result,) = data.eval_results
    assert (data.model_name, data.license) == ("vgg13-bn", "mit")
    assert (result.dataset_name, result.dataset_type, result.dataset_split) == ("Some Set", "some-set", "test")
    assert (result.metric_value, result.metric_args) == (0.8765, {"n": 10_000})


def test_what_is_not_known_is_not_in_the_front_matter():
    assert data_of(None, VGGConfig()) == {
        "library_name": "vgg-hub",
        "pipeline_tag": "image-classification",
        "tags": ["vgg", "vgg11-bn", "timm", "transformers"],
    }


@pytest.mark.parametrize("fields", [{"width": 0.5}, {"input_size": 256}, {"in_channels": 1}, {"hidden_features": 64}])
def test_what_timm_cannot_open_is_not_tagged_so(fields):
    assert data_of(None, VGGConfig(**fields))["tags"] == ["vgg", "vgg11-bn"]


@pytest.mark.parametrize(
    ("licence", "license_", "name"),
    [
        ("mit", "mit", None),
        ("openrail++", "openrail++", None),
        ("my-own-1.0", "other", "my-own-1.0"),
        ("1.0", "other", "1.0"),
        ("null", "other", "null"),
        ("MIT\nevil: 1", None, None),
        ("mit ", None, None),
        ("", None, None),
        (["mit"], None, None),
    ],
)
def test_a_licence_is_one_that_the_hub_takes(licence, license_, name):
    data = data_of({"licence": licence})
    assert (data.get("license"), data.get("license_name")) == (license_, name)


@pytest.mark.parametrize(
    ("base", "repo"),
    [
        ("timm/vgg11_bn.tv_in1k@0123456789ab", "timm/vgg11_bn.tv_in1k"),
        ("me/cats@" + "a" * 40, "me/cats"),
        ("me/cats", "me/cats"),
        ("vgg11-bn", None),
        ("random weights", None),
        ("folder", None),
        ("me/cats@main", None),
        ("me/cats@0123456789ab\n", None),
        ("a/b/c", None),
        ("me/..", None),
        ("a--b/c", None),
        ("mé/cats", None),
        ("me/cats.git", None),
        ("./cats", None),
        ("me/" + "x" * 97, None),
        ("me/cats\nlicense: mit", None),
        (["me/cats"], None),
        (None, None),
    ],
)
def test_the_base_model_is_a_repo(base, repo):
    data = data_of({"base": base})
    assert (data.get("base_model"), data.get("base_model_relation")) == (repo, repo and "finetune")


def test_a_head_alone_names_what_it_stands_on():
    facts = {"base": "me/older@0123456789ab"}
    assert data_of(facts, VGGConfig(), delta={"name": "me/cats"})["base_model"] == "me/cats"
    assert data_of(facts, VGGConfig(), delta={"name": "me/cats"})["tags"] == ["vgg", "vgg11-bn"]
    assert "base_model" not in data_of(facts, delta={"name": "vgg11-bn"})
    assert "base_model" not in data_of(facts, delta={"name": 5})


def test_data_sets_are_those_with_a_valid_id():
    rows = [{"hub": hub} for hub in ("cifar10", "me/cats", "cifar10", "a b", "../x", 5, None, "x\n", "", "a/b/c")]
    assert data_of({"data": rows})["datasets"] == ["cifar10", "me/cats"]
    assert "datasets" not in data_of({"data": [{"name": "Some Set"}, {"hub": "no good"}]})


def test_results_of_names_that_look_alike_stay_apart():
    """The client puts results of one type and split under the first one's name."""
    names = ["고양이", "개", "a!", "a?", "a-2"]
    data = ModelCard(render_card(BARE, {"scores": [{"dataset": n, "accuracy": 0.5} for n in names]})).data
    assert [r.dataset_name for r in data.eval_results] == names
    assert [r.dataset_type for r in data.eval_results] == ["pictures", "pictures-2", "a", "a-2", "a-2-2"]


TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), TEXTS, TEXTS)
def test_any_names_make_valid_metadata_that_holds_them(pairs, base, hub):
    facts = {
        "scores": [{"dataset": name, "split": split, "accuracy": 0.25} for name, split in pairs],
        "base": base,
        "licence": hub,
        "data": [{"name": base, "hub": hub}],
    }
    data = data_of(facts)
    results = data["model-index"][0]["results"]
    shown = [(r["dataset"]["name"], r["dataset"]["split"]) for r in results]
    assert shown == [(seen(name)[:80] or "pictures", seen(split)[:40] or "test") for name, split in pairs]
    assert data.get("datasets", [hub]) == [hub]
    assert ("datasets" in data) == is_repo_id(hub)


@given(st.text(max_size=20))
def test_metadata_survives_the_config_file(tmp_path, text):
    path = tmp_path / "config.json"
    facts = {"scores": [{"dataset": text, "accuracy": 0.5}], "licence": "mit", "base": "me/cats@0123456789ab"}
    path.write_text(config_to_json(BARE, facts), encoding="utf-8")
    assert data_of(read_config(path, "m")[1]) == data_of(facts)
