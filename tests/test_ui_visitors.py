"""Who finds what again: only the key opens, for as long as it is said."""

import gradio as gr
import pytest

from tests.page_helpers import plain_photo, request
from tests.toys import tiny_vgg
from vgg_hub.ui import comeback, session, visitors
from vgg_hub.ui.comeback import come_back, forget, greet, restore
from vgg_hub.ui.limits import PageLimits
from vgg_hub.ui.session import Session
from vgg_hub.ui.visitors import Visitors

HOUR = 3600.0


@pytest.fixture(autouse=True)
def clock(tmp_path, monkeypatch):
    """The time, which only a test moves on."""
    now = [1000.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(session, "_alive", session.weakref.WeakSet())
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return now


@pytest.fixture
def table(monkeypatch):
    table = Visitors()
    monkeypatch.setattr(comeback, "visitors", table)
    return table


def with_photos(tmp_path, name="cat.png") -> Session:
    mine = Session()
    folder = tmp_path / "uploads" / f"hash-{name}"
    folder.mkdir(parents=True)
    mine.put("a", "cat", [plain_photo(folder / name)])
    return mine


def test_only_the_key_finds_a_session_again(table):
    first, key, found = table.enter(None, Session())
    assert not found
    assert len(key) == 43  # 256 bits
    assert table.enter(key, Session()) == (first, key, True)
    for wrong in ("", None, 5, [key], key[:-1], key + "x", "x" * 10**6, "\ud800"):
        other, new_key, found = table.enter(wrong, Session())
        assert not found
        assert other is not first
        assert new_key not in (key, wrong)  # nobody chooses their own key


def test_the_table_does_not_hold_the_key(table):
    _, key, _ = table.enter(None, Session())
    assert key not in repr(vars(table))


def test_an_hour_later_everything_is_deleted(table, clock, tmp_path):
    mine, key, _ = table.enter(None, with_photos(tmp_path))
    [own] = mine.cards["a"].files
    mine.tuned = tiny_vgg()
    clock[0] += 0.9 * HOUR
    table.enter(key, Session())  # the visitor was here
    clock[0] += 0.9 * HOUR
    table.sweep()
    assert mine.tuned is not None
    clock[0] += 0.2 * HOUR
    table.sweep()
    assert (mine.tuned, mine.cards["a"].files) == (None, [])
    assert not (tmp_path / own).exists()
    assert table.enter(key, Session())[0] is mine  # whoever still has the page open goes on with it
    clock[0] += 2.1 * HOUR
    table.sweep()
    assert len(table) == 0


def test_a_session_that_no_browser_has_is_emptied_too(table, clock, tmp_path):
    program = with_photos(tmp_path)
    clock[0] += 1.1 * HOUR
    table.sweep()
    assert program.is_empty


def test_what_runs_is_not_deleted(table, clock, tmp_path):
    mine = with_photos(tmp_path)
    with mine.pushing():
        clock[0] += 9 * HOUR
        table.sweep()
        assert not mine.is_empty
    table.sweep()
    assert mine.is_empty


def test_past_the_bound_who_left_nothing_goes_first(table, clock, tmp_path, monkeypatch):
    monkeypatch.setattr(visitors, "page_limits", lambda: PageLimits(max_visitors=3))
    monkeypatch.setattr(Session, "close", lambda self: None)
    keys = []
    for number, mine in enumerate((with_photos(tmp_path, "1.png"), Session(), with_photos(tmp_path, "2.png"))):
        clock[0] += number
        keys.append(table.enter(None, mine)[1])
    assert [table.enter(key, Session())[2] for key in keys] == [True] * 3
    clock[0] += 1
    table.enter(keys[0], Session())
    keys += [table.enter(None, with_photos(tmp_path, f"{n}.png"))[1] for n in (3, 4)]
    assert len(table) == 3
    assert [table._sessions.get(visitors._digest(key)) is not None for key in keys] == [True, False, False, True, True]


def test_delete_now(table, tmp_path):
    mine, key, _ = table.enter(None, with_photos(tmp_path))
    [own] = mine.cards["a"].files
    folder, mine.tuned = mine.folder, tiny_vgg()
    assert forget(mine) is mine
    assert mine.is_empty
    assert not folder.exists()
    assert not (tmp_path / own).exists()
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []
    assert not table.enter(key, Session())[2]


def test_the_page_says_what_it_found(table, tmp_path):
    key, first, said = come_back(None, Session(), request())
    assert said == ""
    assert come_back(key, Session(), request())[2] == ""  # found, but empty
    first.put("a", "cat", ["some.jpg"])
    assert (
        'photos from this browser are still here. <a href="#foot">Not yours, or done?'
        in come_back(key, Session(), request())[2]
    )
    first.tuned = tiny_vgg()
    again, same, said = come_back(key, Session(), request("ko"))
    assert (again, same) == (key, first)
    assert " / ".join(first.tuned.config.label_names) in said
    assert "그대로 있습니다" in said
    with first.pushing():
        assert "Welcome back: your run went on meanwhile." in come_back(key, Session(), request())[2]
    assert "deleted 60 min after you last used the page" in greet(request())


def test_the_page_is_as_it_was(table, tmp_path):
    mine = with_photos(tmp_path)
    mine.put("b", "", [tmp_path / "gone.jpg"])
    values = restore(mine)
    assert values[:2] == ("cat", mine.cards["a"].files)
    assert values[2:] == (gr.skip(),) * 9
    mine.run = object()
    mine.choice, mine.trainable, mine.unlike = session.Choice(16, False, "me/mine", "cpu"), "block5", False
    assert restore(mine)[4:] == (16, False, "own", "me/mine", "cpu", "block5", False)
    mine.choice = session.Choice(11, True, "imagenet", "auto")
    assert restore(mine)[4:] == (11, True, "imagenet", gr.skip(), "auto", "block5", False)
    mine.run = None
