"""Section 1: the net to start from, and what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

import gradio as gr
import torch

from ..bundled import bundled_names
from ..card import provenance_rows
from ..config import DEPTHS
from ..errors import VGGHubError
from ..summary import multiply_adds, parameter_count
from .amounts import count_in_words, megabytes
from .choice import Choice, Net, look_up
from .guard import sentence
from .look import note
from .messages import language_of, say
from .net_facts import say_fact
from .words import word

__all__ = ["NetInputs", "build", "choose", "describe"]

MAX_ROWS = 6


@dataclass(frozen=True)
class NetInputs:
    """The section's components; `all` in the order that handlers take them."""

    depth: gr.Radio
    batch_norm: gr.Checkbox
    weights: gr.Radio
    repo: gr.Textbox
    device: gr.Radio
    facts: gr.HTML

    @property
    def all(self) -> list[gr.components.Component]:
        return [self.depth, self.batch_norm, self.weights, self.repo, self.device]


def build() -> NetInputs:
    """Lay the section out."""
    gr.Markdown(word("net"), elem_classes="heading")
    gr.Markdown(word("net_info"), elem_classes="lead")
    with gr.Row(equal_height=True):
        depth = gr.Radio(list(DEPTHS), value=11, label=word("depth"), info=word("depth_info"), min_width=220)
        batch_norm = gr.Checkbox(
            True, label=word("batch_norm"), info=word("batch_norm_info"), min_width=220, elem_id="batch-norm"
        )
        device = gr.Radio(_devices(), value="auto", label=word("device"), info=word("device_info"), min_width=220)
    weights = gr.Radio(
        [(word(f"weights_{key}"), key) for key in ("bundled", "imagenet", "own", "random")],
        value="bundled",
        label=word("weights"),
        info=word("weights_info"),
    )
    repo = gr.Textbox(
        label=word("repo"), info=word("repo_info"), placeholder="timm/vgg16_bn.tv_in1k", visible=False, max_lines=1
    )
    facts = gr.HTML(js_on_load=None, elem_id="net-facts")
    return NetInputs(depth, batch_norm, weights, repo, device, facts)


def _devices() -> list[tuple[object, str]]:
    choices: list[tuple[object, str]] = [(word("device_auto"), "auto"), ("CPU", "cpu")]
    if torch.cuda.is_available():
        choices.append(("CUDA", "cuda"))
    if torch.backends.mps.is_available():
        choices.append(("MPS", "mps"))
    return choices


def choose(depth: object, batch_norm: object, weights: object, repo: object, device: object) -> Choice:
    """The choice that the section's inputs make; see `Choice.of` for the errors."""
    return Choice.of(depth, batch_norm, repo if weights == "own" else weights, device)


def describe(
    depth: int, batch_norm: bool, weights: str, repo: str, device: str, request: gr.Request
) -> tuple[dict[str, object], str]:
    """What the chosen net is: its size, what it was trained on, its score, and whether the internet is needed.

    Returns:
        An update of the repo's box (shown for "own"), and HTML.
    """
    language = language_of(request)
    box = gr.update(visible=weights == "own")
    if weights == "own" and not str(repo or "").strip():
        return box, note(say(language, "net_own_empty"))
    try:
        net = look_up(choose(depth, batch_norm, weights, repo, device))
    except VGGHubError as error:  # said in place: a person may be in the middle of typing
        return box, note(sentence(error, language), "problem")
    return box, _html(net, language)


def _html(net: Net, language: str) -> str:
    if net.kind == "missing":
        shipped = ", ".join(bundled_names())
        key = "net_missing" if shipped else "net_missing_all"
        return note(say(language, key, name=net.name, shipped=shipped), "problem")
    tiles = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in _facts(net, language)
    )
    facts = f'<dl class="facts">{tiles}</dl>' if tiles else ""
    return facts + note(" ".join(_sentences(net, language))) + _scores(net.provenance or {}, language)


def _facts(net: Net, language: str) -> list[tuple[str, str]]:
    if net.config is None:
        return []
    size = net.config.input_size
    return [
        (say(language, "net_parameters"), count_in_words(language, parameter_count(net.config))),
        (say(language, "net_size"), megabytes(net.size) if net.size else say(language, "net_known_later")),
        (say(language, "net_multiply_adds"), count_in_words(language, multiply_adds(net.config))),
        (say(language, "net_reads"), say(language, "net_pixels", side=size)),
    ]


def _sentences(net: Net, language: str) -> list[str]:
    if net.kind == "random":
        return [say(language, "net_random")]
    trained = _trained(net.provenance or {}, language)
    if net.kind == "repo":
        return [
            say(language, "net_repo_here" if net.here else "net_repo_away", name=net.name),
            say(language, "net_own_depth"),
        ]
    if net.kind == "imagenet":
        return [trained, say(language, "net_imagenet_here" if net.here else "net_imagenet_away", name=net.name)]
    last = say(language, "net_bundled") if net.kind == "bundled" else say(language, "net_folder", name=net.name)
    return [trained or say(language, "net_unknown_training"), last]


def _trained(provenance: dict[str, object], language: str) -> str:
    names = [_data_name(row, language) for row in provenance_rows(provenance, "data")[:MAX_ROWS]]
    return say(language, "net_trained_on", data=", ".join(names)) if names else ""


def _data_name(row: dict[str, object], language: str) -> str:
    name = re.sub(r" \([^()]*\)$", "", str(row.get("name", ""))[:200])  # the citation is in the card
    pictures = row.get("pictures")
    facts = [say(language, "net_pictures", n=f"{pictures:,}")] if isinstance(pictures, int) else []
    if isinstance(row.get("licence"), str):
        facts.append(say_fact(language, row["licence"][:60]))
    return f"{name} ({'; '.join(facts)})" if facts else name


def _scores(provenance: dict[str, object], language: str) -> str:
    items = ""
    for row in provenance_rows(provenance, "scores")[:MAX_ROWS]:
        accuracy, n = row.get("accuracy"), row.get("n")
        if isinstance(accuracy, (int, float)) and 0 <= accuracy <= 1:
            rate = f"{100 * accuracy:.1f} %"
            value = say(language, "net_rate", rate=rate, n=f"{n:,}") if isinstance(n, int) else rate
            dataset, split = str(row.get("dataset", ""))[:80], str(row.get("split", "test"))[:60]
            name = f"{say_fact(language, dataset)} ({say_fact(language, split)})"
            items += f"<li>{escape(name)}: <b>{escape(value)}</b></li>"
    title = note(say(language, "net_scores"))
    return f'{title}<ul class="scores">{items}</ul>' if items else ""
