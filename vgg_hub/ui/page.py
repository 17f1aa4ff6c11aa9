"""The page put together: the sections from top to bottom, what sets off what, and how it is served."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gradio as gr
from starlette.middleware import Middleware

from . import account, api, classify, comeback, inside, lab, mend, net, photos, publish, report, share, training
from .access import ACCESS
from .checked import CheckedBlocks
from .gate import Gate
from .learn import build_note
from .limits import page_limits
from .look import CSS, HEAD, THEME
from .memory import few_arenas
from .own_files import end_in_order, own_upload_folder
from .scripts import CLICK_ZIP, FIND_KEY, FORGET_KEY, GO, KEEP_KEY, NEXT_SNAP, SCROLL
from .session import Session
from .visitors import visitors
from .waiting import COMPUTE, LINED_UP, LOOK, PRIVATE, UPLOAD
from .wire_extras import wire_inside, wire_lab
from .words import I18N, WORDS, word

__all__ = ["build", "launch", "main"]

DAY = 24 * 3600
AT_ONCE = 8  # of each small thing
EVENTS_EACH = 20  # of one visitor that may wait in Gradio's queue: as many as a page sets off when it opens
THREADS = 64
NOTES = {  # for those who learn, at the end of the section where their terms are met
    "net": ("net",),
    "train": ("train",),
    "report": ("report",),
    "inside": ("convolution", "pooling", "heat"),
}
LOOKS = (photos.look_a, photos.look_b)


def build() -> gr.Blocks:
    """Lay the page out and wire it. Reads no weights and uses no network."""
    limits = page_limits()
    own_upload_folder()
    with CheckedBlocks(title=WORDS["title"][0], analytics_enabled=False) as demo:
        session = gr.State(Session(), time_to_live=DAY)  # it is emptied long before that, see `visitors`
        with gr.Column(elem_id="head"):
            gr.Markdown(word("header"))
            banner = comeback.build_banner()
            with gr.Row(elem_classes="actions samples"):
                shape = {"size": "md", "min_width": 200, "scale": 0, "interactive": False}  # until the visitor is found
                samples = gr.Button(word("samples"), elem_id="samples", **shape)
                gr.Markdown(word("samples_info"), elem_classes="lead")
        net_inputs = _section("net", net.build)
        *cards, limits_said = _section("photos", photos.build)
        train = _section("train", training.build)
        report_body, mending = _section("report", lambda: (report.build(), mend.build()))
        answers = _section("classify", classify.build)
        inner = _section("inside", inside.build)
        compared = _section("lab", lab.build)
        shared, published = _section("share", lambda: (share.build(), publish.build()))
        with gr.Column(elem_id="foot"):
            away = comeback.build()
            gr.Markdown(word("paper"))
        api.add_endpoints(session, LINED_UP)
        shows = [
            (report.show, [report_body, session]),
            (mend.show, [mending.photos, mending.changes, mending.again, session]),
            (classify.who_answers, [answers.who, session]),
            (share.offer, [shared.said, shared.button, shared.file, shared.code, session]),
            (publish.suggest, [*_upload(published), session]),
        ]
        _wire_net(demo, net_inputs)
        _wire_photos(session, cards)
        restored = _wire_coming_back(demo, session, away, banner, net_inputs, cards, train, shows)
        restored(lambda: gr.update(interactive=True), None, [samples], queue=False, **PRIVATE)
        answered = _wire_training(session, samples, net_inputs, cards, train, mending.again, answers, shows)
        _wire_mend(session, report_body, mending, cards)
        _wire_why(session, mending)
        answered += _wire_classify(session, net_inputs, answers)
        wire_inside(session, net_inputs, answers, inner, answered)
        wire_lab(session, cards, net_inputs, compared, restored)
        demo.load(js=ACCESS)
        demo.load(photos.limits_said, None, [limits_said], **PRIVATE)
        demo.load(comeback.greet, None, [away.said], **PRIVATE)
        _wire_publish(demo, session, published, restored)
        shared.button.click(share.prepare, [session], [shared.file, session], **PRIVATE).success(js=CLICK_ZIP)
    demo.queue(max_size=EVENTS_EACH * limits.max_visitors, default_concurrency_limit=AT_ONCE)
    return demo


def _section(name: str, lay_out: Callable):
    with gr.Column(elem_id=name, elem_classes="section"):
        parts = lay_out()
        for note in NOTES.get(name, ()):
            build_note(note)
    return parts


def _wire_net(demo: gr.Blocks, inputs: net.NetInputs) -> None:
    changes = [component.change for component in inputs.all[:-1]]
    gr.on(
        [demo.load, *changes],
        net.describe,
        inputs.all,
        [inputs.repo, inputs.facts],
        trigger_mode="always_last",
        **PRIVATE,
    )


def _wire_photos(session: gr.State, cards: Sequence[photos.Card]) -> None:
    files = [card.files for card in cards]
    for card, look, rename in zip(cards, LOOKS, (photos.rename_a, photos.rename_b), strict=True):
        shown = [card.preview, card.note, session]
        card.files.change(look, [*files, session], shown, trigger_mode="always_last", **LOOK, **PRIVATE)
        card.name.blur(rename, [card.name, session], [session], queue=False, **PRIVATE)
        added = card.snap.change(
            photos.add_snap,
            [card.snap, card.files, session],
            [card.files, card.snap, session],
            preprocess=False,
            **PRIVATE,
        )
        added.success(js=NEXT_SNAP.format(card.snap.elem_id))


def _wire_coming_back(demo, session, away, banner, net_inputs, cards, train, shows) -> Callable:
    """On opening, one after the other: until the session is found, nothing may put another in its place.

    Gives what to hang on to that is to come once it is found.
    """
    quick = {"queue": False} | PRIVATE
    key, buttons = [away.key, session], [train.teach, train.stop, session]
    found = demo.load(comeback.come_back, key, [*key, banner], js=FIND_KEY, **quick)
    found.success(None, [away.key], js=KEEP_KEY)
    on_cards = [component for card in cards for component in (card.name, card.files)]
    wishes = [*net_inputs.all, train.trainable, train.unlike]
    restored = found.success(comeback.restore, [session], [*on_cards, *wishes], **quick)
    for card, look in zip(cards, LOOKS, strict=True):
        files = [other.files for other in cards]
        restored.success(look, [*files, session], [card.preview, card.note, session], **LOOK, **PRIVATE)
    restored.success(training.settle, [session], buttons, **quick)
    shown = [train.progress, train.curves, session]
    watched = restored.success(training.watch, [session, train.progress], shown, **LINED_UP, **PRIVATE)
    watched.success(training.settle, [session], buttons, **quick)
    for show, outputs in shows:
        restored.success(show, [session], outputs, **PRIVATE)
        watched.success(show, [session], outputs, **PRIVATE)
    away.delete.click(comeback.ask, None, [away.delete, away.sure], **quick)
    away.no.click(comeback.leave, None, [away.delete, away.sure], **quick)
    away.yes.click(comeback.forget, [session], [session], **quick).success(js=FORGET_KEY)
    return restored.success


def _upload(parts: publish.PublishParts) -> list[gr.components.Component]:
    return [parts.name, parts.what, parts.push, parts.progress, parts.done, parts.code]


def _wire_publish(demo: gr.Blocks, session: gr.State, parts: publish.PublishParts, restored: Callable) -> None:
    signed = [parts.who, parts.sign_in, parts.sign_out, parts.form, parts.owner]
    demo.load(publish.greet, None, signed, **PRIVATE)
    if account.can_sign_in():
        for button, route in ((parts.sign_in, "login/huggingface"), (parts.sign_out, "logout")):
            left = button.click(publish.leave, [session], [session], **PRIVATE)
            left.success(js=GO.format(route=route))
    else:
        parts.sign_in.click(publish.sign_in, None, signed, **PRIVATE)
    shown = [parts.progress, parts.done, parts.code, session]
    begun = parts.push.click(publish.begin, [session], [parts.push, *shown], **PRIVATE)
    inputs = [session, parts.owner, parts.name, parts.access, parts.what]
    pushed = begun.success(publish.push, inputs, shown, **UPLOAD, **PRIVATE)
    watched = restored(publish.watch, [session], shown, **LINED_UP, **PRIVATE)
    for ended in (pushed.success, pushed.failure, watched.success):
        ended(publish.settle, [session], [parts.push, session], queue=False, **PRIVATE)
    pushed.failure(publish.explain, [session], [parts.progress, session], queue=False, **PRIVATE)


def _wire_mend(session, report_body, parts: mend.MendParts, cards: tuple[photos.Card, photos.Card]) -> None:
    shown = [parts.photos, parts.changes, parts.again, parts.focus, session]
    previews = [component for card in cards for component in (card.preview, card.note)]
    for pressed in (report_body, parts.photos, parts.changes):
        done = pressed.click(mend.act, [session], shown, **LOOK, **PRIVATE)
        done.success(None, [parts.focus], js=mend.FOCUS)
        done.success(
            photos.look_again, [*(card.files for card in cards), session], [*previews, session], **LOOK, **PRIVATE
        )


def _wire_why(session: gr.State, parts: mend.MendParts) -> None:
    shown = [parts.photos, parts.focus, session]
    asked = parts.photos.select(mend.why, [session], shown, **COMPUTE, **PRIVATE)
    asked.success(None, [parts.focus], js=mend.FOCUS)


def _wire_training(session, samples, net_inputs, cards, train, teach_again, answers, shows) -> list[Callable]:
    """Gives what to hang on to that is to come after a run and its answer."""
    a, b = cards
    inputs = [session, a.name, b.name, a.files, b.files, *net_inputs.all, train.trainable, train.unlike]
    buttons = [train.teach, train.stop, train.progress, session]
    drawn = samples.click(photos.draw, [session], [a.name, a.files, b.name, b.files, session], **PRIVATE)
    drawn = drawn.success(js=SCROLL.format("train"))
    answered = []
    for start, again in ((train.teach.click, False), (drawn.success, False), (teach_again.click, True)):
        begun = start(training.begin, [session], buttons, **PRIVATE)  # unqueued, Gradio 6.31 shows no refusal
        # A run that another tab began is shown here as well, and at its end what it taught.
        begun.failure(training.settle, [session], [train.teach, train.stop, session], queue=False, **PRIVATE)
        shown = [train.progress, train.curves, session]
        watched = begun.failure(training.watch, [session, train.progress], shown, **LINED_UP, **PRIVATE)
        watched.success(training.settle, [session], [train.teach, train.stop, session], queue=False, **PRIVATE)
        for show, outputs in shows:
            watched.success(show, [session], outputs, **PRIVATE)
        trained = begun.success(training.train, [*inputs, gr.State(again)], shown, **LINED_UP, **PRIVATE)
        for ended in (trained.success, trained.failure):  # `then` does not come after an error in Gradio 6.31
            ended(training.settle, [session], [train.teach, train.stop, session], queue=False, **PRIVATE)
        trained.failure(training.explain, [session], [train.progress, session], queue=False, **PRIVATE)
        done = trained.success(js=SCROLL.format("report"))
        for show, outputs in shows:
            done = done.success(show, [session], outputs, **PRIVATE)
        done = done.success(
            classify.classify_one,
            [answers.photo, session, *net_inputs.all],
            [answers.answer, answers.time_taken, session],
            preprocess=False,
            **LINED_UP,
            **PRIVATE,
        )
        answered.append(done.success)
        done.success(
            classify.classify_many,
            [answers.files, session, *net_inputs.all],
            [answers.said, answers.table, answers.csv, session],
            **LINED_UP,
            **PRIVATE,
        )
    train.stop.click(training.stop, [session], None, queue=False, **PRIVATE)
    return answered


def _wire_classify(session: gr.State, net_inputs: net.NetInputs, parts: classify.ClassifyParts) -> list[Callable]:
    """Gives what to hang on to that is to come after the answer for one photo."""
    answered = parts.photo.change(
        classify.classify_one,
        [parts.photo, session, *net_inputs.all],
        [parts.answer, parts.time_taken, session],
        preprocess=False,
        **LINED_UP,
        **PRIVATE,
    )
    parts.files.change(
        classify.classify_many,
        [parts.files, session, *net_inputs.all],
        [parts.said, parts.table, parts.csv, session],
        **LINED_UP,
        **PRIVATE,
    )
    gr.on(
        [component.change for component in net_inputs.all],
        classify.classify_again,
        [parts.photo, session, *net_inputs.all],
        [parts.answer, parts.time_taken, session],
        preprocess=False,
        trigger_mode="always_last",
        **LINED_UP,
        **PRIVATE,
    )
    return [answered.success]


def launch(demo: gr.Blocks, **overrides: object) -> tuple[object, str, str]:
    """Serve the page; `overrides` are `gr.Blocks.launch`'s own. Returns what that returns."""
    limits = page_limits()
    few_arenas()
    visitors.watch_over()
    end_in_order()
    options: dict[str, object] = {
        "theme": THEME,
        "css": CSS,
        "head": HEAD,
        "i18n": I18N,
        "show_error": True,  # programs then get the sentence, not "an error occurred"
        "max_file_size": limits.max_file_megabytes * 10**6,
        "max_threads": THREADS + 3 * limits.max_visitors,  # one who waits or watches holds a thread, which sleeps
        "state_session_capacity": 3 * limits.max_visitors,  # of 0.3 MB
        "run_history": False,  # photos are private: nothing of a run stays in the browser
        "footer_links": ["api"],  # its settings change the fixed words' language alone, not what Python says
        "app_kwargs": {"middleware": [Middleware(Gate)]},
        "mcp_server": False,  # not by an environment variable either: all of its callers would share one visitor's place
    }
    return demo.launch(**(options | overrides))


def main(host: str = "127.0.0.1", port: int = 7860, share: bool = False) -> None:
    """Open the page in a server of its own, until it is interrupted."""
    launch(build(), server_name=host, server_port=port, share=share)
