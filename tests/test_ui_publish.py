"""The page's way to the Hub: who, what, under which name; progress, refusals and the link."""

import re
import threading

import gradio as gr
import pytest
import torch
from huggingface_hub.utils import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st

from tests.hub_helpers import same
from tests.toys import tiny_vgg
from vgg_hub import VGG
from vgg_hub.config import VGGConfig
from vgg_hub.errors import HubError, LabelError
from vgg_hub.ui import publish
from vgg_hub.ui.publish import begin, explain, greet, push, repo_name, settle, sign_in, suggest, watch
from vgg_hub.ui.session import Session


@pytest.fixture
def session():
    session = Session()
    session.tuned = tiny_vgg(label_names=("cat", "dog"))
    yield session
    session.close()


@pytest.fixture
def quick(monkeypatch):
    """Pushes without the check in fresh processes, which has its own tests; gives what each was asked for."""
    original, asked = VGG.push_to_hub, []

    def push_to_hub(self, repo, **options):
        asked.append({"repo": repo, **options})
        return original(self, repo, check=False, **options)

    monkeypatch.setattr(VGG, "push_to_hub", push_to_hub)
    return asked


def request(language: str = "en") -> gr.Request:
    headers = {"host": "127.0.0.1:7860", "accept-language": language}
    return gr.Request(headers=headers, client={"host": "127.0.0.1", "port": 1})


def upload(session, owner="tester", name="mine", access="private", what="full", language="en", token=None):
    return list(push(session, owner, name, access, what, request(language), token))


def visitor(value: str) -> gr.OAuthToken:
    return gr.OAuthToken(token=value, scope="openid", expires_at=0)


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (("cat", "dog"), "vgg11-bn-cat-dog"),
        (("고양이", "강아지"), "vgg11-bn"),
        (("Café", "ﬁne--x..y"), "vgg11-bn-Cafe-fine-x-y"),
        (("x" * 100, "y"), "vgg11-bn-" + "x" * 71),
    ],
)
def test_a_name_is_suggested_that_the_hub_takes(labels, name):
    assert repo_name(VGGConfig(label_names=labels)) == name


@given(st.lists(st.text(min_size=1, max_size=60), min_size=2, max_size=3))
def test_any_labels_make_a_name_that_the_hub_takes(labels):
    try:
        config = VGGConfig(label_names=tuple(labels))
    except LabelError:
        return
    validate_repo_id(f"someone/{repo_name(config)}")


def test_what_can_be_pushed_is_offered_with_its_size(session):
    name, kinds, button, progress, done, code, _ = suggest(session, request())
    assert name["placeholder"] == "vgg-bn-cat-dog"
    assert [value for _, value in kinds["choices"]] == ["full", "half"]  # it stands on nothing that others can get
    assert (kinds["value"], button["interactive"]) == ("full", True)
    assert (progress, done, code["visible"]) == ("", "", False)
    session.tuned.base = object()
    _, kinds, *_ = suggest(session, request("ko"))
    assert kinds["choices"][2] == ("새로 배운 부분만, 0.136 kB", "head")
    session.tuned = None
    name, kinds, button, *_ = suggest(session, request())
    assert (name["placeholder"], kinds["visible"], button["interactive"]) == ("", False, False)


def test_at_home_the_hub_is_asked_when_the_person_asks(hub):
    hub.login(hub.add_token("mine", user="alice", orgs=["lab"]))
    said, button, out, form, _ = greet(request(), None)
    assert "With the sign-in of this machine" in said
    assert (button["visible"], out["visible"], form["visible"]) == (True, False, False)
    assert hub.log == []
    said, button, out, form, owner = sign_in(request(), None)
    assert "Signed in as alice." in said
    assert (button["visible"], out["visible"], form["visible"]) == (False, False, True)
    assert (owner["choices"], owner["value"]) == (["alice", "lab"], "alice")
    away = gr.Request(headers={"host": "192.168.0.2"}, client={"host": "192.168.0.9", "port": 1})
    said, button, *_ = greet(away, None)
    assert "Nobody can sign in on this page" in said
    assert button["visible"] is False
    with pytest.raises(gr.Error, match="Only a browser on the machine"):
        sign_in(away, None)


