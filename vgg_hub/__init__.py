"""VGG nets to teach something new and hand on."""

from . import _shell, _spin  # noqa: F401 (before torch is imported)
from ._version import __version__
from .config import VGGConfig
from .errors import VGGHubError
from .finetune import finetune
from .model import VGG, get_vgg_layers
from .predict import Classifier, Prediction

__all__ = ["VGG", "Classifier", "Prediction", "VGGConfig", "VGGHubError", "__version__", "finetune", "get_vgg_layers"]
