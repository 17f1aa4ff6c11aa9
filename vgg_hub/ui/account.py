"""Who is signed in to the Hugging Face Hub, and with whose token the page may act.

On a Space that is the visitor's own token, from the sign-in that Gradio offers there (`gr.OAuthToken`); the Space's own
token is never used for a visitor. Elsewhere it is the token of the machine that serves the page, and only for a browser
on that machine: whoever else reaches the page must not push in its owner's name. A token stays in the handler that got
it; it is never kept in a session, put into a component or said in a message.
"""

from __future__ import annotations

import importlib
import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

import gradio as gr
from gradio import oauth
from gradio.context import LocalContext
from gradio.utils import get_space
from huggingface_hub import HfApi, get_token

from ..errors import HubError
from ..hub_errors import hub_errors
from ..notes import Note
from ..transfer import REPO_ID

__all__ = ["Account", "asks_from_home", "can_sign_in", "is_at_home", "on_space", "token_of", "who_is"]

EXTRAS = ("authlib.integrations.starlette_client", "itsdangerous")  # of gradio[oauth], which a Space installs by itself
WRITERS = ("admin", "write", "contributor")  # roles in an organisation that may make repos there
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
MAX_OWNERS = 200


@dataclass(frozen=True)
class Account:
    """Whose the token is.

    Attributes:
        name: of the user.
        owners: where they may make repos: their own name, then organisations.
    """

    name: str
    owners: tuple[str, ...]


def on_space() -> bool:
    """Whether the page is public: one sign of a Space is enough."""
    return bool(os.environ.get("SPACE_ID")) or os.environ.get("SYSTEM") == "spaces"


def can_sign_in() -> bool:
    """Whether Gradio's sign-in works here: on a Space with OAuth switched on, the extras installed.

    Elsewhere Gradio would put a made-up token in place of the visitor's, and ask the Hub when the page is built.
    """
    settings = (oauth.OAUTH_CLIENT_ID, oauth.OAUTH_CLIENT_SECRET, oauth.OAUTH_SCOPES, oauth.OPENID_PROVIDER_URL)
    if get_space() is None or not all(settings):
        return False
    try:
        for name in EXTRAS:
            importlib.import_module(name)
    except ImportError:
        return False
    return True


def is_at_home(request: gr.Request) -> bool:
    """Whether the browser runs on the machine that serves the page, nothing between the two, and no other site asks."""
    client = getattr(request, "client", None)
    headers = request.headers
    if client is None or any(headers.get(name) for name in FORWARDED):
        return False
    hosts = [str(client.host), urlsplit(f"//{headers.get('host', '')}").hostname]
    if headers.get("origin"):
        hosts.append(urlsplit(headers["origin"]).hostname)
    return all(map(_is_loopback, hosts))


def asks_from_home() -> bool:
    """Whether this machine's folders and its token for the Hub may serve whoever asks in the event that runs now.

    Where no event runs, it is this machine's own code that asks.
    """
    request = LocalContext.request.get(None)
    return not on_space() and (request is None or is_at_home(request))


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def token_of(visitor: gr.OAuthToken | None, request: gr.Request) -> str:
    """The token to act with for this visitor.

    Raises:
        HubError: there is none; the message says what to do.
    """
    if on_space():
        if visitor is None:
            raise HubError("You are not signed in, or no longer; sign in with Hugging Face, then try again.")
        return visitor.token
    if not is_at_home(request):
        raise HubError(
            "Only a browser on the machine that serves this page may use its sign-in; "
            "download the zip and push it from your own machine (`vgg-hub push`)."
        )
    token = get_token()
    if not token:
        raise HubError("Nobody is signed in on this machine; run `hf auth login` there, then press the button again.")
    return token


def who_is(token: str) -> Account:
    """Ask the Hub whose token this is.

    Raises:
        HubError: the Hub does not know it, cannot be reached, or the token is for reading only.
    """
    with hub_errors(Note.said("your sign-in"), None):
        answer = HfApi(token=token).whoami()
    if not isinstance(answer, dict) or not _is_name(answer.get("name")):
        raise HubError("The Hub did not say who you are; sign in again.")
    auth = answer.get("auth")
    key = auth.get("accessToken") if isinstance(auth, dict) else None
    if isinstance(key, dict) and key.get("role") == "read":
        raise HubError(
            "The token of {name} is for reading only; make one that may write on your settings page at the Hub, sign "
            "in with it, then try again.",
            name=answer["name"],
        )
    orgs = answer.get("orgs")
    rows = [row for row in (orgs if isinstance(orgs, list) else []) if isinstance(row, dict)]
    names = [row.get("name") for row in rows if row.get("roleInOrg", "write") in WRITERS]
    owners = dict.fromkeys([answer["name"], *filter(_is_name, names)])
    return Account(answer["name"], tuple(owners)[:MAX_OWNERS])


def _is_name(name: object) -> bool:
    """Whether the Hub's answer holds something that can be the owner of a repo."""
    return isinstance(name, str) and REPO_ID.fullmatch(f"{name}/x") is not None
