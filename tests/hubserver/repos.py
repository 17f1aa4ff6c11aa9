"""What the Hub knows: repos with their commits, tokens, and who may see, read and write what."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .blobs import Blob

__all__ = ["GITATTRIBUTES", "ME", "SPACES", "Commit", "File", "Hub", "Refusal", "Repo", "Token", "wants_lfs"]

ME = "tester"
SPACES = "spaces/"
LFS_SIZE = 10 << 20
LFS_SUFFIXES = frozenset((".safetensors", ".bin", ".pt", ".pth", ".onnx", ".npz", ".h5", ".zip", ".gz"))
GITATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in sorted(LFS_SUFFIXES))


class Refusal(Exception):  # noqa: N818 -- a reply, not a failure of this server
    """The Hub says no: status, sentence, and the code that the client turns into an exception's class."""

    def __init__(self, status: int, message: str, code: str | None = None, **body: object) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.body = status, message, code, body
        self.headers: dict[str, str] = {}


@dataclass(frozen=True)
class Token:
    """Who it is for and what it may do: role "read" or "write"; `orgs` besides the user's own namespace."""

    name: str
    value: str = field(repr=False)
    user: str = ME
    role: str = "write"
    orgs: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file of a commit, stored in git or in LFS."""

    blob: Blob
    lfs: bool

    @property
    def oid(self) -> str:
        """The name in git: of the pointer for an LFS file."""
        return Blob.of(self.blob.pointer).git_oid if self.lfs else self.blob.git_oid

    @property
    def etag(self) -> str:
        """What the client takes for the name of the content."""
        return self.blob.sha256 if self.lfs else self.blob.git_oid


@dataclass(frozen=True)
class Commit:
    """A state of the repo: files by path."""

    oid: str
    parent: str | None
    message: str
    user: str
    files: dict[str, File]


@dataclass
class Repo:
    """A model repo, or a Space, whose id begins with `SPACES` and which may name its hardware.

    `gated` is False, "auto" or "manual"; `granted` names the users who may pass the gate.
    """

    id: str
    private: bool = False
    gated: bool | str = False
    granted: set[str] = field(default_factory=set)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    hardware: str | None = None

    @property
    def name(self) -> str:
        return self.id.removeprefix(SPACES)

    @property
    def owner(self) -> str:
        return self.name.split("/")[0]

    @property
    def head(self) -> Commit:
        return self.commits[self.branches["main"]]

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """The content of every file, for tests to compare with."""
        return {path: file.blob.read() for path, file in self.at(revision).files.items()}

    def at(self, revision: str) -> Commit:
        """The commit that a branch, a tag or a (shortened) id means; Refusal if there is none."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        found = [commit for name, commit in self.commits.items() if len(oid) >= 7 and name.startswith(oid)]
        if len(found) != 1:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found[0]

    def write(
        self,
        files: Mapping[str, File],
        *,
        delete: Iterable[str] = (),
        message: str = "Update",
        user: str = ME,
        branch: str = "main",
    ) -> Commit:
        """Commit on top of `branch`; a name in `delete` that ends in a slash stands for all that is below it."""
        parent = self.commits[self.branches[branch]] if branch in self.branches else None
        after = dict(parent.files) if parent else {}
        for gone in delete:
            for path in [p for p in after if p == gone or (gone.endswith("/") and p.startswith(gone))]:
                del after[path]
        after |= files
        listing = "".join(f"{path}\0{file.oid}\n" for path, file in sorted(after.items()))
        named = f"{self.id}\0{parent.oid if parent else ''}\0{message}\0{listing}"
        oid = hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()
        self.commits[oid] = Commit(oid, parent.oid if parent else None, message, user, after)
        self.branches[branch] = oid
        return self.commits[oid]


