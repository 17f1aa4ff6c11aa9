"""Routes of an upload: plan, LFS batch, PUT, verify, commit."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from .blobs import Blob, receive
from .pull import check_signature
from .repos import File, Hub, Refusal, wants_lfs
from .wire import Reply, Request

__all__ = ["commit", "lfs_batch", "lfs_put", "lfs_verify", "preupload"]


def preupload(request: Request) -> Reply:
    """Where each file will go, and what is there now, so that the client can skip what has not changed."""
    repo = request.hub.writable(request.args["repo"], request.token)
    head = repo.at(request.args["rev"])
    plan = []
    for asked in request.json()["files"]:
        lfs = wants_lfs(asked["path"], asked["size"], base64.b64decode(asked["sample"]))
        entry = {"path": asked["path"], "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
        there = head.files.get(asked["path"])
        plan.append(entry | ({"oid": there.etag} if there else {}))
    return Reply.json({"files": plan, "commitOid": head.oid})


def lfs_batch(request: Request) -> Reply:
    """Where to put each object; no actions for one that is there."""
    repo = request.hub.writable(request.args["repo"], request.token)
    objects = []
    for asked in request.json()["objects"]:
        oid, size = asked["oid"], asked["size"]
        actions = {
            "upload": {"href": f"{request.urls['cdn']}/lfs-upload/{oid}?signature={request.signature}"},
            "verify": {"href": f"{request.urls['hub']}/{repo.id}.git/info/lfs/verify"},
        }
        known = {"oid": oid, "size": size}
        objects.append(known if oid in request.hub.stored else known | {"actions": actions})
    return Reply.json({"transfer": "basic", "objects": objects})


def lfs_put(request: Request) -> Reply:
    """Take an object, if it is what its address says."""
    check_signature(request)
    blob = receive(request.body, request.folder)
    if blob.sha256 != request.args["oid"]:
        raise Refusal(400, f"The content's sha256 is {blob.sha256}, the address says {request.args['oid']}")
    request.hub.stored[blob.sha256] = blob
    return Reply(200, {"ETag": f'"{blob.sha256}"'})


def lfs_verify(request: Request) -> Reply:
    """Whether the object arrived."""
    request.hub.writable(request.args["repo"], request.token)
    asked = request.json()
    blob = request.hub.stored.get(asked["oid"])
    if blob is None or blob.size != asked["size"]:
        raise Refusal(404, f"No object {asked['oid']} of {asked['size']} bytes was uploaded")
    return Reply.json({})


def commit(request: Request) -> Reply:
    """Make a commit out of the lines of the request, if nobody else has made one since `parentCommit`."""
    hub, branch = request.hub, request.args["rev"]
    repo = hub.writable(request.args["repo"], request.token)
    if "create_pr" in request.query:
        raise Refusal(400, "This server takes no pull requests")
    if branch not in repo.branches:
        raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    lines = [json.loads(line) for line in b"".join(request.body).splitlines()]
    header, files, gone = _operations(hub, lines)
    with hub.lock:
        if header.get("parentCommit") not in (None, repo.branches[branch]):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        user = request.token.user
        made = repo.write(files, delete=gone, message=header["summary"], user=user, branch=branch)
    url = f"{request.urls['hub']}/{repo.id}/commit/{made.oid}"
    return Reply.json({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


def _operations(hub: Hub, lines: Iterable[dict]) -> tuple[dict, dict[str, File], list[str]]:
    """The header, the files to write and the paths to delete."""
    header: dict = {}
    files: dict[str, File] = {}
    gone: list[str] = []
    for line in lines:
        key, value = line["key"], line["value"]
        if key == "header":
            header = value
        elif key == "file":
            files[value["path"]] = File(Blob.of(base64.b64decode(value["content"])), lfs=False)
        elif key == "lfsFile" and value["oid"] in hub.stored:
            files[value["path"]] = File(hub.stored[value["oid"]], lfs=True)
        elif key == "lfsFile":
            raise Refusal(400, f"LFS object {value['oid']} of {value['path']} was not uploaded")
        elif key in ("deletedFile", "deletedFolder"):
            gone.append(value["path"].rstrip("/") + ("/" if key == "deletedFolder" else ""))
        else:
            raise Refusal(400, f"Unknown operation {key}")
    return header, files, gone
