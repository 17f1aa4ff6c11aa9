"""`finetune` and `classify` on many photos, in one process or in those of `accelerate launch` or `torchrun`.

What is wrong is found by all processes and said by the first alone; a failure of one process alone is said by it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from . import cli_commands
from .cli_commands import bar, check_out, check_outside, find_pictures, show_answers, show_report, starting_model
from .errors import FinetuneError

__all__ = ["is_alone", "is_first_process", "run_classify", "run_finetune"]

# A launcher says in the environment how many processes it started and which one this is: torchrun, then MPI's.
COUNTS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
RANKS = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
COUNTS_HERE = ("LOCAL_WORLD_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE")
MOST_WORKERS = 8


def is_first_process() -> bool:
    """Whether this process speaks for all."""
    return _number(RANKS, 0) == 0


def is_alone() -> bool:
    """Whether no launcher started further processes beside this one."""
    return _number(COUNTS, 1) == 1


def _number(names: tuple[str, ...], default: int) -> int:
    found = next((os.environ[name] for name in names if os.environ.get(name, "").isdecimal()), None)
    return default if found is None else int(found)


def run_finetune(options: argparse.Namespace) -> int:
    _refuse_lone_process()
    if _number(COUNTS, 1) > 1 or options.epochs is not None or _is_large(options.photos):
        return _finetune_many(options)
    for name in ("batch_size", "checkpoints"):
        if getattr(options, name) is not None:
            raise FinetuneError(f"--{name.replace('_', '-')} is for training by epochs; add --epochs, or leave it out.")
    return cli_commands.run_finetune(options)


def _is_large(photos: str) -> bool:
    from .many.image_folder import has_splits
    from .many.saved_dataset import is_saved_dataset

    return is_saved_dataset(Path(photos)) or has_splits(Path(photos))


def _refuse_lone_process() -> None:
    """`accelerate launch --cpu --num_processes 2` sets an address to meet at, and starts one process (1.15).

    It says nothing of that, and each photo would be seen by one process where two were asked for.
    """
    environment = os.environ
    asked = environment.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_ADDR" in environment
    if asked and _number(COUNTS, 0) == 0:
        raise FinetuneError(
            "accelerate launch --cpu starts one process, however many are asked for (more on CPUs only through MPI); say "
            "accelerate launch --multi_gpu --num_processes 2 -m vgg_hub ... --device cpu, which needs no GPU."
        )


def _start(options: argparse.Namespace):
    from .many.processes import start_processes

    return start_processes(options.device, _number(COUNTS, 1), _number(COUNTS_HERE, 1))


def _finetune_many(options: argparse.Namespace) -> int:
    from .many.checkpoint import Checkpoints
    from .many.image_folder import open_table
    from .many.processes import leave, together
    from .many.train import BATCH_SIZE, EPOCHS, finetune_many

    accelerator = _start(options)
    main = accelerator.is_main_process
    folder = Path(options.checkpoints or f"{options.out.rstrip('/')}.checkpoints")
    together(accelerator, lambda: main and check_out(options.out, options.photos))
    together(accelerator, lambda: check_outside(folder, options.photos))
    table = together(accelerator, lambda: open_table(options.photos))
    model = together(accelerator, lambda: starting_model(options))
    events = finetune_many(
        model,
        table,
        accelerator,
        folder,
        trainable=options.trainable,
        seed=options.seed,
        epochs=EPOCHS if options.epochs is None else options.epochs,
        batch_size=BATCH_SIZE if options.batch_size is None else options.batch_size,
        workers=_workers(),
        unlike=options.unlike,
    )
    finished = _watch(events)
    if main:
        finished.model.save_pretrained(options.out)
        Checkpoints(folder, {}).remove()
        show_report(finished.report, table.skipped, options)
    leave(accelerator)
    return 0


def _workers() -> int:
    """Processes that read photos for this one: none where there is no processor left for them."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    a_process = processors // _number(COUNTS_HERE, 1)
    return 0 if a_process < 2 else min(MOST_WORKERS, a_process)


def _watch(events: Iterator[object]):
    """Show the events on a bar; returns the last one, `Finished`; None in all processes but the first."""
    from .events import Step

    event = None
    with bar(0, "step") as shown:
        for event in events:
            if isinstance(event, Step):
                shown.total = event.total
                shown.update(event.step - shown.n)
                shown.set_postfix(accuracy=f"{event.validation_accuracy:.2f}", loss=f"{event.validation_loss:.3f}")
    return event


def run_classify(options: argparse.Namespace) -> int:
    _refuse_lone_process()
    if _number(COUNTS, 1) < 2:
        return cli_commands.run_classify(options)
    from .many.classify import shared_answers
    from .many.processes import LostProcess, leave, together
    from .model import VGG
    from .predict import Classifier

    accelerator = _start(options)
    model = together(accelerator, lambda: VGG.from_pretrained(options.model))
    pictures = list(find_pictures(options.images))
    classifier = Classifier(model, accelerator.device, unlike=options.unlike)
    answers = shared_answers(classifier, [path for path, error in pictures if error is None], accelerator)
    status = 0
    with LostProcess():
        if accelerator.is_main_process:
            status = show_answers(options, pictures, answers)
        else:
            for _ in answers:
                pass  # computed for the first process
    leave(accelerator)
    return status
