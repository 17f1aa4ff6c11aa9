"""The rest of the API: who asks, making a repo, what a repo holds; and the table of all routes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import parse_qs, quote, unquote

from . import pull, push
from .blobs import Blob
from .repos import GITATTRIBUTES, ME, SPACES, Commit, File, Refusal, Repo
from .wire import Reply, Request

__all__ = ["answer"]

WHEN = "2025-01-01T00:00:00.000Z"


def whoami(request: Request) -> Reply:
    token = request.token
    if token is None:
        raise Refusal(401, "Invalid username or password.")
    return Reply.json(
        {
            "type": "user",
            "id": f"id-{token.user}",
            "name": token.user,
            "fullname": token.user.title(),
            "avatarUrl": f"{request.urls['hub']}/avatars/{token.user}.svg",
            "orgs": [{"type": "org", "name": org, "roleInOrg": "write"} for org in token.orgs],
            "auth": {"type": "access_token", "accessToken": {"displayName": token.name, "role": token.role}},
        }
    )


def harnesses(_: Request) -> Reply:
    return Reply.json({})


def create_repo(request: Request) -> Reply:
    asked = request.json()
    kind = asked.get("type") or "model"
    if kind not in ("model", "space") or (kind == "space" and "sdk" not in asked):
        raise Refusal(400, f"This server keeps models, and Spaces with an sdk, not {kind}")
    token = request.hub.may_write(asked.get("organization") or getattr(request.token, "user", ""), request.token)
    repo_id = SPACES * (kind == "space") + f"{asked.get('organization') or token.user}/{asked['name']}"
    url = f"{request.urls['hub']}/{repo_id}"
    with request.hub.lock:
        if repo_id in request.hub.repos:
            raise Refusal(409, f"You already created this {kind} repo", url=url)
        repo = Repo(repo_id, private=asked.get("visibility") == "private", hardware=asked.get("hardware"))
        first = {".gitattributes": File(Blob.of(GITATTRIBUTES), lfs=False)}
        repo.write(first, message="Initial commit", user=token.user)
        request.hub.repos[repo_id] = repo
    return Reply.json({"url": url, "name": repo_id, "id": f"id-{repo_id}"})


def delete_repo(request: Request) -> Reply:
    asked = request.json()
    repo_id = SPACES * (asked.get("type") == "space") + f"{asked.get('organization') or ME}/{asked['name']}"
    request.hub.writable(repo_id, request.token)
    with request.hub.lock:
        del request.hub.repos[repo_id]
    return Reply.json({})


def space_hardware(request: Request) -> Reply:
    repo = request.hub.writable(request.args["repo"], request.token)
    repo.hardware = request.json()["flavor"]
    return Reply.json(_runtime(repo))


def _runtime(repo: Repo) -> dict[str, object]:
    return {"stage": "BUILDING", "hardware": {"current": None, "requested": repo.hardware}, "storage": None}


def validate_yaml(request: Request) -> Reply:
    request.json()
    errors = [{"message": message} for message in request.hub.yaml_errors]
    return Reply.json({"errors": errors, "warnings": []}, 400 if errors else 200)


def model_info(request: Request) -> Reply:
    repo = request.hub.visible(request.args["repo"], request.token)
    commit = repo.at(request.args.get("rev") or "main")
    siblings = []
    for path, file in sorted(commit.files.items()):
        sibling: dict[str, object] = {"rfilename": path}
        if "blobs" in request.query:
            sibling |= {"blobId": file.oid, "size": file.blob.size}
            if file.lfs:
                sibling["lfs"] = {"sha256": file.etag, "size": file.blob.size, "pointerSize": len(file.blob.pointer)}
        siblings.append(sibling)
    return Reply.json(
        {
            "_id": f"id-{repo.id}",
            "id": repo.name,
            **({"sdk": "gradio", "runtime": _runtime(repo)} if repo.id.startswith(SPACES) else {"modelId": repo.name}),
            "author": repo.owner,
            "sha": commit.oid,
            "lastModified": WHEN,
            "createdAt": WHEN,
            "private": repo.private,
            "gated": repo.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": siblings,
        }
    )


def tree(request: Request) -> Reply:
    """A page of the listing; folders too, below `path` only, deep only if asked."""
    repo, commit = _at(request)
    below = f"{request.args['path']}/" if request.args.get("path") else ""
    entries = {path: _entry(path, file) for path, file in commit.files.items() if path.startswith(below)}
    for path in list(entries):
        for parent in list(PurePosixPath(path).parents)[:-1]:
            if parent.as_posix().startswith(below):
                folder = {"type": "directory", "oid": "0" * 40, "size": 0, "path": parent.as_posix()}
                entries.setdefault(parent.as_posix(), folder)
    if request.query.get("recursive", ["false"])[0].lower() != "true":
        entries = {path: entry for path, entry in entries.items() if "/" not in path[len(below) :]}
    if below and not entries:
        raise Refusal(404, f"{below} does not exist on {repo.id}", "EntryNotFound")
    listed = [entries[path] for path in sorted(entries)]
    start = int(request.query.get("cursor", ["0"])[0])
    stop = start + request.hub.page_size
    headers = {}
    if stop < len(listed):
        kept = {name: values[0] for name, values in request.query.items()} | {"cursor": str(stop)}
        following = "&".join(f"{name}={quote(value)}" for name, value in kept.items())
        headers["Link"] = f'<{request.urls["hub"]}{request.path}?{following}>; rel="next"'
    return Reply.json(listed[start:stop], headers=headers)


def paths_info(request: Request) -> Reply:
    _, commit = _at(request)
    asked = parse_qs(b"".join(request.body).decode()).get("paths", [])
    return Reply.json([_entry(path, commit.files[path]) for path in asked if path in commit.files])


def refs(request: Request) -> Reply:
    repo = request.hub.visible(request.args["repo"], request.token)

    def listed(names: dict[str, str], kind: str) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid} for name, oid in names.items()]

    return Reply.json({"branches": listed(repo.branches, "heads"), "tags": listed(repo.tags, "tags"), "converts": []})


def commits(request: Request) -> Reply:
    repo, commit = _at(request)
    listed = []
    while commit:
        author = {"user": commit.user}
        listed.append({"id": commit.oid, "title": commit.message, "message": "", "date": WHEN, "authors": [author]})
        commit = repo.commits[commit.parent] if commit.parent else None
    return Reply.json(listed)


def _at(request: Request) -> tuple[Repo, Commit]:
    repo = request.hub.visible(request.args["repo"], request.token)
    return repo, repo.at(request.args["rev"])


def _entry(path: str, file: File) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "oid": file.oid, "size": file.blob.size}
    if file.lfs:
        entry["lfs"] = {"oid": file.etag, "size": file.blob.size, "pointerSize": len(file.blob.pointer)}
    return entry


def answer(request: Request) -> Reply:
    """Route the request; a Refusal becomes a reply with the Hub's error headers."""
    try:
        if request.bad_token and request.origin == "hub":
            raise Refusal(401, "Invalid credentials in Authorization header")
        for origin, methods, pattern, route in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and origin == request.origin and request.method in methods:
                request.args = {name: unquote(value or "") for name, value in found.groupdict().items()}
                if request.args.get("kind") == "spaces":
                    request.args["repo"] = SPACES + request.args["repo"]
                return route(request)
        raise Refusal(404, f"No such route: {request.method} {request.path}")
    except Refusal as no:
        headers = {"X-Error-Message": no.message, **no.headers}
        if no.code:
            headers["X-Error-Code"] = no.code
        return Reply.json({"error": no.message, **no.body}, no.status, headers)


