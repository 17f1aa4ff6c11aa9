"""Routes that hand out files: `resolve` on the Hub, the big ones on the CDN."""

from __future__ import annotations

import re
from urllib.parse import quote

from .blobs import Blob
from .repos import Refusal
from .wire import Reply, Request

__all__ = ["cdn_file", "check_signature", "resolve"]


def resolve(request: Request) -> Reply:
    """The file, or where it is: LFS files on the CDN, small ones here (or at a second address here)."""
    repo = request.hub.readable(request.args["repo"], request.token)
    commit = repo.at(request.args["rev"])
    path = request.args["path"]
    found = {"X-Repo-Commit": commit.oid}
    file = commit.files.get(path)
    if file is None:
        no = Refusal(404, "Entry not found", "EntryNotFound")
        no.headers |= found
        raise no
    if file.lfs:
        location = f"{request.urls['cdn']}/cdn/{file.etag}/{quote(path)}?signature={request.signature}"
        linked = {"X-Linked-Size": str(file.blob.size), "X-Linked-ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
        return Reply(302, {**found, **linked, "Location": location})
    if request.hub.small_redirect and not request.path.startswith("/api/resolve-cache/"):
        location = f"/api/resolve-cache/models/{repo.id}/{commit.oid}/{quote(path)}"
        return Reply(307, {**found, "Location": location})
    return _part(file.blob, request.headers.get("range"), {**found, "ETag": f'"{file.etag}"'})


def cdn_file(request: Request) -> Reply:
    """An LFS file by its sha256; the address says the name too, for people and for rules of faults."""
    check_signature(request)
    blob = request.hub.stored.get(request.args["oid"])
    if blob is None:
        raise Refusal(404, "NoSuchKey")
    return _part(blob, request.headers.get("range"), {"ETag": f'"{blob.sha256}"'})


def check_signature(request: Request) -> None:
    """Refuse a CDN address that this server did not make."""
    if request.query.get("signature") != [request.signature]:
        raise Refusal(403, "SignatureDoesNotMatch")


def _part(blob: Blob, asked: str | None, headers: dict[str, str]) -> Reply:
    """The whole blob, or the one range that was asked for."""
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
    if not found:
        return Reply(200, headers, blob)
    start = int(found[1])
    stop = min(int(found[2]) + 1 if found[2] else blob.size, blob.size)
    if start >= stop:
        return Reply(416, {"Content-Range": f"bytes */{blob.size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
    return Reply(206, headers, blob, start, stop)
