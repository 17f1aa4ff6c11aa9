"""The page. `build()` makes it, `launch` serves it."""

from .page import build, launch, main

__all__ = ["build", "launch", "main"]
