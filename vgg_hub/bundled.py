"""Where the checkpoints that ship are: in `weights/` of a clone, inside the package of an installed wheel."""

from __future__ import annotations

from pathlib import Path

from .notes import Note

__all__ = ["bundled_folder", "bundled_names", "shipped_names"]


def _root() -> Path:
    package = Path(__file__).parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def bundled_names() -> tuple[str, ...]:
    """Names that `VGG.from_pretrained` takes for a checkpoint that ships, such as `vgg11-bn`."""
    return tuple(sorted(path.parent.name for path in _root().glob("*/config.json")))


def shipped_names() -> str:
    """The same in a sentence: "none" where there are none."""
    return ", ".join(bundled_names()) or Note.said("none")


def bundled_folder(name: str) -> Path | None:
    """The folder of a checkpoint that ships, or None."""
    return _root() / name if name in bundled_names() else None
