"""The recipe: splits, augmentation, a run that learns and resumes, the ten-photo tasks, the export's labels."""

import importlib
import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from training import train as recipe_module
from training.augment import MEAN, STD, augment, normalise
from training.command import command
from training.evaluate import evaluate, load_run, ten_photo_accuracy
from training.export import SEEN_SINCE, facts, judge, label_names, shipped_net, start_name
from training.pictures import PictureSet, hash_share, held_out_categories, load_sets, split_caltech
from training.recipe import Recipe
from training.train import embed, make_net, train
from vgg_hub import VGG
from vgg_hub.errors import ConfigError

CATEGORIES = ["Faces", "Faces_easy", "Leopards", "accordion", "bass", "beaver", "camera", "dalmatian", "ewer", "lamp"]


def drawn_set(count: int, side: int, seed: int) -> PictureSet:
    """Two classes that differ in the direction of their stripes, with noise."""
    chance = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    waves = np.sin(np.arange(side)[None] * 1.6 + chance.uniform(0, 6, (count, 1))) * 90
    rows, columns = waves[:, :, None].repeat(side, 2), waves[:, None].repeat(side, 1)
    stripes = np.where(labels[:, None, None] == 0, rows, columns) + chance.normal(128, 10, (count, side, side))
    images = stripes.clip(0, 255).astype(np.uint8)[:, None].repeat(3, 1)
    return PictureSet(images, labels.astype(np.int64), ("rows", "columns"))


@pytest.fixture(scope="module")
def toy_sets():
    sides = {"tiny": 64, "caltech": 64, "cifar": 32}
    sets = {
        name: {"train": drawn_set(48, side, seed), "val": drawn_set(24, side, seed + 10)}
        for seed, (name, side) in enumerate(sides.items())
    }
    sets["caltech"]["transfer"] = drawn_set(40, 64, 20)
    return sets


