"""The `vgg-hub` command: the engine of the page, in the shell.

Results go to standard output, everything else to standard error; progress bars appear only on a terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import os
import sys
import time
from collections.abc import Iterator, Sequence

from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging
from torch import OutOfMemoryError

from . import __version__
from ._shell import interruptible
from .cli_commands import run_app, run_inspect
from .cli_explain import add_explain
from .cli_lab import run_compare
from .cli_many import is_alone, is_first_process, run_classify, run_finetune
from .cli_replay import run_replay
from .cli_share import run_convert, run_export, run_push, run_space
from .cli_text import complain
from .config import DEPTHS
from .errors import VGGHubError
from .finetune import MAX_SEED
from .hub import DTYPES

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0; 1, an error, said in one line; 130, interrupted. A command that cannot be parsed exits
        with 2, as argparse has it.
    """
    first = is_first_process()
    with contextlib.nullcontext() if first else contextlib.redirect_stderr(io.StringIO()):
        options = _parser().parse_args(arguments)
    try:
        with interruptible(alone=is_alone()), _quiet_client():
            status = options.run(options)
        sys.stdout.flush()  # here, where an error can still be said
        return status
    except BrokenPipeError:  # `vgg-hub classify ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes the stream
        return 1
    except VGGHubError as error:
        if first:  # of several processes all fail so
            complain(error)
        else:
            time.sleep(1)  # the launcher ends all as soon as one has failed, and the first is to have spoken
        return 1
    except OutOfMemoryError:
        complain("The GPU's memory is full; close what else uses it, or add --device cpu.")
        return 1
    except OSError as error:
        complain(_system_error(error))
        return 1
    except KeyboardInterrupt:
        if first:
            complain("interrupted.")
        return 130


@contextlib.contextmanager
def _quiet_client() -> Iterator[None]:
    """Keep the Hub client from warning beside our own sentences, and from drawing bars where nobody watches."""
    level, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity_error()
    if not hidden and not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if not hidden:
            enable_progress_bars()


