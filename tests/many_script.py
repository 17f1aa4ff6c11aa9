"""What each of two processes does in `test_many_processes`; the first one writes down what came out.

accelerate launch --multi_gpu --num_processes 2 -m tests.many_script PHOTOS FEW OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from tests.toys import smooth_batch, stripes_net
from vgg_hub.errors import PhotoError
from vgg_hub.many import train
from vgg_hub.many.image_folder import open_table
from vgg_hub.many.net import GlobalBatchNorm
from vgg_hub.many.processes import leave, start_processes, together

KEPT = ("validation", "predictions", "counts", "steps", "training", "unlike")  # of the report


def batch_norm(accelerator, share: slice) -> dict[str, float]:
    """Of a step on a share of a batch, how far GlobalBatchNorm is from BatchNorm on all of it, over the largest value."""
    x, towards = smooth_batch(5, 8), smooth_batch(5, 8, seed=1)
    torch.manual_seed(0)
    ordinary = torch.nn.BatchNorm2d(3).train()
    torch.nn.init.normal_(ordinary.weight)
    ours = GlobalBatchNorm.like(ordinary)
    ours.load_state_dict({key: tensor.clone() for key, tensor in ordinary.state_dict().items()}, assign=True)
    whole, part = x.clone().requires_grad_(), x[share].clone().requires_grad_()
    expected, found = ordinary(whole), ours(part)
    (expected * towards).sin().sum().backward()
    (found * towards[share]).sin().sum().backward()
    weight = accelerator.reduce(ours.weight.grad.clone(), "sum")
    pairs = {
        "output": (found, expected[share]),
        "gradient": (part.grad, whole.grad[share]),
        "weight": (weight, ordinary.weight.grad),
        "mean": (ours.running_mean, ordinary.running_mean),
        "variance": (ours.running_var, ordinary.running_var),
        "count": (ours.num_batches_tracked, ordinary.num_batches_tracked),
    }
    return {
        name: float(((one - other).abs().max() / other.abs().max()).detach()) for name, (one, other) in pairs.items()
    }


def failure(accelerator) -> list[str]:
    """What this process raises when the second one cannot read something."""

    def read() -> None:
        if accelerator.process_index == 1:
            raise PhotoError("The second cannot read it.")

    try:
        together(accelerator, read)
    except PhotoError as error:
        return [str(error)]
    return []


def main() -> None:
    photos, few, out = map(Path, sys.argv[1:])
    accelerator = start_processes("cpu", 2, 2)
    share = slice(0, 3) if accelerator.process_index == 0 else slice(3, 5)
    said = {"batch norm": batch_norm(accelerator, share)}
    said["failure"] = accelerator.gather_for_metrics(failure(accelerator), use_gather_object=True)
    train.PHOTOS_FOR_STATISTICS = 1
    model = stripes_net(hidden_features=16, dropout=0.5)
    for name, folder in {"many": photos, "few": few}.items():
        events = train.finetune_many(
            model, open_table(folder), accelerator, out / f"{name}.checkpoints", trainable="all", epochs=3, batch_size=4
        )
        heard = list(events)
        said[f"{name} events"] = accelerator.gather_for_metrics([len(heard)], use_gather_object=True)
        if accelerator.is_main_process:
            heard[-1].model.save_pretrained(out / name)
            report = heard[-1].report.to_dict()
            said[name] = {key: report[key] for key in KEPT if key in report}
    if accelerator.is_main_process:
        (out / "said.json").write_text(json.dumps(said))
    leave(accelerator)


if __name__ == "__main__":
    main()