CPU = torch.device("cpu")
TOY = Recipe(width=0.125, epochs=3, batch=16, first_size=32, last_size=32, cifar_size=32, peak_rate=0.05, average=0.5)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory, toy_sets):
    """An uninterrupted run on the toy sets: its folder and its rows."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(toy_sets, TOY, folder, CPU)


def test_held_out_categories_are_every_fifth_and_faces_stay_together():
    assert held_out_categories(CATEGORIES) == ("bass", "lamp")
    swapped = ["A", "B", "C", "D", "Faces", "Faces_easy", "G"]
    assert held_out_categories(swapped) == ("Faces", "Faces_easy")
    assert held_out_categories(["A", "B", "C", "Faces", "Faces_easy"]) == ()


def test_hash_share_depends_on_the_name_only_and_keeps_faces_together():
    assert hash_share("Faces/image_0007") == hash_share("Faces_easy/image_0007")
    shares = np.array([hash_share(f"lamp/image_{i:04}") for i in range(2000)])
    assert shares[7] == hash_share("lamp/image_0007")
    assert abs((shares < 0.15).mean() - 0.15) < 0.03


@pytest.mark.parametrize("keep_all", [False, True])
def test_caltech_splits_are_disjoint_and_leave_held_out_categories_alone(keep_all):
    names = [f"{category}/image_{i:04}" for category in CATEGORIES for i in range(40)]
    order = np.arange(len(names), dtype=np.int64)
    everything = PictureSet(order[:, None, None, None], order // 40, tuple(CATEGORIES))  # each picture is its number
    parts = split_caltech(everything, names, keep_all)
    numbers = {part: set(pictures.images.ravel().tolist()) for part, pictures in parts.items()}
    assert not numbers["train"] & numbers["val"]
    for part, pictures in parts.items():
        found = [pictures.classes[label] for label in pictures.labels]
        assert found == [names[number].split("/")[0] for number in pictures.images.ravel()], part
    held = {number for number, name in enumerate(names) if name.split("/")[0] in ("bass", "lamp")}
    assert numbers["transfer"] == held
    if keep_all:
        assert numbers["train"] | numbers["val"] == set(range(len(names)))
        assert parts["train"].classes == tuple(CATEGORIES)
    else:
        assert numbers["train"] | numbers["val"] == set(range(len(names))) - held
        assert not {"bass", "lamp"} & set(parts["train"].classes)


def test_load_sets_reads_folders_of_pictures_and_reuses_the_cache(tmp_path):
    folders = ["tiny-imagenet/train/n1", "tiny-imagenet/val/n1", "cifar10/train/cat", "cifar10/test/cat"]
    for number, folder in enumerate([*folders, *(f"caltech101/{name}" for name in CATEGORIES)]):
        (tmp_path / "data" / folder).mkdir(parents=True)
        Image.new("RGB", (160, 128), (number, 50, 200)).save(tmp_path / "data" / folder / "image_0001.png")
    sets = load_sets(tmp_path / "data", tmp_path / "cache")
    assert sets["cifar"]["val"].images.shape == (1, 3, 32, 32)
    assert sets["cifar"]["val"].images[0, :, 5, 5].tolist() == [3, 50, 200]
    transfer = sets["caltech"]["transfer"]
    assert transfer.classes == ("bass", "lamp")
    assert transfer.images[:, 0, 64, 64].tolist() == [4 + CATEGORIES.index("bass"), 4 + CATEGORIES.index("lamp")]
    for file in (tmp_path / "data").rglob("*.png"):
        file.write_bytes(b"")  # a second reading must come from the cache
    again = load_sets(tmp_path / "data", tmp_path / "cache")
    assert np.array_equal(again["caltech"]["transfer"].images, transfer.images)


def test_load_sets_names_what_is_missing(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"holds neither the folder caltech101 nor tiny-imagenet-train\.tar\.xz"
    ):
        load_sets(tmp_path, tmp_path / "cache")


def test_augment_keeps_shape_and_range_and_follows_the_generator():
    pictures = torch.from_numpy(drawn_set(16, 64, 0).images)
    first = augment(pictures, 40, torch.Generator().manual_seed(5))
    assert first.shape == (16, 3, 40, 40)
    assert first.dtype == torch.float32
    low, high = normalise(torch.zeros(1, 3, 1, 1)), normalise(torch.ones(1, 3, 1, 1))
    assert (first >= low - 1e-5).all()
    assert (first <= high + 1e-5).all()
    assert torch.equal(first, augment(pictures, 40, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, augment(pictures, 40, torch.Generator().manual_seed(6)))


def test_augment_mirrors_half_of_the_pictures_and_turns_none_upside_down():
    ramp = torch.linspace(30, 220, 64).byte()
    across = augment(ramp.expand(200, 3, 64, 64).contiguous(), 32, torch.Generator().manual_seed(0))
    rising = across[:, 0, :, -1].mean(1) > across[:, 0, :, 0].mean(1)
    assert 70 < rising.sum().item() < 130
    down = augment(ramp[:, None].expand(200, 3, 64, 64).contiguous(), 32, torch.Generator().manual_seed(0))
    assert (down[:, 0, -1].mean(1) > down[:, 0, 0].mean(1)).all()


def test_augment_without_smaller_crops_is_the_picture_with_other_colours():
    pictures = torch.full((8, 3, 32, 32), 100, dtype=torch.uint8)
    out = augment(pictures, 32, torch.Generator().manual_seed(0), smallest_area=1.0)
    values = out * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    # A grey picture has neither contrast nor saturation: brightness alone moves it, by at most three tenths.
    assert torch.allclose(values, values[:, :1, :1, :1].expand_as(values), atol=1e-4)
    assert ((values > 100 / 255 * 0.69) & (values < 100 / 255 * 1.31)).all()


def test_recipe_grows_the_pictures_and_lets_the_rate_rise_and_fall():
    recipe = Recipe(epochs=10)
    sizes = [recipe.size(epoch) for epoch in range(10)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (40, 64)
    whole = Recipe(epochs=5, first_size=32, size_step=32)
    assert [whole.size(epoch) for epoch in range(5)] == [32, 32, 32, 64, 64]
    short = Recipe(epochs=2, first_size=32, size_step=32)
    assert [short.size(epoch) for epoch in range(2)] == [32, 64]
    assert Recipe(epochs=1, first_size=32, size_step=32).size(0) == 32
    assert recipe.rate(0.2) == pytest.approx(recipe.peak_rate, rel=1e-3)
    assert recipe.rate(0) < recipe.rate(0.1) < recipe.rate(0.2) > recipe.rate(0.6) > recipe.rate(1)
    assert recipe.rate(1) < 1e-3 * recipe.peak_rate


def test_a_run_lowers_the_loss(whole_run):
    folder, rows = whole_run
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
    log = json.loads((folder / "log.json").read_text())
    assert log["epochs"] == rows
    assert log["recipe"]["seed"] == 0
    assert log["machine"]["torch"] == torch.__version__


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_run_on_a_gpu_is_that_on_the_cpu(tmp_path, toy_sets):
    recipe = replace(TOY, bfloat16=False, epochs=1)
    rows = {device: train(toy_sets, recipe, tmp_path / device, device)[0] for device in ("cpu", "cuda")}
    assert rows["cuda"]["loss"] == pytest.approx(rows["cpu"]["loss"], rel=1e-2)
    log = json.loads((tmp_path / "cuda" / "log.json").read_text())
    assert log["machine"]["processor"] == torch.cuda.get_device_name()
    states = [load_file(tmp_path / device / "final.safetensors") for device in rows]
    assert torch.allclose(states[0]["net.features.0.weight"], states[1]["net.features.0.weight"], atol=1e-2)


def test_a_run_begins_from_a_checkpoint(tmp_path, toy_sets, whole_run):
    folder, _ = whole_run
    _, net, heads = load_run(folder, toy_sets)
    expected = {name: tensor.clone() for name, tensor in net.state_dict().items() if not name.startswith("classifier")}
    shipped_net(net, heads["tiny"], ("rows", "columns"), 32).save_pretrained(tmp_path / "shipped")
    for start in (tmp_path / "shipped", folder / "final.safetensors"):
        run = recipe_module._Run(toy_sets, replace(TOY, start=str(start)), tmp_path, CPU)
        for name, tensor in expected.items():
            assert torch.equal(run.net.state_dict()[name], tensor), name
        assert torch.equal(run.heads["tiny"].weight, heads["tiny"].weight)
        assert torch.equal(run.heads["cifar"].weight, heads["cifar"].weight) == (start.name == "final.safetensors")


def test_a_start_whose_head_is_of_other_categories_gives_the_net_and_a_head_is_fitted_to_it(
    tmp_path, toy_sets, whole_run
):
    folder, _ = whole_run
    net = load_file(folder / "final.safetensors")
    wider = {"train": replace(toy_sets["caltech"]["train"], classes=("a", "b", "c"))}
    sets = toy_sets | {"caltech": toy_sets["caltech"] | wider}
    run = recipe_module._Run(sets, replace(TOY, start=str(folder / "final.safetensors")), tmp_path, CPU)
    assert torch.equal(run.net.features[0].weight, net["net.features.0.weight"])
    assert torch.equal(run.heads["tiny"].weight, net["heads.tiny.weight"])
    assert run.heads["caltech"].weight.shape == (3, run.net.config.embed_features)
    assert recipe_module.accuracy(run.net, run.heads["caltech"], toy_sets["caltech"]["val"], 32) > 0.9


def test_sets_may_be_met_more_than_once_an_epoch(toy_sets):
    met = {
        times: sum(
            len(batch["cifar"]) for batch in recipe_module._schedule(toy_sets, replace(TOY, cifar_repeats=times), 0)
        )
        for times in (1, 2)
    }
    assert met == {1: len(toy_sets["cifar"]["train"]), 2: 2 * len(toy_sets["cifar"]["train"])}


def test_an_epoch_may_take_a_share_of_the_large_sets_another_one_each_time(toy_sets):
    first, second = (
        {
            name: np.concatenate([batch.get(name, []) for batch in batches])
            for name in toy_sets
            for batches in [recipe_module._schedule(toy_sets, replace(TOY, share=1 / 3), epoch)]
        }
        for epoch in (0, 1)
    )
    assert {name: len(rows) for name, rows in first.items()} == {"tiny": 16, "caltech": 96, "cifar": 16}
    for name in ("tiny", "cifar"):
        assert len(set(first[name])) == 16
        assert set(first[name]) != set(second[name])


class KilledError(Exception):
    pass


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, toy_sets, whole_run, monkeypatch):
    folder, whole = whole_run
    step, steps = recipe_module._Run._step, []

    def killed_in_the_second_epoch(run, *arguments):
        steps.append(1)
        if len(steps) == 17:  # twelve steps an epoch: three batches of two sets, six of the third
            raise KilledError
        return step(run, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(recipe_module._Run, "_step", killed_in_the_second_epoch)
        with pytest.raises(KilledError):
            train(toy_sets, TOY, tmp_path / "killed", CPU)
    assert len(json.loads((tmp_path / "killed" / "log.json").read_text())["epochs"]) == 1
    resumed = train(toy_sets, TOY, tmp_path / "killed", CPU)
    for before, after in zip(whole, resumed, strict=True):
        assert before | {"seconds": 0} == after | {"seconds": 0}
    states = [load_file(run / "final.safetensors") for run in (folder, tmp_path / "killed")]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_finished_run_is_judged_and_shipped_with_its_own_answers(tmp_path, toy_sets, whole_run, monkeypatch):
    monkeypatch.setattr("training.evaluate.TRANSFER_SIZES", (32,))
    monkeypatch.setattr("training.evaluate.SCORE_SIZES", {"tiny": (32,), "caltech": (32,), "cifar": (32,)})
    folder, rows = whole_run
    recipe, net, heads = load_run(folder, toy_sets)
    assert recipe == TOY
    table = evaluate(net, heads, recipe, toy_sets)
    assert table["input_size"] == 32
    assert table["scores"]["cifar"]["pictures"] == 24
    assert table["scores"]["cifar"]["accuracy"]["32"] == pytest.approx(recipe_accuracy(net, heads, toy_sets), abs=1e-4)
    assert rows[-1]["validation"].keys() == heads.keys()
    x = torch.rand(4, 3, 32, 32)
    expected = heads["tiny"](net.embed(x))
    shipped_net(net, heads["tiny"], ("rows", "columns"), 32).save_pretrained(tmp_path / "shipped")
    loaded = VGG.from_pretrained(tmp_path / "shipped")
    assert torch.allclose(loaded(x), expected, atol=1e-5)
    assert loaded.config.label_names == ("rows", "columns")
    assert (loaded.config.input_size, loaded.config.crop_pct) == (32, 1.0)


def test_a_run_on_all_categories_has_the_ten_photo_figure_of_the_one_it_began_from(
    tmp_path, toy_sets, whole_run, monkeypatch
):
    """It has seen what the tasks are of."""
    monkeypatch.setattr("training.evaluate.SCORE_SIZES", {"tiny": (32,), "caltech": (32,), "cifar": (32,)})
    folder, _ = whole_run
    _, net, heads = load_run(folder, toy_sets)
    recipe = replace(TOY, keep_all=True, start=str(tmp_path / "final.safetensors"))
    missing = tmp_path / "evaluation.json"
    with pytest.raises(FileNotFoundError, match=rf"^{re.escape(str(missing))} is missing: a net trained on all .*"):
        evaluate(net, heads, recipe, toy_sets)
    with pytest.raises(FileNotFoundError, match=r"^This run began from random weights: .* and begin from it\.$"):
        evaluate(net, heads, replace(recipe, start=""), toy_sets)
    size = str(net.config.input_size)
    transfer = {"trained": {size: {"mean": 0.9, "deviation": 0.04}}, "random": {size: {"mean": 0.7}}}
    missing.write_text(json.dumps({"scores": {}, "transfer": transfer, "input_size": int(size)}))
    found = evaluate(net, heads, recipe, toy_sets)
    assert (found["transfer"], found["input_size"]) == (transfer, int(size))
    assert found["scores"]["cifar"]["accuracy"]["32"] == pytest.approx(recipe_accuracy(net, heads, toy_sets), abs=1e-4)
    shipped = shipped_net(net, heads["tiny"], ("rows", "columns"), int(size))
    judged = judge(shipped, heads, toy_sets, recipe, found)
    assert judged["transfer"] == {"mean": 0.9, "deviation": 0.04}
    log = json.loads((folder / "log.json").read_text())
    for each, told in ((recipe, [SEEN_SINCE]), (TOY, [])):
        notes = facts(judged, log, found, toy_sets, each)["notes"]
        assert [note for note in notes if note.startswith("Those pairs")] == told


def recipe_accuracy(net, heads, sets) -> float:
    pictures = sets["cifar"]["val"]
    answers = heads["cifar"](embed(net, pictures, 32)).argmax(1).numpy()
    return float((answers == pictures.labels).mean())


def test_ten_photo_tasks_tell_good_features_from_useless_ones():
    chance = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    centres = chance.normal(size=(4, 8)) * 6
    good = torch.from_numpy(centres[labels] + chance.normal(size=(100, 8))).float()
    useless = torch.from_numpy(chance.normal(size=(100, 8))).float()
    assert ten_photo_accuracy(good, labels, tasks=10).mean() > 0.98
    found = ten_photo_accuracy(useless, labels, tasks=20)
    assert 0.4 < found.mean() < 0.6
    assert np.array_equal(found, ten_photo_accuracy(useless, labels, tasks=20))


def test_label_names_are_readable_and_unique():
    words = {"n1": "crane, bird", "n2": "Crane, lifter", "n3": "crane", "n4": "sorrel"}
    assert label_names(("n1", "n2", "n3", "n4"), words) == ("crane", "lifter", "crane (2)", "sorrel")


def test_the_net_that_a_run_began_from_is_named_not_its_path(tmp_path):
    assert start_name(TOY) == ""
    earlier = replace(TOY, depth=13, batch_norm=False)
    (tmp_path / "log.json").write_text(json.dumps({"recipe": asdict(earlier)}))
    assert start_name(replace(TOY, start=str(tmp_path / "final.safetensors"))) == "vgg13"
    make_net(TOY).save_pretrained(tmp_path / "net")
    assert start_name(replace(TOY, start=str(tmp_path / "net"))) == "vgg11-bn"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, r"^epochs is 0; expected more than 0\.$"),
        ({"share": -0.5}, r"^share is -0\.5; expected more than 0\.$"),
    ],
)
def test_a_recipe_that_trains_nothing_is_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        replace(TOY, **setting)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "nothing", "--out", "run"], "training: nothing holds neither the folder caltech101 nor "),
        (
            ["evaluate", "--data", "nothing", "--run", "none"],
            "training: none/log.json is missing; give the folder that ",
        ),
        (["export", "--data", "nothing", "--run", "none"], "training: none/log.json is missing; give the folder that "),
    ],
)
def test_a_wrong_path_ends_a_command_in_a_sentence(monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    module, *options = arguments
    monkeypatch.setattr("sys.argv", [module, *options])
    with pytest.raises(SystemExit, match=f"^{message}"):
        command(importlib.import_module(f"training.{module}").main)
