"""The second half of section 8: put the model on the Hub, as whoever is signed in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import gradio as gr
from huggingface_hub import constants

from ..config import VGGConfig
from ..errors import FinetuneError, HubError, VGGHubError
from ..summary import weight_bytes
from ..transfer import REPO_ID
from .account import Account, can_sign_in, is_at_home, on_space, token_of, who_is
from .amounts import megabytes, seconds_in_words
from .guard import for_page, sentence
from .look import bar, note, problem
from .messages import language_of, say
from .notes import say_note
from .session import Session
from .share import loading_lines, safe_name
from .upload import Upload
from .words import word

__all__ = [
    "PublishParts",
    "begin",
    "build",
    "explain",
    "greet",
    "leave",
    "push",
    "repo_name",
    "settle",
    "sign_in",
    "suggest",
    "watch",
]

MAX_NAME = 96  # characters, as the Hub has it
DTYPES = {"full": None, "half": "float16", "head": None}
TICK = 1.0  # seconds between two looks at an upload that says nothing


@dataclass(frozen=True)
class PublishParts:
    """The section's components; `sign_out` serves only where Gradio's sign-in works."""

    who: gr.HTML
    sign_in: gr.Button
    sign_out: gr.Button
    form: gr.Column
    owner: gr.Dropdown
    name: gr.Textbox
    access: gr.Radio
    what: gr.Radio
    push: gr.Button
    progress: gr.HTML
    done: gr.HTML
    code: gr.Code


def build() -> PublishParts:
    """Lay the section out. Asks nobody anything."""
    gr.Markdown(word("push_title"), elem_classes="subheading")
    who = gr.HTML(js_on_load=None, elem_id="push-who")
    hidden = {"visible": False, "size": "md", "min_width": 260, "scale": 0}
    with gr.Row(elem_classes="actions sign"):
        sign_in_button = gr.Button(word("sign_in" if on_space() else "sign_in_here"), elem_id="sign-in", **hidden)
        sign_out_button = gr.Button(word("sign_out"), elem_id="sign-out", **hidden)
    if can_sign_in():
        gr.LoginButton(visible=False)  # it brings Gradio's routes; the two buttons above go there
    with gr.Column(visible=False, elem_id="push-form") as form:
        with gr.Row():
            owner = gr.Dropdown([], label=word("push_owner"), info=word("push_owner_info"), min_width=220, scale=1)
            name = gr.Textbox(label=word("push_name"), info=word("push_name_info"), max_lines=1, min_width=220, scale=2)
        with gr.Row():
            access = gr.Radio(
                [(word("push_private"), "private"), (word("push_public"), "public")],
                value="private",
                label=word("push_access"),
                info=word("push_access_info"),
                min_width=220,
                scale=1,
            )
            what = gr.Radio([], label=word("push_what"), info=word("push_what_info"), min_width=220, scale=2)
        button = gr.Button(word("push"), variant="primary", interactive=False, elem_id="push")
    progress = gr.HTML(js_on_load=None, elem_id="push-progress")
    done = gr.HTML(js_on_load=None, elem_id="push-done")
    code = gr.Code(language="python", label=word("code"), visible=False, interactive=False, lines=5, elem_id="hub-code")
    return PublishParts(
        who, sign_in_button, sign_out_button, form, owner, name, access, what, button, progress, done, code
    )


def repo_name(config: VGGConfig) -> str:
    """A name that the Hub takes: letters, digits and single dashes; what it cannot write is left out."""
    plain = unicodedata.normalize("NFKD", safe_name(config)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain)[:MAX_NAME].strip("-")


def greet(request: gr.Request, token: gr.OAuthToken | None) -> tuple[object, ...]:
    """When the page opens: who is signed in, else what to do. Asks the Hub only for a visitor who has signed in there.

    Returns:
        HTML, and updates of the two buttons, the form and the owner.
    """
    language = language_of(request)
    if not on_space():
        home = is_at_home(request)
        return _signed_out(note(say(language, "push_here" if home else "push_away")), button=home)
    if not can_sign_in():
        return _signed_out(note(say(language, "push_away")), button=False)
    if token is None:
        return _signed_out(note(say(language, "push_sign_in")), button=True)
    try:
        return _signed_in(who_is(token.token), language)
    except VGGHubError as error:  # said in place: the rest of the page goes on
        return _signed_out(problem(sentence(error, language)), button=True)


@for_page
def sign_in(request: gr.Request, token: gr.OAuthToken | None) -> tuple[object, ...]:
    """The button was pressed on a page that runs at home; returns what `greet` does."""
    return _signed_in(who_is(token_of(token, request)), language_of(request))


@for_page
def leave(session: Session, request: gr.Request) -> Session:
    """Before the page is left for the sign-in or out of it: nobody leaves an upload that is under way. The session."""
    session.check_not_pushing()
    return session


def _signed_out(said: str, button: bool) -> tuple[object, ...]:
    return said, gr.update(visible=button), gr.update(visible=False), gr.update(visible=False), gr.skip()


def _signed_in(account: Account, language: str) -> tuple[object, ...]:
    return (
        note(say(language, "push_as", name=account.name), "good"),
        gr.update(visible=False),
        gr.update(visible=on_space()),
        gr.update(visible=True),
        gr.update(choices=list(account.owners), value=account.name),
    )


def suggest(session: Session, request: gr.Request) -> tuple[object, ...]:
    """What can be put on the Hub now: updates of name, kinds, button, progress, link and code, and the session.

    The name is only a placeholder: what the visitor has typed meanwhile, or before they taught again, stays.
    """
    clear = ("", "", gr.update(value=None, visible=False))
    upload = session.upload
    if upload is not None and upload.model is session.tuned:  # the page was opened again: `watch` shows how it goes
        done = upload.over and upload.error is None
        clear = ("", *_loading(upload, language_of(request))) if done else (gr.skip(),) * 3
    if session.tuned is None:
        return gr.update(placeholder=""), gr.update(visible=False), gr.update(interactive=False), *clear, session
    kinds = gr.update(choices=_kinds(session, language_of(request)), value="full", visible=True)
    button = gr.update(interactive=_can_push(session))
    return gr.update(placeholder=repo_name(session.tuned.config)), kinds, button, *clear, session


def _kinds(session: Session, language: str) -> list[tuple[str, str]]:
    """What of the model can be pushed, with its size."""
    config = session.tuned.config
    sizes = {"full": weight_bytes(config), "half": weight_bytes(config, 2)}
    if session.tuned.base is not None:  # it stands on a net that others can get, too
        sizes["head"] = (config.embed_features + 1) * config.num_classes * 4
    return [(say(language, f"push_kind_{kind}", size=megabytes(size)), kind) for kind, size in sizes.items()]


@for_page
def begin(session: Session, request: gr.Request) -> tuple[object, ...]:
    """The button was pressed: refuse a second upload, else get ready.

    Returns:
        Updates of the button, progress, link and code, and the session.
    """
    session.check_not_pushing()
    session.push_problem = ""
    waiting = bar(say(language_of(request), "train_starting"), None)
    return gr.update(interactive=False), waiting, "", gr.update(value=None, visible=False), session


@for_page
def push(
    session: Session,
    owner: str | None,
    name: str | None,
    access: str,
    what: str,
    request: gr.Request,
    token: gr.OAuthToken | None,
) -> Iterator[tuple[object, ...]]:
    """Put what the visitor taught on the Hub, with their own token; without a name, under the one suggested.

    Yields:
        HTML of progress and link, an update of the code, and the session.
    """
    language = language_of(request)
    model = session.tuned
    try:
        if model is None:
            raise FinetuneError("Nothing was taught yet; fine-tune first, then put the model on the Hub.")
        repo = f"{owner or ''}/{(name or '').strip() or repo_name(model.config)}"
        if not REPO_ID.fullmatch(repo):
            raise HubError(
                "{repo!r:.120} is not the name of a Hub repo; write letters, digits and dashes in each half.", repo=repo
            )
        secret, private = token_of(token, request), access != "public"

        def work(tell: Callable[[str], None]) -> None:
            with session.pushing():
                model.push_to_hub(
                    repo, private=private, token=secret, dtype=DTYPES.get(what), delta=what == "head", say=tell
                )

        upload = session.upload = Upload(model, repo, private)
        upload.start(work)
        yield from _watched(upload, session, language)
        if upload.error is not None:
            raise upload.error
    except VGGHubError as error:
        session.push_problem = sentence(error, language)
        raise


def watch(session: Session, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """When the page opens: the upload that was found again, until its end. Yields what `push` does."""
    language, upload = language_of(request), session.upload
    if upload is None or upload.model is not session.tuned:
        yield gr.skip(), gr.skip(), gr.skip(), session
        return
    yield from _watched(upload, session, language)
    if upload.error is not None:
        yield problem(_why(upload.error, language)), gr.skip(), gr.skip(), session


def _watched(upload: Upload, session: Session, language: str) -> Iterator[tuple[object, ...]]:
    for text in upload.follow(TICK):
        said, time = say_note(language, text).rstrip("."), seconds_in_words(language, upload.seconds)
        yield bar(say(language, "push_step", sentence=said, time=time), None), gr.skip(), gr.skip(), session
    if upload.error is None:
        yield "", *_loading(upload, language), session


def _loading(upload: Upload, language: str) -> tuple[str, dict[str, object]]:
    """Where an upload is now: HTML, and an update of the code that loads it."""
    code = gr.update(value=loading_lines(upload.repo), visible=True)
    return _link(upload.repo, upload.private, language), code


def _why(error: Exception, language: str) -> str:
    why = sentence(error, language) if isinstance(error, VGGHubError) else say(language, "unexpected")
    return say(language, "push_failed", problem=why)


def _link(repo: str, private: bool, language: str) -> str:
    address = f"{constants.ENDPOINT}/{quote(repo)}"
    link = f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(repo)}</a>'
    text = escape(say(language, "push_done_private" if private else "push_done", repo="\0"))
    return f'<p class="note good">{text.replace(chr(0), link)}</p>'


def settle(session: Session) -> tuple[object, Session]:
    """After an upload, however it ended: an update that puts the button back, and the session."""
    return gr.update(interactive=_can_push(session)), session


def _can_push(session: Session) -> bool:
    return session.tuned is not None and (session.upload is None or session.upload.over)


def explain(session: Session, request: gr.Request) -> tuple[str, Session]:
    """After an upload that failed: why, in HTML that stays when the passing message is gone, and the session."""
    language = language_of(request)
    text = say(language, "push_failed", problem=session.push_problem or say(language, "train_full"))
    return problem(text), session
