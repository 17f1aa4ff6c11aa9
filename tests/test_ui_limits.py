"""The settings of whoever serves the page."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from tests.page_helpers import ROOT
from vgg_hub.errors import ConfigError
from vgg_hub.ui.limits import PageLimits


def test_what_is_not_set_has_the_defaults_and_what_is_set_counts():
    assert PageLimits.from_environment({"PATH": "/bin", "VGG": "1"}) == PageLimits()
    limits = PageLimits.from_environment({"VGG_HUB_MAX_PHOTOS": " 30 ", "VGG_HUB_KEEP_MINUTES": "5"})
    assert limits == PageLimits(max_photos=30, keep_minutes=5)
    assert limits.pictures.pixels == 50_000_000
    assert PageLimits(max_megapixels=2, max_megabytes=3).pictures.pixels == 2_000_000
    assert PageLimits(max_megapixels=2, max_megabytes=3).pictures.total_bytes == 3_000_000


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "1.5", "1e3", "٣", "1" * 5000, "100001", "True"])
def test_a_setting_that_makes_no_sense_is_named_with_what_it_may_be(text):
    shown = re.escape(repr(int(text) if text in ("0", "100001") else text)[:60])
    with pytest.raises(
        ConfigError, match=rf"^VGG_HUB_MAX_PHOTOS is {shown}; expected a whole number from 1 to 100000\.$"
    ):
        PageLimits.from_environment({"VGG_HUB_MAX_PHOTOS": text})


def test_a_misspelt_setting_is_an_error_that_lists_them_all():
    with pytest.raises(
        ConfigError, match=r"^VGG_HUB_MAX_FOTOS is no setting of this page; expected .*VGG_HUB_MAX_PHOTOS"
    ):
        PageLimits.from_environment({"VGG_HUB_MAX_FOTOS": "1"})


def test_a_bad_setting_is_one_sentence_at_the_start():
    code = "import os; os.environ['VGG_HUB_KEEP_MINUTES'] = 'long'; import app"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr == "VGG_HUB_KEEP_MINUTES is 'long'; expected a whole number from 1 to 1440.\n"


def test_each_setting_is_documented_with_its_default():
    text = (Path(ROOT) / "docs" / "classroom.md").read_text(encoding="utf-8")
    for each in fields(PageLimits):
        assert f"| `VGG_HUB_{each.name.upper()}` | {each.default} |" in text
