"""A replay matches where all is as it was, and says what differs where it is not."""

from __future__ import annotations

import json
import shutil
import threading

import pytest
import torch

from tests.cli_helpers import ENGINE, error_of, photos, run, start, teach
from tests.scene_pictures import burst, scene
from tests.toys import contents, run_python, saved, stripes_net, textures, tuned, written
from vgg_hub import VGG, finetune
from vgg_hub.config_json import config_to_json
from vgg_hub.delta import Base
from vgg_hub.errors import CheckpointError, HubError
from vgg_hub.events import Finished, Step
from vgg_hub.replay import replay

__all__ = ["photos", "run", "start", "teach"]


@pytest.fixture(scope="module")
def pictures():
    return textures(6)


@pytest.fixture(scope="module")
def original(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("replay") / "model"
    tuned(pictures, seed=3).model.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def edit(folder, change) -> None:
    path = folder / "config.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document["vgg_hub"])
    path.write_text(json.dumps(document), encoding="utf-8")


def test_the_same_photos_match(folder, pictures):
    found = replay(folder, dict(reversed(pictures.items())))
    assert (found.matches, found.largest_difference, found.same_answers, found.differences) == (True, 0.0, True, [])
    assert found.notes == ["The start, 'random weights', cannot be checked; the folder's own frozen part was used."]


def test_one_photo_fewer(folder, pictures):
    found = replay(folder, pictures | {"broad": pictures["broad"][1:]})
    assert not found.matches
    assert found.differences[0] == "broad: 5 photos that can be read, 6 in the run."
    assert found.largest_difference > 0
    assert "counts.broad is stored as 6; 5 came out." in found.differences


def test_another_order(folder, pictures):
    fine = pictures["fine"]
    found = replay(folder, pictures | {"fine": [fine[1], fine[0], *fine[2:]]})
    assert not found.matches
    assert found.differences[0] == "fine: the same photos in another order."


def test_a_changed_pixel(folder, pictures):
    changed = pictures["fine"][0].copy()
    changed.putpixel((0, 0), tuple(255 - v for v in changed.getpixel((0, 0))))
    found = replay(folder, pictures | {"fine": [changed, *pictures["fine"][1:]]})
    assert not found.matches
    assert found.differences[0] == "fine: as many photos, 6, but not all of them the same."
    assert not any("was changed" in sentence for sentence in found.differences)


def test_a_report_that_was_made_better(folder, pictures):
    edit(folder, lambda ours: ours["provenance"]["validation"].update(accuracy=0.123))
    found = replay(folder, pictures)
    assert (found.matches, found.largest_difference, found.same_answers) == (False, 0.0, True)
    assert found.differences[0].startswith("validation.accuracy is stored as 0.123; ")
    assert found.differences[-1].endswith("the folder was changed.")


def test_weights_that_were_changed(folder, pictures):
    model = VGG.from_pretrained(folder)
    with torch.no_grad():
        model.head.weight[0, 0] += 0.5
    model.save_pretrained(folder)
    found = replay(folder, pictures)
    assert not found.matches
    assert found.largest_difference == pytest.approx(0.5)
    (sentence,) = [s for s in found.differences if "stored weights" in s]
    assert "(classifier.0.weight)" in sentence
    assert "they were changed after the run" in sentence


def test_other_versions_are_a_note_where_they_make_no_difference(folder, pictures):
    edit(folder, lambda ours: ours["provenance"]["versions"].update(pillow="1.0"))
    found = replay(folder, pictures)
    assert found.matches
    assert any(note.startswith("pillow: 1.0 then, ") for note in found.notes)
    edit(folder, lambda ours: ours["provenance"].update(seed=4))
    assert any(sentence.startswith("pillow: 1.0 then") for sentence in replay(folder, pictures).differences)


def test_other_classes_are_not_run(folder, pictures):
    found = replay(folder, {"fine": pictures["fine"], "cat": pictures["broad"]})
    assert found.differences == ["The run had the classes 'broad', 'fine'; these photos have 'cat', 'fine'."]
    assert (found.matches, found.largest_difference, found.same_answers) == (False, None, None)
    many = replay(folder, {f"class {number:02}": pictures["fine"] for number in range(12)})
    assert many.differences[0].endswith("'class 08', 'class 09' and 2 more.")


def test_half_precision_is_compared_as_it_was_rounded(original, tmp_path, pictures):
    model = VGG.from_pretrained(original)
    model.save_pretrained(tmp_path / "half", dtype="float16")
    found = replay(tmp_path / "half", pictures)
    assert found.largest_difference < 0.05
    assert found.same_answers


def test_a_stopped_run_is_stopped_again(tmp_path, pictures):
    stop = threading.Event()
    for event in finetune(stripes_net(), pictures, device="cpu", stop=stop):
        if isinstance(event, Step) and event.step == 2:
            stop.set()
    assert isinstance(event, Finished)
    assert event.report.stopped
    event.model.save_pretrained(tmp_path / "m")
    found = replay(tmp_path / "m", pictures)
    assert found.matches, found


def test_a_run_that_was_stopped_while_its_curve_was_measured(tmp_path, pictures, monkeypatch):
    """Its head was whole: the report says that nobody stopped it, and knows no verdict."""
    stop, steps = threading.Event(), ENGINE.curve_steps

    def stopping(*arguments):
        for step in steps(*arguments):
            stop.set()
            yield step

    with monkeypatch.context() as patch:
        patch.setattr(ENGINE, "curve_steps", stopping)
        *_, finished = finetune(stripes_net(), textures(9), device="cpu", stop=stop)
    assert (finished.report.stopped, finished.report.verdict.key) == (False, "unknown")
    finished.model.save_pretrained(tmp_path / "m")
    found = replay(tmp_path / "m", textures(9))
    assert found.matches, found


def test_a_run_past_the_head_that_was_stopped_before_its_first_step_is_not_replayed(tmp_path, pictures, monkeypatch):
    """At which moment is not noted."""
    stop, scenes = threading.Event(), ENGINE.find_scenes

    def stopping(*arguments):
        stop.set()
        return scenes(*arguments[:-1], threading.Event())

    with monkeypatch.context() as patch:
        patch.setattr(ENGINE, "find_scenes", stopping)
        *_, finished = finetune(stripes_net(), pictures, device="cpu", trainable="block2", stop=stop)
    assert (finished.report.stopped, finished.report.steps) == (True, 0)
    finished.model.save_pretrained(tmp_path / "m")
    with pytest.raises(
        CheckpointError, match=r"^m was stopped before the first step of its training, at a moment that"
    ):
        replay(tmp_path / "m", pictures)


@pytest.mark.parametrize(("dtype", "stands"), [("bfloat16", False), ("float16", True), (None, True)])
def test_a_head_on_rounded_weights_does_not_stand_on_the_base(tmp_path, monkeypatch, pictures, dtype, stands):
    """What ships is in float16 itself, and loses nothing in it."""
    from vgg_hub import bundled

    monkeypatch.setattr(bundled, "_root", lambda: tmp_path / "weights")
    stripes_net().save_pretrained(tmp_path / "weights" / "vgg-tiny", dtype="float16")
    tuned(pictures, VGG.from_pretrained("vgg-tiny")).model.save_pretrained(tmp_path / "first", dtype=dtype)
    start = VGG.from_pretrained(tmp_path / "first")
    assert (start.base is not None) == stands
    tuned(pictures, start).model.save_pretrained(tmp_path / "second")
    assert replay(tmp_path / "second", pictures).matches
    unchanged = VGG.from_pretrained(tmp_path / "first", dtype=None)
    assert unchanged.base.name == "vgg-tiny"


@pytest.mark.parametrize("trainable", ["head", "block2"])
def test_a_run_with_bursts_and_a_shortcut_matches(tmp_path, monkeypatch, trainable):
    """Scenes decide the folds, and are found again."""
    from vgg_hub import bundled

    monkeypatch.setattr(bundled, "_root", lambda: tmp_path / "weights")
    saved(tmp_path / "weights" / "vgg-tiny")
    photos = {
        "one": [*burst(101, 4), *(scene(i) for i in range(5))],
        "two": [scene(10 + i).reduce(2) for i in range(6)],
    }
    finished = tuned(photos, VGG.from_pretrained("vgg-tiny"), trainable=trainable, seed=5)
    assert finished.report.scenes == {"one": 6, "two": 6}
    assert any("alone tells the classes apart" in warning for warning in finished.report.warnings)
    finished.model.save_pretrained(tmp_path / "m")
    assert VGG.from_pretrained(tmp_path / "m").provenance["scenes"] == {"one": 6, "two": 6}
    found = replay(tmp_path / "m", photos)
    assert (found.matches, found.largest_difference, found.differences) == (True, 0.0, [])
    changed = replay(tmp_path / "m", photos | {"one": [*photos["one"][:3], scene(30), *photos["one"][4:]]})
    assert "validation.n is stored as 12; 13 came out." in changed.differences


def test_a_start_that_ships(tmp_path, monkeypatch, pictures):
    """With the shipped net's facts; other weights of that name are named."""
    from vgg_hub import bundled

    monkeypatch.setattr(bundled, "_root", lambda: tmp_path / "weights")
    saved(tmp_path / "weights" / "vgg-tiny")
    tuned(pictures, VGG.from_pretrained("vgg-tiny")).model.save_pretrained(tmp_path / "m")
    found = replay(tmp_path / "m", pictures)
    assert found.matches
    assert found.notes == []
    saved(tmp_path / "weights" / "vgg-tiny", seed=5)
    found = replay(tmp_path / "m", pictures)
    assert not found.matches
    assert found.differences[0].startswith("The start, vgg-tiny, has other weights: sha256 ")
    shutil.rmtree(tmp_path / "weights")
    with pytest.raises(
        CheckpointError, match=r"^m started from vgg-tiny, which is not to be had: it ships with vgg-hub"
    ):
        replay(tmp_path / "m", pictures)


def test_a_start_on_the_hub_that_is_gone(folder, pictures, monkeypatch):
    edit(folder, lambda ours: ours["provenance"].update(base_facts=Base("me/gone", "a" * 64, "b" * 40).to_json()))
    real = VGG.from_pretrained

    def gone(name, **options):
        if name == "me/gone":
            raise HubError("me/gone is not there.")
        return real(name, **options)

    monkeypatch.setattr(VGG, "from_pretrained", gone)
    with pytest.raises(HubError, match=r"^model started from me/gone, which is not to be had: me/gone is not there\.$"):
        replay(folder, pictures)


def test_folders_that_cannot_be_replayed(folder, tmp_path, pictures):
    saved(tmp_path / "plain")
    with pytest.raises(CheckpointError, match=r"^plain was not fine-tuned: its config\.json holds no report"):
        replay(tmp_path / "plain", pictures)
    edit(folder, lambda ours: ours["provenance"].update(photo_digests=[1]))
    with pytest.raises(CheckpointError, match=r"photo_digests is \[1\]; it was changed by hand"):
        replay(folder, pictures)
    edit(folder, lambda ours: ours["provenance"].pop("photo_digests"))
    with pytest.raises(CheckpointError, match="by a version of vgg-hub that did not note what a replay needs"):
        replay(folder, pictures)
    edit(folder, lambda ours: ours["provenance"].update(photo_digests={}, trainable="block1"))
    with pytest.raises(CheckpointError, match="more than its head was trained: the run cannot be made again"):
        replay(folder, pictures)


def test_the_facts_name_no_photo(original, pictures):
    facts = VGG.from_pretrained(original).provenance
    assert facts["photo_digests"].keys() == {"fine", "broad"}
    for digests in facts["photo_digests"].values():
        assert digests.keys() == {"n", "sha256", "any_order"}, "no digest of a single photo"
    assert "predictions" not in facts
    assert config_to_json(VGG.from_pretrained(original).config)


TEACH = """
    import sys
    from vgg_hub.cli import main
    sys.exit(main(sys.argv[1:]))
"""


def test_two_fresh_processes_write_the_same_bytes(start, photos, tmp_path):
    for out in ("one", "two"):
        ran = run_python(TEACH, "finetune", photos, "--out", tmp_path / out / "m", "--weights", start, "--seed", 7)
        assert ran.returncode == 0, ran.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    ran = run_python(TEACH, "replay", tmp_path / "one" / "m", photos)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(
        "It matches: the run gives the same weights, bit for bit, and the same report.\nNote: "
    )


def test_the_command_says_what_differs_and_exits_with_1(teach, photos, tmp_path, run):
    assert teach()[0] == 0
    (photos / "fine" / "fine 0.png").unlink()
    status, out, err = run("replay", tmp_path / "out", photos)
    assert (status, err) == (1, "")
    assert out.startswith("It does not match.\n  fine: 7 photos that can be read, 8 in the run.\n")
    assert "The weights differ by at most " in out
    status, out, _ = run("replay", tmp_path / "out", photos, "--json")
    assert status == 1
    assert json.loads(out)["matches"] is False
    assert "was not fine-tuned" in error_of(run("replay", tmp_path / "start", photos))


def test_paths_match_what_they_hold(original, pictures, tmp_path):
    assert replay(original, written(tmp_path, pictures)).matches, "pixels count, not files"
