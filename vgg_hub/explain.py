"""Why a net answers as it does: heat maps of the evidence for a class, and what each stage makes of a picture.

Grad-CAM is of Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization" (ICCV
2017, section 3, https://arxiv.org/abs/1610.02391). The net is read, never run as a module: each layer is computed anew
from its weights, as in eval mode and in float32. So the in-place ReLUs overwrite nothing that the gradient needs, no
hook is set, no mode is changed and no parameter gets a gradient, however many threads share the net.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .as_usual import as_usual
from .errors import ConfigError
from .inference import check_finite, check_input
from .model import VGG, Stage

__all__ = [
    "Evidence",
    "evidence",
    "feature_maps",
    "first_filters",
    "heat_map",
    "last_convolution",
    "map_stages",
]

RIVALS = 3  # most probable classes whose maps set the scale


@dataclass(frozen=True)
class Evidence:
    """A heat map with the scale to draw it on.

    A map stretched to its own maximum is as red for a class that is not there as for one that is. Here all classes of a
    picture share one scale: full colour is the highest value among the maps of the three most probable classes and of
    the class asked for, and never less than one point of logit (see `points`), so that a picture that speaks for no
    class stays without colour. A map without any evidence is all zero, and is drawn so.

    Attributes:
        map: (h, w) float32, `heat_map` of the class: no value is negative.
        scale: what is drawn in full colour; positive.
        probability: of the class, 0 to 1.
        points: how many points the class's logit would rise, to first order, if all places spoke for it as the strongest
            one does: the map's maximum times h * w. One point changes the odds about 2.7 times.
        stride: pixels of the input for one place of the map.
    """

    map: Tensor
    scale: float
    probability: float
    points: float
    stride: int

    @property
    def strength(self) -> float:
        """How near the map's strongest place comes to full colour: 0 to 1."""
        return float(self.map.max()) / self.scale

    @property
    def peak(self) -> tuple[float, float] | None:
        """Pixels of the input, down and across, of the middle of the strongest place; None without any evidence."""
        if not self.map.max() > 0:
            return None
        row, column = divmod(int(self.map.argmax()), self.map.shape[1])
        return (row + 0.5) * self.stride, (column + 0.5) * self.stride


def heat_map(model: VGG, x: Tensor, class_index: int, stage: str) -> Tensor:
    """Grad-CAM: where in a picture a stage finds evidence for a class.

    The stage's maps A_k are added up, each times the mean over its places of the gradient of the class's logit, and what
    is negative is set to zero (equations 1 and 2 of the paper). The values are not stretched: see `Evidence` for a scale.

    Args:
        model: in any mode, of any float type, with its gradients switched on or off. It is not changed.
        x: (1, in_channels, H, W) float, preprocessed.
        class_index: the class, counted from 0.
        stage: name of a convolution or pooling among `model.stages`, such as "conv5_2".

    Returns:
        (h, w) float32 on the CPU, no value negative: (H, W) divided by the stage's stride.

    Raises:
        ConfigError: no such class or stage, a stage without places, or x of another shape.
        CheckpointError: the logits are not finite numbers.
    """
    _check_class(model, class_index)
    with as_usual(), torch.enable_grad():
        maps, logits = _maps_and_logits(model, x, stage)
        return next(_grad_cam(maps, logits, [class_index]))


def evidence(model: VGG, x: Tensor, class_index: int, stage: str) -> Evidence:
    """`heat_map` of a class with the scale that it shares with the picture's most probable classes.

    The arguments and errors are those of `heat_map`.
    """
    _check_class(model, class_index)
    with as_usual(), torch.enable_grad():
        maps, logits = _maps_and_logits(model, x, stage)
        probable = logits.detach()[0].softmax(0)
        rivals = probable.topk(min(RIVALS, len(probable))).indices.tolist()
        own, *others = _grad_cam(maps, logits, [class_index, *(i for i in rivals if i != class_index)])
    places = own.numel()
    scale = max(1 / places, *(float(found.max()) for found in (own, *others)))
    return Evidence(own, scale, float(probable[class_index]), float(own.max()) * places, _stage(model, stage).stride)


def feature_maps(model: VGG, x: Tensor, stage: str) -> Tensor:
    """What a stage gives for a picture.

    Args:
        model, x: as `heat_map` takes them.
        stage: name of any of `model.stages`.

    Returns:
        (channels, h, w) float32 on the CPU, no value negative after a ReLU; h and w are 1 for the Linear stages.

    Raises:
        ConfigError: no such stage, or x of another shape.
    """
    found = _stage(model, stage)
    _check_picture(model, x)
    with as_usual(), torch.no_grad():
        before, _ = _split(model, found)
        given = _run(before, _placed(model, x))[0].cpu()
    return given.view(-1, 1, 1) if found.stride is None else given


