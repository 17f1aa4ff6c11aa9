"""The named endpoints for programs: `/finetune`, `/classify`, `/download`. They share the visitor's session."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from ..errors import ConfigError
from ..finetune import MAX_SEED, Embedding, Finished, Step
from .choice import Choice
from .classify import answer_one
from .gpu_work import Wishes
from .guard import for_programs
from .line import Place
from .session import Session
from .share import make_zip
from .training import TRAINABLE, teach
from .uploads import uploaded_files

__all__ = ["add_endpoints", "classify", "download", "finetune"]


@for_programs
def finetune(
    session: Session,
    files_a: list[dict[str, object]] | None,
    files_b: list[dict[str, object]] | None,
    label_a: str,
    label_b: str,
    depth: int,
    batch_norm: bool,
    weights: str,
    trainable: str,
    seed: int,
    device: str,
    unlike: bool,
    request: gr.Request,
) -> Iterator[tuple[dict[str, object], Session]]:
    """Teach a VGG to tell two things apart; `/classify` and `/download` then use what was taught.

    Streams {"stage", "done", "total", "seconds_left"} while it works; stage "waiting" has in "total" how many have their
    turn before, and a time left of null where it is not known. The last value is the report: labels, counts,
    validation (accuracy, low, high, n, method, confusion), verdict, unlike, seconds, trainable, base, seed, warnings.

    Args:
        files_a: Photos of the first class, or zips of photos.
        files_b: Photos of the second class, or zips of photos.
        label_a: Name of the first class.
        label_b: Name of the second class.
        depth: 11, 13, 16 or 19.
        batch_norm: Whether the net has batch normalisation.
        weights: "bundled" (ships with the page), "imagenet" (from the Hub), "random", or a Hub repo or folder.
        trainable: What is trained: "head" (the last layer), "classifier" (all Linear layers), "block5" ... "block1"
            (from that block on) or "all".
        seed: Of the cross-validation's folds.
        device: "auto", "cpu", "cuda" or "mps".
        unlike: Also learn when a picture shows neither.
    """
    choice = Choice.of(depth, batch_norm, weights, device)
    labels, files = (_name(label_a), _name(label_b)), (uploaded_files(files_a), uploaded_files(files_b))
    wishes = Wishes(str(trainable), _whole("seed", seed), bool(unlike))
    for event in teach(session, choice, labels, files, wishes):
        if isinstance(event, Place):
            yield _stage("waiting", 0, event.ahead, event.seconds), session
        elif isinstance(event, Embedding):
            yield _stage("photos", event.done, event.total, event.seconds_left), session
        elif isinstance(event, Step):
            yield _stage("training", event.step, event.total, event.seconds_left), session
        elif isinstance(event, Finished):
            yield event.report.to_dict(), session


def _stage(name: str, done: int, total: int, seconds_left: float | None) -> dict[str, object]:
    left = None if seconds_left is None else round(seconds_left, 1)
    return {"stage": name, "done": done, "total": total, "seconds_left": left}


def _name(label: object) -> object:
    """A class name; numbers will do, and what is neither is left for `check_labels` to refuse."""
    return "" if label is None else str(label) if isinstance(label, (int, float)) else label


def _whole(name: str, value: object) -> int:
    """A whole number that may have come as text or as 3.0."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not 0 <= number <= MAX_SEED or (isinstance(value, float) and value != number):
        raise ConfigError(
            "{name} is {value!r}; expected a whole number from 0 to {most}.",
            name=name,
            value=str(value)[:40],
            most=MAX_SEED,
        )
    return number


@for_programs
def classify(
    image: dict[str, object] | None, top_k: int, session: Session, request: gr.Request
) -> tuple[dict[str, object], Session]:
    """Name what is on a picture, by what this session taught, else by the shipped net.

    Gives {"label", "confidences": [{"label", "confidence"}], "unlike", "unlike_score"}: the most probable class, the
    probabilities, whether the picture is unlike all classes, and how unlike (above 1, it is); the last two are null
    where the net has no rule for that.

    Args:
        image: The picture.
        top_k: How many classes to give, the most probable first.
    """
    prediction, _, _ = answer_one(session, session.choice, image)
    best = list(prediction.scores.items())[: max(1, _whole("top_k", top_k))]
    answer = {
        "label": prediction.label,
        "confidences": [{"label": label, "confidence": score} for label, score in best],
        "unlike": prediction.unlike,
        "unlike_score": prediction.unlike_score,
    }
    return answer, session


@for_programs
def download(session: Session, request: gr.Request) -> tuple[str, Session]:
    """The zip of what this session taught: config.json, model.safetensors and README.md in one folder."""
    return str(make_zip(session)), session


def add_endpoints(session: gr.State, compute: dict[str, object]) -> None:
    """Add the endpoints to the page, with components that no one sees.

    Args:
        session: the page's state.
        compute: keyword arguments of every event that runs a net.
    """
    hidden = {"visible": False}
    files = [gr.File(label=f"files_{letter}", file_count="multiple", **hidden) for letter in "ab"]
    # Custom values reach the function, which says in a sentence what is wrong with them.
    any_value = {"allow_custom_value": True, **hidden}
    inputs = [
        gr.Textbox("a", label="label_a", **hidden),
        gr.Textbox("b", label="label_b", **hidden),
        gr.Number(11, precision=0, label="depth", **hidden),
        gr.Checkbox(True, label="batch_norm", **hidden),
        gr.Textbox("bundled", label="weights", **hidden),
        gr.Dropdown(list(TRAINABLE), value="head", label="trainable", **any_value),
        gr.Number(0, precision=0, label="seed", **hidden),
        gr.Dropdown(["auto", "cpu", "cuda", "mps"], value="auto", label="device", **any_value),
        gr.Checkbox(True, label="unlike", **hidden),
    ]
    image = gr.Image(type="filepath", label="image", **hidden)
    # In the page's examples for programs Gradio would name pictures of the web, which are not fetched here.
    image.example_payload = lambda: _example("photo.jpg")
    for letter, card in zip("ab", files, strict=True):
        card.example_payload = lambda letter=letter: [_example(f"{letter}1.jpg"), _example(f"{letter}2.jpg")]
    button = gr.Button(**hidden)
    report = gr.JSON(label="report", **hidden)
    button.click(
        finetune,
        [session, *files, *inputs],
        [report, session],
        api_name="finetune",
        preprocess=False,
        show_progress="hidden",
        **compute,
    )
    top_k = gr.Number(5, precision=0, label="top_k", **hidden)
    labels = gr.JSON(label="labels", **hidden)
    button.click(classify, [image, top_k, session], [labels, session], api_name="classify", preprocess=False, **compute)
    button.click(download, [session], [gr.File(label="zip", **hidden), session], api_name="download")


def _example(name: str) -> dict[str, object]:
    return {"path": name, "orig_name": name, "url": name, "meta": {"_type": "gradio.FileData"}}
