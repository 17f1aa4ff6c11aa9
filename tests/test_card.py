"""The model card: its facts are the model's, and no text of a stranger becomes markup."""

from __future__ import annotations

import re
import unicodedata

import pytest
import torch
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.test_config_json import JSON, labels_or_none
from tests.toys import tiny_vgg
from vgg_hub import VGG, VGGConfig
from vgg_hub.card import accuracy_sentence, escape_markdown, render_card
from vgg_hub.config import DEPTHS
from vgg_hub.summary import parameter_count

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
REPORT = {
    "labels": ["cat", "dog"],
    "counts": {"cat": 14, "dog": 16},
    "validation": {"accuracy": 0.9, "low": 0.735, "high": 0.979, "n": 30, "method": "x", "confusion": [[1, 0], [0, 1]]},
    "trainable": "head",
    "base": "vgg11-bn",
    "seed": 7,
}
SHIPPED = {
    "data": [{"name": "Some Set", "pictures": 50_000, "licence": "CC BY 4.0"}],
    "scores": [{"dataset": "Some Set", "split": "test", "accuracy": 0.8765, "n": 10_000}],
    "licence": "mit",
    "notes": ["Trained for 3 epochs."],
}
HOSTILE = [
    "[x](javascript:alert(1))",
    "![x](http://evil.example/a.png)",
    "http://evil.example",
    "www.evil.example",
    "me@evil.example",
    "| a",
    "a || b",
    "{{ 7*7 }}",
    "{% raw %}",
    "---",
    "===",
    "`",
    "```",
    "~~~",
    "&lt;b&gt;",
    "&#60;",
    "# head",
    "- item",
    "+ item",
    "1. item",
    "1) item",
    "*a* _b_ ~~c~~",
    "$x^2$",
    ":smile:",
    "a: b",
    "[ref]: x",
    "'\"",
]


def structure(text: str) -> list[tuple[str, str]]:
    """The kinds of all tokens of the rendered card, inline ones too; texts that follow each other count as one."""
    found: list[tuple[str, str]] = []
    for token in MARKDOWN.parse(text.partition("\n---\n")[2]):
        for part in (token, *(token.children or [])):
            if (part.type, part.tag) != ("text", "") or found[-1:] != [("text", "")]:
                found.append((part.type, part.tag))
    return found


def cells(text: str) -> list[str]:
    """What a reader sees in the table cells."""
    tokens = MARKDOWN.parse(text.partition("\n---\n")[2])
    inside = [tokens[i + 1] for i, token in enumerate(tokens) if token.type in ("td_open", "th_open")]
    return ["".join(child.content for child in token.children) for token in inside]


def seen(label: str) -> str:
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    kept = (c if c in "\u200c\u200d" or unicodedata.category(c) not in hidden else " " for c in label)
    return " ".join("".join(kept).split())


def fine_tuned(labels: list[str], **facts: object) -> str:
    config = VGGConfig(layers=[8, "M"], label_names=labels)
    return render_card(config, REPORT | {"labels": labels, "counts": dict.fromkeys(labels, 5)} | facts)


def test_the_text_of_a_fine_tuned_net_states_its_facts():
    text = render_card(VGGConfig(layers=[8, "M"], label_names=["cat", "dog"], input_size=64), REPORT)
    assert "\n# cat or dog? (vgg\\-bn)\n" in text or "\n# cat or dog? (vgg-bn)\n" in text
    assert "A VGG with batch normalisation that tells apart cat and dog." in text
    assert cells(text) == ["Class", "Photos", "cat", "14", "dog", "16"]
    assert "The start was vgg11\\-bn; trained: head; seed 7." in text
    assert "Right on about 27 of 30 photos that it had not seen (90 %); with that many photos the true rate is" in text
    assert "likely between 74 and 98 %." in text
    assert "It was judged on few photos: read the interval" in text
    assert "How that was measured: x.\n" in text
    assert "resized to 73 pixels (bilinear), the centre 64 x 64 is" in text
    assert "opens in timm" not in text