Route = Callable[[Request], Reply]
REPO, REV = r"(?P<repo>[^/]+/[^/]+)", r"(?P<rev>[^/]+)"
MODEL = rf"/api/(?P<kind>models|spaces)/{REPO}"
GIT = rf"/((?P<kind>spaces)/)?{REPO}\.git/info/lfs"
ROUTES: tuple[tuple[str, tuple[str, ...], str, Route], ...] = (
    ("hub", ("GET",), r"/api/whoami-v2", whoami),
    ("hub", ("GET",), r"/api/agent-harnesses", harnesses),
    ("hub", ("POST",), r"/api/repos/create", create_repo),
    ("hub", ("DELETE",), r"/api/repos/delete", delete_repo),
    ("hub", ("POST",), r"/api/validate-yaml", validate_yaml),
    ("hub", ("GET",), rf"{MODEL}(/revision/{REV})?", model_info),
    ("hub", ("GET",), rf"{MODEL}/tree/{REV}(/(?P<path>.+))?", tree),
    ("hub", ("POST",), rf"{MODEL}/paths-info/{REV}", paths_info),
    ("hub", ("GET",), rf"{MODEL}/refs", refs),
    ("hub", ("GET",), rf"{MODEL}/commits/{REV}", commits),
    ("hub", ("POST",), rf"{MODEL}/preupload/{REV}", push.preupload),
    ("hub", ("POST",), rf"{MODEL}/commit/{REV}", push.commit),
    ("hub", ("POST",), rf"{GIT}/objects/batch", push.lfs_batch),
    ("hub", ("POST",), rf"{GIT}/verify", push.lfs_verify),
    ("hub", ("POST",), rf"{MODEL}/hardware", space_hardware),
    ("hub", ("GET", "HEAD"), rf"/{REPO}/resolve/{REV}/(?P<path>.+)", pull.resolve),
    ("hub", ("GET", "HEAD"), rf"/api/resolve-cache/models/{REPO}/{REV}/(?P<path>.+)", pull.resolve),
    ("cdn", ("GET", "HEAD"), r"/cdn/(?P<oid>[0-9a-f]{64})/(?P<path>.+)", pull.cdn_file),
    ("cdn", ("PUT",), r"/lfs-upload/(?P<oid>[0-9a-f]{64})", push.lfs_put),
)
