"""What a visitor chose in section 1, checked; and what that net is, before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from huggingface_hub import try_to_load_from_cache

from ..bundled import bundled_folder, bundled_names
from ..config import VGGConfig
from ..config_json import read_config
from ..errors import CheckpointError, ConfigError
from ..sources import local_folder
from ..start import WEIGHTS, random_config, starting_source
from ..summary import weight_bytes
from ..transfer import REPO_ID
from .account import asks_from_home

__all__ = ["Choice", "Net", "look_up"]

# Top-1 accuracy in percent on ImageNet-1k's 50,000 validation pictures, as torchvision's weights carry it
# (torchvision/models/vgg.py, IMAGENET1K_V1); timm's repos hold the same weights.
IMAGENET_SCORES = {
    (11, False): 69.020,
    (13, False): 69.928,
    (16, False): 71.592,
    (19, False): 72.376,
    (11, True): 70.370,
    (13, True): 71.586,
    (16, True): 73.360,
    (19, True): 74.218,
}


MAX_NAME = 1000  # characters of a folder's path; a repo's is far shorter


@dataclass(frozen=True)
class Choice:
    """The net to start from and the device to run it on; `weights` as `starting_model` takes them.

    `at_home`: whether who chose may use the folders of the machine that serves the page, and what its owner may read at
    the Hub.
    """

    depth: int = 11
    batch_norm: bool = True
    weights: str = "bundled"
    device: str = "auto"
    at_home: bool = True

    @classmethod
    def of(
        cls, depth: object = 11, batch_norm: object = True, weights: object = "bundled", device: object = "auto"
    ) -> Self:
        """Check what a stranger sent; a depth may come as text.

        Raises:
            ConfigError: no such depth, or a batch norm that is neither true nor false.
            CheckpointError: no weights named, a name that is too long, or a folder of the server's from afar.
        """
        if isinstance(depth, str) and depth.strip().isdecimal() and len(depth) < 9:
            depth = int(depth)
        if isinstance(depth, float) and depth.is_integer():
            depth = int(depth)
        if not isinstance(depth, (int, float, str)):  # unhashable things cannot even be looked up
            raise ConfigError("depth is {depth!r}; expected 11, 13, 16 or 19.", depth=str(depth)[:40])
        config = VGGConfig(depth=depth, batch_norm=batch_norm)
        name = weights.strip() if isinstance(weights, str) else ""
        if not name:
            raise CheckpointError(
                "No weights are named; write a Hub repo (owner/name) or a folder, or choose another start."
            )
        if len(name) > MAX_NAME:
            raise CheckpointError(
                "The weights' name has {length} characters; expected at most {most}: shorten it.",
                length=len(name),
                most=MAX_NAME,
            )
        at_home = asks_from_home()
        if not at_home and name not in (*WEIGHTS, *bundled_names()) and _may_be_folder(name):
            raise CheckpointError(
                "{name!r:.120} is not a Hub repo, and this public page opens no folders; write owner/name.", name=name
            )
        return cls(config.depth, batch_norm, name, str(device or "auto"), at_home)


def _may_be_folder(name: str) -> bool:
    return not REPO_ID.fullmatch(name) or Path(name).exists()


@dataclass(frozen=True)
class Net:
    """What is known of a net before it is loaded.

    Attributes:
        kind: "bundled", "missing" (of the shipped ones), "imagenet", "folder", "repo" or "random".
        name: what to call it.
        config: its shape; None where that is known only once it is fetched.
        size: bytes on disk; None where not known.
        provenance: data and scores, as the shipped checkpoints carry them.
        here: whether it can be had without the internet.
    """

    kind: str
    name: str
    config: VGGConfig | None
    size: int | None
    provenance: dict[str, object] | None
    here: bool


def look_up(choice: Choice) -> Net:
    """Describe a choice. Reads at most a `config.json` on this machine; fetches nothing.

    Raises:
        CheckpointError: the folder named is not one of a VGG.
    """
    config = VGGConfig(depth=choice.depth, batch_norm=choice.batch_norm)
    if choice.weights == "bundled":
        folder = bundled_folder(config.name)
        if folder is None:
            return Net("missing", config.name, None, None, None, False)
        return _in_folder("bundled", config.name, folder)
    source = starting_source(choice.weights, choice.depth, choice.batch_norm)
    if source is None:
        return _random(choice)
    if choice.weights == "imagenet":
        return Net("imagenet", source, config, weight_bytes(config), _imagenet_facts(choice), _is_cached(source))
    folder, shown = local_folder(source)
    if folder is None:
        return Net("repo", source, None, None, None, choice.at_home and _is_cached(source))
    return _in_folder("bundled" if source in bundled_names() else "folder", shown, folder)


def _in_folder(kind: str, name: str, folder: Path) -> Net:
    config, provenance = read_config(folder / "config.json", name)
    weights = folder / "model.safetensors"
    size = weights.stat().st_size if weights.is_file() else None
    return Net(kind, name, config, size, provenance, True)


def _random(choice: Choice) -> Net:
    config = random_config(choice.depth, choice.batch_norm)
    return Net("random", config.name, config, weight_bytes(config), None, True)


def _imagenet_facts(choice: Choice) -> dict[str, object]:
    score = IMAGENET_SCORES[choice.depth, choice.batch_norm] / 100
    return {
        "data": [{"name": "ImageNet-1k", "pictures": 1_281_167}],
        "scores": [{"dataset": "ImageNet-1k", "split": "validation", "accuracy": score, "n": 50_000}],
    }


def _is_cached(repo: str) -> bool:
    return isinstance(try_to_load_from_cache(repo, "model.safetensors"), str)
