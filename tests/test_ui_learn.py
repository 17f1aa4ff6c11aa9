"""The notes for those who learn: their drawings compute what they show, and both languages say the same things."""

from __future__ import annotations

import re

import pytest
import torch

from vgg_hub.ui import learn
from vgg_hub.ui.learn_text import LEARN, NOTE_NAMES
from vgg_hub.ui.page import NOTES
from vgg_hub.ui.words import WORDS


def numbers(drawing: str) -> list[int]:
    return [int(text.replace("\N{MINUS SIGN}", "-")) for text in re.findall(r"<text x[^>]*>([^<]*)</text>", drawing)]


def marked(drawing: str) -> list[int]:
    """The numbers in marked places, in the order of the drawing."""
    places = set(re.findall(r'<rect class="marked" x="(\S+)" y="(\S+)"', drawing))
    texts = re.findall(r'<text x="(\S+)" y="(\S+)">([^<]*)</text>', drawing)
    half = learn.CELL / 2

    return [
        int(text.replace("\N{MINUS SIGN}", "-"))
        for x, y, text in texts
        if (f"{float(x) - half:g}", f"{float(y) - half - 5:g}") in places
    ]


def test_the_drawn_convolution_is_what_torch_computes():
    picture, kernel = torch.tensor(learn.BRIGHTER), torch.tensor(learn.EDGE)
    expected = torch.conv2d(picture[None, None].float(), kernel[None, None].float(), padding=1).relu()[0, 0].long()
    drawn = numbers(learn.convolution_drawing())
    assert drawn == [*picture.flatten().tolist(), *kernel.flatten().tolist(), *expected.flatten().tolist()]
    assert int(expected.max()) == 27  # the sum that the text goes through
    assert marked(learn.convolution_drawing()) == [0, 0, 9, 0, 0, 9, 0, 0, 9, *kernel.flatten().tolist(), 27]


def test_the_drawn_pooling_is_what_torch_computes():
    grid = torch.tensor(learn.POOLED)
    expected = torch.max_pool2d(grid[None, None].float(), 2)[0, 0].long().flatten().tolist()
    assert numbers(learn.pooling_drawing()) == [*grid.flatten().tolist(), *expected]
    assert sorted(marked(learn.pooling_drawing())[:4]) == sorted(expected)


@pytest.mark.parametrize("name", NOTE_NAMES)
def test_both_languages_cite_the_same_papers_and_tell_the_same_numbers(name):
    english, korean = LEARN[f"learn_{name}_text"]
    links = [re.findall(r"\((https://[^)]+)\)", text) for text in (english, korean)]
    assert sorted(links[0]) == sorted(links[1]) != []
    figures = [
        set(re.findall(r"\d{2}[\d,]*\d|\d{2}", re.sub(r"\(https://[^)]+\)", "", text))) for text in (english, korean)
    ]
    assert figures[0] <= figures[1]  # small ones may be words in one of them
    assert len(english.split("\n\n")) == len(korean.split("\n\n"))
    assert re.search("[가-힣]", korean)
    assert not re.search("[가-힣]", english)


def test_every_note_is_laid_out_once():
    assert sorted(name for names in NOTES.values() for name in names) == sorted(NOTE_NAMES)
    assert {key: WORDS[key] for key in LEARN} == dict(LEARN)
