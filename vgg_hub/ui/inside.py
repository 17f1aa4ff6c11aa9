"""Section 6: what happens inside the net: where it finds evidence on a photo, what each layer makes of it, and its layers.

Nothing here is loaded, computed or sent before the section is opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import gradio as gr
from PIL import Image
from torch import Tensor

from ..errors import VGGHubError
from ..explain import evidence, feature_maps, first_filters, last_convolution, map_stages
from ..model import VGG
from ..overlay import heat_picture, seen_picture
from ..predict import Classifier
from ..preprocess import preprocess
from .backbones import backbones
from .choice import Choice, look_up
from .guard import for_page, sentence
from .inside_html import Told, filters_html, heat_html, maps_a_page, maps_html, photo_html
from .inside_photos import CLASSIFIED, NEW, offered_photos, open_photo
from .layers import layers_html
from .look import note, problem
from .messages import language_of, say
from .net import choose
from .session import Session
from .words import word

__all__ = [
    "PRESSED",
    "InsideParts",
    "afresh",
    "another",
    "ask",
    "build",
    "close",
    "open_it",
    "pick",
    "redraw",
    "structure",
]

PICK = """element.addEventListener('click', (event) => {
    const layer = event.target.closest('[data-stage]');
    if (layer) trigger('click', {stage: layer.dataset.stage});
});"""

# The layer that is shown is marked in the table and the picture, which stay as they are.
PRESSED = """(stage) => document.querySelectorAll('#inside-layers [data-stage]').forEach((layer) => {
    const shown = layer.dataset.stage === stage;
    layer.closest('tr, g').classList.toggle('chosen', shown);
    if (layer.tagName === 'BUTTON') layer.setAttribute('aria-pressed', shown);
})"""


@dataclass(frozen=True)
class InsideParts:
    """The section's components; `chosen` in the order that `redraw` takes them, `shown` as it gives them."""

    body: gr.Accordion
    asked: gr.State
    page: gr.State
    photo: gr.Dropdown
    upload: gr.Image
    label: gr.Dropdown
    stage: gr.Dropdown
    heat: gr.HTML
    back: gr.Button
    on: gr.Button
    maps: gr.HTML
    filters: gr.HTML
    layers: gr.HTML

    @property
    def chosen(self) -> list[gr.components.Component]:
        return [self.photo, self.upload, self.label, self.stage, self.page]

    @property
    def shown(self) -> list[gr.components.Component]:
        return [*self.chosen, self.heat, self.maps, self.back, self.on]


def build() -> InsideParts:
    """Lay the section out."""
    gr.Markdown(word("inside"), elem_classes="heading")
    gr.Markdown(word("inside_info"), elem_classes="lead")
    with gr.Accordion(word("inside_open"), open=False, elem_id="inside-body") as body:
        asked, page = gr.State(0), gr.State(0)
        with gr.Row():
            photo = gr.Dropdown([], label=word("inside_photo"), elem_id="inside-photo", min_width=220)
            label = gr.Dropdown([], label=word("inside_label"), elem_id="inside-label", min_width=220)
            stage = gr.Dropdown([], label=word("inside_stage"), elem_id="inside-stage", min_width=180)
        upload = gr.Image(
            sources=["upload", "clipboard"],
            type="filepath",
            label=word("inside_upload"),
            height=200,
            buttons=[],
            visible=False,
            elem_id="inside-upload",
        )
        heat = gr.HTML(js_on_load=None, elem_id="inside-heat")
        gr.Markdown(word("inside_maps_title"), elem_classes="subheading")
        maps = gr.HTML(js_on_load=None, elem_id="inside-maps")
        with gr.Row(elem_classes="actions"):
            back = gr.Button(word("inside_back"), size="sm", interactive=False, elem_id="inside-back", min_width=120)
            on = gr.Button(word("inside_on"), size="sm", interactive=False, elem_id="inside-on", min_width=120)
        gr.Markdown(word("inside_filters_title"), elem_classes="subheading")
        filters = gr.HTML(js_on_load=None, elem_id="inside-filters")
        gr.Markdown(word("inside_layers_title"), elem_classes="subheading")
        layers = gr.HTML(js_on_load=PICK, elem_id="inside-layers")
    return InsideParts(body, asked, page, photo, upload, label, stage, heat, back, on, maps, filters, layers)


def open_it(asked: int) -> int:
    """The section was opened in this tab: from now on it follows what is taught, chosen and classified."""
    return abs(asked) + 1


def close(asked: int) -> int:
    """The section was closed: nothing is computed for it any more. Below zero stands for that."""
    return -abs(asked)


def ask(asked: int) -> int:
    """Something changed that the section shows: it is to look anew, where it is open."""
    return asked + (asked > 0)


def afresh(photo: object, upload: object) -> tuple[object, None, int]:
    """Another net, or another photo above: the photo stays if there is one, the class is the most probable one again."""
    return (None if photo == NEW and not upload else gr.skip()), *another()


def another() -> tuple[None, int]:
    """Another photo: its most probable class, and the first page of its maps."""
    return None, 0


def pick(event: gr.EventData) -> tuple[object, int]:
    """A layer was pressed in the table or the picture: its stage, and the first page of its maps."""
    stage = event._data.get("stage") if isinstance(event._data, dict) else None
    known = isinstance(stage, str) and re.fullmatch(r"(conv|pool|fc)\d{1,4}(_\d{1,4})?", stage)
    return (stage if known else gr.skip()), 0


