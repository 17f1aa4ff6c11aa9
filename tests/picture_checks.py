"""What the tests of pictures ask for again and again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vgg_hub.errors import PhotoError
from vgg_hub.picture import Limits, read_image

__all__ = ["difference", "picture_or_sentence", "refused"]


def difference(first: Image.Image, second: Image.Image) -> float:
    """The largest difference of two pictures' values, 0 to 255."""
    assert (first.mode, first.size) == (second.mode, second.size)
    return float(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max())


def refused(source: object, *words: str, **options: object) -> str:
    with pytest.raises(PhotoError) as caught:
        read_image(source, **options)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message
    assert message.endswith(".")
    return message


def picture_or_sentence(data: bytes, limits: Limits) -> str:
    """The mode of the picture that comes out, or the error's words."""
    try:
        return read_image(data, name="photo.bin", limits=limits).mode
    except PhotoError as error:
        return str(error)
