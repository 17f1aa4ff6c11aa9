"""Looking inside in a real Chromium: a photo's heat map, a layer pressed, the maps turned over, both languages."""

import re
from contextlib import suppress

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as NotThereYet

from tests.browser_helpers import go_to, shoot, watched_page, width_of
from tests.drawn_objects import mosaic
from vgg_hub.ui.messages import say
from vgg_hub.ui.words import WORDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "four.png"
    mosaic(np.random.default_rng(0))[0].save(path)
    return path


def opened(page: Page, address: str, theme: str = "light") -> Page:
    go_to(page, f"{address}/?__theme={theme}")
    page.locator("#net-facts dl").wait_for()
    assert page.locator("#inside-layers table").count() == 0  # nothing is sent before it is asked for
    page.locator("#inside-body button").first.click()
    page.locator("#inside-layers table").wait_for()
    return page


def picture(page: Page) -> str:
    """The heat map's own bytes."""
    return page.locator("#inside-heat img").nth(1).get_attribute("src")


def choose(page: Page, box: str, option: str) -> None:
    """Of a long list a hundred are shown, and typing finds the rest. What comes while one types is found the next time."""
    field, found = page.locator(f"{box} input"), page.get_by_role("option", name=option).first
    for _ in range(20):
        field.click()
        field.press("Control+a")
        field.press_sequentially(option)
        with suppress(NotThereYet):
            found.wait_for(timeout=3000)
            break
        field.press("Escape")
        field.blur()
    found.click()


def test_the_shipped_net_on_a_photo_of_ones_own(address, browser, photo):
    with watched_page(browser, (address,)) as page:
        opened(page, address)
        expect(page.locator("#inside-heat")).to_contain_text("No photo yet")
        expect(page.locator("#inside-filters img")).to_have_count(28)
        page.locator("#inside-upload input[type=file]").set_input_files(photo)
        expect(page.locator("#inside-heat img")).to_have_count(2)
        expect(page.locator("#inside-heat figcaption").nth(1)).to_contain_text("at conv5_2")
        expect(page.locator("#inside-layers tr.chosen")).to_contain_text("conv5_2")

        first = picture(page)
        page.locator("#inside-layers button", has_text="conv3_1").click()
        expect(page.locator("#inside-heat figcaption").nth(1)).to_contain_text("at conv3_1")
        expect(page.locator("#inside-layers button[aria-pressed=true]")).to_have_text("conv3_1")
        expect(page.locator("#inside-layers g.chosen text").first).to_have_text("conv3_1")
        expect(page.locator("#inside-stage input")).to_have_value("conv3_1")
        expect(page.locator("#inside-heat")).to_be_in_viewport()
        assert picture(page) != first

        captions = page.locator("#inside-maps figcaption")
        expect(page.locator("#inside-maps")).to_contain_text("Maps 1 to 24 of the 112 of conv3_1")
        before = captions.all_inner_texts()
        page.locator("#inside-on").click()
        expect(page.locator("#inside-maps")).to_contain_text("Maps 25 to 48 of the 112")
        assert set(captions.all_inner_texts()).isdisjoint(before)
        page.locator("#inside-back").click()
        expect(page.locator("#inside-maps")).to_contain_text("Maps 1 to 24 of the 112")
        assert captions.all_inner_texts() == before
        expect(page.locator("#inside-back")).to_be_disabled()

        page.locator("#inside-layers g.layer", has_text="pool4").locator("rect").first.click()  # the picture too
        expect(page.locator("#inside-heat figcaption").nth(1)).to_contain_text("at pool4")
        shown = picture(page)
        choose(page, "#inside-label", "goldfish")
        expect(page.locator("#inside-heat figcaption").nth(1)).to_have_text("What speaks for goldfish, at pool4")
        assert picture(page) != shown

        page.locator("#net label", has_text="ImageNet").click()  # what is not here is not fetched for a look
        expect(page.locator("#inside-heat")).to_contain_text("looking does not fetch them")
        expect(page.locator("#inside-layers caption")).to_contain_text("224 × 224")


@pytest.mark.parametrize(
    ("width", "theme", "locale"),
    [(390, "dark", "ko-KR"), (1400, "light", "en-US")],
)
def test_what_was_taught_in_each_dress(address, browser, photo, width, theme, locale):
    language = locale[:2]
    with watched_page(browser, (address,), width, locale) as page:
        opened(page, address, theme)
        expect(page.locator("#inside .heading h2")).to_have_text(WORDS["inside"][language == "ko"].removeprefix("## "))
        expect(page.locator("#inside-heat")).to_have_text(say(language, "inside_no_photo"))
        page.locator("#samples").click()
        expect(page.locator("#report-body .figure")).to_be_visible()
        expect(page.locator("#inside-photo input")).to_have_value("stripes: stripes-01.png")  # it follows the run
        expect(page.locator("#inside-label input")).to_have_value(re.compile(r"^(stripes|dots) · [\d.]+ %$"))
        heat = say(language, "inside_heat", label="stripes", stage="conv5_2")
        choose(page, "#inside-label", "stripes ·")
        expect(page.locator("#inside-heat figcaption").nth(1)).to_have_text(heat)
        page.locator("#one-photo input[type=file]").set_input_files(photo)
        expect(page.locator("#time-taken")).to_contain_text("CPU")
        choose(page, "#inside-photo", say(language, "inside_classified"))
        expect(page.locator("#inside-photo input")).to_have_value(say(language, "inside_classified"))
        expect(page.locator("#inside-maps")).to_contain_text("5 × 5")
        assert width_of(page) <= width
        shoot(page, f"inside-{width}-{theme}-{language}")


def test_the_keyboard_opens_it_and_chooses_a_layer(address, browser):
    with watched_page(browser, (address,)) as page:
        go_to(page, address)
        page.locator("#samples").click()
        expect(page.locator("#report-body .figure")).to_be_visible()
        page.locator("#inside-body button").first.focus()
        page.keyboard.press("Enter")
        button = page.locator("#inside-layers button", has_text="conv1_1")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#inside-heat figcaption").nth(1)).to_contain_text("at conv1_1")
        expect(button).to_be_focused()  # the table stays as it is, and so does the place in it

        other = opened(page.context.new_page(), address)  # the same visitor's
        expect(other.locator("#inside-heat img")).to_have_count(2)
        other.locator("#inside-body button").first.click()
        expect(other.locator("#inside-layers table")).to_be_hidden()
        page.locator("#inside-layers button", has_text="conv2_1").click()  # here it is open still
        expect(page.locator("#inside-heat figcaption").nth(1)).to_contain_text("at conv2_1")
        other.locator("#inside-body button").first.click()
        other.locator("#inside-layers button", has_text="conv3_1").click()
        expect(other.locator("#inside-heat figcaption").nth(1)).to_contain_text("at conv3_1")
