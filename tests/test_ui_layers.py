"""The textbook's table of layers as HTML: its numbers, its shares, its words."""

import re

from tests.toys import tiny_vgg
from vgg_hub.config import VGGConfig
from vgg_hub.summary import layer_table
from vgg_hub.ui.layers import layers_html


def rows(html: str) -> list[list[str]]:
    body = re.search("<tbody>(.*)</tbody>", html, re.S)[1]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", body)]
    return [[re.sub("<[^>]*>", "", cell) for cell in row] for row in cells]


def test_vgg16_is_the_textbooks_table():
    found = rows(layers_html(VGGConfig(depth=16, batch_norm=False, num_classes=2), "en"))
    assert found[0][:4] == ["photo", "input", "3", "224 × 224"]
    assert found[1] == [
        "conv1_1",
        "convolution",
        "64",
        "224 × 224",
        "3 × 3",
        "1",
        "ReLU",
        "1,792 &lt; 0.1 %",
        "86,704,128 0.6 %",
    ]
    assert found[3] == ["pool1", "max pooling", "64", "112 × 112", "2 × 2", "2", "–", "–", "–"]
    assert found[17][:6] == ["conv5_3", "convolution", "512", "14 × 14", "3 × 3", "1"]
    assert found[19] == ["avgpool", "average pooling", "512", "7 × 7", "–", "–", "–", "–", "–"]
    assert found[20] == [
        "fc6",
        "fully connected",
        "4,096",
        "–",
        "–",
        "–",
        "ReLU",
        "102,764,544 77 %",
        "102,760,448 0.7 %",
    ]
    assert found[22][:3] == ["head", "fully connected", "2"]
    assert len(found) == 1 + 18 + 1 + 3


def test_shares_add_up_and_the_bars_are_the_shares():
    config = tiny_vgg(batch_norm=True).config
    html = layers_html(config, "en")
    table = layer_table(config)
    widths = [float(width) for width in re.findall(r'<i style="width:([\d.]+)%">', html)]
    expected = []
    for row in table:
        for key in ("parameters", "multiply_adds"):
            if getattr(row, key):
                expected.append(100 * getattr(row, key) / sum(getattr(other, key) for other in table))
    assert [round(value, 1) for value in expected] == widths
    assert abs(sum(widths) - 200) < 0.5
    assert rows(html)[1][1] == "convolution, batch norm"


def test_every_stage_can_be_pressed_in_the_table_and_in_the_picture():
    model = tiny_vgg(hidden_features=10, batch_norm=False)
    html = layers_html(model.config, "ko")
    stages = [stage.name for stage in model.stages]
    assert re.findall(r'<button type="button" data-stage="(\w+)"', html) == stages
    assert re.findall(r'<g class="layer \w+" data-stage="(\w+)"', html) == stages
    assert html.count("<g class=") == len(stages) + 2  # the average pooling and the head have nothing to show
    assert rows(html)[0][:2] == ["사진", "입력"]
    assert rows(html)[1][1] == "합성곱"
    assert "max pooling" not in html


def test_the_higher_the_box_the_larger_the_map_and_the_wider_the_more_of_them():
    html = layers_html(VGGConfig(depth=11), "en")
    boxes = re.findall(r'class="maps" x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"', html)
    table = layer_table(VGGConfig(depth=11))
    by_size = sorted(range(len(table)), key=lambda i: table[i].output[1] if len(table[i].output) == 3 else 1)
    assert [float(boxes[i][1]) for i in by_size] == sorted(float(high) for _, high in boxes)
    by_count = sorted(range(len(table)), key=lambda i: table[i].output[0])
    assert [float(boxes[i][0]) for i in by_count] == sorted(float(wide) for wide, _ in boxes)
