"""A small OpenID provider for tests: what stands in for the Hub's sign-in. It knows one user and one token."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

__all__ = ["CLIENT", "Provider", "provider"]

CLIENT = {"OAUTH_CLIENT_ID": "test-client", "OAUTH_CLIENT_SECRET": "test-secret"}


@dataclass
class Provider:
    """What it was asked, and what it gives.

    Attributes:
        user: who signs in.
        token: the access token that an app gets for them.
        url: where it listens.
        asked: the queries of those who wanted to sign in.
    """

    user: str
    token: str
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}, private=True))

    def settings(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }

    def consent(self, query: dict[str, str]) -> str:
        """The page with the one button."""
        self.asked.append(query)
        back = urlsplit(query["redirect_uri"])
        answer = urlencode({"code": str(len(self.asked)), "state": query["state"]})
        target = back._replace(query=f"{back.query}&{answer}" if back.query else answer).geturl()
        return f'<!doctype html><title>Sign in</title><a id="allow" href="{escape(target)}">Allow</a>'

    def tokens(self, form: dict[str, str]) -> dict[str, object]:
        """For the code that the browser brought back."""
        now, query = int(time.time()), self.asked[int(form["code"]) - 1]
        claims = {
            "iss": self.url,
            "sub": "1",
            "aud": CLIENT["OAUTH_CLIENT_ID"],
            "iat": now,
            "exp": now + 3600,
            "nonce": query["nonce"],
            "name": self.user.title(),
            "preferred_username": self.user,
            "profile": f"{self.url}/{self.user}",
            "picture": f"{self.url}/{self.user}.png",
        }
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {
            "access_token": self.token,
            "token_type": "bearer",
            "expires_in": 3600,
            "scope": query["scope"],
            "id_token": signed,
        }


@contextmanager
def provider(user: str, token: str) -> Iterator[Provider]:
    """It listens on a port of its own until the end of the block."""
    state = Provider(user, token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self._send(state.consent(query), "text/html")
            elif parts.path == "/jwks":
                self._send(json.dumps({"keys": [state.key.as_dict(private=False)]}))
            elif parts.path == "/.well-known/openid-configuration":
                self._send(json.dumps(state.settings()))
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(json.dumps(state.tokens(form)))

        def _send(self, text: str, kind: str = "application/json") -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent: tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
