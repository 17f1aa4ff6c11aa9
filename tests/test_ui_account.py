"""Whose token the page acts with, and what the Hub says of it."""

import os
import subprocess
import sys

import gradio as gr
import pytest
from gradio import oauth

from tests.hub_helpers import check_secrets
from tests.hubserver.faults import Status
from tests.page_helpers import ROOT
from vgg_hub.errors import HubError
from vgg_hub.ui import account
from vgg_hub.ui.account import Account, can_sign_in, is_at_home, on_space, token_of, who_is

SETTINGS = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")


def asked(host: str = "127.0.0.1:7860", client: str = "127.0.0.1", **headers: str) -> gr.Request:
    return gr.Request(headers={"host": host, **headers}, client={"host": client, "port": 1})


def visitor(token: str = "hf_of_the_visitor") -> gr.OAuthToken:  # noqa: S107
    return gr.OAuthToken(token=token, scope="openid", expires_at=0)


@pytest.fixture(autouse=True)
def _no_space(monkeypatch):
    for name in ("SYSTEM", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("request_", "home"),
    [
        (asked(), True),
        (asked("localhost:7860"), True),
        (asked("[::1]:7860", "::1", origin="http://[::1]:7860"), True),
        (asked(origin="http://127.0.0.1:7860"), True),
        (asked(origin="https://evil.example"), False),
        (asked(origin="null"), False),
        (asked("192.168.0.5:7860", "192.168.0.7"), False),
        (asked(client="192.168.0.7"), False),
        (asked("abcdef.gradio.live"), False),  # a share link arrives from this machine
        (asked("evil.example"), False),  # a name that was made to point here
        (asked(**{"x-forwarded-for": "203.0.113.9"}), False),
        (asked(forwarded="for=203.0.113.9"), False),
        (asked("localhost.evil.example"), False),
        (asked(""), False),
        (gr.Request(headers={"host": "127.0.0.1"}), False),
    ],
)
def test_only_a_browser_on_the_machine_is_at_home(request_, home):
    assert is_at_home(request_) is home


def test_at_home_it_is_the_token_of_the_machine(monkeypatch):
    monkeypatch.setattr(account, "get_token", lambda: "hf_of_the_machine")
    assert token_of(None, asked()) == "hf_of_the_machine"
    assert token_of(visitor("mock-oauth-token-for-local-dev"), asked()) == "hf_of_the_machine"
    with pytest.raises(HubError, match=r"^Only a browser on the machine that serves this page may use its sign-in;"):
        token_of(visitor(), asked(client="192.168.0.7"))
    monkeypatch.setattr(account, "get_token", lambda: None)
    with pytest.raises(HubError, match=r"^Nobody is signed in on this machine; run `hf auth login` there"):
        token_of(None, asked())


@pytest.mark.parametrize("sign", [{"SPACE_ID": "a/b"}, {"SYSTEM": "spaces"}])
def test_on_a_space_it_is_the_visitors_or_none(monkeypatch, sign):
    for name, value in sign.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(account, "get_token", lambda: pytest.fail("the Space's own token was asked for"))
    assert on_space()
    assert token_of(visitor(), asked()) == "hf_of_the_visitor"
    with pytest.raises(HubError, match=r"^You are not signed in, or no longer; sign in with Hugging Face"):
        token_of(None, asked())


def test_a_sign_in_is_offered_only_where_it_can_work(monkeypatch):
    for name in SETTINGS:
        monkeypatch.setattr(oauth, name, "set")
    assert not can_sign_in()  # at home Gradio would make up a token
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "a/b")
    assert can_sign_in()
    monkeypatch.setattr(account, "EXTRAS", ("itsdangerous", "no_such_package"))
    assert not can_sign_in()
    monkeypatch.undo()
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "a/b")
    assert not can_sign_in()  # a copy of the Space without hf_oauth


@pytest.mark.slow
@pytest.mark.parametrize("extras", [True, False])
@pytest.mark.parametrize("settings", [True, False])
def test_the_app_imports_on_a_space_whatever_is_missing(extras, settings):
    hide = "" if extras else "sys.modules['authlib'] = sys.modules['itsdangerous'] = None\n"
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('a connection was tried')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse\n"
        f"{hide}import app\nprint(app.demo.expects_oauth)\n"
    )
    here = {name: value for name, value in os.environ.items() if name not in (*SETTINGS, "HF_TOKEN")}
    space = {"SYSTEM": "spaces", "SPACE_ID": "a/b"} | dict.fromkeys(SETTINGS if settings else (), "http://127.0.0.1:9")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=here | space)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(extras and settings)]


def test_who_it_is_and_where_they_may_write(hub, monkeypatch):
    assert who_is(hub.add_token("mine", user="alice", orgs=["lab", "club"])) == Account(
        "alice", ("alice", "lab", "club")
    )
    assert len(hub.requests("GET", "/api/whoami-v2")) == 1
    odd = [
        {"name": "read-only", "roleInOrg": "read"},
        {"name": "<img src=x>"},
        {"name": 7},
        "text",
        {"name": "alice"},
        {"name": "lab", "roleInOrg": "contributor"},
    ]
    answers = iter(
        [{"name": "alice", "orgs": odd, "auth": "?"}, {"name": "alice", "orgs": "none"}, {"name": "<b>"}, []]
    )
    monkeypatch.setattr(account.HfApi, "whoami", lambda self: next(answers))
    assert who_is("x") == Account("alice", ("alice", "lab"))
    assert who_is("x") == Account("alice", ("alice",))
    for _ in range(2):
        with pytest.raises(HubError, match=r"^The Hub did not say who you are; sign in again\.$"):
            who_is("x")


def test_tokens_that_are_of_no_use(hub):
    def refused(token: str, message: str) -> None:
        with pytest.raises(HubError, match=message) as caught:
            who_is(token)
        check_secrets(hub, caught.value)
        assert token not in str(caught.value)

    refused(hub.reader, r"^The token of tester is for reading only; make one that may write")
    refused("hf_nobodys", r"^The Hub refused your sign-in: the token is not valid; sign in again")
    hub.fault(Status(500), "/api/whoami-v2")
    refused(hub.writer, r"^The Hub refused your sign-in: it answered 500; try again in a minute\.$")
    with hub.offline():
        refused(hub.writer, r"^The Hub cannot be reached for your sign-in \(\w+\); check the connection")
