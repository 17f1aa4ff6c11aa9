"""What stands before the server: requests that neither the page nor its endpoints make are turned away.

Gradio 6.31 serves more than a page needs. Some of it works for strangers: `/gradio_api/file=http://...` fetches any
public address and hands it on under this server's name, and `/gradio_api/process_recording` gives what was sent to
FFmpeg. None of it is used here.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..notes import Note
from .limits import page_limits
from .messages import language_in
from .notes import say_note
from .own_files import has_room

__all__ = ["MAX_JSON_BYTES", "Gate"]

LOG = logging.getLogger("vgg_hub")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_JSON_BYTES = 8_000_000  # ten thousand descriptions of files; photos themselves come as multipart/form-data
# The web as a file, in any of the ways that Gradio spells it; the server has decoded the path.
WEB_FILE = re.compile(r"(/gradio_api)?/+(file=|file/|proxy=)[\s/]*[a-z][a-z0-9+.-]*:", re.IGNORECASE)
UNUSED = re.compile(
    r"(/gradio_api)?/+(proxy=|process_recording|component_server|deep_link|stream/|dev/|vibe|undo-vibe|runs?-history|"
    r"runs\b|profiling|monitoring)",
    re.IGNORECASE,
)
UPLOAD = re.compile(r"(/gradio_api)?/+upload/*", re.IGNORECASE)


class Gate:
    """ASGI middleware. Answers are JSON, {"error": a sentence}."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = _refused(scope)
        if refused is not None:
            await _answer(scope, send, *refused)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), noting)
        except Exception as error:
            if begun:
                raise
            LOG.warning("A request to %.200r failed: %.200r", scope["path"], error)
            said = Note.said("This request cannot be understood; docs/programs.md says how programs ask.")
            await _answer(scope, send, 400, said)


def _refused(scope: Message) -> tuple[int, Note] | None:
    path = scope["path"].removeprefix(scope.get("root_path") or "")
    if WEB_FILE.match(path):
        return 403, Note.said("Web addresses are not opened here; upload the file itself.")
    if UNUSED.match(path):
        return 404, Note.said("There is no such address here; docs/programs.md lists what programs may ask.")
    if UPLOAD.fullmatch(path) and not has_room(page_limits().min_free_megabytes):
        return 507, Note.said(
            "The disk of this page is nearly full; try again later, or with fewer and smaller photos."
        )
    length = _header(scope, b"content-length")
    if not _is_form(scope) and length.isdigit() and int(length[:20]) > MAX_JSON_BYTES:
        return 413, Note.said(
            "The request has over {most} MB; upload files with /gradio_api/upload.", most=MAX_JSON_BYTES // 1_000_000
        )
    return None


def _bounded(scope: Message, receive: Receive) -> Receive:
    """Bodies that do not say how long they are end at the same bound."""
    if _is_form(scope):  # Gradio counts these
        return receive
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_JSON_BYTES:
            raise ValueError("the body is too large")
        return message

    return counting


def _is_form(scope: Message) -> bool:
    return _header(scope, b"content-type").lower().startswith(b"multipart/form-data")


def _header(scope: Message, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key.lower() == name), b"")


async def _answer(scope: Message, send: Send, status: int, note: Note) -> None:
    said = say_note(language_in(_header(scope, b"accept-language").decode("latin-1")), note)
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": said}, ensure_ascii=False).encode()})
