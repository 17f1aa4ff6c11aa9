"""Photos moved and left out: where they end up, and what is said of the difference, in numbers."""

from dataclasses import replace

import pytest

from tests.toys import stripes_net, textures, tuned, written
from vgg_hub.errors import FinetuneError
from vgg_hub.mend import Change, carried, mended, mended_note, places, what_changed
from vgg_hub.report import Judged, Report, Validation

PHOTOS = {"cat": list("abcd"), "dog": list("vwxyz")}
CHANGES = [Change("dog", 1, "cat"), Change("cat", 0, None), Change("cat", 2, "dog")]


def test_photos_that_stay_keep_their_order_and_those_moved_follow():
    assert mended(PHOTOS, CHANGES) == {"cat": ["b", "d", "w"], "dog": ["v", "x", "y", "z", "c"]}
    assert mended(PHOTOS, []) == PHOTOS
    assert PHOTOS["cat"] == list("abcd")


def test_places_lead_back():
    was = places({label: len(some) for label, some in PHOTOS.items()}, CHANGES)
    now = mended(PHOTOS, CHANGES)
    assert len(was) == 8
    assert all(now[label][i] == PHOTOS[given][index] for (label, i), (given, index) in was.items())


@pytest.mark.parametrize(
    "change",
    [Change("cow", 0, "dog"), Change("cat", 4, "dog"), Change("cat", -1, "dog"), Change("cat", 1, "cow"),
     Change("cat", 1, "cat"), Change("cat", 0, "dog"), Change("cat", "0", None)],
)  # fmt: skip
def test_a_change_that_cannot_be_is_one_sentence(change):
    with pytest.raises(
        FinetuneError, match=r"A change moves photo .* to .*; expected each photo at most once.*cat \(4"
    ):
        mended(PHOTOS, [*CHANGES, change])


def test_changes_follow_the_files_to_another_choice_of_photos(tmp_path):
    def write(folder: str, **contents: str):
        (tmp_path / folder).mkdir()
        for name, text in contents.items():
            (tmp_path / folder / name).write_text(text)
        return [tmp_path / folder / name for name in contents]

    cats, dogs = write("1", a="cat a", b="cat b", c="cat c"), write("2", a="dog a", b="dog b")
    unpacked_anew = write("3", b="cat b", a="another", c="cat c")
    changes = [Change("cat", 1, "dog"), Change("cat", 0, None), Change("dog", 1, None)]
    found = carried(changes, {"cat": cats, "dog": dogs}, {"kitten": [*unpacked_anew, *dogs], "puppy": dogs[::-1]})
    assert found == [Change("kitten", 0, "puppy"), Change("puppy", 0, None)]
    assert carried(changes, {"cat": cats, "dog": dogs}, {"cat": cats}) == []
    cats[1].unlink()
    assert carried(changes[:1], {"cat": cats, "dog": dogs}, {"cat": unpacked_anew, "dog": dogs}) == []


def report(rows: list[tuple[str, int, str, int | None]]) -> Report:
    """Of (class, index, answer, scene)."""
    judged = [Judged(f"{label}{i}", label, i, answer, 0.9, scene) for label, i, answer, scene in rows]
    right = sum(one.predicted == one.label for one in judged)
    n = len(judged)
    validation = Validation(right / n, 0.25, 0.75, n, "", [])
    return Report(["cat", "dog"], {}, validation, 1.0, "head", "", 0, 1, False, predictions=judged)


def rows(cat: str, dog: str) -> list[tuple[str, int, str, int | None]]:
    """One letter a photo: the answer's first."""
    names = {"c": "cat", "d": "dog"}
    return [(label, i, names[a], None) for label, said in (("cat", cat), ("dog", dog)) for i, a in enumerate(said)]


def test_the_difference_in_numbers():
    photos = {"cat": list("abcdefghij"), "dog": list("klmnopqrst")}
    before, changes = report(rows("cccccccddd", "dddddddddc")), [Change("cat", 9, "dog"), Change("dog", 9, None)]
    # The photo moved is the last of the dogs now. Of the others, cats 7 and 8 are right now, dog 0 is wrong.
    found = what_changed(photos, changes, before, report(rows("ccccccccc", "cddddddddd")))
    assert (found.moved, found.left_out, found.untouched) == (1, 1, 18)
    assert (found.right_before, found.right_after) == (16, 17)
    assert (found.better, found.worse, found.chance) == (2, 1, 1.0)
    assert found.within_noise()
    assert [(flip.file, flip.before, flip.after) for flip in found.flips] == [
        ("cat7", "dog", "cat"),
        ("cat8", "dog", "cat"),
        ("dog0", "dog", "cat"),
    ]
    accuracy, untouched, flatters = found.sentences()
    assert accuracy.startswith(
        "Before your changes about 16 of 20 were right (80 %, likely between 25 and 75 %); now about 18"
    )
    assert untouched == (
        "Of the 18 photos that you did not touch, about 16 were right before and about 17 now: that may well be chance, it is "
        "within the noise."
    )
    assert "it rises even if nothing was learned better" in flatters


