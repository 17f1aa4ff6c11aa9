"""The files of a Space, from a clone or an installation: exactly those that it needs, checked.

The keys of the front matter are those of https://huggingface.co/docs/hub/spaces-config-reference.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from ._version import __version__
from .bundled import bundled_folder, bundled_names
from .errors import ConfigError
from .folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE

__all__ = ["check_front_matter", "space_files"]

DISTRIBUTION = "vgg-hub"
PACKAGE = Path(__file__).parent
SUFFIXES = (".py", ".css", ".md")
KEYS = (
    *(
        "title",
        "emoji",
        "colorFrom",
        "colorTo",
        "sdk",
        "sdk_version",
        "python_version",
        "app_file",
        "short_description",
    ),
    *("license", "hf_oauth", "hf_oauth_scopes", "tags"),
)
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
MOST_DESCRIPTION = 60
ZERO = "zero-"
ZERO_PYTHON = "3.12.12"  # of the two that ZeroGPU knows the one that this package runs on
PYTHONS = SpecifierSet(">=3.11")
NO_FRONT_MATTER = (
    "README.md does not begin with the front matter of a Space between two lines of ---; restore it from the repo."
)

# The clone's `app.py`; an installed package has none.
APP = '''"""The Space's entry: `python app.py` opens the page."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # must be set before Gradio is imported

from vgg_hub.errors import ConfigError
from vgg_hub.ui import build, launch

try:
    demo = build()
except ConfigError as error:  # a setting: whoever runs the page can put it right
    raise SystemExit(str(error)) from None

if __name__ == "__main__":
    launch(demo)
'''
BODY = """# {title}

Show it a few photos of two things and press "Teach it": seconds later it tells them apart, and says how sure one can be.
Photos stay on this Space's machine and are deleted an hour after they were last used, or at once on request.

두 가지 사물의 사진을 몇 장씩 보여 주고 "가르치기"를 누르면 몇 초 뒤에 둘을 구별하고, 얼마나 믿을 수 있는지도 알려 줍니다.
사진은 이 Space에만 있고, 마지막으로 쓰고 나서 한 시간 뒤에 지워지며 원하면 바로 지울 수 있습니다.

Made by vgg-hub {version} with `vgg-hub space`. Nets that ship with it: {nets}.
"""


def space_files(hardware: str | None = None) -> dict[str, bytes | Path]:
    """The files of a Space by their paths in it: a clone's, or made from an installation; checked.

    Args:
        hardware: what it is to run on; it decides the Python version.

    Raises:
        ConfigError: the front matter or a requirement cannot be used.
    """
    readme, app, requirements, licence = _from_clone() or _from_installation()
    front = _front_matter(readme)
    if (hardware or "").startswith(ZERO):
        front["python_version"] = ZERO_PYTHON
    files: dict[str, bytes | Path] = {}
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        shipped = inside.parts[0] == "weights" or any(part.startswith((".", "__pycache__")) for part in inside.parts)
        if path.is_file() and path.suffix in SUFFIXES and not shipped:
            files[f"vgg_hub/{inside.as_posix()}"] = path
    for name in bundled_names():
        folder = bundled_folder(name)
        files |= {f"weights/{name}/{part}": folder / part for part in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE)}
    check_front_matter(front, requirements, files | {"app.py": app})
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    body = BODY.format(title=front["title"], version=__version__, nets=", ".join(bundled_names()) or "none")
    files |= {"app.py": app, "requirements.txt": requirements.encode(), CARD_FILE: f"---\n{head}---\n\n{body}".encode()}
    return files | ({"LICENSE": licence} if licence else {})


def _from_clone() -> tuple[str, bytes, str, bytes] | None:
    """README, app, requirements and licence, where the package lies in a clone."""
    root = PACKAGE.parent
    names = (CARD_FILE, "app.py", "requirements.txt", "LICENSE", "pyproject.toml")
    if not all((root / name).is_file() for name in names):
        return None
    readme, app, requirements, licence = ((root / name).read_bytes() for name in names[:4])
    return readme.decode(errors="replace"), app, requirements.decode(errors="replace"), licence


def _from_installation() -> tuple[str, bytes, str, bytes | None]:
    try:
        found = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"{DISTRIBUTION} is neither a whole clone nor installed here; clone it anew or install it by pip."
        ) from error
    lines = [line for line in found.requires or [] if "extra ==" not in line]
    licence = next((file for file in found.files or [] if file.name == "LICENSE"), None)
    text = found.metadata.get_payload() or found.metadata["description"] or ""
    return text, APP.encode(), "\n".join(lines) + "\n", licence.read_binary() if licence else None


def _front_matter(readme: str) -> dict[str, object]:
    parts = readme.lstrip("\ufeff\n").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        raise ConfigError(NO_FRONT_MATTER)
    try:
        front = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        raise ConfigError(NO_FRONT_MATTER) from error
    if not isinstance(front, dict):
        raise ConfigError(NO_FRONT_MATTER)
    return front


def check_front_matter(front: Mapping[str, object], requirements: str, files: Mapping[str, object]) -> None:
    """Whether a Space can start from this front matter.

    Args:
        front: of its README.
        requirements: the lines of its requirements.txt.
        files: its files by path.

    Raises:
        ConfigError: what is missing or wrong, in one sentence.
    """
    for key in KEYS:
        if front.get(key) in (None, "", []):
            raise ConfigError(f"README.md names no {key} in its front matter; add it, for the Space needs it.")
    if front["sdk"] != "gradio":
        raise ConfigError(f"sdk in README.md is {front['sdk']!r:.40}; expected gradio.")
    for key in ("colorFrom", "colorTo"):
        if front[key] not in COLOURS:
            raise ConfigError(f"{key} in README.md is {front[key]!r:.40}; expected one of {', '.join(COLOURS)}.")
    if len(str(front["short_description"])) > MOST_DESCRIPTION:
        raise ConfigError(f"short_description in README.md has over {MOST_DESCRIPTION} characters; shorten it.")
    if front["app_file"] not in files:
        raise ConfigError(f"app_file in README.md is {front['app_file']!r:.80}, which is not among the Space's files.")
    wanted = _gradio_wanted(requirements)
    _check_version("sdk_version", front["sdk_version"], wanted, "gradio in requirements.txt")
    _check_version("python_version", front["python_version"], PYTHONS, "this package")


def _gradio_wanted(requirements: str) -> SpecifierSet:
    for line in requirements.splitlines():
        with suppress(InvalidRequirement):  # a comment, an option, an address
            found = Requirement(line.partition(" #")[0])
            if found.name == "gradio":
                return found.specifier
    raise ConfigError("requirements.txt does not name gradio; restore it from the repo.")


def _check_version(key: str, value: object, wanted: SpecifierSet, whose: str) -> None:
    try:
        good = isinstance(value, str) and wanted.contains(Version(value))
    except InvalidVersion:
        good = False
    if not good:
        raise ConfigError(f"{key} in README.md is {value!r:.40}; {whose} needs {wanted}, written in quotes.")