def test_the_pictures_of_a_shipped_start_are_named_with_their_licences():
    """Its licence goes on as "other", which says nothing by itself."""
    text = fine_tuned(["cat", "dog"], licence="other")
    assert (
        "\nThe start was trained on these; ask their licences before you use the weights for more:\n\n- Tiny ImageNet"
        in text
    )
    assert "80,000 pictures, for non\\-commercial research\n- Caltech 101" in text
    for facts in ({"licence": "mit"}, {"licence": "other", "base": "someone/pets"}, {"licence": "other", "base": 11}):
        assert "trained on these" not in fine_tuned(["cat", "dog"], **facts)


def test_how_it_was_made_is_said_where_it_is_known():
    facts = {"seed": 3, "stopped": True, "versions": {"torch": "2.14.1", "a|b": "<1>", "c": 5, "d": "\u202e"}}
    text = render_card(VGGConfig(), facts)
    assert "## How it was made\n\nSeed 3; stopped by hand before it was done.\n" in text
    assert "Versions: torch 2\\.14.1, a\\|b &lt;1\\>.\n" in text
    assert "Versions" not in render_card(VGGConfig(), {"seed": 3, "versions": {"c": 5}})
    assert "How it was made" not in render_card(VGGConfig(), {"seed": -1, "stopped": 1, "versions": ["torch"]})


def test_no_photo_is_named():
    report = REPORT | {"mistakes": [{"file": "aunt.jpg", "label": "cat"}], "warnings": ["aunt.jpg was left out"]}
    assert "aunt" not in render_card(VGGConfig(label_names=["cat", "dog"]), report)


def test_the_text_of_a_shipped_net_states_its_facts():
    text = render_card(VGGConfig(depth=11, crop_pct=0.9, interpolation="bicubic"), SHIPPED, "someone/vgg11-bn")
    assert "A VGG11 with batch normalisation for pictures, 1000 classes." in text
    assert 'VGG.from_pretrained("someone/vgg11-bn")' in text
    assert 'timm.create_model("hf-hub:someone/vgg11-bn", pretrained=True)' in text
    assert "resized to 248 pixels (bicubic), the centre 224 x 224" in text
    assert "- Some Set, 50,000 pictures, CC BY 4.0\n" in text
    assert cells(text) == ["Pictures it was not trained on", "Accuracy", "n", "Some Set, test", "87.6 %", "10,000"]
    assert "- Trained for 3 epochs.\n" in text
    assert "132,868,840 parameters" in text  # torchvision's figure for vgg11_bn
    assert "judged on few photos" not in text


def test_sections_without_facts_are_left_out():
    text = render_card(VGGConfig(layers=[8, "M"], in_channels=1, mean=[0.5], std=[0.25]))
    assert re.findall(r"^## .*", text, re.MULTILINE) == ["## How to load it", "## What it reads", "## Limits"]
    assert "Grey pictures" in text
    assert "by mean 0.5 and standard deviation 0.25" in text
    assert 'from_pretrained("FOLDER")' in text


def test_the_place_in_the_example_cannot_leave_its_string():
    assert 'from_pretrained("a___ import os __/b_c")' in render_card(VGGConfig(), None, 'a"); import os #"/b\nc')


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("fields", [{}, {"batch_norm": False}, {"hidden_features": 0, "width": 0.3, "in_channels": 2}])
def test_the_parameters_are_counted_as_the_net_has_them(depth, fields):
    config = VGGConfig(depth=depth, **fields)
    with torch.device("meta"):
        counted = sum(p.numel() for p in VGG(config, init_weights=False).parameters())
    assert parameter_count(config) == counted
    assert f"\n{counted:,} parameters." in render_card(config)


def test_accuracy_sentence():
    assert accuracy_sentence(0.75, 0.43, 0.945, 12) == (
        "Right on about 9 of 12 photos that it had not seen (75 %); "
        "with that many photos the true rate is likely between 43 and 94 %."
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_shown_as_it_is(text):
    (paragraph,) = [t for t in MARKDOWN.parse(escape_markdown(text)) if t.type == "inline"]
    assert "".join(child.content for child in paragraph.children) == text
    assert {child.type for child in paragraph.children} <= {"text"}
    assert MARKDOWN.parse(escape_markdown(text))[0].type == "paragraph_open"
    assert not re.search(r"(?<!\\)[$^:@|{}]", escape_markdown(text)), "what other renderers' extensions look for"
    assert "www." not in escape_markdown(text)


@given(st.text(max_size=60))
def test_any_text_is_shown_as_it_is(text):
    parsed = MARKDOWN.parse(f"- {escape_markdown(text)} x")
    assert [t.type for t in parsed if t.type != "inline"] == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    ]
    shown = "".join(child.content for t in parsed for child in t.children or [])
    assert shown == f"{seen(text)} x".strip()