def test_what_was_moved_does_not_count_as_learned():
    """Moving mistakes alone raises the accuracy; the untouched photos say that nothing happened."""
    photos = {"cat": list("abcd"), "dog": list("wxyz")}
    moved = what_changed(photos, [Change("cat", 3, "dog")], report(rows("cccd", "dddd")), report(rows("ccc", "ddddd")))
    assert (moved.before.accuracy, moved.after.accuracy) == (7 / 8, 1.0)
    assert (moved.right_before, moved.right_after, moved.chance, moved.flips) == (7, 7, 1.0, [])
    assert (
        moved.sentences()[1] == "Of the 7 photos that you did not touch, about 7 were right before and as many are now."
    )


def test_more_than_chance_and_the_exact_probability():
    photos = {"cat": list("abcdefghij"), "dog": list("klmnopqrst")}
    found = what_changed(photos, [], report(rows("c" * 10, "c" * 7 + "ddd")), report(rows("c" * 10, "d" * 10)))
    assert (found.better, found.worse, found.chance) == (7, 0, 2 / 2**7)
    assert not found.within_noise()
    assert found.sentences()[1].endswith(
        "13 were right before and about 20 now: more than chance would mostly do (p = 0.016)."
    )
    many = {"cat": list(range(1200)), "dog": list(range(1200))}
    found = what_changed(many, [], report(rows("c" * 1200, "c" * 1200)), report(rows("c" * 1200, "d" * 1200)))
    assert found.sentences()[1].endswith("(p < 0.001).")


def test_a_burst_counts_once():
    photos = {"cat": list("abcdef"), "dog": list("uvwxyz")}
    scenes = [0] * 6 + [1, 2, 3, 4, 5, 6]
    old = [(label, i, "dog", scene) for (label, i, _, _), scene in zip(rows("c" * 6, "d" * 6), scenes, strict=True)]
    new = [(label, i, label, scene) for label, i, _, scene in old]
    found = what_changed(photos, [], report(old), report(new))
    assert (found.untouched, found.better, found.worse, found.chance) == (7, 1, 0, 1.0)
    assert (found.right_before, found.right_after) == (6, 7)


def test_all_touched():
    photos = {"cat": ["a"], "dog": ["b"]}
    changes = [Change("cat", 0, "dog"), Change("dog", 0, "cat")]
    found = what_changed(photos, changes, report(rows("d", "c")), report(rows("c", "d")))
    assert found.sentences()[1] == "There is no photo that you did not touch, so nothing can be compared."


def test_the_note_counts():
    assert mended_note(CHANGES).startswith(
        "Changed by hand after a look at the mistakes: 2 moved to another class, 1 left"
    )


def test_a_stray_is_moved_back_and_undone_with_a_real_net(tmp_path):
    """The whole way: the stray is a mistake, its nearest of the other class are named, moved it is right; undone, the head
    is bit for bit what it was."""
    drawn = textures(12)
    drawn["fine"].insert(4, textures(1, seed=50)["broad"][0])
    photos, net = written(tmp_path, drawn), stripes_net()
    before = tuned(photos, net).report
    stray = next(judged for judged in before.predictions if (judged.label, judged.index) == ("fine", 4))
    assert stray.predicted == "broad"
    assert [len(some) for some in stray.nearest] == [3, 3]
    assert {before.predictions[row].label for row in stray.nearest[1]} == {"broad"}
    changes = [Change("fine", 4, "broad")]
    after = tuned(mended(photos, changes), net).report
    assert after.counts == {"fine": 12, "broad": 13}
    found = what_changed(photos, changes, before, after)
    assert (found.moved, found.left_out, found.untouched) == (1, 0, 24)
    assert found.after.accuracy > found.before.accuracy
    assert (after.predictions[-1].file, after.predictions[-1].predicted) == (stray.file, "broad")
    undone = tuned(mended(photos, []), net).report
    assert undone.head_sha256 == before.head_sha256
    assert replace(undone, seconds=0) == replace(before, seconds=0)