def first_filters(model: VGG) -> Tensor:
    """The first convolution's weights as pictures, one scale for all: 0 is the most negative, 0.5 nothing, 1 the most positive.

    Returns:
        (filters, in_channels, 3, 3) float32 on the CPU, 0 to 1.
    """
    weight = next(m for m in model.features if isinstance(m, nn.Conv2d)).weight.detach().float().cpu()
    largest = weight.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return 0.5 + weight / (2 * largest)


def map_stages(model: VGG) -> tuple[str, ...]:
    """Names of the stages that have places, so that they can have a heat map."""
    return tuple(stage.name for stage in model.stages if stage.stride is not None)


def last_convolution(model: VGG) -> str:
    """Name of the deepest convolution: the stage for a heat map, where the paper finds its best ones."""
    return [name for name in map_stages(model) if name.startswith("conv")][-1]


def _maps_and_logits(model: VGG, x: Tensor, stage: str) -> tuple[Tensor, Tensor]:
    """The stage's output (1, K, h, w), where the gradient begins, and the logits (1, num_classes), where it is asked for."""
    found = _stage(model, stage)
    if found.stride is None:
        raise ConfigError(
            "Stage {stage!r} is fully connected and has no places, so it can have no heat map; choose one of {names}.",
            stage=stage,
            names=", ".join(map_stages(model)),
        )
    _check_picture(model, x)
    before, after = _split(model, found)
    with torch.no_grad():
        maps = _run(before, _placed(model, x))
    maps = maps.requires_grad_()
    logits = _run(after, maps)
    check_finite([logits.detach()])
    return maps, logits


def _grad_cam(maps: Tensor, logits: Tensor, classes: Sequence[int]) -> Iterator[Tensor]:
    """(h, w) on the CPU for each class."""
    for index in classes:
        (gradient,) = torch.autograd.grad(logits[0, index], maps, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)  # (1, K, 1, 1)
        yield F.relu((weights * maps.detach()).sum(dim=1))[0].cpu()


def _stage(model: VGG, name: str) -> Stage:
    for stage in model.stages:
        if stage.name == name:
            return stage
    names = ", ".join(stage.name for stage in model.stages)
    raise ConfigError(
        "{net} has no stage {name!r:.40}; choose one of {names}.", net=model.config.name, name=name, names=names
    )


def _check_class(model: VGG, index: int) -> None:
    count = model.config.num_classes
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        raise ConfigError(
            "class_index is {given!r:.40}; expected a whole number from 0 to {last}.", given=index, last=count - 1
        )


def _check_picture(model: VGG, x: Tensor) -> None:
    check_input(x, model.config)
    if len(x) != 1:
        raise ConfigError("The input holds {count} pictures; explain one at a time, x[i : i + 1].", count=len(x))


def _device(model: VGG) -> torch.device:
    return model.head.weight.device


def _placed(model: VGG, x: Tensor) -> Tensor:
    return x.to(_device(model), torch.float32)


def _split(model: VGG, stage: Stage) -> tuple[list[nn.Module], list[nn.Module]]:
    """The layers up to and with a stage, and those after it, in the order of the computation."""
    part, index = stage.module.split(".")
    steps = [*model.features, model.avgpool, nn.Flatten(), *model.classifier]
    end = 1 + int(index) + (len(model.features) + 2 if part == "classifier" else 0)
    return steps[:end], steps[end:]


def _run(steps: Iterable[nn.Module], x: Tensor) -> Tensor:
    """What the layers compute in eval mode and float32, no tensor overwritten."""
    for step in steps:
        if isinstance(step, nn.Conv2d):
            x = F.conv2d(x, *_numbers(step.weight, step.bias), padding=step.padding)
        elif isinstance(step, nn.BatchNorm2d):
            statistics = _numbers(step.running_mean, step.running_var, step.weight, step.bias)
            x = F.batch_norm(x, *statistics, training=False, eps=step.eps)
        elif isinstance(step, nn.Linear):
            x = F.linear(x, *_numbers(step.weight, step.bias))
        elif isinstance(step, nn.ReLU):
            x = F.relu(x)
        elif not isinstance(step, nn.Dropout):
            x = step(x)  # a pooling or the flattening: nothing in it to change
    return x


def _numbers(*tensors: Tensor) -> Iterator[Tensor]:
    for tensor in tensors:
        # What was made in inference mode cannot be kept for a gradient.
        yield (tensor.clone() if tensor.is_inference() else tensor.detach()).float()