class Hub:
    """The state behind the server, with what tests use to set it up.

    Attributes:
        repos: by id.
        tokens: by value.
        stored: LFS objects, by sha256.
        yaml_errors: what the Hub finds wrong with every card; empty: nothing.
        page_size: entries a page of a listing.
        small_redirect: small files are redirected within the Hub's own origin first, as hf.co does.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.repos: dict[str, Repo] = {}
        self.tokens: dict[str, Token] = {}
        self.stored: dict[str, Blob] = {}
        self.yaml_errors: list[str] = []
        self.page_size = 1000
        self.small_redirect = False

    def add_token(self, name: str, *, user: str = ME, role: str = "write", orgs: Iterable[str] = ()) -> str:
        """A new token's value; the log calls it `name`."""
        if role not in ("read", "write"):
            raise ValueError(f"role is {role!r}; expected read or write.")
        value = f"hf_{hashlib.sha256(name.encode()).hexdigest()[:34]}"
        self.tokens[value] = Token(name, value, user, role, tuple(orgs))
        return value

    def add_repo(
        self,
        repo_id: str,
        files: Mapping[str, bytes | str | Path] | None = None,
        *,
        private: bool = False,
        gated: bool | str = False,
    ) -> Repo:
        """A repo with one commit of exactly these files (a str is text, a Path a file on disk)."""
        repo = self.repos[repo_id] = Repo(repo_id, private, "auto" if gated is True else gated)
        self.commit(repo_id, files or {}, message="Initial commit")
        return repo

    def commit(
        self,
        repo_id: str,
        files: Mapping[str, bytes | str | Path],
        *,
        delete: Iterable[str] = (),
        message: str = "Update",
        user: str = ME,
    ) -> str:
        """Commit as if somebody else had pushed; returns the commit's id."""
        blobs = {path: Blob.of(source) for path, source in files.items()}
        entries = {
            path: File(blob, wants_lfs(path, blob.size, next(blob.pieces(0, 512), b""))) for path, blob in blobs.items()
        }
        self.stored |= {file.etag: file.blob for file in entries.values() if file.lfs}
        return self.repos[repo_id].write(entries, delete=delete, message=message, user=user).oid

    def visible(self, repo_id: str, token: Token | None) -> Repo:
        """The repo, if the token's user may know that it exists."""
        repo = self.repos.get(repo_id)
        if repo is None or (repo.private and not _member(repo.owner, token)):
            # hf.co answers 401 without a code; the client understands that over https only, so the code is added.
            raise Refusal(404 if token else 401, "Repository not found", "RepoNotFound")
        return repo

    def readable(self, repo_id: str, token: Token | None) -> Repo:
        """The repo, if the token's user may also read its files: what a gate keeps closed."""
        repo = self.visible(repo_id, token)
        if repo.gated and not _member(repo.owner, token) and (token is None or token.user not in repo.granted):
            told = f"Access to model {repo_id} is restricted."
            raise Refusal(403 if token else 401, told, "GatedRepo")
        return repo

    def writable(self, repo_id: str, token: Token | None) -> Repo:
        """The repo, if the token may write to it."""
        repo = self.visible(repo_id, token)
        self.may_write(repo.owner, token)
        return repo

    @staticmethod
    def may_write(namespace: str, token: Token | None) -> Token:
        """The token, if it may write in this namespace."""
        if token is None:
            raise Refusal(401, "Invalid username or password.")
        if token.role != "write":
            raise Refusal(403, f"The token is for reading only; it cannot write to {namespace}")
        if not _member(namespace, token):
            raise Refusal(403, f"You have no right to write in the namespace {namespace}")
        return token


def wants_lfs(path: str, size: int, sample: bytes = b"") -> bool:
    """Whether a new file goes to LFS: by its name, its size, or because it is not text."""
    return PurePosixPath(path).suffix in LFS_SUFFIXES or size > LFS_SIZE or b"\0" in sample


def _member(namespace: str, token: Token | None) -> bool:
    return token is not None and namespace in (token.user, *token.orgs)
