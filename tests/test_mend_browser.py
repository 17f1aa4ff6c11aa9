"""Mistakes mended in a real Chromium: a cell opened, photos moved and left out, taught again, undone; by keyboard too."""

import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from tests.browser_helpers import go_to, shoot, watched_page, width_of
from tests.page_helpers import draw_photos
from vgg_hub.ui.messages import say
from vgg_hub.ui.words import WORDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten photos of stripes and ten of dots, with one of dots and one of stripes in the wrong class."""
    folder = tmp_path_factory.mktemp("photos")
    drawn = draw_photos(folder, count=10)
    stray = draw_photos(folder / "stray", count=2, seed=7)
    return {"stripes": [*drawn["stripes"], stray["dots"][0]], "dots": [*drawn["dots"], stray["stripes"][1]]}


@pytest.fixture
def taught(address, browser, photos):
    """A page that has been taught with the strays among the photos."""
    with ExitStack() as windows:

        def open_it(width: int = 1400, theme: str = "light", locale: str = "en-US") -> Page:
            language = locale[:2]
            page = windows.enter_context(watched_page(browser, (address,), width, locale))
            go_to(page, f"{address}/?__theme={theme}")
            page.locator("#note-b p").wait_for()
            page.locator("#name-a input, #name-a textarea").fill("stripes")
            page.locator("#name-b input, #name-b textarea").fill("dots")
            page.locator("#files-a input[type=file]").set_input_files(photos["stripes"])
            page.locator("#files-b input[type=file]").set_input_files(photos["dots"])
            for letter in "ab":
                expect(page.locator(f"#note-{letter}")).to_contain_text(say(language, "photos_ready", n=11))
            page.locator("#teach").click()
            expect(page.locator("#mend h3")).to_be_visible()
            return page

        yield open_it


def cell(page: Page, truth: int, answer: int):
    return page.locator(f"#report-body button[data-truth='{truth}'][data-answer='{answer}']")


def figure_of(page: Page, name: str):
    return page.locator("#mend figure", has=page.locator("figcaption", has_text=name))


def test_move_leave_out_teach_again_and_undo(taught):
    page = taught()
    expect(page.locator("#mend h3")).to_have_text(re.compile(r"Photos it got wrong: \d"))
    before = page.locator("#report-body .figure").inner_text()

    cell(page, 0, 1).click()
    expect(page.locator("#mend h3")).to_have_text(re.compile(r"Photos of stripes that it named dots: \d"))
    stray = figure_of(page, "dots 0.jpg")
    expect(stray).to_contain_text(re.compile(r"Said dots, \d+\s%"))
    expect(stray.locator(".nearest")).to_have_count(2)
    expect(stray.locator(".nearest img")).to_have_count(6)
    stray.get_by_role("button", name="Why did it answer so for dots 0.jpg?").click()
    expect(stray.locator(".heated")).to_contain_text("for dots")
    expect(stray.locator(".heated img")).to_be_visible()
    shoot(page, "mend-cell-1400-light-en")
    stray.get_by_role("button", name="Move dots 0.jpg to dots").click()
    expect(stray.locator(".done")).to_have_text("✓ Moved to dots")
    expect(page.locator("#changes h3")).to_have_text("Your changes: 1 moved, 0 left out")
    expect(page.locator("#note-a")).to_contain_text(
        "10 photos; with your changes: 0 moved here, 1 moved away, 0 left out."
    )
    expect(page.locator("#note-b")).to_contain_text(
        "12 photos; with your changes: 1 moved here, 0 moved away, 0 left out."
    )
    expect(page.locator("#preview-b img")).to_have_count(12)
    expect(page.locator("#preview-a img")).to_have_count(10)

    cell(page, 1, 0).click()
    figure_of(page, "stripes 1.png").get_by_role("button", name="Leave out stripes 1.png").click()
    expect(page.locator("#changes h3")).to_have_text("Your changes: 1 moved, 1 left out")
    expect(page.locator("#changes li").last).to_contain_text("stripes 1.png: of dots, left out")
    expect(page.locator("#note-b")).to_contain_text("11 photos")
    shoot(page, "mend-changed-1400-light-en")

    page.locator("#teach-again button, button#teach-again").click()
    effect = page.locator("#report-body .effect")
    expect(effect).to_contain_text("Your changes: 1 moved, 1 left out.")
    expect(effect).to_contain_text(re.compile(r"Before your changes about \d+ of 22 were right .* now about \d+ of 21"))
    expect(effect).to_contain_text("Of the 20 photos that you did not touch")
    expect(effect).to_contain_text("that flatters the figure")
    expect(page.locator("#report-body .warnings")).to_have_count(0)  # it is said just above, in full
    expect(page.locator("#teach-again")).to_be_hidden()
    expect(page.locator("#changes")).to_contain_text("It was taught with these changes.")
    shoot(page, "mend-taught-1400-light-en")

    page.locator("#changes").get_by_role("button", name="Undo the change of stripes 1.png").click()
    expect(page.locator("#changes h3")).to_have_text("Your changes: 1 moved, 0 left out")
    expect(page.locator("#note-b")).to_contain_text("12 photos")
    page.locator("#changes").get_by_role("button", name="Undo all").click()
    expect(page.locator("#changes h3")).to_have_text("All changes are undone")
    expect(page.locator("#note-a")).to_have_text("11 photos.")
    page.locator("#teach-again").click()
    expect(page.locator("#report-body .effect")).to_have_count(0)
    expect(page.locator("#changes h3")).to_have_count(0)
    expect(page.locator("#report-body .figure")).to_have_text(before)


def test_changes_stay_when_the_cards_are_taught_anew(taught, photos):
    page = taught()
    figure_of(page, "dots 0.jpg").get_by_role("button", name="Move").click()
    expect(page.locator("#changes h3")).to_be_visible()
    page.locator("#name-a input, #name-a textarea").fill("bars")
    page.locator("#teach").click()
    expect(page.locator("#changes")).to_contain_text("dots 0.jpg: from bars to dots")
    expect(page.locator("#changes")).to_contain_text("It was taught with these changes.")
    expect(page.locator("#report-body dl")).to_contain_text("bars: 10, dots: 12")


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1400, "light")])
def test_in_korean_and_by_keyboard_alone(taught, width, theme):
    page = taught(width, theme, "ko-KR")
    cell(page, 0, 1).focus()
    page.keyboard.press("Enter")
    heading = page.locator("#mend h3")
    expect(heading).to_have_text(re.compile(r"stripes 사진인데 dots\(이\)라고 답한 것: \d장"))
    expect(heading).to_be_focused()
    for _ in range(9):  # on to the first photo's first button
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.do") == "move":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#changes h3")).to_have_text(say("ko", "mend_changes", moved=1, left_out=0))
    expect(page.locator("#mend figure [data-do=keep]")).to_be_focused()
    assert width_of(page) <= width
    shoot(page, f"mend-changed-{width}-{theme}-ko")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#teach-again') !== null"):
            break
    expect(page.locator("#teach-again")).to_have_text(WORDS["teach_again"][1])
    page.keyboard.press("Enter")
    effect = page.locator("#report-body .effect")
    expect(effect).to_contain_text(re.compile(r"바꾸기 전에는 22장 가운데 약 \d+장"))
    expect(effect).to_contain_text(say("ko", "mend_effect"))
    assert width_of(page) <= width
    shoot(page, f"mend-taught-{width}-{theme}-ko")
    page.locator("#changes [data-do=undo]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#changes h3")).to_have_text(say("ko", "mend_undone"))
    expect(page.locator("#changes h3")).to_be_focused()