def _system_error(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"The disk is full{where}; free some space and try again."
    return f"{error.strerror or error}{where}."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vgg-hub", description="Teach a VGG net something new from a few photos, and hand it on."
    )
    parser.add_argument("--version", action="version", version=f"vgg-hub {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_finetune(commands)
    _add_compare(commands)
    add_explain(commands.add_parser)
    _add_replay(commands)
    _add_classify(commands)
    _add_push(commands)
    _add_convert(commands)
    _add_export(commands)
    space = _command(commands, "space", run_space, "make or update a Space of your own with the page")
    space.add_argument("repo", metavar="OWNER/NAME", help="the Space; made if it is not there")
    space.add_argument("--private", action="store_true", help="make it private; one that is public is refused")
    space.add_argument("--hardware", help="cpu-basic, zero-a10g, t4-small, ... (default: the Hub's choice)")
    inspect = _command(commands, "inspect", run_inspect, "show what a model is: its layers, labels and scores")
    _add_model(inspect)
    _add_json(inspect)
    app = _command(commands, "app", run_app, "open the page in a local server")
    app.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    app.add_argument("--port", type=_whole(1, 65_535), default=7860, help="port to listen on (default: %(default)s)")
    return parser


def _command(commands, name: str, run, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _whole(low: int, high: int):
    """A parser of whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a folder, a checkpoint that ships (vgg11-bn) or a Hub repo")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")


def _add_trainable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trainable",
        default="head",
        metavar="head|classifier|block5...block1|all",
        help="what is trained: the last layer, all Linear layers, from a block on, or all (default: %(default)s)",
    )


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=_whole(0, MAX_SEED),
        default=0,
        help="of the cross-validation's folds; past the head, of the batches and views too (default: %(default)s)",
    )


def _add_unlike(parser: argparse.ArgumentParser, summary: str) -> None:
    parser.add_argument("--no-unlike", dest="unlike", action="store_false", help=summary)


def _add_finetune(commands) -> None:
    parser = _command(commands, "finetune", run_finetune, "teach a net the classes of a folder or zip of photos")
    parser.add_argument("photos", metavar="PHOTOS", help="a folder or zip with one subfolder of photos a class")
    parser.add_argument(
        "--out", required=True, type=os.path.expanduser, metavar="FOLDER", help="folder to save the tuned model in"
    )
    parser.add_argument("--depth", type=int, help=f"{', '.join(map(str, DEPTHS))} (default: {DEPTHS[0]})")
    parser.add_argument("--batch-norm", action=argparse.BooleanOptionalAction, help="batch norm (default: yes)")
    parser.add_argument(
        "--weights",
        default="bundled",
        metavar="bundled|imagenet|random|REPO",
        help="what to start from; REPO is a Hub repo or a folder, with its own depth (default: %(default)s)",
    )
    _add_trainable(parser)
    _add_seed(parser)
    parser.add_argument(
        "--epochs",
        type=_whole(1, 10**6),
        metavar="N",
        help="train in passes over many photos that stay on the disk, N at most; also in several processes: accelerate "
        "launch -m vgg_hub finetune ... (default: the way for few photos; in several processes, 10)",
    )
    parser.add_argument(
        "--batch-size",
        type=_whole(1, 10**6),
        metavar="N",
        help="with --epochs: photos a step and process (default: 32)",
    )
    parser.add_argument(
        "--checkpoints",
        type=os.path.expanduser,
        metavar="DIR",
        help="with --epochs: where each is kept, for the same command to go on from (default: FOLDER.checkpoints)",
    )
    _add_unlike(parser, "learn no rule that says of a picture that it shows none of the classes")
    _add_device(parser)
    _add_json(parser)


def _add_compare(commands) -> None:
    parser = _command(commands, "compare", run_compare, "teach several nets the same photos, and say which is better")
    parser.add_argument("photos", metavar="PHOTOS", help="a folder or zip with one subfolder of photos a class")
    parser.add_argument(
        "--nets", nargs="+", metavar="MODEL", help="folders, shipped checkpoints, Hub repos (default: all that ship)"
    )
    _add_trainable(parser)
    _add_seed(parser)
    _add_device(parser)
    _add_json(parser)


def _add_replay(commands) -> None:
    parser = _command(commands, "replay", run_replay, "fine-tune again as a folder records it, and compare")
    parser.add_argument("folder", metavar="FOLDER", help="a folder that `vgg-hub finetune --out` wrote, or a Hub repo")
    parser.add_argument("photos", metavar="PHOTOS", help="the photos that it was taught with, as a folder or zip")
    _add_json(parser)


def _add_classify(commands) -> None:
    parser = _command(commands, "classify", run_classify, "name what is on pictures")
    _add_model(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of pictures")
    parser.add_argument(
        "--top-k", type=_whole(1, 10**6), default=5, help="classes shown a picture (default: %(default)s)"
    )
    _add_unlike(parser, "always name a class, also for a picture that is unlike all of them")
    _add_device(parser)
    _add_json(parser)


def _add_push(commands) -> None:
    parser = _command(commands, "push", run_push, "upload a model's folder to the Hugging Face Hub")
    parser.add_argument("folder", metavar="FOLDER", help="a folder that `vgg-hub finetune --out` wrote")
    parser.add_argument("repo", metavar="REPO", help="owner/name; made if it is not there")
    parser.add_argument("--private", action="store_true", help="make the repo private; one that is public is refused")
    parser.add_argument(
        "--delta",
        action="store_true",
        help="upload the head alone, a few KB; only vgg-hub opens it, with the base it names",
    )
    _add_dtype(parser)
    parser.add_argument(
        "--replace-card", action="store_true", help="write a new model card over one that was edited on the Hub"
    )
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="upload without opening it first through each library that is installed",
    )


def _add_dtype(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dtype", choices=tuple(DTYPES), help="type of the weights; 16 bits halve the size (default: as they are)"
    )


def _add_convert(commands) -> None:
    parser = _command(commands, "convert", run_convert, "make a folder of ours from the weights of others")
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a file of torchvision's (vgg11_bn-6002323d.pth) or of your own net, a folder, or a Hub repo, timm's too",
    )
    parser.add_argument("out", type=os.path.expanduser, metavar="OUT", help="folder to save the model in")
    parser.add_argument(
        "--labels",
        metavar="A,B,C|FILE|imagenet",
        help="class names in the order of the logits: between commas, a line each in a text file, or ImageNet's",
    )
    parser.add_argument(
        "--layers", metavar="64,M,128,M", help="the layers of a net that is none of the standard depths, M a pooling"
    )
    _add_dtype(parser)
    _add_json(parser)


def _add_export(commands) -> None:
    parser = _command(commands, "export", run_export, "write a model as one ONNX file, labels and preprocessing in it")
    _add_model(parser)
    parser.add_argument("file", type=os.path.expanduser, metavar="FILE", help="file to write, such as model.onnx")
    _add_json(parser)
