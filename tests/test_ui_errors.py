"""Every sentence that the engine may say to a visitor of the page has its Korean one, and the test reads which there are."""

from __future__ import annotations

import ast
import asyncio
import pickle
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import vgg_hub
from vgg_hub import errors
from vgg_hub.notes import Note
from vgg_hub.ui import account, build
from vgg_hub.ui.guard import sentence
from vgg_hub.ui.notes import SAID, say_note
from vgg_hub.ui.said import SaidError

PACKAGE = Path(vgg_hub.__file__).parent
# What a visitor of the page can come to. The others are reached from the shell or from Python alone: cli*, many, replay,
# onnx_export, space, convert and weights_file (other people's formats), model, and mend, whose callers look first.
REACHED = (
    *("picture", "pixels", "magic", "archive", "zip_entries", "data", "predict"),
    *("config", "config_json", "config_foreign", "delta", "unlike", "folder", "hub", "sources", "start", "bundled"),
    *("hub_errors", "push", "transfer", "card_merge", "parity", "parity_compare"),
    *("as_built", "inference", "cache", "finetune", "suffix", "views", "room", "lab", "explain"),
    *(f"ui/{path.stem}" for path in sorted((PACKAGE / "ui").glob("*.py"))),
)
ERRORS = {*errors.__all__} - {"SaidError"}


def reached() -> Iterator[tuple[str, ast.Call, str | None]]:
    """(where, the call, its literal template or None) of each error and note that is made in these modules."""
    for module in REACHED:
        tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (
                ast.unparse(node.func) in ERRORS or ast.unparse(node.func) == "Note.said"
            ):
                first = node.args[0] if node.args else None
                text = constants.get(first.id) if isinstance(first, ast.Name) else getattr(first, "value", None)
                yield f"{module}.py:{node.lineno}", node, text if isinstance(text, str) else None


FOUND = list(reached())
TEMPLATES = sorted({text for _, _, text in FOUND if text is not None})


def places(text: str) -> set[tuple[str, str | None, str | None]]:
    """Name, format and conversion of each place."""
    return {
        (name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text) if name is not None
    }


def test_the_sentences_stand_where_they_are_raised_as_literals():
    """An f-string would be English for all; what the system says (`reason`) has no literal."""
    made = [where for where, call, text in FOUND if text is None and ast.unparse(call) != "Note.said(reason)"]
    assert made == [], "write a literal template with named places, and the values as keywords"
    assert [where for where, call, _ in FOUND if len(call.args) != 1 or any(k.arg is None for k in call.keywords)] == []


def test_every_sentence_has_a_korean_one_and_none_is_left_over():
    assert [text for text in TEMPLATES if text not in SAID] == []
    assert [text for text in SAID if text not in TEMPLATES] == []


@pytest.mark.parametrize("english", SAID)
def test_both_languages_have_the_same_places(english):
    korean = SAID[english]
    assert places(english) == places(korean)
    words = re.sub("{[^}]*}", "", english)
    assert re.search("[가-힣]", korean) or not re.search("[a-z]", words)
    assert not re.search("[가-힣]", english)


@pytest.mark.parametrize(("where", "call", "text"), FOUND, ids=[where for where, _, _ in FOUND])
def test_the_values_fill_the_places(where, call, text):
    names = {name for name, _, _ in places(text or "")}
    assert {keyword.arg for keyword in call.keywords} == names


def test_the_reading_of_templates_is_right():
    assert len(FOUND) > 200
    assert places("{file} has {size:.1f} of {most!r:.60}") == {
        ("file", "", None),
        ("size", ".1f", None),
        ("most", ".60", "r"),
    }


def test_an_error_keeps_its_template_and_values():
    error = errors.PhotoError("{file} has {size:.1f} MB.", file="a {b}.jpg", size=2.04)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 (its own)
    for one in (error, again):
        assert type(one) is errors.PhotoError
        assert str(one) == "a {b}.jpg has 2.0 MB."
        assert (one.sentence, one.values) == ("{file} has {size:.1f} MB.", {"file": "a {b}.jpg", "size": 2.04})
        assert one.note == "a {b}.jpg has 2.0 MB."


def test_an_error_without_values_is_its_text_braces_and_all():
    assert str(errors.LabelError("{x} is {0!r")) == "{x} is {0!r"
    assert str(errors.HubError()) == ""
    assert isinstance(errors.LabelError("x"), ValueError)


def test_a_sentence_of_the_page_survives_another_process():
    again = pickle.loads(pickle.dumps(SaidError("too_many_photos", n=3, most=2)))  # noqa: S301 (its own)
    assert again.say("ko") == SaidError("too_many_photos", n=3, most=2).say("ko")
    assert again.values == {"n": 3, "most": 2}


def test_what_a_sentence_is_filled_in_with_is_said_too_where_it_is_a_note():
    kind = Note.said("a {format} picture", format="JPEG")
    error = errors.PhotoError("{file} is {kind}, not a zip; pack the photos as a zip.", file="text", kind=kind)
    assert sentence(error, "en") == str(error) == "text is a JPEG picture, not a zip; pack the photos as a zip."
    assert sentence(error, "ko") == "text은(는) zip이 아닙니다(JPEG 사진). 사진을 zip으로 압축하세요."


def test_what_has_no_korean_sentence_has_a_korean_lead_in():
    assert sentence(errors.PhotoError("Never heard {of}."), "ko") == "사진을 쓸 수 없습니다. Never heard {of}."
    assert sentence(errors.PhotoError("Never heard {of}."), "en") == "Never heard {of}."
    assert say_note("ko", "plain") == "plain"
    assert say_note("ko", Note.said("no such file or directory")) == "그런 파일이나 폴더가 없음"
    assert say_note("ko", Note.said("rare {words}")) == "rare {words}"


def test_what_may_be_refused_is_queued(monkeypatch):
    """Gradio 6.31 shows no error of an event that is not."""
    monkeypatch.setattr(account, "can_sign_in", lambda: True)

    async def built():
        return build()

    events = [event for event in asyncio.run(built()).fns.values() if hasattr(event.fn, "__wrapped__")]
    assert {"begin", "leave_1", "draw", "compare"} <= {event.api_name for event in events}
    assert [event.api_name for event in events if not event.queue] == ["forget"]  # which nobody is refused
