"""Imports go down, by the sources; and the package is light to import, by a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vgg_hub"

# From the top down. A module may import from lower levels and, without a circle, from its own.
LEVELS = (
    ("app",),
    ("ui",),
    ("cli", "cli_commands", "cli_explain", "cli_lab", "cli_many", "cli_replay", "cli_share", "cli_text", "__main__"),
    ("many",),
    (
        *("finetune", "suffix", "learner", "views", "cache", "head", "crossval", "events", "report", "doubts"),
        "interval",
        *("fingerprint", "verdict", "replay", "lab", "nearest", "mend"),
        *("guards", "near_duplicates", "scenes", "shortcuts", "room"),
        *("predict", "reader", "explain", "overlay", "start", "parity_loaders"),
    ),
    ("convert", "onnx_export", "weights_file"),
    ("data", "archive", "zip_entries", "picture", "pixels", "magic"),
    ("model",),
    (
        *("hub", "hub_errors", "push", "sources", "transfer", "delta", "folder", "layouts", "bundled", "read_ahead"),
        *("space", "space_files"),
        *("config_json", "config_foreign"),
        *("parity", "parity_compare"),
        *("card", "card_metadata", "card_merge"),
    ),
    (
        "summary",
        "preprocess",
        "samples",
        "config",
        "unlike",
        "inference",
        "as_built",
        "as_usual",
        "fused",
        "winograd",
        "trained",
        "notes",
        "errors",
        "_version",
        "_shell",
        "_spin",
    ),
)
LEVEL = {name: len(LEVELS) - i for i, names in enumerate(LEVELS) for name in names}
# The command that opens the page is the one way up, taken only when it is run.
LAZY_WAYS_UP = {("cli_commands", "ui")}
FACADE = "__init__"
HEAVY = ["gradio", "matplotlib", "scipy", "pandas", "timm", "transformers", "torchvision", "pillow_heif", "sklearn"]
HEAVY += ["onnx", "onnxscript", "onnxruntime", "accelerate", "datasets"]
OF_CARDS = ["jinja2", "vgg_hub.card", "vgg_hub.push"]  # which loading and answering do without


def sources() -> dict[str, ast.Module]:
    paths = [ROOT / "app.py", *PACKAGE.rglob("*.py")]
    return {str(p.relative_to(ROOT)): ast.parse(p.read_text(encoding="utf-8")) for p in paths if p.exists()}


def module_of(path: str) -> str:
    """`vgg_hub/ui/page.py` -> `ui.page`; `app.py` -> `app`."""
    parts = Path(path).with_suffix("").parts
    parts = parts[1:] if parts[0] == "vgg_hub" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_of(path) for path in sources()}


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(tree: ast.AST, lazy: bool = False):
    """(node, whether it stands in a function) for each import that is ever run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, lazy
        elif not is_for_types(node):
            yield from imports(node, lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def targets(node: ast.Import | ast.ImportFrom, path: str) -> list[str]:
    """The package's modules that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        package = list(Path(path).parent.parts)
        base = package[: len(package) - node.level + 1] if node.level else []
        stem = ".".join([*base, *filter(None, [node.module])])
        names = [f"{stem}.{alias.name}" for alias in node.names]
    found = []
    for name in names:
        head, _, rest = name.partition(".")
        if head == "vgg_hub":
            while rest and rest not in MODULES:
                rest = rest.rpartition(".")[0]
            found.append(rest or FACADE)
    return found


def edges() -> list[tuple[str, str, bool]]:
    return [
        (module_of(path), target, lazy)
        for path, tree in sources().items()
        for node, lazy in imports(tree)
        for target in targets(node, path)
    ]


def level(module: str) -> int:
    return LEVEL[module.partition(".")[0]]


def test_every_module_has_its_level():
    tops = {module.partition(".")[0] for module in MODULES} - {FACADE, "weights"}
    assert tops == set(LEVEL), "name the new module in LEVELS"


def test_the_reading_of_imports_is_right():
    tree = ast.parse(
        "from __future__ import annotations\nimport os\nfrom . import __version__, errors\nfrom .config import VGGConfig\n"
        "from vgg_hub.ui.page import build\nif TYPE_CHECKING:\n    from .model import VGG\n"
        "def f():\n    import vgg_hub.hub\n    from ..hub import x\n"
    )
    read = [(targets(node, "vgg_hub/cli.py"), lazy) for node, lazy in imports(tree)]
    assert read[2:6] == [
        ([FACADE, "errors"], False),
        (["config"], False),
        (["ui.page"], False),
        (["hub"], True),
    ]
    assert targets(ast.parse("from ..config import x").body[0], "vgg_hub/ui/page.py") == ["config"]
    assert targets(ast.parse("from . import words").body[0], "vgg_hub/ui/page.py") == ["ui.words"]


def test_imports_go_down():
    found = edges()
    assert ("model", "config", False) in found
    up = [
        (module, target)
        for module, target, lazy in found
        if module != FACADE
        and target != FACADE
        and level(target) > level(module)
        and not (lazy and (module, target.partition(".")[0]) in LAZY_WAYS_UP)
    ]
    assert up == []


def test_only_the_top_imports_the_face():
    """What the face is made of cannot import it."""
    assert [m for m, target, _ in edges() if target == FACADE and level(m) < LEVEL["cli"]] == []
    assert {target.partition(".")[0] for m, target, _ in edges() if m == FACADE} & {"ui", "cli", "app"} == set()


def test_there_is_no_circle():
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for module, target, _ in edges():
        if FACADE not in (module, target) and (module, target.partition(".")[0]) not in LAZY_WAYS_UP:
            graph[module].add(target)
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " > ".join([*way, module])
        if module not in done:
            for target in sorted(graph[module] - {module}):
                visit(target, (*way, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_the_library_prints_nothing_and_sets_nothing():
    """Outside of the command line and the page: no print, no environment, no thread count, no warning filter at import.

    But for one variable, which GNU OpenMP reads when torch starts and which has no other way in: `_spin`.
    """
    for path, tree in sources().items():
        module = module_of(path)
        if module == FACADE or level(module) >= LEVEL["cli"]:
            continue
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        forbidden = {"print", "torch.set_num_threads", "torch.manual_seed", "np.random.seed", "random.seed"}
        if module == "start":
            forbidden -= {"torch.manual_seed"}  # within fork_rng
        assert calls & forbidden == set(), module
        if module not in ("parity", "_spin"):  # parity reads it for the process that it starts
            assert "os.environ" not in {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}, module
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree)), f"{module}: an assert"
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                caught = "everything" if node.type is None else ast.unparse(node.type)
                assert caught not in ("everything", "Exception", "BaseException"), module


@pytest.mark.parametrize("name", ["vgg_hub", "vgg_hub.cli", "vgg_hub.model", "vgg_hub.start"])
def test_importing_is_light_and_silent(name):
    heavy = HEAVY + (OF_CARDS if name != "vgg_hub.cli" else [])
    code = (
        "import sys, os, warnings\n"
        "warnings.simplefilter('error')\n"
        "import torch\n"
        "environment, filters = dict(os.environ), list(warnings.filters)\n"
        "threads, state = torch.get_num_threads(), torch.random.get_rng_state()\n"
        f"import {name}\n"
        "assert dict(os.environ) == environment\n"
        "assert warnings.filters == filters\n"
        "assert torch.get_num_threads() == threads\n"
        "assert torch.equal(torch.random.get_rng_state(), state)\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
