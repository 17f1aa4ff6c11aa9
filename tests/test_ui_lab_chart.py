"""The comparison's table and picture: the figures, to scale, in both languages, and nothing of a name's markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from vgg_hub.lab import Trial
from vgg_hub.ui.lab_chart import trials_html
from vgg_hub.ui.lab_messages import LAB

HITS = {"vgg11-bn": [1.0] * 18 + [0.0] * 2, "vgg16": [1.0] * 14 + [0.0] * 6}


def trial(net: str, low: float = 0.6, high: float = 0.98) -> Trial:
    hits = HITS.get(net, [1.0] * 10)
    accuracy = sum(hits) / len(hits)
    return Trial(net, accuracy, low, high, len(hits), 2.4, 1_790_000, 241_000_000, tuple(hits))


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data + "|"


def test_nothing_is_shown_before_the_first():
    assert trials_html([], "en", whole=False) == ""


def test_a_row_a_net_and_the_best_is_marked():
    html = trials_html([trial("vgg16"), trial("vgg11-bn")], "en", whole=False)
    rows = re.findall(r"<tr( class=\"best\")?><th scope=\"row\">([^<]+)</th>", html)
    assert rows == [("", "vgg16"), (' class="best"', "vgg11-bn")]
    text = Reader(html).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "vgg16|70 %| |likely 60 to 98 %|2.4 s|1.79 million|241 million|" in text
    assert "90 %| |likely 60 to 98 %" in text
    assert "noise" not in text, "only once all are done"


def test_none_is_marked_where_all_are_alike():
    assert "best" not in trials_html([trial("vgg13"), trial("vgg19")], "en", whole=False)


def test_at_the_end_it_says_what_they_show():
    both = [trial("vgg16"), trial("vgg11-bn")]
    text = Reader(trials_html(both, "en", whole=True)).text
    assert (
        "The differences between these nets are within the noise: the best here, vgg11-bn, is right on 18 of 20" in text
    )
    korean = Reader(trials_html(both, "ko", whole=True)).text
    assert "보지 못한 사진 20장 가운데 가장 나은 vgg11-bn은(는) 18장, 가장 못한 vgg16은(는) 14장을 맞혔습니다" in korean
    assert "60~98" in korean
    assert "179만|2.41억|" in korean


def test_the_picture_is_to_scale_and_shapes_differ():
    tags = Reader(trials_html([trial("vgg11-bn", 0.7, 0.95), trial("vgg16", 0.4, 0.8)], "en", whole=False)).tags
    lines = {a["class"]: a["d"] for tag, a in tags if tag == "path" and a.get("class") != "grid"}
    grid = [float(re.match(r"M52 (\S+)H", a["d"])[1]) for tag, a in tags if tag == "path" and a["class"] == "grid"]
    bottom, middle, top = grid  # 40, 70 and 100 %
    assert middle == pytest.approx((bottom + top) / 2, abs=0.1)

    def share(y: float) -> float:
        return 0.4 + 0.6 * (bottom - y) / (bottom - top)

    for kind, (low, high) in {"with-norm": (0.7, 0.95), "without-norm": (0.4, 0.8)}.items():
        _, first, last = re.split("[ V]", lines[kind])
        assert (share(float(first)), share(float(last))) == (
            pytest.approx(low, abs=2e-3),
            pytest.approx(high, abs=2e-3),
        )
    circle = next(a for tag, a in tags if tag == "circle")
    square = next(a for tag, a in tags if tag == "rect")
    assert share(float(circle["cy"])) == pytest.approx(0.9, abs=2e-3)
    assert share(float(square["y"]) + 4.5) == pytest.approx(0.7, abs=2e-3)
    assert float(circle["cx"]) < float(square["x"])
    alt = next(a["aria-label"] for tag, a in tags if tag == "svg" and "aria-label" in a)
    assert alt.replace("\N{NO-BREAK SPACE}", " ") == (
        "Accuracy by depth with its likely range: vgg11-bn 90 % (70 to 95), vgg16 70 % (40 to 80)."
    )


def test_other_names_are_in_the_table_alone_and_do_nothing():
    name = "<img src=x onerror=alert(1)>"
    tags = Reader(trials_html([trial(name)], "en", whole=True)).tags
    assert {tag for tag, _ in tags} == {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "b", "small"}
    assert trials_html([trial(name)], "en", whole=True).count("&lt;img src=x onerror=alert(1)&gt;") == 1


def test_every_message_is_in_both_languages_with_the_same_places():
    for key, (english, korean) in LAB.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", korean)), key
        assert english != korean, key
