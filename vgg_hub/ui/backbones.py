"""The nets that all visitors share."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from ..model import VGG
from ..start import starting_model, starting_source
from .account import on_space
from .bounds import check_repo, check_size
from .choice import Choice

__all__ = ["Backbones", "backbones"]


class Backbones:
    """The nets that a fine-tuning starts from, loaded once and shared read-only; the last `limit` asked for are kept.

    They stay on the CPU: what a visitor taught shares these tensors wherever it was computed.
    """

    def __init__(self, limit: int = 3) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[object, ...], _Entry] = OrderedDict()

    def get(self, choice: Choice) -> VGG:
        """Load the net, or give the one that is loaded.

        Raises:
            CheckpointError, HubError, ConfigError: see `starting_model`.
        """
        key = self._key(choice)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)
        with entry.lock:  # one visitor fetches; others who want the same net wait, and those who want another do not
            if entry.model is None:
                # What the owner of this machine may read is not for those who reach it from elsewhere.
                token = None if choice.at_home and not on_space() else False
                check_repo(choice, token)
                model = starting_model(choice.weights, choice.depth, choice.batch_norm, token)
                check_size(model.config, choice.weights)  # a folder's; and a repo may have changed meanwhile
                entry.model = model
            return entry.model

    @staticmethod
    def _key(choice: Choice) -> tuple[object, ...]:
        source = starting_source(choice.weights, choice.depth, choice.batch_norm)
        if source is None:
            return ("random", choice.depth, choice.batch_norm)
        weights = os.path.join(os.path.expanduser(source), "model.safetensors")
        if os.path.isfile(weights):
            return (source, os.stat(weights).st_mtime_ns)  # a folder may be written anew between two runs
        return (source, choice.at_home)


@dataclass
class _Entry:
    model: VGG | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


backbones = Backbones()
