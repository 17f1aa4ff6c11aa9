"""How the commands of this folder end where what they were given is wrong: in one sentence, not in a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from vgg_hub.errors import VGGHubError

__all__ = ["command"]


def command(main: Callable[[], None]) -> None:
    """Call a command's `main`; a wrong setting or a missing file ends it with exit status 1 and what it says."""
    try:
        main()
    except (VGGHubError, FileNotFoundError) as error:
        sys.exit(f"training: {error}")
