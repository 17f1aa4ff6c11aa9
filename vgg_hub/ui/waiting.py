"""How the page's events wait for their turn: keyword arguments of every event of a kind."""

from __future__ import annotations

__all__ = ["COMPUTE", "LINED_UP", "LOOK", "PRIVATE", "UPLOAD"]

# A training, or an answer for photos, waits in `lines`, which are fair and say one's place: Gradio's queue lets it pass.
LINED_UP = {"concurrency_limit": None}
# Other looks at what a net computes.
COMPUTE = {"concurrency_id": "compute", "concurrency_limit": 2}
# Uploads wait for the network and for the loaders that check them; a few at a time, and no one who trains waits for them.
UPLOAD = {"concurrency_id": "upload", "concurrency_limit": 2}
LOOK = {"concurrency_id": "photos", "concurrency_limit": 2}
PRIVATE = {"api_visibility": "private", "show_progress": "hidden"}
