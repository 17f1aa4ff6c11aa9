"""A new card put into the one that a repo has: what people wrote there stays, what was generated is refreshed.

The generated body stands between two comments, which Markdown does not show:

    <!-- vgg-hub begin sha256:HEX license=mit tags=vgg,vgg11-bn -->
    ...
    <!-- vgg-hub end -->

HEX is the digest of the text between them, so that an edit inside is seen. Behind it stand values of the metadata as
they were written, so that a later merge can tell them from what a person put there. The metadata is changed key by
key in its text: comments, order and spelling of other keys stay.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml
from huggingface_hub.utils import yaml_dump

from .card_metadata import flat
from .notes import Note

__all__ = ["FOLDER", "MAX_CARD_CHARACTERS", "between_marks", "has_marks", "merge_card"]

MAX_CARD_CHARACTERS = 1_000_000
MAX_FRONT_CHARACTERS = 100_000
BEGIN = re.compile(r"<!-- vgg-hub begin\b([^>\n]*)-->")
END = re.compile(r"<!-- vgg-hub end -->")
# What the Hub takes for metadata, and also one without a line in it:
# https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/repocard.py
FRONT = re.compile(r"\A(\s*---(\r\n|\r|\n))((?:[\S\s]*?(?:\r\n|\r|\n))??)(---[ \t]*(?:\r\n|\n|\Z))")
OUR_KEYS = (
    *("library_name", "pipeline_tag", "license", "license_name", "base_model", "base_model_relation"),
    *("datasets", "tags", "model-index"),
)
RECORDED = ("license", "license_name", "base_model", "datasets", "tags")
LISTS = ("datasets", "tags")
KEEP = object()
REPO, FOLDER = Note.said("repo"), Note.said("folder")
HOW = {
    REPO: Note.said("to have it replaced, push with replace_card=True, or --replace-card on the command line"),
    FOLDER: Note.said("to have a new one, remove it from the folder"),
}


class _UnreadableError(ValueError):
    """The metadata cannot be changed without risk to what else is in it."""


def between_marks(body: str, metadata: Mapping[str, object]) -> str:
    """The generated body between the marks.

    Args:
        body: Markdown that holds no mark: strangers' texts in it are escaped.
        metadata: of the card, as written.
    """
    values = {key: ",".join(_texts(metadata[key])) for key in RECORDED if metadata.get(key)}
    record = "".join(f" {key}={value}" for key, value in values.items())
    between = f"\n{body.strip()}\n\n"
    return f"<!-- vgg-hub begin sha256:{_digest(between)}{record} -->{between}<!-- vgg-hub end -->\n"


def has_marks(card: str) -> bool:
    """Whether a card was made here, whatever people wrote around what was generated."""
    return _marked(_split(card).body) is not None


def merge_card(existing: str, generated: str, place: Note = REPO) -> tuple[str, Note | None]:
    """Refresh the card of a repo, or of the folder that is pushed.

    What a person wrote before and after the marks stays to the byte, and so does what is between them if it was edited
    there, and the whole body if it has no marks (or not one pair). Of the metadata, other keys and further `tags` and
    `datasets` stay; ours are refreshed, but for the licence: one that a person set wins over the base's, for it is
    theirs to answer for. An empty body, as the Hub gives a new repo, is replaced. A card that cannot be read safely
    (too large, not text, metadata that is not valid) stays as it is.

    Args:
        existing: the card that is there.
        generated: by `render_card`. A text without marks was written by the person who pushes, and is taken as it is.
        place: where the card is, `FOLDER` or a repo, for the sentence.

    Returns:
        The text, and a sentence on what was not replaced and how to ask for it; None if all was. Merging the same card
        again changes nothing.
    """
    new = _split(generated)
    part = _marked(new.body)
    if part is None:
        return generated, None
    if reason := _unfit(existing):
        return existing, Note.said(
            "The {place}'s README.md {reason} and is kept as it is; {how}.", place=place, reason=reason, how=HOW[place]
        )
    old = _split(existing)
    body, why, record = _merge_body(old, new.body, part)
    try:
        metadata = yaml.safe_load(new.front)
        front, licence = _merge_front(old.front, metadata, record, old.newline)
    except (yaml.YAMLError, RecursionError, _UnreadableError):
        return existing, Note.said(
            "The metadata of the {place}'s README.md is not plain valid YAML: it is kept as it is; {how}.",
            place=place,
            how=HOW[place],
        )
    told, kept = None, None
    if licence:
        kept = Note.said(
            "Its licence, {licence}, is kept, for a person set it; that of the pushed weights is {other}: see that they agree.",
            licence=flat(licence)[:60],
            other=metadata["license"],
        )
    if why:
        told = Note.said(
            "The {place}'s README.md {why}; its metadata was refreshed; {how}.", place=place, why=why, how=HOW[place]
        )
    both = Note.said("{first} {then}", first=told, then=kept) if told and kept else told or kept
    return f"{old.bom}{old.opening}{front}{old.closing}{body}", both


@dataclass(frozen=True)
class _Card:
    """A card in pieces that make up its text again, but for a front matter that was not there."""

    bom: str
    opening: str
    front: str
    closing: str
    body: str
    newline: str


def _split(text: str) -> _Card:
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text[len(bom) :]
    found = FRONT.match(text)
    if found is None:
        newline = "\r\n" if "\r\n" in text else "\n"
        return _Card(bom, f"---{newline}", "", f"---{newline}", text, newline)
    opening, newline, front, closing = found.groups()
    # The last line may lack its end; without one the body would run into the dashes.
    closing = closing if closing.endswith("\n") else f"{closing}{newline}"
    return _Card(bom, opening, front, closing, text[found.end() :], newline)


def _unfit(text: str) -> Note | None:
    """Why a card is left alone whatever it says."""
    if len(text) > MAX_CARD_CHARACTERS or len(_split(text).front) > MAX_FRONT_CHARACTERS:
        return Note.said("is too large to be read")
    # U+FFFD and lone surrogates are what is left of bytes that are not UTF-8.
    if re.search("[\x00\ufffd\ud800-\udfff]", text):
        return Note.said("is not all text")
    return None


def _marked(body: str) -> tuple[re.Match[str], re.Match[str]] | None:
    """The two marks, if there is one pair in the right order."""
    begins, ends = list(BEGIN.finditer(body)), list(END.finditer(body))
    if len(begins) == len(ends) == 1 and begins[0].end() <= ends[0].start():
        return begins[0], ends[0]
    return None


def _merge_body(
    card: _Card, new: str, part: tuple[re.Match[str], re.Match[str]]
) -> tuple[str, Note | None, dict[str, str] | None]:
    """The body, why its text was not refreshed (or None), and the metadata as it was written last (None: not known)."""
    old = card.body
    if not old.strip():
        return new.replace("\n", card.newline), None, None
    marks = _marked(old)
    if marks is None:
        broken = BEGIN.search(old) or END.search(old)
        if broken:
            return old, Note.said("does not have one pair of vgg-hub's marks: its text is kept as it is"), None
        return old, Note.said("was not generated by vgg-hub: its text is kept as it is"), None
    begin, end = marks
    before, between, after = old[: begin.start()], old[begin.end() : end.start()], old[end.end() :]
    record = dict(word.split("=", 1) for word in begin[1].split() if "=" in word)
    if f"sha256:{_digest(between)}" in begin[1].split():
        fresh = new[part[0].start() : part[1].end()]
        fresh = fresh.replace("\n", "\r\n") if "\r\n" in between else fresh
        return f"{before}{fresh}{after}", None, record
    # The text keeps the digest that it does not fit, and the mark notes the metadata of now.
    words = [word for word in begin[1].split() if "=" not in word]
    words += [word for word in part[0][1].split() if "=" in word]
    mark = f"<!-- vgg-hub begin {' '.join(words)} -->"
    why = Note.said("was edited between vgg-hub's marks: its text is kept as it is")
    return f"{before}{mark}{old[begin.end() :]}", why, record


def _digest(between: str) -> str:
    """Of the text between the marks, whatever its line ends and outer empty lines, which editors change by themselves."""
    text = between.replace("\r\n", "\n").replace("\r", "\n").strip()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _merge_front(
    text: str, metadata: Mapping[str, object], record: Mapping[str, str] | None, newline: str
) -> tuple[str, str | None]:
    """The front matter with our keys refreshed, and the licence that was kept against ours (or None)."""
    segments = _segments(text)
    there = {key: _texts(_plain(node)) for key, node, _, _ in reversed(segments)}  # of two alike the first counts
    wanted, licence = _wanted(there, metadata, record)
    starts = [start for _, _, start, _ in segments] + [len(text)]
    merged, done = text[: starts[0]], set()
    for (key, _, start, end), stop in zip(segments, starts[1:], strict=True):
        if key not in OUR_KEYS or (key not in done and wanted.get(key) is KEEP):
            merged += text[start:stop]
        else:
            merged += _dumped(key, wanted[key], newline) if key in wanted and key not in done else ""
            merged += text[end:stop]
        done.add(key)
    merged += "".join(_dumped(key, wanted[key], newline) for key in wanted if key not in done)
    return _proven(merged, [key for key, *_ in segments], wanted), licence


def _wanted(
    there: Mapping[str, list[str]], metadata: Mapping[str, object], record: Mapping[str, str] | None
) -> tuple[dict[str, object], str | None]:
    """What our keys shall hold, in the order of writing, KEEP for what they hold; a key that is left out is removed.

    The second is the licence that a person set, where the weights have another.
    """
    was = dict(record or {})
    wanted = {key: metadata[key] for key in metadata if key in OUR_KEYS}
    for key in LISTS:
        ours, written = _texts(metadata.get(key)), was.get(key, "").split(",")
        values = [value for value in there.get(key, []) if value in ours or value not in written]
        values += [value for value in ours if value not in values]
        if values:
            wanted[key] = KEEP if values == there.get(key) else values
    foreign = ",".join(there.get("base_model", [])) != was.get("base_model")
    if "base_model" not in metadata and "base_model" in there and foreign:
        wanted |= {key: KEEP for key in ("base_model", "base_model_relation") if key in there}
    if "model-index" not in metadata and "model-index" in there and record is None:
        wanted["model-index"] = KEEP  # results that a person gave
    licence, ours = ",".join(there.get("license", [])), metadata.get("license")
    if not licence or licence == was.get("license"):
        return wanted, None
    if licence != ours:
        wanted.pop("license_name", None)
    wanted |= {key: KEEP for key in ("license", "license_name") if key in there}
    return wanted, licence if ours and licence != ours else None


def _segments(text: str) -> list[tuple[str, yaml.Node, int, int]]:
    """(key, value, start, end of its lines in the text) for each top-level key; comments behind it are not its own."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise _UnreadableError
    if any(not isinstance(key, yaml.ScalarNode) or key.start_mark.column for key, _ in node.value):
        raise _UnreadableError
    starts = [key.start_mark.index for key, _ in node.value]
    found = []
    for (key, value), start, stop in zip(node.value, starts, [*starts[1:], len(text)], strict=True):
        end, lines = stop, re.findall(r"[^\r\n]*(?:\r\n|\r|\n)", text[start:stop])
        while len(lines) > 1 and re.match(r"[ \t]*(?:#|\r|\n)", lines[-1]):
            end -= len(lines.pop())
        found.append((key.value, value, start, end))
    return found


def _plain(node: yaml.Node) -> object:
    """A text, or a list of texts, of a YAML node; None for what is neither."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in node.value):
        return [item.value for item in node.value]
    return None


def _texts(value: object) -> list[str]:
    return [] if value is None else [str(item) for item in (value if isinstance(value, list) else [value])]


def _dumped(key: str, value: object, newline: str) -> str:
    return yaml_dump({key: value}, sort_keys=False, line_break=newline)


def _proven(text: str, before: list[str], wanted: Mapping[str, object]) -> str:
    """The text, once it was read back: the other keys are all there, and ours hold what they shall."""
    after = {key: node for key, node, _, _ in _segments(text)}
    if [key for key in after if key not in OUR_KEYS] != list(dict.fromkeys(k for k in before if k not in OUR_KEYS)):
        raise _UnreadableError
    if {key for key in after if key in OUR_KEYS} != set(wanted):
        raise _UnreadableError
    for key, value in wanted.items():
        if value is not KEEP and key != "model-index" and _texts(_plain(after[key])) != _texts(value):
            raise _UnreadableError
    return text
