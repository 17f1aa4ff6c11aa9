"""The Space's entry: `python app.py` opens the page."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # must be set before Gradio is imported

from vgg_hub.ui import build, launch

demo = build()

if __name__ == "__main__":
    launch(demo)
