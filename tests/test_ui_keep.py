"""What was taught is kept over the sign-in, once and for minutes."""

import gradio as gr
import pytest

from tests.toys import tiny_vgg
from vgg_hub.ui import keep
from vgg_hub.ui.keep import Shelf, claim, leave
from vgg_hub.ui.session import Session


def taught() -> Session:
    session = Session()
    session.tuned, session.photos = tiny_vgg(), {"cat": []}
    return session


def back(key: object) -> gr.Request:
    return gr.Request(headers={}, query_params={"kept": key})


@pytest.fixture(autouse=True)
def shelf(monkeypatch):
    monkeypatch.setattr(keep, "shelf", Shelf())
    return keep.shelf


def test_a_key_brings_the_model_into_the_next_session_once():
    first, second, third = taught(), Session(), Session()
    key, same = leave(first, gr.Request(headers={}))
    assert same is first
    assert len(key) >= 32
    assert claim(second, back(key)) is second
    assert second.tuned is first.tuned
    assert second.photos == {"cat": []}
    claim(third, back(key))
    assert third.tuned is None


def test_no_key_for_nothing_and_nothing_for_a_wrong_key(shelf):
    assert leave(Session(), gr.Request(headers={}))[0] == ""
    session = Session()
    for request in (back("wrong"), back(""), gr.Request(headers={}, query_params={})):
        claim(session, request)
        assert session.tuned is None
    mine = taught()
    model = mine.tuned
    assert not shelf.take(shelf.put(taught()), mine)
    assert mine.tuned is model


def test_places_and_time_are_bounded(monkeypatch):
    shelf, now = Shelf(seconds=60, places=2), [1000.0]
    monkeypatch.setattr(keep.time, "monotonic", lambda: now[0])
    keys = [shelf.put(taught()) for _ in range(3)]
    assert [shelf.take(key, Session()) for key in keys] == [False, True, True]
    late = shelf.put(taught())
    now[0] += 61
    assert not shelf.take(late, Session())


def test_nobody_leaves_while_something_is_under_way():
    session = taught()
    with session.run(), pytest.raises(gr.Error, match="A fine-tuning of yours is under way"):
        leave(session, gr.Request(headers={}))
    with session.pushing(), pytest.raises(gr.Error, match="An upload of yours is under way"):
        leave(session, gr.Request(headers={}))
