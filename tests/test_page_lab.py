"""The comparison of nets in a real browser: streamed, found again after a refresh, stopped, in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser_helpers import go_to, shoot, watched_page
from tests.page_helpers import draw_photos

pytestmark = pytest.mark.slow
NETS = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("-bn", "")]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return draw_photos(tmp_path_factory.mktemp("photos"), count=8)


def opened(page, address, photos):
    go_to(page, address)
    page.locator("#net-facts dl").wait_for()
    for letter, (label, files) in zip("ab", photos.items(), strict=True):
        page.locator(f"#name-{letter} input, #name-{letter} textarea").fill(label)
        page.locator(f"#files-{letter} input[type=file]").set_input_files(files)
        page.locator(f"#preview-{letter} img").first.wait_for()
    return page


def test_nets_are_compared_and_found_again(address, browser, photos):
    with watched_page(browser, (address,), 1400, "en-US") as page:
        go_to(page, address)
        expect(page.locator("#compare-progress")).to_contain_text("Put photos into both cards of section 2")
        opened(page, address, photos)
        page.locator("#compare").click()
        expect(page.locator("#trials tbody tr").first).to_contain_text(re.compile(r"vgg11-bn.*likely \d+ to \d+"))
        expect(page.locator("#compare-progress")).to_contain_text("8 nets compared in")
        expect(page.locator("#trials tbody th")).to_have_text(NETS)
        expect(page.locator("#status")).to_contain_text("8 nets compared in")  # said to those who hear the page
        conclusion = re.compile("right on the same 16 photos|within the noise|better than")
        expect(page.locator("#trials .conclusion")).to_contain_text(conclusion)
        expect(page.locator("#trials tbody tr").nth(1).locator("img")).to_have_count(2)
        expect(page.locator("#trials figure svg[role=img] circle")).to_have_count(4)
        expect(page.locator("#compare")).to_be_enabled()
        page.locator("#lab").scroll_into_view_if_needed()
        shoot(page, "lab-1400-light-en")
        page.reload()
        expect(page.locator("#trials tbody th")).to_have_text(NETS)
        expect(page.locator("#compare-progress")).to_contain_text("8 nets compared in")


def test_another_tab_that_is_refused_goes_on_to_watch(address, browser, photos):
    with watched_page(browser, (address,)) as page:
        opened(page, address, photos)
        page.locator("#name-b input, #name-b textarea").blur()
        other = page.context.new_page()
        go_to(other, address)
        expect(other.locator("#preview-b img")).to_have_count(8)
        expect(other.locator("#name-b input, #name-b textarea")).to_have_value("dots")
        page.locator("#compare").click()
        expect(page.locator("#compare-stop")).to_be_enabled()
        other.locator("#compare").click()
        expect(other.locator(".toast-body")).to_contain_text("A comparison of yours is under way; wait for it to end")
        expect(other.locator("#compare-stop")).to_be_enabled()
        expect(other.locator("#compare-progress")).to_contain_text("8 nets compared in")
        expect(other.locator("#trials tbody th")).to_have_text(NETS)
        expect(other.locator("#compare")).to_be_enabled()
        expect(other.locator("#compare-stop")).to_be_disabled()


def test_it_stops_and_says_what_is_wrong_in_korean(address, browser, photos):
    with watched_page(browser, (address,), 390, "ko-KR") as page:
        page.goto(f"{address}/?__theme=dark")
        # At once: what is said of a press that comes before the page is ready would be lost.
        page.wait_for_selector("#compare:enabled").evaluate("button => button.click()")
        expect(page.locator("#compare")).to_have_text("신경망 비교하기")
        expect(page.locator("#compare-progress [role=alert]")).to_contain_text("1번째 부류 이름이 비어 있습니다.")
        expect(page.locator("#compare")).to_be_enabled()
        opened(page, f"{address}/?__theme=dark", photos)
        page.locator("#compare").click()
        expect(page.locator("#trials tbody tr").first).to_contain_text("vgg11-bn")
        expect(page.locator("#trials tbody tr").first.locator("img").last).to_be_visible()
        beyond = "element => element.scrollWidth - element.clientWidth"
        assert page.locator("#trials .trials").evaluate(beyond) == 0, "on a phone the table has to be moved sideways"
        page.locator("#compare-stop").click()
        expect(page.locator("#compare-progress")).to_contain_text(re.compile("비교했습니다"))
        expect(page.locator("#compare")).to_be_enabled()
        expect(page.locator("#compare-stop")).to_be_disabled()
        page.locator("#lab").scroll_into_view_if_needed()
        shoot(page, "lab-390-dark-ko")
