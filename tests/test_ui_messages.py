"""The two languages: complete, in step, and chosen by what the browser asks for."""

import re
import string
from pathlib import Path

import pytest

from tests.page_helpers import request
from vgg_hub import doubts, errors, lab, mend, scenes, shortcuts, ui
from vgg_hub.ui.amounts import count_in_words, megabytes, seconds_in_words
from vgg_hub.ui.messages import LANGUAGES, MESSAGES, language_of, say
from vgg_hub.ui.notes import NOTES
from vgg_hub.ui.words import I18N, WORDS, word

SOURCE = "".join(path.read_text(encoding="utf-8") for path in Path(ui.__file__).parent.glob("*.py"))


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", MESSAGES)
def test_both_languages_have_the_same_places(key):
    english, korean = MESSAGES[key]
    assert places(english) == places(korean)
    assert english.strip()
    assert korean.strip()


@pytest.mark.parametrize("key", NOTES)
def test_both_languages_of_a_warning_have_the_same_places(key):
    english, korean = NOTES[key]
    assert places(english) == places(korean)
    assert not re.search("[가-힣]", english)
    assert re.search("[가-힣]", korean)


def test_every_note_is_translated():
    keys = [*doubts.SENTENCES, *lab.SENTENCES, *mend.SENTENCES, *scenes.SENTENCES, *shortcuts.SENTENCES]
    assert len(keys) == len(set(keys))
    assert NOTES.keys() == set(keys)


@pytest.mark.parametrize("key", WORDS)
def test_fixed_words_have_both_languages_and_the_same_markup(key):
    english, korean = WORDS[key]
    assert re.findall(r"^#*", english) == re.findall(r"^#*", korean)
    assert re.findall(r"`[^`]*`|\]\([^)]*\)", english) == re.findall(r"`[^`]*`|\]\([^)]*\)", korean)
    assert korean.strip()


def test_every_message_and_word_is_used():
    """A key stands in the source as it is, or begins with what an f-string there begins with."""
    stems = set(re.findall(r'f["\'](\w+_)\{', SOURCE))
    for key in [*MESSAGES, *WORDS]:
        used = len(re.findall(rf'"{key}"|\'{key}\'', SOURCE)) > 1 or any(key.startswith(stem) for stem in stems)
        assert used, key


def test_every_error_of_the_package_has_a_lead_in():
    for name in errors.__all__:
        assert f"error_{name}" in MESSAGES


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("fr-FR,fr;q=0.9,ko;q=0.5", "ko"),
        ("de", "en"),
        ("", "en"),
        ("ko;q=0.1, en;q=0.7", "en"),
        ("ko;q=x,,;;=" + "a" * 9999, "en"),
        ("KO", "ko"),
    ],
)
def test_the_browser_chooses_the_language(header, language):
    assert language_of(request(header)) == language


def test_without_a_browser_it_is_english():
    assert language_of(None) == "en"


def test_a_word_is_a_marker_that_the_browser_knows():
    assert word("teach").key in I18N.translations["ko"]
    assert I18N.translations["ko"][word("teach").key] == WORDS["teach"][1]
    with pytest.raises(KeyError):
        word("no such word")


@pytest.mark.parametrize(
    ("n", "english", "korean"),
    [
        (999, "999", "999"),
        (45_000, "45,000", "4.5만"),
        (2_360_000, "2.36 million", "236만"),
        (132_868_840, "133 million", "1.33억"),
        (15_470_264_320, "15.5 billion", "155억"),
    ],
)
def test_large_numbers_are_said_as_people_say_them(n, english, korean):
    assert (count_in_words("en", n), count_in_words("ko", n)) == (english, korean)


def test_durations_and_sizes():
    assert [seconds_in_words("en", s) for s in (0.0123, 2.345, 31.4, 600)] == ["0.012 s", "2.3 s", "31 s", "10 min"]
    assert seconds_in_words("ko", 31.4) == "31초"
    assert [megabytes(n) for n in (136, 32_776, 4_731_272, 531_000_000)] == ["0.136 kB", "32.8 kB", "4.73 MB", "531 MB"]
    assert megabytes(1_230_000_000) == "1.23 GB"


def test_what_is_filled_in_is_not_read_as_a_place():
    assert say("en", "train_failed", problem="{n} %s") == "Nothing was taught. {n} %s"
    assert LANGUAGES == ("en", "ko")
