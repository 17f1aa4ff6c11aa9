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

from .config import VGGConfig

__all__ = ["accuracy_sentence", "escape_markdown", "parameter_count", "render_card"]


def escape_markdown(text: object) -> str:
    """A text that shows as it is in Markdown, inside a table too: no markup, link, HTML or line break of its own."""
    flat = "".join(c if c.isprintable() else " " for c in str(text))
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~&$^:@-])", r"\\\1", flat).replace("\\<", "&lt;").replace("\\&", "&amp;")


def parameter_count(config: VGGConfig) -> int:
    """Trainable parameters of the net that a config describes."""
    total, channels = 0, config.in_channels
    for entry in config.channels:
        if entry != "M":
            total += entry * (9 * channels + 1) + (2 * entry if config.batch_norm else 0)
            channels = entry
    hidden = config.hidden_features
    if hidden:
        total += (config.pooled_features + 1) * hidden + (hidden + 1) * hidden
    return total + (config.embed_features + 1) * config.num_classes


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
    validation = _validation(facts)
    template = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(
        (files("vgg_hub") / "card_template.md").read_text(encoding="utf-8")
    )
    labels = [escape_markdown(label) for label in config.label_names]
    short_task = labels[:-1] if 0 < len(labels) <= 10 else []
    text = template.render(
        title=config.name if not facts.get("counts") else f"{' or '.join(labels[:4])}? ({config.name})",
        task=" and ".join([", ".join(short_task), labels[-1]]) if short_task else None,
        depth=config.depth or "",
        batch_norm=config.batch_norm,
        classes=config.num_classes,
        where=escape_markdown(where).replace("\\", ""),
        opens_in_timm=_opens_in_timm(config),
        resize=math.floor(config.input_size / config.crop_pct),
        size=config.input_size,
        interpolation=config.interpolation,
        mean=", ".join(f"{v:g}" for v in config.mean),
        std=", ".join(f"{v:g}" for v in config.std),
        parameters=f"{parameter_count(config):,}",
        data=[_data_row(row) for row in _rows(facts, "data")],
        scores=[_score_row(row) for row in _rows(facts, "scores") if _is_rate(row.get("accuracy"))],
        counts=[(escape_markdown(k), v) for k, v in _counts(facts).items()],
        base=escape_markdown(facts["base"]) if facts.get("base") else None,
        trainable=escape_markdown(facts.get("trainable", "head")),
        seed=escape_markdown(facts.get("seed", "not known")),
        validation=accuracy_sentence(**validation) if validation else None,
        notes=[escape_markdown(note) for note in facts.get("notes", []) if isinstance(note, str)]
        if isinstance(facts.get("notes"), list)
        else [],
        few=bool(validation and validation["n"] < 200),
    )
    return str(ModelCard(f"---\n{_metadata(config, facts, validation).to_yaml()}\n---\n\n{text}"))


def _opens_in_timm(config: VGGConfig) -> bool:
    from .config_json import timm_architecture

    return timm_architecture(config) is not None


def _metadata(config: VGGConfig, facts: dict[str, object], validation: dict[str, float] | None) -> ModelCardData:
    results = [
        EvalResult(
            task_type="image-classification",
            dataset_type=re.sub(r"[^a-z0-9]+", "-", str(row.get("dataset", "")).lower()).strip("-") or "pictures",
            dataset_name=str(row.get("dataset", "pictures"))[:80],
            dataset_split=str(row.get("split", "test"))[:40],
            metric_type="accuracy",
            metric_value=row["accuracy"],
        )
        for row in _rows(facts, "scores")
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


def _rows(facts: Mapping[str, object], key: str) -> list[dict[str, object]]:
    rows = facts.get(key)
    return [row for row in rows if isinstance(row, dict)][:50] if isinstance(rows, list) else []


def _is_rate(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _data_row(row: Mapping[str, object]) -> str:
    parts = [escape_markdown(row.get("name", "pictures"))]
    if isinstance(row.get("pictures"), int):
        parts.append(f"{row['pictures']:,} pictures")
    if row.get("licence"):
        parts.append(escape_markdown(row["licence"]))
    return ", ".join(parts)


def _score_row(row: Mapping[str, object]) -> dict[str, str]:
    name = escape_markdown(f"{row.get('dataset', 'pictures')}, {row.get('split', 'test')}")
    n = f"{row['n']:,}" if isinstance(row.get("n"), int) else ""
    return {"name": name, "accuracy": f"{100 * row['accuracy']:.1f} %", "n": n}


def _counts(facts: Mapping[str, object]) -> dict[str, int]:
    counts = facts.get("counts")
    return {str(k): v for k, v in counts.items() if isinstance(v, int)} if isinstance(counts, dict) else {}


def _validation(facts: Mapping[str, object]) -> dict[str, float] | None:
    found = facts.get("validation")
    if not isinstance(found, dict) or not all(_is_rate(found.get(key)) for key in ("accuracy", "low", "high")):
        return None
    n = found.get("n")
    if not isinstance(n, int) or n < 1:
        return None
    return {key: found[key] for key in ("accuracy", "low", "high")} | {"n": n}