def _model(session: Session, choice: Choice) -> VGG | None:
    """The net that answers; None where it would have to be fetched first."""
    if session.tuned is not None:
        return session.tuned
    return backbones.get(choice) if look_up(choice).here else None


@dataclass(frozen=True)
class _Wish:
    """What is chosen in the section, as it came: any of it may be what the net or the session does not have."""

    photo: object
    upload: object
    label: object
    stage: object
    page: object


def _shown(session: Session, choice: Choice, wish: _Wish, classified: object, language: str) -> tuple[object, ...]:
    """Values or updates of `InsideParts.shown`."""
    photos = offered_photos(session, bool(classified), language)
    keys = [key for _, key in photos]
    best = next(key for key in (CLASSIFIED, "0/0", NEW) if key in keys)
    key = wish.photo if wish.photo in keys else best
    box = gr.update(choices=photos, value=key), gr.update(visible=key == NEW)
    nothing = gr.update(choices=[], value=None), gr.skip(), 0
    try:
        model = _model(session, choice)
        if model is None:
            text = note(say(language, "inside_not_fetched", name=look_up(choice).name), "problem")
            return (*box, *nothing, text, "", *_buttons(0, 1))
        image = open_photo(session, key, classified, wish.upload)
        stages = [stage.name for stage in model.stages]
        stage = wish.stage if wish.stage in stages else last_convolution(model)
        places = gr.update(choices=stages, value=stage)
        if image is None:
            text = note(say(language, "inside_no_photo"))
            return (*box, nothing[0], places, 0, text, "", *_buttons(0, 1))
        label, heat, maps, page, pages = _explained(model, image, wish.label, stage, wish.page, language)
    except VGGHubError as error:  # said in place: the rest of the section still stands
        return (*box, *nothing, problem(sentence(error, language)), "", *_buttons(0, 1))
    return (*box, label, places, page, heat, maps, *_buttons(page, pages))


def _buttons(page: int, pages: int) -> tuple[object, object]:
    return gr.update(interactive=page > 0), gr.update(interactive=page + 1 < pages)


def _explained(
    model: VGG, image: Image.Image, label: object, stage: str, page: object, language: str
) -> tuple[object, str, str, int, int]:
    """An update of the classes, HTML of the heat map and of a page of feature maps, that page, and how many there are."""
    # Exact arithmetic, as in the section above, so that both say the same.
    prediction = Classifier(model, "cpu", precision="float32")([image])[0]
    labels = model.config.label_names or [f"class {i}" for i in range(model.config.num_classes)]
    numbers = {text: number for number, text in enumerate(labels)}
    known = isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(labels)
    index = label if known else numbers[prediction.label]
    choices = [(f"{text} · {100 * score:.1f} %", numbers[text]) for text, score in prediction.scores.items()]
    x = preprocess(image, model.config)[None]
    heat = _heat(
        model, image, x, index, Told(labels[index], stage, model.config.input_size, prediction.unlike), language
    )
    maps = feature_maps(model, x, stage)
    pages = maps_a_page(maps)
    page = max(0, min(page, pages - 1)) if isinstance(page, int) else 0
    return gr.update(choices=choices, value=index), heat, maps_html(maps, stage, page, language), page, pages


def _heat(model: VGG, image: Image.Image, x: Tensor, index: int, told: Told, language: str) -> str:
    photo = seen_picture(image, model.config)
    if told.stage not in map_stages(model):
        return photo_html(photo, say(language, "inside_no_places", stage=told.stage), language)
    found = evidence(model, x, index, told.stage)
    return heat_html(photo, heat_picture(photo, found, told.input_size), found, told, language)


@for_page
def redraw(
    asked: int,
    photo: object,
    upload: object,
    label: object,
    stage: object,
    page: object,
    session: Session,
    classified: object,
    depth: object,
    batch_norm: object,
    weights: object,
    repo: object,
    device: object,
    request: gr.Request,
) -> tuple[object, ...]:
    """The heat map and the feature maps, by what is chosen. Takes the components' raw values, and checks each.

    Args:
        asked: how often the section was to look anew; above 0 where it is open.
        photo: "classified", "new", or "class/number" of a photo that was taught with; any other means the best there is.
        upload: Gradio's description of the new photo.
        label: index of the class whose evidence is shown; any other value means the most probable one.
        stage: its name; any other means the last convolution.
        page: of the feature maps.
        session: whose photos and tuned model.
        classified: Gradio's description of the photo of the section above.
        depth, batch_norm, weights, repo, device: the net that is looked into where nothing is taught.
        request: of the browser.

    Returns:
        Values or updates of `InsideParts.shown`.
    """
    if asked <= 0:  # Gradio 6.31 tells of the first change of a state even where there is none
        return (gr.skip(),) * 9
    choice = choose(depth, batch_norm, weights, repo, device)
    wish = _Wish(photo, upload, label, stage, page)
    return _shown(session, choice, wish, classified, language_of(request))


@for_page
def structure(
    asked: int,
    session: Session,
    depth: object,
    batch_norm: object,
    weights: object,
    repo: object,
    device: object,
    request: gr.Request,
) -> tuple[object, object]:
    """The first layer's filters and the table of layers, as HTML; where the weights are not here, the table alone."""
    if asked <= 0:
        return gr.skip(), gr.skip()
    language = language_of(request)
    choice = choose(depth, batch_norm, weights, repo, device)
    model = _model(session, choice)
    if model is not None:
        return filters_html(first_filters(model), language), layers_html(model.config, language)
    config = look_up(choice).config
    return "", layers_html(config, language) if config else note(say(language, "inside_no_table"))
