"""The first half of section 8: the model as a zip, and the lines that load it."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from ..config import VGGConfig
from ..errors import FinetuneError
from .guard import for_page
from .look import note
from .messages import language_of, say
from .session import Session
from .words import word

__all__ = ["ShareParts", "build", "loading_lines", "make_zip", "offer", "prepare", "safe_name", "snippet"]

NAME_BYTES = 80
DEFAULT_NAME = "vgg11-bn-cat-dog"


@dataclass(frozen=True)
class ShareParts:
    """The section's components."""

    said: gr.HTML
    button: gr.Button
    file: gr.File
    code: gr.Code


def build() -> ShareParts:
    """Lay the section out."""
    gr.Markdown(word("share"), elem_classes="heading")
    said = gr.HTML(js_on_load=None, elem_id="share-said")
    button = gr.Button(word("zip"), variant="primary", interactive=False, elem_id="zip")
    file = gr.File(label=word("zip_file"), visible=False, interactive=False, elem_id="zip-file")
    code = gr.Code(
        snippet(DEFAULT_NAME, "en"),
        language="python",
        label=word("code"),
        interactive=False,
        lines=5,
        elem_id="load-code",
    )
    return ShareParts(said, button, file, code)


def safe_name(config: VGGConfig) -> str:
    """A name for the folder and the zip, made of the labels: letters, digits and dashes, in any script.

    It begins with the net's name, so it is never hidden, empty or a name that a system keeps for itself.
    """
    words = [re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", label)).strip("-") for label in config.label_names]
    name = "-".join([config.name, *filter(None, words)])
    return name.encode()[:NAME_BYTES].decode(errors="ignore").rstrip("-")


def snippet(name: str, language: str) -> str:
    """The lines of Python that load the model from the unpacked zip."""
    return f"{say(language, 'share_unzip', name=name + '.zip')}\n{loading_lines('./' + name)}"


def loading_lines(place: str) -> str:
    """The lines of Python that load a model, from a folder or a Hub repo, and use it."""
    return (
        "from vgg_hub import VGG, Classifier\n\n"
        f'model = VGG.from_pretrained("{place}")\n'
        'print(Classifier(model)(["photo.jpg"]))'
    )


def make_zip(session: Session) -> Path:
    """Write the visitor's model as a zip of one folder: config.json, model.safetensors, README.md.

    Raises:
        FinetuneError: nothing was taught yet.
        CheckpointError: the disk is full.
    """
    if session.tuned is None:
        raise FinetuneError("Nothing was taught yet; fine-tune first, then download the model.")
    name = safe_name(session.tuned.config)
    scratch = session.new_folder("zip")
    folder = scratch / name
    session.tuned.save_pretrained(folder)
    target = scratch / f"{name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # weights do not compress
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{name}/{path.name}")
    return target


@for_page
def prepare(session: Session, request: gr.Request) -> tuple[dict[str, object], Session]:
    """Make the zip: an update of the file that offers it, and the session."""
    return gr.update(value=str(make_zip(session)), visible=True), session


def offer(session: Session, request: gr.Request) -> tuple[str, object, object, object, Session]:
    """What can be shared now: HTML, updates of the button, the file and the code, and the session."""
    language = language_of(request)
    if session.tuned is None:
        empty = note(say(language, "share_empty"))
        return empty, gr.update(interactive=False), gr.update(visible=False), snippet(DEFAULT_NAME, language), session
    name = safe_name(session.tuned.config)
    ready = note(say(language, "share_ready", name=name + ".zip"), "good")
    hidden = gr.update(value=None, visible=False)  # an earlier model's zip
    return ready, gr.update(interactive=True), hidden, snippet(name, language), session
