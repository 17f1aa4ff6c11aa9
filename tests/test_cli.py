"""The command as a whole: its words, the Hub, the page, pipes and terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import types
from pathlib import Path

import pytest

from tests.cli_helpers import error_of, left_behind, photos, run, start, teach
from tests.toys import smooth_picture, tiny_vgg
from vgg_hub import VGG, __version__
from vgg_hub.cli import main

__all__ = ["photos", "run", "start", "teach"]

ROOT = Path(__file__).parents[1]


def process(*arguments: object, env: dict[str, str] | None = None, **options: object) -> subprocess.CompletedProcess:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "vgg_hub", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
        capture_output=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.mark.parametrize(
    "arguments",
    [[], ["sing"], ["finetune", "x"], ["finetune", "x", "--out", "y", "--seed", "-1"], ["classify", "vgg11-bn"],
     ["finetune", "x", "--out", "y", "--seed", str(2**63)], ["finetune", "x", "--out", "y", "--depth", "deep"],
     ["classify", "vgg11-bn", "x.jpg", "--top-k", "0"], ["app", "--port", "65536"], ["convert", "x"], ["export", "x"],
     ["convert", "x", "y", "--dtype", "int8"], ["push", "x", "y", "--dtype", "z"]],
)  # fmt: skip
def test_a_command_that_cannot_be_parsed_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("usage: vgg-hub")


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert (stopped.value.code, capsys.readouterr().out) == (0, f"vgg-hub {__version__}\n")


def test_the_top_folder_has_a_name(run, tmp_path):
    assert error_of(run("inspect", "/")).startswith("/ has no config.json; give a folder that `save_pretrained` wrote")
    assert error_of(run("finetune", "/", "--out", tmp_path / "m")) == (
        "m is in /, where the next run would take it for a class; choose a folder outside of the photos."
    )


# the Hub


def error_after_steps(outcome: tuple[int, str, str]) -> str:
    """The sentence of a push that failed, after those of its steps."""
    status, out, err = outcome
    *steps, last = err.splitlines(keepends=True)
    assert steps[0] == "vgg-hub: Saving the model.\n"
    return error_of((status, out, last))


def test_push_and_use_what_was_pushed(run, hub, photos, tmp_path):
    tiny_vgg(label_names=("cat", "dog")).save_pretrained(tmp_path / "pets")
    hub.login(hub.writer)
    status, out, err = run("push", tmp_path / "pets", "tester/pets", "--private")
    assert status == 0
    assert [line.split()[1] for line in err.splitlines()] == ["Saving", "Opening", "Making", "Uploading"]
    assert re.fullmatch(rf"{re.escape(hub.url)}/tester/pets/commit/[0-9a-f]{{40}}\n", out)
    picture = photos / "broad" / "broad 0.png"
    rows = [json.loads(run("classify", model, picture, "--json")[1]) for model in ("tester/pets", tmp_path / "pets")]
    assert rows[0][0]["label"] in ("cat", "dog")
    assert rows[0] == rows[1]


def test_push_refuses_before_it_uploads(run, hub, start, tmp_path):
    assert error_of(run("push", "tester/pets", "tester/copy")).startswith("pets is not a folder here; give one that")
    assert error_of(run("push", start, "pets")) == "'pets' is not the name of a Hub repo; write it owner/name."
    hub.login(hub.reader)
    assert error_after_steps(run("push", start, "tester/pets", "--no-check")) == (
        "The Hub refused tester/pets: you have no right to do that; use a token that may write to it."
    )


def test_a_repo_that_does_not_exist_is_said(teach, run, hub):
    sentence = "The Hub has no model tester/nothing that you may see; check the name, or sign in"
    assert error_of(run("classify", "tester/nothing", "x.jpg")).startswith(sentence)
    assert error_of(teach("--weights", "tester/nothing")).startswith(sentence)


def test_offline_a_repo_that_is_not_here_is_said(run, hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    sentence = error_of(run("inspect", "tester/nothing"))
    assert sentence.startswith(
        "tester/nothing is not on this machine and the Hub cannot be reached; connect to the internet"
    )


def test_a_hub_that_cannot_be_reached_is_said(teach, run, hub, start):
    here = "tester/nothing is not on this machine and the Hub cannot be reached; connect to the internet, or use a"
    with hub.offline():
        assert error_of(run("inspect", "tester/nothing")).startswith(here)
        assert error_of(teach("--weights", "tester/nothing")).startswith(here)
        assert "The Hub cannot be reached for tester/pets" in error_after_steps(
            run("push", start, "tester/pets", "--no-check")
        )


def test_the_client_s_own_settings_are_as_they_were(run, start):
    from huggingface_hub.utils import are_progress_bars_disabled, logging

    before = (logging.get_verbosity(), are_progress_bars_disabled())
    assert run("inspect", start)[0] == 0
    assert error_of(run("inspect", "nothing"))
    assert (logging.get_verbosity(), are_progress_bars_disabled()) == before


# the page


def page(monkeypatch, serve) -> None:
    monkeypatch.setitem(sys.modules, "vgg_hub.ui", types.SimpleNamespace(main=serve))


def test_app_serves_the_page(run, monkeypatch):
    asked = []
    page(monkeypatch, lambda **options: asked.append(options))
    monkeypatch.delenv("GRADIO_ANALYTICS_ENABLED", raising=False)
    assert run("app", "--host", "0.0.0.0", "--port", 8123) == (0, "", "")  # noqa: S104
    assert asked == [{"host": "0.0.0.0", "port": 8123}]  # noqa: S104
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "True")
    assert run("app")[0] == 0
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "True"


def test_a_port_that_is_taken_is_said(run, monkeypatch):
    def taken(**_):
        raise OSError("Cannot find empty port in range: 7860-7860")

    page(monkeypatch, taken)
    assert error_of(run("app")).startswith("The page cannot listen on 127.0.0.1, port 7860: something else does")


# as a process


def test_a_pipe_gets_json_and_no_bar(start, photos, tmp_path):
    done = process("finetune", photos, "--out", tmp_path / "out", "--weights", start, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["counts"] == {"broad": 8, "fine": 8}


def test_a_reader_that_leaves_early_gets_no_complaint(start, photos):
    command = [sys.executable, "-m", "vgg_hub", "classify", str(start), str(photos), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_shell_closed_is_no_fault(start, tmp_path, closed):
    out, command = tmp_path / "out", f'"$0" -m vgg_hub convert "$1" "$2" {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable, start, out], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Saved ") is ((" " + closed).find(" >&-") < 0)
    assert VGG.from_pretrained(out).config == VGG.from_pretrained(start).config


def test_ctrl_c_while_pytorch_is_imported_ends_it_without_a_word(tmp_path):
    (tmp_path / "torch.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n")
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    done = process("inspect", "vgg11", env={"PYTHONPATH": str(tmp_path)}, **options)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_ctrl_c_while_pytorch_traces_ends_it_without_a_word(start, tmp_path):
    """PyTorch takes a KeyboardInterrupt there for an error of its own, and asks for a report."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'torch.onnx._internal.exporter._core':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    done = process("export", start, tmp_path / "m.onnx", env={"PYTHONPATH": str(tmp_path)}, **options)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_terminal_shows_a_bar_and_ctrl_c_ends_it(tmp_path, sign):
    slow = tiny_vgg(layers=[16, 16, "M"], input_size=512)
    slow.save_pretrained(tmp_path / "slow")
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(40):
            smooth_picture(60, 60, seed=2 * number + (label == "cat")).save(
                tmp_path / "photos" / label / f"{number}.png"
            )
    arguments = ["finetune", tmp_path / "photos", "--out", tmp_path / "out", "--weights", tmp_path / "slow", "--json"]
    terminal, end = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    command = [sys.executable, "-m", "vgg_hub", *map(str, arguments)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {**os.environ, "TMPDIR": str(scratch)}
    options = {"cwd": ROOT, "env": env, "stdout": subprocess.PIPE, "stderr": end}
    # A shell that runs the tests in the background has them, and their children, ignore Ctrl-C.
    with subprocess.Popen(command, **options, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as child:
        os.close(end)
        shown = read_until(terminal, b"photo/s")
        assert b"/80 [" in shown
        child.send_signal(sign)
        shown += read_until(terminal, None)
        assert child.stdout.read() == b""
    os.close(terminal)
    assert child.returncode == 130
    assert b"vgg-hub: interrupted." in shown
    assert b"Traceback" not in shown
    assert not (tmp_path / "out").exists()
    assert (left_behind(tmp_path), list(scratch.iterdir())) == ([], [])


def read_until(terminal: int, mark: bytes | None, limit: float = 60.0) -> bytes:
    """What a terminal shows until the mark, or until the process closes it."""
    shown, end = b"", time.monotonic() + limit
    while mark is None or mark not in shown:
        ready, _, _ = select.select([terminal], [], [], end - time.monotonic())
        assert ready, shown
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux says so that the other end is closed
            chunk = b""
        if not chunk:
            assert mark is None, shown
            break
        shown += chunk
    return shown