def test_on_a_space_a_visitor_is_greeted(hub, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    hub.login(hub.writer)
    assert "Nobody can sign in on this page" in greet(request(), None)[0]
    monkeypatch.setattr(publish, "can_sign_in", lambda: True)
    said, button, *_ = greet(request("ko"), None)
    assert "그동안 가르친 모델은 그대로 남아 있습니다" in said
    assert button["visible"] is True
    assert hub.log == []  # and never with the Space's own token
    said, button, out, form, owner = greet(request(), visitor(hub.add_token("theirs", user="bob")))
    assert "Signed in as bob." in said
    assert (button["visible"], out["visible"], form["visible"]) == (False, True, True)
    assert owner["value"] == "bob"
    said, button, _, form, _ = greet(request(), visitor("hf_old"))
    assert "The Hub refused your sign-in: the token is not valid" in said
    assert (button["visible"], form["visible"]) == (True, False)


@torch.no_grad()
def test_a_push_says_its_steps_and_ends_with_the_link(hub, session, quick):
    hub.login(hub.writer)
    *steps, last = upload(session)
    said = [progress for progress, *_ in steps]
    assert "Saving the model (" in said[0]
    assert any("Uploading to tester/mine (" in text for text in said)
    progress, done, code, same_session = last
    assert (progress, same_session) == ("", session)
    assert f'<a href="{hub.url}/tester/mine" target="_blank" rel="noopener">tester/mine</a>' in done
    assert "It is private" in done
    assert 'VGG.from_pretrained("tester/mine")' in code["value"]
    assert hub.repos["tester/mine"].private
    assert same(VGG.from_pretrained("tester/mine"), session.tuned)
    assert len(quick) == 1
    assert (quick[0]["dtype"], quick[0]["delta"], quick[0]["token"]) == (None, False, hub.writer)
    for value in hub.tokens:
        assert value not in repr((steps, last))


@pytest.mark.parametrize("name", ["", "  ", None])
def test_without_a_name_it_goes_under_the_one_suggested(hub, session, quick, name):
    hub.login(hub.writer)
    upload(session, name=name)
    assert set(hub.repos) == {"tester/vgg-bn-cat-dog"}


def test_public_and_half(hub, session, quick):
    hub.login(hub.writer)
    *steps, (_, done, _, _) = upload(session, access="public", what="half", language="ko")
    assert re.search(r"올리는 중\([\d.]+초\): 모델을 저장합니다<", steps[0][0])
    assert any("초): tester/mine에 올립니다<" in progress for progress, *_ in steps)
    assert "누구나 불러올 수 있습니다" in done
    assert not hub.repos["tester/mine"].private
    assert quick[0]["dtype"] == "float16"


@torch.no_grad()
def test_only_what_it_learned(hub, session, quick, shipped):
    hub.login(hub.writer)
    session.tuned = VGG.from_pretrained("vgg11-bn").replace_head(["cat", "dog"])
    upload(session, what="head")
    assert quick[0]["delta"] is True
    assert "model.safetensors" not in hub.repos["tester/mine"].files()
    assert same(VGG.from_pretrained("tester/mine"), session.tuned)


def test_on_a_space_only_the_visitors_token_pushes(hub, session, quick, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "tester/space")
    hub.login(hub.writer)
    with pytest.raises(gr.Error, match="You are not signed in, or no longer"):
        upload(session)
    assert hub.log == []
    upload(session, owner="bob", token=visitor(hub.add_token("theirs", user="bob")))
    assert {entry.token for entry in hub.log} <= {"theirs", None}
    assert set(hub.repos) == {"bob/mine"}


REFUSED = [
    ({"name": None, "owner": None}, r"'/vgg-bn-cat-dog' is not the name of a Hub repo"),
    ({"name": "<img src=x onerror=alert(1)>"}, r"'tester/&lt;img src=x onerror=alert\(1\)&gt;' is not the name"),
    ({"name": "a..b"}, r"a\.\.b.* is not the name of a Hub repo"),
    ({"owner": "someone"}, r"The Hub refused someone/mine: you have no right to do that"),
    ({"what": "head"}, r"This model does not stand on a net that others can get"),
]


def test_a_refusal_is_whole_in_korean_and_stays(hub, session, quick):
    hub.login(hub.writer)
    sentence = r"허브가 someone/mine을\(를\) 거절했습니다\. 그럴 권한이 없으니 쓸 수 있는 토큰을 쓰세요\."
    with pytest.raises(gr.Error, match=sentence):
        upload(session, owner="someone", language="ko")
    assert re.search(f">허브에 올리지 못했습니다. {sentence}<", explain(session, request("ko"))[0])


@pytest.mark.parametrize(("given_", "message"), REFUSED)
def test_what_is_refused_is_said_in_a_sentence_that_stays(hub, session, quick, given_, message):
    hub.login(hub.writer)
    with pytest.raises(gr.Error, match=message.replace("'", "&#x27;")):
        upload(session, **given_)
    said, _ = explain(session, request("ko"))
    assert 'role="alert"' in said
    assert "허브에 올리지 못했습니다." in said
    assert "<img" not in said
    assert settle(session)[0]["interactive"] is True
    assert hub.repos == {}


def test_nothing_taught_has_nothing_to_push(session):
    session.tuned = None
    with pytest.raises(gr.Error, match="Nothing was taught yet; fine-tune first, then put the model on the Hub"):
        upload(session)


def test_without_a_sentence_the_line_was_full(session):
    assert "Too many people are waiting" in explain(session, request())[0]


def test_one_upload_at_a_time_and_it_outlives_the_page(session, monkeypatch):
    monkeypatch.setattr(publish, "token_of", lambda token, request: "hf_x")
    going, go_on = threading.Event(), threading.Event()

    def push_to_hub(self, repo, *, say, **_):
        say("Uploading.")
        going.set()
        assert go_on.wait(20)

    monkeypatch.setattr(VGG, "push_to_hub", push_to_hub)
    monkeypatch.setattr(publish, "TICK", 0.01)
    first = push(session, "me", "x", "private", "full", request(), None)
    for _ in range(3):  # it goes on saying the same while it waits
        assert "Uploading (" in next(first)[0]
    assert going.wait(20)
    with pytest.raises(gr.Error, match="An upload of yours is under way; wait for it to end"):
        begin(session, request())
    with pytest.raises(gr.Error, match="An upload of yours is under way"):
        upload(session)
    first.close()  # the browser went away
    with pytest.raises(gr.Error, match="An upload of yours is under way"):
        begin(session, request())
    go_on.set()
    with session._pushing:  # free once the thread is through
        pass
    button, progress, *_ = begin(session, request())
    assert button["interactive"] is False
    assert "Waiting for its turn" in progress


def test_a_bug_is_not_swallowed(session, monkeypatch):
    monkeypatch.setattr(publish, "token_of", lambda token, request: "hf_x")
    monkeypatch.setattr(VGG, "push_to_hub", lambda self, repo, **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        upload(session)
    session.check_not_pushing()


class Held:
    """A push that says one sentence, then waits until it is told how to end."""

    def __init__(self, monkeypatch):
        self.go_on, self.said, self.error = threading.Event(), threading.Event(), None
        monkeypatch.setattr(VGG, "push_to_hub", self.push)
        monkeypatch.setattr(publish, "token_of", lambda *_: "hf_x")

    def push(self, repo, say, **options):
        say("Uploading 1 MB.")
        self.said.set()
        assert self.go_on.wait(30)
        if self.error:
            raise self.error


@pytest.fixture
def held(monkeypatch):
    held = Held(monkeypatch)
    yield held
    held.go_on.set()


def test_an_upload_is_found_again_and_its_link_too(held, session):
    first = push(session, "tester", "mine", "private", "full", request(), None)
    next(first)
    first.close()  # the page is closed; the upload goes on
    assert held.said.wait(30)
    name, _, button, progress, *_ = suggest(session, request())
    assert (name["placeholder"], button["interactive"], progress) == ("vgg-bn-cat-dog", False, gr.skip())
    again = watch(session, request("ko"))
    bar, link, code, _ = next(again)
    assert "올리는 중" in bar
    assert (link, code) == (gr.skip(), gr.skip())
    held.go_on.set()
    *_, (bar, link, code, _) = again
    assert bar == ""
    assert ">tester/mine</a>" in link
    assert 'VGG.from_pretrained("tester/mine")' in code["value"]
    assert suggest(session, request())[4:6] == (watched_link(session), code)
    assert settle(session)[0]["interactive"]

    session.tuned = tiny_vgg(label_names=("cat", "cow"))  # taught again: the link was another model's
    assert suggest(session, request())[3:6] == ("", "", gr.update(value=None, visible=False))
    assert list(watch(session, request())) == [(gr.skip(), gr.skip(), gr.skip(), session)]


def watched_link(session) -> str:
    return list(watch(session, request()))[-1][1]


def test_an_upload_that_is_found_again_says_why_it_failed(held, session):
    held.error = HubError("The repo {repo!r} is not yours; choose another owner.", repo="tester/mine")
    first = push(session, "tester", "mine", "private", "full", request(), None)
    next(first)
    first.close()
    held.go_on.set()
    *_, (shown, link, code, _) = watch(session, request())
    assert "It is not on the Hub. The repo &#x27;tester/mine&#x27; is not yours" in shown
    assert (link, code) == (gr.skip(), gr.skip())


def test_nothing_is_found_again_where_nothing_was_uploaded(session):
    assert list(watch(session, request())) == [(gr.skip(), gr.skip(), gr.skip(), session)]
    session.tuned = None
    assert not settle(session)[0]["interactive"]
