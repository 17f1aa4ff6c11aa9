"""The metadata of a model card, which the Hub reads and checks, and the reading of facts that strangers may have written.

Fields and their allowed values: https://huggingface.co/docs/hub/model-cards and
https://github.com/huggingface/hub-docs/blob/main/modelcard.md. A field whose value the Hub would refuse makes a push
fail, so what is not surely valid is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from huggingface_hub import EvalResult, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from .config import VGGConfig, is_unseen
from .config_json import timm_architecture

__all__ = [
    "card_metadata",
    "delta_base",
    "fact_list",
    "flat",
    "is_amount",
    "is_count",
    "is_rate",
    "is_repo_id",
    "provenance_rows",
    "validation_facts",
]

# https://huggingface.co/docs/hub/repositories-licenses; the Hub refuses a card whose licence it does not know.
LICENCES = (
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m "
    "afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 "
    "cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 "
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl "
    "gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql "
    "ofl-1.1 ncsa unlicense zlib pddl lgpl-lr unknown other"
)


def card_metadata(
    config: VGGConfig, facts: Mapping[str, object], delta: Mapping[str, object] | None = None
) -> ModelCardData:
    """The front matter of a model's card.

    Args:
        config: of the model.
        facts: its provenance (see `card`).
        delta: what a folder that holds the head alone stands on (see `card.render_card`); None for a whole folder.
    """
    # timm and transformers find a repo by these tags, which timm's own pushes carry; `library_name` can be only one.
    others = ["timm", "transformers"] if delta is None and timm_architecture(config) is not None else []
    known: dict[str, object] = _licence(facts.get("licence"))
    if base := _base_repo(delta, facts):
        known |= {"base_model": base, "base_model_relation": "finetune"}
    datasets = [row["hub"] for row in provenance_rows(facts, "data") if is_repo_id(row.get("hub"))]
    if datasets:
        known["datasets"] = list(dict.fromkeys(datasets))
    if results := _results(facts):
        known |= {"model_name": config.name, "eval_results": results}
    return ModelCardData(
        library_name="vgg-hub", pipeline_tag="image-classification", tags=["vgg", config.name, *others], **known
    )


def _licence(found: object) -> dict[str, object]:
    """A licence that the Hub has no name for is an "other" with its name."""
    if not isinstance(found, str) or not re.fullmatch(r"[a-z0-9.+-]{1,40}", found):
        return {}
    return {"license": found} if found in LICENCES.split() else {"license": "other", "license_name": found}


def _base_repo(delta: Mapping[str, object] | None, facts: Mapping[str, object]) -> str | None:
    """The Hub repo that the net was tuned from: `owner/name`, without the commit that the loader puts behind it."""
    name = facts.get("base") if delta is None else delta_base(delta)
    if not isinstance(name, str):
        return None
    repo = re.sub(r"@[0-9a-f]{7,40}\Z", "", name)
    return repo if "/" in repo and is_repo_id(repo) else None


def delta_base(delta: Mapping[str, object]) -> str | None:
    """The name of what a head stands on."""
    found = delta.get("name")
    return found if isinstance(found, str) else None


def is_repo_id(name: object) -> bool:
    """Whether the Hub could have a repo of this name: `owner/name`, or one word as some old data sets have."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return name is not None


def _results(facts: Mapping[str, object]) -> list[EvalResult]:
    """One result a row of `scores`, and the cross-validation's."""
    results: list[EvalResult] = []
    taken: set[tuple[str, str]] = set()
    for row in provenance_rows(facts, "scores"):
        if not is_rate(row.get("accuracy")):
            continue
        name, split = flat(row.get("dataset", ""))[:80] or "pictures", flat(row.get("split", ""))[:40] or "test"
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "pictures"
        kind, count = slug, 1
        while (kind, split) in taken:  # results of one type and split would be put under the first one's name
            count += 1
            kind = f"{slug}-{count}"
        taken.add((kind, split))
        results.append(
            EvalResult(
                task_type="image-classification",
                dataset_type=kind,
                dataset_name=name,
                dataset_split=split,
                metric_type="accuracy",
                metric_value=row["accuracy"],
                metric_args={"n": row["n"]} if is_count(row.get("n")) else None,
            )
        )
    if validation := validation_facts(facts):
        how = "cross-validated" if facts.get("training") is None else "some held out"  # with many photos, by epochs
        results.append(
            EvalResult(
                task_type="image-classification",
                dataset_type="photos",
                dataset_name=f"the photos it was fine-tuned on, {how}",
                metric_type="accuracy",
                metric_value=round(validation["accuracy"], 4),
                metric_args={key: round(validation[key], 4) for key in ("low", "high", "n")},
            )
        )
    return results


def flat(text: object) -> str:
    """On one line, without characters that cannot be seen."""
    return " ".join("".join(" " if is_unseen(c) else c for c in str(text)).split())


def fact_list(facts: Mapping[str, object], key: str) -> list[object]:
    """A list among the facts, at most 50 of it; empty if there is none."""
    found = facts.get(key)
    return found[:50] if isinstance(found, list) else []


def provenance_rows(facts: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """The rows of `data` or `scores` that are JSON objects; what each holds is still a stranger's."""
    return [row for row in fact_list(facts, key) if isinstance(row, dict)]


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18


def is_amount(value: object) -> bool:
    """A number that can be shown: finite, not negative."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e18


def is_rate(value: object) -> bool:
    return is_amount(value) and value <= 1


def validation_facts(facts: Mapping[str, object]) -> dict[str, float] | None:
    """`accuracy`, `low`, `high` and `n` of the validation, or None where one of them is not what it should be."""
    found = facts.get("validation")
    if not isinstance(found, dict) or not all(is_rate(found.get(key)) for key in ("accuracy", "low", "high")):
        return None
    n = found.get("n")
    if not is_count(n) or n < 1:
        return None
    return {key: found[key] for key in ("accuracy", "low", "high")} | {"n": n}
