"""What the tests of the Hub share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, bundled
from vgg_hub.errors import VGGHubError

__all__ = ["REPO", "check_secrets", "folder_of", "one_ships", "same", "shipped"]

REPO = "someone/cats-vs-dogs"


@pytest.fixture
def shipped(tmp_path_factory, monkeypatch) -> Path:
    """A tiny net in place of the checkpoints that ship."""
    root = tmp_path_factory.mktemp("weights")
    tiny_vgg(seed=9).save_pretrained(root / "vgg11-bn")
    monkeypatch.setattr(bundled, "_root", lambda: root)
    return root


@pytest.fixture
def one_ships(tmp_path_factory, monkeypatch) -> None:
    """Of the checkpoints that ship, `vgg11-bn` alone."""
    root = tmp_path_factory.mktemp("weights")
    (root / "vgg11-bn").symlink_to(bundled.bundled_folder("vgg11-bn"))
    monkeypatch.setattr(bundled, "_root", lambda: root)


def folder_of(tmp_path: Path, **fields: object) -> tuple[VGG, dict[str, Path]]:
    model = tiny_vgg(**fields)
    model.save_pretrained(tmp_path / "saved")
    return model, {path.name: path for path in (tmp_path / "saved").iterdir()}


def same(model: VGG, other: VGG) -> bool:
    x = smooth_batch(2, 32)
    return torch.equal(model(x), other(x)) and model.config == other.config


def check_secrets(hub, error: VGGHubError) -> None:
    assert "\n" not in str(error)
    assert "http" not in str(error)
    for secret in (*hub.tokens, "hf_", "Bearer"):
        assert secret not in str(error)
