"""The model card: facts only. Sections without facts are left out.

Facts come from the configuration, from the receipt of the check before a push (`parity.Receipt.to_dict`) and from
`provenance`, a JSON object with any of these keys:

- of a fine-tuning (`report.Report.provenance`): `labels`, `counts`, `validation`, `trainable`, `base`, `seed`,
  `stopped`, `versions` ({package: version});
- of a checkpoint that ships: `data` ([{name, pictures, licence, hub}], `hub` being the data set's id on the Hub),
  `scores` ([{dataset, split, accuracy, n}]), `licence`, `notes` (texts).

All of it may come from a stranger's file: what is not of the expected kind is left out, and every text is escaped.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping
from importlib.resources import files

from huggingface_hub import ModelCard
from jinja2 import Environment

from .bundled import bundled_folder
from .card_merge import between_marks
from .card_metadata import (
    card_metadata,
    delta_base,
    fact_list,
    flat,
    is_amount,
    is_count,
    is_rate,
    is_repo_id,
    provenance_rows,
    validation_facts,
)
from .config import VGGConfig
from .config_json import standard_architecture, timm_architecture
from .folder import CONFIG_FILE
from .summary import parameter_count

__all__ = ["accuracy_sentence", "escape_markdown", "provenance_rows", "render_card"]

LOADERS = ("vgg_hub", "timm", "transformers", "torchvision")
OUTCOMES = ("equal", "not installed", "not for this net")
HALF = ("float16", "bfloat16")


def escape_markdown(text: object) -> str:
    """A text that shows as it is in Markdown, inside a table too: no markup, link, HTML or line break of its own."""
    marked = (
        re.sub(r"([\\`*_{}\[\]()<>#+!|~&$^:@=-])", r"\\\1", flat(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")
    )
    # A dot marks up only after the number that starts a list and after www, which some renderers make a link of.
    return re.sub(r"(?i)(^\d+|www)\.", r"\1\\.", marked)


def accuracy_sentence(accuracy: float, low: float, high: float, n: int) -> str:
    """The validation result in words: 'right on 27 of 30 ...'."""
    return (
        f"Right on about {accuracy * n:.0f} of {n} photos that it had not seen ({100 * accuracy:.0f} %); "
        f"with that many photos the true rate is likely between {100 * low:.0f} and {100 * high:.0f} %."
    )


def render_card(
    config: VGGConfig,
    provenance: Mapping[str, object] | None = None,
    where: str = "FOLDER",
    receipt: Mapping[str, object] | None = None,
    delta: Mapping[str, object] | None = None,
) -> str:
    """The text of README.md: YAML front matter, and the card between marks by which `merge_card` knows it again.

    Args:
        config: of the model.
        provenance: what is known of the weights' making; None: nothing.
        where: folder or repo that the examples load from.
        receipt: what was compared before the push, any part of {"pictures", "saved_as", "rounding", "loaders"}; None:
            nothing was.
        delta: for a folder that holds the head alone, what it stands on: any of {"name": a repo or shipped
            name, "commit", "sha256"}; None for a whole folder.
    """
    facts = dict(provenance or {})
    # The text is Markdown: what goes in is escaped by `escape_markdown`.
    template = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(  # noqa: S701
        (files("vgg_hub") / "card_template.md").read_text(encoding="utf-8")
    )
    text = template.render(
        **_what(config, facts), **_ways(config, where, delta), **_making(facts), **_checked(dict(receipt or {}))
    )
    metadata = card_metadata(config, facts, delta)
    return str(ModelCard(f"---\n{metadata.to_yaml()}\n---\n\n{between_marks(text, metadata.to_dict())}"))


def _what(config: VGGConfig, facts: Mapping[str, object]) -> dict[str, object]:
    """What the net is and reads."""
    labels = [escape_markdown(label) for label in config.label_names]
    short_task = labels[:-1] if 0 < len(labels) <= 10 else []
    return {
        "title": f"{' or '.join(labels[:4])}? ({config.name})" if _counts(facts) and labels else config.name,
        "task": " and ".join([", ".join(short_task), labels[-1]]) if short_task else None,
        "depth": config.depth or "",
        "batch_norm": config.batch_norm,
        "classes": config.num_classes,
        "colours": {1: "Grey", 3: "RGB"}.get(config.in_channels, f"{config.in_channels}-channel"),
        "resize": math.floor(config.input_size / config.crop_pct),
        "size": config.input_size,
        "interpolation": config.interpolation,
        "mean": ", ".join(f"{v:g}" for v in config.mean),
        "std": ", ".join(f"{v:g}" for v in config.std),
        "parameters": f"{parameter_count(config):,}",
    }


def _ways(config: VGGConfig, where: str, delta: Mapping[str, object] | None) -> dict[str, object]:
    """The ways to load it that hold for this net, and for a head alone what it needs."""
    where = re.sub(r"[^\w./ -]", "_", where)
    ways: dict[str, object] = {
        "where": where,
        "argument": shlex.quote(where),
        "scheme": "hf-hub:" if "/" in where and is_repo_id(where) else "local-dir:",
        "opens_in_timm": timm_architecture(config) is not None,
        "torchvision_name": standard_architecture(config),
    }
    if delta is not None:
        digests = {"commit": r"[0-9a-f]{7,64}", "sha256": r"[0-9a-f]{64}"}
        known = {key: str(delta.get(key, "")) for key, form in digests.items()}
        ways["delta"] = {key: known[key] if re.fullmatch(form, known[key]) else None for key, form in digests.items()}
        ways["delta"]["base"] = escape_markdown(delta_base(delta) or "") or "another net"
    return ways


def _making(facts: Mapping[str, object]) -> dict[str, object]:
    """How the weights came to be, and how good they are."""
    validation = validation_facts(facts)
    base, trainable = _text(facts, "base"), _text(facts, "trainable")
    steps = [
        f"the start was {base}" if base else None,
        f"trained: {trainable}" if trainable else None,
        f"seed {facts['seed']}" if is_count(facts.get("seed")) else None,
        "stopped by hand before it was done" if facts.get("stopped") is True else None,
    ]
    making = "; ".join(filter(None, steps))
    versions = facts.get("versions")
    versions = list(versions.items())[:20] if isinstance(versions, dict) else []
    named = [f"{escape_markdown(k)} {escape_markdown(v)}" for k, v in versions if isinstance(v, str) and flat(v)]
    return {
        "data": [_data_row(row) for row in provenance_rows(facts, "data")],
        "scores": [_score_row(row) for row in provenance_rows(facts, "scores") if is_rate(row.get("accuracy"))],
        "start_data": [_data_row(row) for row in _start_data(facts)],
        "counts": [(escape_markdown(k), v) for k, v in _counts(facts).items()],
        "making": f"{making[0].upper()}{making[1:]}." if making else None,
        "versions": ", ".join(named),
        "validation": accuracy_sentence(**validation) if validation else None,
        "method": _text(facts["validation"], "method") if validation else None,
        "notes": [escape_markdown(note) for note in fact_list(facts, "notes") if isinstance(note, str)],
        "abstains": isinstance(facts.get("unlike"), dict),
        "few": bool(validation and validation["n"] < 200),
    }


def _start_data(facts: Mapping[str, object]) -> list[dict[str, object]]:
    """What the shipped net was trained on that this one began from, where its licence, which has no name, goes on."""
    base = facts.get("base")
    folder = bundled_folder(base) if isinstance(base, str) and facts.get("licence") == "other" else None
    if folder is None:
        return []
    return provenance_rows(
        json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["vgg_hub"]["provenance"], "data"
    )


def _checked(receipt: Mapping[str, object]) -> dict[str, object]:
    """What the loaders made of the folder, and what half precision did to it."""
    rows = [row for row in fact_list(receipt, "loaders") if isinstance(row, dict)]
    rows = [row for row in rows if row.get("name") in LOADERS and row.get("outcome") in OUTCOMES]
    saved_as, rounding = receipt.get("saved_as"), receipt.get("rounding")
    rounding = rounding if isinstance(rounding, dict) else {}
    effects = []
    if is_amount(rounding.get("logits")):
        spread = rounding.get("spread")
        beside = f", where they differ by {spread:.2g} from picture to picture" if is_amount(spread) else ""
        effects.append(f"it changed the logits by at most {rounding['logits']:.2g}{beside}")
    if is_rate(rounding.get("top1")):
        effects.append(f"the first class stayed the same on {100 * rounding['top1']:.0f} % of the pictures")
    told = f": {'; '.join(effects)}" if effects else ""
    return {
        "loaders": [_loader_row(row) for row in rows],
        "pictures": receipt["pictures"] if is_count(receipt.get("pictures")) else None,
        "half": f"The weights are stored in half precision, {saved_as}{told}." if saved_as in HALF else None,
    }


def _loader_row(row: Mapping[str, object]) -> dict[str, str]:
    equal = row["outcome"] == "equal"
    why = None if equal else _text(row, "why")
    return {
        "name": escape_markdown(row["name"]),
        "version": _text(row, "version") or "",
        "outcome": f"{row['outcome']}{f', {why}' if why else ''}",
        "logits": f"{row['logits']:.1e}" if equal and is_amount(row.get("logits")) else "",
        "preprocessing": f"{row['preprocessing']:.1e}" if equal and is_amount(row.get("preprocessing")) else "",
        "labels": "the same" if equal and row.get("labels") is True else "",
    }


def _text(facts: Mapping[str, object], key: str) -> str | None:
    found = facts.get(key)
    return (escape_markdown(found) or None) if isinstance(found, str) else None


def _data_row(row: Mapping[str, object]) -> str:
    parts = [_text(row, "name") or "pictures"]
    if is_count(row.get("pictures")):
        parts.append(f"{row['pictures']:,} pictures")
    if licence := _text(row, "licence"):
        parts.append(licence)
    return ", ".join(parts)


def _score_row(row: Mapping[str, object]) -> dict[str, str]:
    name = f"{_text(row, 'dataset') or 'pictures'}, {_text(row, 'split') or 'test'}"
    n = f"{row['n']:,}" if is_count(row.get("n")) else ""
    return {"name": name, "accuracy": f"{100 * row['accuracy']:.1f} %", "n": n}


def _counts(facts: Mapping[str, object]) -> dict[str, int]:
    counts = facts.get("counts")
    return {str(k): v for k, v in counts.items() if is_count(v)} if isinstance(counts, dict) else {}
