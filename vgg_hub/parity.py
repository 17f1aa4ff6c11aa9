"""The parity receipt: a saved folder, opened by everybody's loader, gives the answers of the model that it came from.

A fresh process (`parity_loaders`) opens the folder through each loader that is installed and writes down what it gives
for a few pictures drawn by code; this one compares. The reference is the live model, rounded as the file is, computed
in float32 in eval mode.

See `parity_compare` for what counts as equal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from .config_json import read_base, standard_architecture, timm_architecture
from .errors import ParityError
from .folder import CONFIG_FILE, HEAD_FILE, WEIGHTS_FILE
from .parity_compare import LoaderResult, Reference, compare, gap
from .preprocess import preprocess
from .samples import draw_samples

if TYPE_CHECKING:
    from .config import VGGConfig
    from .model import VGG

__all__ = ["LOADERS", "Receipt", "check_folder", "draw_pictures", "not_for", "reference_of"]

LOADERS = ("vgg_hub", "timm", "transformers", "torchvision")
SIZES = ((160, 160), (240, 160), (97, 140), (33, 24))  # width and height of the pictures, pixels
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
HALF = {"float16": torch.float16, "bfloat16": torch.bfloat16}
# The child sees the packages that this process sees, from wherever this one took them.
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from vgg_hub.parity_loaders import main; main(*sys.argv[2:])"
)
SECRET = ("TOKEN", "SECRET", "KEY", "PASSWORD")  # how the names of variables end that the child has no use for


@dataclass(frozen=True)
class Receipt:
    """What was compared.

    Attributes:
        pictures: how many were classified.
        saved_as: dtype of the weights on disk, such as "float16".
        rounding: None where nothing was rounded, else what saving in half precision did to this model: `logits`, their
            largest change; `spread`, the largest range of a class's logits from picture to picture, to measure it by;
            `top1`, the share of pictures that kept their most probable class.
        loaders: in the order of `LOADERS`.
    """

    pictures: int
    saved_as: str
    rounding: Mapping[str, float] | None
    loaders: tuple[LoaderResult, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {**asdict(self), "loaders": [asdict(result) for result in self.loaders]}


def draw_pictures() -> list[Image.Image]:
    """The pictures that are compared: RGB, one of each size and aspect of `SIZES`, always the same."""
    drawn = [picture for pictures in draw_samples(len(SIZES) // 2).values() for picture in pictures]
    return [picture.resize(size, Image.Resampling.BICUBIC) for picture, size in zip(drawn, SIZES, strict=True)]


def check_folder(folder: Path, model: VGG, timeout: float = 600) -> Receipt:
    """Open a folder that `model.save_pretrained` wrote with every loader there is, and compare.

    Args:
        folder: whole, or with the head alone.
        model: what was saved; neither its mode nor its tensors are changed.
        timeout: seconds for the fresh process.

    Raises:
        ParityError: a loader that is installed cannot open the folder or disagrees; names it and what differs.
        CheckpointError: config.json cannot be read.
    """
    folder = Path(folder).absolute()
    delta = read_base(folder / CONFIG_FILE, folder.name)[1]
    saved_as = _saved_as(folder / (HEAD_FILE if delta else WEIGHTS_FILE))
    reference, rounding = reference_of(model, saved_as)
    reasons = {name: not_for(name, model.config, delta) for name in LOADERS}
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        ended = _open_all(folder, Path(scratch), [name for name in LOADERS if reasons[name] is None], timeout)
        for name, reason in reasons.items():
            if reason is not None:
                results.append(LoaderResult(name, None, "not for this net", why=reason))
                continue
            record, tensors = _record(name, Path(scratch), ended)
            if "missing" in record:
                results.append(LoaderResult(name, record["version"], "not installed", why=record["missing"] or None))
            else:
                results.append(compare(name, record, tensors, reference))
    return Receipt(len(SIZES), saved_as, rounding, tuple(results))


def _saved_as(path: Path) -> str:
    try:
        with safe_open(path, framework="pt") as file:
            found = {file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise ParityError(
            "{file} of the saved folder cannot be read ({problem!s:.120}); save it again.",
            file=path.name,
            problem=str(error),
        ) from error
    return " and ".join(sorted(DTYPES[dtype] for dtype in found if dtype in DTYPES))


@torch.no_grad()
def reference_of(model: VGG, saved_as: str) -> tuple[Reference, dict[str, float] | None]:
    """What the loaders must give for a model that is saved in this dtype, and what the rounding did (see `Receipt`).

    Args:
        model: is not changed.
        saved_as: dtype on disk. A head alone rounds what it is put on as well.

    Raises:
        ParityError: the model gives NaN or infinity.
    """
    pixels = torch.stack([preprocess(picture, model.config) for picture in draw_pictures()])
    twin = model.share().to("cpu", torch.float32)
    logits, rounding = twin(pixels), None
    if saved_as in HALF and model.head.weight.dtype != HALF[saved_as]:
        live, logits = logits, twin.to(HALF[saved_as]).to(torch.float32)(pixels)
        rounding = {
            "logits": gap(live, logits),
            "spread": float((live.amax(dim=0) - live.amin(dim=0)).max()),
            "top1": float((live.argmax(dim=1) == logits.argmax(dim=1)).float().mean()),
        }
    if not logits.isfinite().all():
        raise ParityError("The model's logits are not finite numbers for a drawn picture; train or load it again.")
    return Reference(model.config.label_names, pixels, logits), rounding


def not_for(name: str, config: VGGConfig, delta: bool) -> str | None:
    """Why a loader is not asked, or None."""
    if name == "vgg_hub":
        return None
    if delta:
        return "head only"
    standard = standard_architecture(config)
    if name == "torchvision":
        return None if standard else "torchvision builds the standard nets alone, in full width, for three channels"
    if timm_architecture(config) is None:
        also = ", for pictures under 256 pixels" if standard else ""
        through = "it opens the folder through timm, which" if name == "transformers" else "timm"
        return f"{through} builds the standard nets alone, in full width, for three channels{also}"
    if name == "transformers" and config.num_classes == 1:
        return "its pipeline takes a single class for a yes or no"
    return None


def _open_all(folder: Path, scratch: Path, names: list[str], timeout: float) -> str:
    """Run `parity_loaders`; returns how it ended, for the error about a loader that left no record."""
    command = [sys.executable, "-c", START, json.dumps([str(p) for p in sys.path]), str(folder), str(scratch), *names]
    log = scratch / "log.txt"
    try:
        with log.open("wb") as out:
            ran = subprocess.run(  # noqa: S603 (this Python, our own module)
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_environment(), timeout=timeout
            )
    except subprocess.TimeoutExpired:
        return f"it was stopped after {timeout:g} s"
    except OSError as error:
        return f"no fresh process could be started: {error.strerror or error}"
    error = scratch / "error.txt"
    if error.is_file():
        return error.read_text(encoding="utf-8", errors="replace")
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    return " ".join([f"its process ended with status {ran.returncode}", *(f"after {line[:200]!r}" for line in last)])


def _environment() -> dict[str, str]:
    """This process's, without secrets, with the Hub switched off and warnings as Python has them."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().endswith(SECRET) and k != "PYTHONWARNINGS"}
    return kept | {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": str(torch.get_num_threads()),  # sums in the same order, as far as can be
    }


def _record(name: str, scratch: Path, ended: str) -> tuple[dict[str, object], dict[str, Tensor]]:
    """What the child wrote about a loader: facts, tensors."""
    path = scratch / f"{name}.json"
    if not path.is_file():
        raise ParityError(
            "{loader} cannot open the saved folder ({how}); save the model again, and if it stays so update {loader}.",
            loader=name,
            how=ended,
        )
    record = json.loads(path.read_text(encoding="utf-8"))
    return record, {} if "missing" in record else load_file(scratch / f"{name}.safetensors")
