"""What computes the same VGG: ours in both precisions, and what else a user would take. Each is made once, then asked."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vgg_hub import VGG, Classifier
from vgg_hub.inference import multiplies_bfloat16

__all__ = ["ENGINES", "OURS", "Engine", "available"]

Engine = Callable[[Tensor], Tensor]
OURS = ("ours", "ours, float32")


def _ours(model: VGG, x: Tensor, device: torch.device) -> Engine:
    return Classifier(model, device).logits


def _ours_exact(model: VGG, x: Tensor, device: torch.device) -> Engine:
    return Classifier(model, device, precision="float32").logits


def _torchvision(model: VGG, device: torch.device) -> nn.Module:
    from torchvision.models import vgg11_bn  # here, that the memory of ours is measured without it

    net = vgg11_bn(num_classes=model.config.num_classes).eval()
    net.load_state_dict(model.state_dict())
    return net.to(device)


def _eager(model: VGG, x: Tensor, device: torch.device) -> Engine:
    net = _torchvision(model, device)
    return lambda x: net(x.to(device)).cpu()


def _compiled(model: VGG, x: Tensor, device: torch.device) -> Engine:
    torch.compiler.reset()
    net = torch.compile(_torchvision(model, device), options={"freezing": True})
    return lambda x: net(x.to(device)).cpu()


def _compiled_half(model: VGG, x: Tensor, device: torch.device) -> Engine:
    torch.compiler.reset()
    plain = _torchvision(model, device).to(torch.bfloat16, memory_format=torch.channels_last)
    net = torch.compile(plain, options={"freezing": True})
    return lambda x: net(x.to(device, torch.bfloat16, memory_format=torch.channels_last)).float().cpu()


def _openvino(hint: str) -> Callable[[VGG, Tensor, torch.device], Engine]:
    def make(model: VGG, x: Tensor, device: torch.device) -> Engine:
        import openvino

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it traces, which PyTorch calls old
            converted = openvino.convert_model(_torchvision(model, device), example_input=x, input=list(x.shape))
        settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        request = openvino.Core().compile_model(converted, "CPU", settings).create_infer_request()
        return lambda x: torch.from_numpy(request.infer({0: x.numpy()})[0].copy())

    return make


ENGINES: dict[str, Callable[[VGG, Tensor, torch.device], Engine]] = {
    "ours": _ours,
    "ours, float32": _ours_exact,
    "torchvision": _eager,
    "torch.compile, frozen": _compiled,
    "torch.compile, frozen, bfloat16": _compiled_half,
    "OpenVINO, bfloat16": _openvino("bf16"),
    "OpenVINO, float32": _openvino("f32"),
}


def available(device: torch.device) -> list[str]:
    """The engines that this machine has, on a device."""
    found = [name for name in ENGINES if not name.startswith("OpenVINO") or importlib.util.find_spec("openvino")]
    found = [name for name in found if "bfloat16" not in name or multiplies_bfloat16(device)]
    return found if device.type == "cpu" else [name for name in found if not name.startswith("OpenVINO")]
