"""One connection at a time: HTTP/1.1 in, a reply out, or what a fault makes of it."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from .api import answer
from .blobs import CHUNK
from .faults import Close, Delay, Fault, Flip, IgnoreRange, LostReply, Reset, Status
from .wire import Reply, Request

if TYPE_CHECKING:
    from .server import HubServer, Logged

__all__ = ["Handler", "Listener"]


class Hangup(Exception):  # noqa: N818 -- a signal within this file
    """Stop here and end the connection; a reset if asked."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class Handler(BaseHTTPRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def serve(self) -> None:
        """Answer one request. The client may go away at any time: that is no error here."""
        hub = self.server.hub
        try:
            self._serve(hub)
        except Hangup as hangup:
            self._hang_up(reset=hangup.reset)
        except OSError:
            self.close_connection = True
        except Exception:  # whatever it is, the test must hear of it
            hub.bugs.append(traceback.format_exc())
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 -- the base class looks for these

    def _serve(self, hub: HubServer) -> None:
        request, entry = self._read(hub)
        fault = entry.fault = hub.meet(request.method, request.path)
        if isinstance(fault, Delay) and fault.after is None:
            hub.stopping.wait(fault.seconds)
        if isinstance(fault, Reset | Close) and (fault.after is None or request.method not in ("GET", "DELETE")):
            self._swallow(request, fault.after or 0)
            raise Hangup(reset=isinstance(fault, Reset))
        if isinstance(fault, IgnoreRange):
            request.headers = {name: value for name, value in request.headers.items() if name != "range"}
        reply = _failure(fault) if isinstance(fault, Status) else answer(request)
        for _ in request.body:  # what was not read would be taken for the next request
            pass
        if isinstance(fault, LostReply):
            raise Hangup(reset=False)
        entry.status = reply.status
        self._send(hub, request, reply, fault)

    def _read(self, hub: HubServer) -> tuple[Request, Logged]:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        value = headers.get("authorization", "").removeprefix("Bearer ")
        token = hub.tokens.get(value)
        request = Request(
            hub=hub,
            urls=hub.urls,
            origin=self.server.origin,
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers=headers,
            body=self._body(),
            token=token,
            bad_token=bool(value) and token is None,
            folder=hub.folder,
            signature=hub.signature,
        )
        name = token.name if token else "?" if value else None
        shown = headers | ({"authorization": f"<token {name}>"} if value else {})
        return request, hub.note(request, parts.query, shown, name)

    def _body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read(min(left, CHUNK))
            if not piece:
                raise ConnectionAbortedError("the client left midway")
            left -= len(piece)
            yield piece

    def _swallow(self, request: Request, size: int) -> None:
        """Read this much of the body, or a little more; nothing for 0."""
        while size > 0 and (piece := next(request.body, b"")):
            size -= len(piece)

    def _send(self, hub: HubServer, request: Request, reply: Reply, fault: Fault | None) -> None:
        self.send_response(reply.status)
        for name, value in {"X-Request-Id": "Root=1-test", **reply.headers, "Content-Length": str(reply.size)}.items():
            self.send_header(name, " ".join(value.encode("ascii", "backslashreplace").decode().split()))
        self.end_headers()
        sent = 0
        cut = fault.after if isinstance(fault, Reset | Close | Delay) else None
        for piece in () if request.method == "HEAD" else _spoiled(reply, fault):
            if cut is not None and sent + len(piece) > cut >= sent:
                self.wfile.write(piece[: cut - sent])
                if not isinstance(fault, Delay):
                    raise Hangup(reset=isinstance(fault, Reset))
                hub.stopping.wait(fault.seconds)
                piece, sent = piece[cut - sent :], cut
            self.wfile.write(piece)
            sent += len(piece)
        if isinstance(fault, Reset | Close):  # nothing was there to cut: end it all the same
            raise Hangup(reset=isinstance(fault, Reset))

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            time.sleep(0.02)  # lets what was sent arrive first
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())  # past socketserver, which would send a polite end first

    def log_message(self, *_: object) -> None:
        """Nothing on stderr: the log is `HubServer.log`."""


class Listener(ThreadingHTTPServer):
    """A port, the origin that it plays, and its open connections."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, hub: HubServer, origin: str) -> None:
        self.hub, self.origin = hub, origin
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Outside a request only the client's going away is expected; the test must hear of the rest."""
        if not isinstance(sys.exception(), OSError):
            self.hub.bugs.append(traceback.format_exc())

    def close(self) -> None:
        """Stop listening and end every connection."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it ended by itself


def _failure(fault: Status) -> Reply:
    if fault.body is not None:
        return Reply(fault.code, dict(fault.headers), fault.body)
    return Reply.json({"error": fault.message}, fault.code, {"X-Error-Message": fault.message, **fault.headers})


def _spoiled(reply: Reply, fault: Fault | None) -> Iterator[bytes]:
    """The pieces of the body, with one byte inverted if the fault says so."""
    if not isinstance(fault, Flip) or isinstance(reply.body, bytes):
        yield from reply.pieces()
        return
    bad = (reply.body.size // 2 if fault.at is None else fault.at) - reply.start
    for piece in reply.pieces():
        if 0 <= bad < len(piece):
            piece = piece[:bad] + bytes((piece[bad] ^ 0xFF,)) + piece[bad + 1 :]
        bad -= len(piece)
        yield piece
