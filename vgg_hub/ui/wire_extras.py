"""What sets off what in the two sections that nobody needs: the look inside, and the comparison of nets."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from . import inside, lab
from .scripts import SCROLL
from .waiting import COMPUTE, LINED_UP, PRIVATE

__all__ = ["wire_inside", "wire_lab"]


def wire_inside(session, net_inputs, answers, parts: inside.InsideParts, answered: list[Callable]) -> None:
    """The section looks anew where it is opened, and where the net, what it was taught or the photo changed meanwhile."""
    quick = {"queue": False} | PRIVATE
    wish = [parts.asked, *parts.chosen, session, answers.photo, *net_inputs.all]
    # What is not queued sets off no change of a state in Gradio 6.31.
    parts.body.expand(inside.open_it, [parts.asked], [parts.asked], **PRIVATE)
    parts.body.collapse(inside.close, [parts.asked], [parts.asked], **quick)
    for change in (*answered, *(component.change for component in net_inputs.all)):
        change(inside.ask, [parts.asked], [parts.asked], **PRIVATE)
    fresh = parts.asked.change(
        inside.afresh, [parts.photo, parts.upload], [parts.photo, parts.label, parts.page], preprocess=False, **quick
    )
    other = gr.on([parts.photo.input, parts.upload.change], inside.another, None, [parts.label, parts.page], **quick)
    first = parts.stage.input(lambda: 0, None, [parts.page], **quick)
    picked = parts.layers.click(inside.pick, None, [parts.stage, parts.page], **quick)
    picked.success(js=SCROLL.format("inside-heat"))
    back = parts.back.click(lambda page: page - 1, [parts.page], [parts.page], **quick)
    on = parts.on.click(lambda page: page + 1, [parts.page], [parts.page], **quick)
    for start in (*(event.success for event in (fresh, other, first, picked, back, on)), parts.label.input):
        drawn = start(inside.redraw, wish, parts.shown, preprocess=False, **COMPUTE, **PRIVATE)
        drawn.success(None, [parts.stage], js=inside.PRESSED)
    built = [parts.filters, parts.layers]
    built = parts.asked.change(inside.structure, [parts.asked, session, *net_inputs.all], built, **COMPUTE, **PRIVATE)
    built.success(None, [parts.stage], js=inside.PRESSED)


def wire_lab(session, cards, net_inputs, parts: lab.LabParts, restored: Callable) -> None:
    a, b = cards
    shown = [parts.progress, parts.trials, parts.start, parts.stop, session]
    inputs = [session, a.name, b.name, a.files, b.files, net_inputs.device]
    restored(lab.watch, [session], shown, **LINED_UP, **PRIVATE)
    compared = parts.start.click(lab.compare, inputs, shown, **LINED_UP, **PRIVATE)
    compared.failure(lab.watch, [session], shown, **LINED_UP, **PRIVATE)
    parts.stop.click(lab.stop, [session], None, queue=False, **PRIVATE)
