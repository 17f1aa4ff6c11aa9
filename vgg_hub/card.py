"""The model card: facts only. Sections without facts are left out.

Facts come from the configuration and from `provenance`, a JSON object with any of these keys:

- of a fine-tuning (`finetune.Report.to_dict`): `labels`, `counts`, `validation`, `trainable`, `base`, `seed`;
- of a checkpoint that ships: `data` ([{name, pictures, licence}]), `scores` ([{dataset, split, accuracy, n}]),
  `licence`, `notes` (texts).

`provenance` may come from a stranger's file: what is not of the expected kind is left out, and every text is escaped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from importlib.resources import files

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment

from .config import VGGConfig, is_unseen
from .config_json import timm_architecture
from .summary import parameter_count

__all__ = ["accuracy_sentence", "escape_markdown", "provenance_rows", "render_card"]


def escape_markdown(text: object) -> str:
    """A text that shows as it is in Markdown, inside a table too: no markup, link, HTML or line break of its own."""
    marked = (
        re.sub(r"([\\`*_{}\[\]()<>#+!|~&$^:@=-])", r"\\\1", _flat(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")
    )
    # A dot marks up only after the number that starts a list and after www, which some renderers make a link of.
    return re.sub(r"(?i)(^\d+|www)\.", r"\1\\.", marked)


def _flat(text: object) -> str:
    """On one line, without characters that cannot be seen."""
    return " ".join("".join(" " if is_unseen(c) else c for c in str(text)).split())


def accuracy_sentence(accuracy: float, low: float, high: float, n: int) -> str:
    """The validation result in words: 'right on 27 of 30 ...'."""
    return (
        f"Right on about {accuracy * n:.0f} of {n} photos that it had not seen ({100 * accuracy:.0f} %); "
        f"with that many photos the true rate is likely between {100 * low:.0f} and {100 * high:.0f} %."
    )


def render_card(config: VGGConfig, provenance: Mapping[str, object] | None = None, where: str = "FOLDER") -> str:
    """The text of README.md: YAML front matter and the card.

    Args:
        config: of the model.
        provenance: what is known of the weights' making; None: nothing.
        where: folder or repo that the example loads from.
    """
    facts = dict(provenance or {})
    validation, counts = _validation(facts), _counts(facts)
    # The text is Markdown: what goes in is escaped by `escape_markdown`.
    template = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(  # noqa: S701
        (files("vgg_hub") / "card_template.md").read_text(encoding="utf-8")
    )
    labels = [escape_markdown(label) for label in config.label_names]
    short_task = labels[:-1] if 0 < len(labels) <= 10 else []
    text = template.render(
        title=f"{' or '.join(labels[:4])}? ({config.name})" if counts and labels else config.name,
        task=" and ".join([", ".join(short_task), labels[-1]]) if short_task else None,
        depth=config.depth or "",
        batch_norm=config.batch_norm,
        classes=config.num_classes,
        where=re.sub(r"[^\w./ -]", "_", where),
        scheme="hf-hub:" if "/" in where else "local-dir:",
        opens_in_timm=timm_architecture(config) is not None,
        colours={1: "Grey", 3: "RGB"}.get(config.in_channels, f"{config.in_channels}-channel"),
        resize=math.floor(config.input_size / config.crop_pct),
        size=config.input_size,
        interpolation=config.interpolation,
        mean=", ".join(f"{v:g}" for v in config.mean),
        std=", ".join(f"{v:g}" for v in config.std),
        parameters=f"{parameter_count(config):,}",
        data=[_data_row(row) for row in provenance_rows(facts, "data")],
        scores=[_score_row(row) for row in provenance_rows(facts, "scores") if _is_rate(row.get("accuracy"))],
        counts=[(escape_markdown(k), v) for k, v in counts.items()],
        base=_text(facts, "base"),
        trainable=_text(facts, "trainable"),
        seed=facts["seed"] if _is_count(facts.get("seed")) else None,
        validation=accuracy_sentence(**validation) if validation else None,
        notes=[escape_markdown(note) for note in _list(facts, "notes") if isinstance(note, str)],
        few=bool(validation and validation["n"] < 200),
    )
    return str(ModelCard(f"---\n{_metadata(config, facts, validation).to_yaml()}\n---\n\n{text}"))


def _metadata(config: VGGConfig, facts: dict[str, object], validation: dict[str, float] | None) -> ModelCardData:
    results = [
        EvalResult(
            task_type="image-classification",
            dataset_type=re.sub(r"[^a-z0-9]+", "-", _flat(row.get("dataset", "")).lower())[:80].strip("-")
            or "pictures",
            dataset_name=_flat(row.get("dataset", ""))[:80] or "pictures",
            dataset_split=_flat(row.get("split", ""))[:40] or "test",
            metric_type="accuracy",
            metric_value=row["accuracy"],
        )
        for row in provenance_rows(facts, "scores")
        if _is_rate(row.get("accuracy"))
    ]
    if validation:
        results.append(
            EvalResult(
                task_type="image-classification",
                dataset_type="photos",
                dataset_name="the photos it was fine-tuned on, cross-validated",
                metric_type="accuracy",
                metric_value=round(validation["accuracy"], 4),
                metric_args={key: validation[key] for key in ("low", "high", "n")},
            )
        )
    known = {"model_name": config.name, "eval_results": results} if results else {}
    licence = facts.get("licence")
    if isinstance(licence, str) and re.fullmatch(r"[a-z0-9.-]{1,40}", licence):
        known["license"] = licence
    return ModelCardData(
        library_name="vgg-hub", pipeline_tag="image-classification", tags=["vgg", config.name], **known
    )


def provenance_rows(facts: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """The rows of `data` or `scores` that are JSON objects; what each holds is still a stranger's."""
    return [row for row in _list(facts, key) if isinstance(row, dict)]


def _list(facts: Mapping[str, object], key: str) -> list[object]:
    found = facts.get(key)
    return found[:50] if isinstance(found, list) else []


def _text(facts: Mapping[str, object], key: str) -> str | None:
    found = facts.get(key)
    return (escape_markdown(found) or None) if isinstance(found, str) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18


def _is_rate(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _data_row(row: Mapping[str, object]) -> str:
    parts = [_text(row, "name") or "pictures"]
    if _is_count(row.get("pictures")):
        parts.append(f"{row['pictures']:,} pictures")
    if licence := _text(row, "licence"):
        parts.append(licence)
    return ", ".join(parts)


def _score_row(row: Mapping[str, object]) -> dict[str, str]:
    name = f"{_text(row, 'dataset') or 'pictures'}, {_text(row, 'split') or 'test'}"
    n = f"{row['n']:,}" if _is_count(row.get("n")) else ""
    return {"name": name, "accuracy": f"{100 * row['accuracy']:.1f} %", "n": n}


def _counts(facts: Mapping[str, object]) -> dict[str, int]:
    counts = facts.get("counts")
    return {str(k): v for k, v in counts.items() if _is_count(v)} if isinstance(counts, dict) else {}


def _validation(facts: Mapping[str, object]) -> dict[str, float] | None:
    found = facts.get("validation")
    if not isinstance(found, dict) or not all(_is_rate(found.get(key)) for key in ("accuracy", "low", "high")):
        return None
    n = found.get("n")
    if not _is_count(n) or n < 1:
        return None
    return {key: found[key] for key in ("accuracy", "low", "high")} | {"n": n}
