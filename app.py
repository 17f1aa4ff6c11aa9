"""The Space's entry: `python app.py` opens the page."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # must be set before Gradio is imported

from vgg_hub.errors import ConfigError
from vgg_hub.ui import build, launch

try:
    demo = build()
except ConfigError as error:  # a setting: whoever runs the page can put it right
    raise SystemExit(str(error)) from None

if __name__ == "__main__":
    launch(demo)
