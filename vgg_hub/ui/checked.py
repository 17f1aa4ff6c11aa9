"""The page's events, with what comes in checked before Gradio acts on it, and what goes wrong said in a sentence.

Every event can be called by anyone who can reach the server, those that the page marks as private too: Gradio leaves
them out of its lists, no more. So the checks stand where all events pass, and each handler still checks what its values
mean.
"""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr
from gradio.data_classes import ListFiles
from gradio_client.exceptions import AppError

from ..errors import VGGHubError
from .guard import sentence
from .messages import language_of, say
from .uploads import check_file_descriptions

__all__ = ["CheckedBlocks"]

LOG = logging.getLogger("vgg_hub")


class _WrongKindError(Exception):
    """A value that a component cannot take."""


def _paths(described: ListFiles | None) -> list[str] | None:
    """What handlers are given of a box for many files. Gradio 6.31's own way leaves an empty temporary file behind for each
    file of each event.
    """
    return None if described is None else [file.path for file in described]


class CheckedBlocks(gr.Blocks):
    """`gr.Blocks` whose events refuse files that are no uploads, and never answer with an error of Python's."""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, *args: Any, **kwargs: Any
    ) -> list[Any]:
        check_file_descriptions(inputs)
        for block in block_fn.inputs:
            if isinstance(block, gr.File):  # a visitor's own copy of it, once anything about it was updated
                (state[block._id] if state is not None and block._id in state else block).preprocess = _paths
        try:
            return await super().preprocess_data(block_fn, inputs, state, *args, **kwargs)
        except (
            Exception
        ) as error:  # of Gradio's or pydantic's: too few values, no list where one must be, no choice ...
            raise _WrongKindError from error

    async def process_api(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        request = kwargs.get("request")
        language = language_of(request if isinstance(request, gr.Request) else None)
        try:
            return await super().process_api(block_fn, inputs, *args, **kwargs)
        except AppError:
            raise  # a handler's own, meant to be read
        except VGGHubError as error:
            said, cause = sentence(error, language), error
        except _WrongKindError as error:
            said, cause = say(language, "wrong_kind", name=f"/{block_fn.api_name}"), error
        except Exception as error:
            LOG.exception("An event of the page failed: %s", block_fn.api_name)
            said, cause = say(language, "unexpected"), error
        raise gr.Error(said, print_exception=False) from cause