PLAIN = fine_tuned(["aaa", "bbb"])


@pytest.mark.parametrize("label", [text for text in HOSTILE if not set(text) & set("/\\<>")])
def test_a_hostile_label_changes_nothing_but_itself(label):
    text = fine_tuned(["aaa", label])
    assert structure(text) == structure(PLAIN)
    assert cells(text) == ["Class", "Photos", "aaa", "5", label, "5"]
    assert ModelCard(text).data.to_dict() == ModelCard(PLAIN).data.to_dict()


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=2).map(labels_or_none).filter(bool))
def test_no_label_is_markup(labels):
    text = fine_tuned(labels)
    assert structure(text) == structure(PLAIN)
    assert cells(text) == ["Class", "Photos", seen(labels[0]), "5", seen(labels[1]), "5"]
    assert "http" not in MARKDOWN.render(text.partition("\n---\n")[2]).replace("https://arxiv.org/abs/1409.1556", "")


@given(*[st.text(min_size=1, max_size=30).filter(lambda text: seen(text))] * 4)
@settings(max_examples=40)
def test_no_text_of_the_provenance_is_markup(name, split, base, note):
    def rendered(name: str, split: str, base: str, note: str) -> str:
        scores = [{"dataset": name, "split": split, "accuracy": 0.5, "n": 10}]
        return fine_tuned(["a", "b"], scores=scores, base=base, notes=[note], data=[{"name": name, "licence": base}])

    text = rendered(name, split, base, note)
    assert structure(text) == structure(rendered("n", "s", "b", "t"))
    assert f"{seen(name)}, {seen(split)}" in cells(text)
    found = ModelCard(text).data.eval_results
    assert (found[0].dataset_name, found[0].dataset_split) == (seen(name), seen(split))


KEYS = ["labels", "counts", "validation", "trainable", "base", "seed", "data", "scores", "licence", "notes"]
VALUES = st.one_of(
    JSON,
    st.lists(
        st.dictionaries(st.sampled_from(["name", "pictures", "licence", "dataset", "split", "accuracy", "n"]), JSON)
    ),
    st.dictionaries(st.sampled_from(["accuracy", "low", "high", "n", "cat"]), JSON),
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_facts_of_the_wrong_kind_are_left_out(facts):
    text = render_card(VGGConfig(label_names=["cat", "dog"]), facts)
    assert ModelCard(text).data.library_name == "vgg-hub"
    assert text.encode("utf-8")


@pytest.mark.parametrize(
    "facts",
    [
        {"counts": 5},
        {"counts": {"a": "many", "b": True}},
        {"base": ["x"], "counts": {"a": 1}},
        {"validation": {"accuracy": 2, "low": 0, "high": 1, "n": 5}},
        {"validation": {"accuracy": 0.5, "low": 0, "high": 1, "n": True}},
        {"scores": [{"accuracy": True}, 5, None]},
        {"data": "x", "notes": {"a": 1}, "seed": "x"},
        {"scores": [{"dataset": "\ud800", "accuracy": float("nan")}]},
    ],
)
def test_a_wrong_fact_makes_no_sentence(facts):
    text = render_card(VGGConfig(), facts)
    expected = render_card(VGGConfig(), {"counts": {"a": 1}} if "base" in facts else None)
    assert text == expected


def test_half_a_surrogate_pair_in_a_name_is_no_error(tmp_path):
    model = tiny_vgg()
    model.provenance = {"scores": [{"dataset": "a\ud800b", "accuracy": 0.5}]}
    model.save_pretrained(tmp_path / "m")
    assert ModelCard.load(tmp_path / "m" / "README.md").data.eval_results[0].dataset_name == "a b"


def test_a_card_of_ones_own_is_written_as_it_is(tmp_path):
    tiny_vgg().save_pretrained(tmp_path / "m", card="mine: ü\n")
    assert (tmp_path / "m" / "README.md").read_text(encoding="utf-8") == "mine: ü\n"
    tiny_vgg().save_pretrained(tmp_path / "m")
    assert "What it reads" in (tmp_path / "m" / "README.md").read_text(encoding="utf-8")
