"""The page in a real Chromium, for people who come and go: found again, apart from each other, and gone at once."""

import re
import threading
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser_helpers import go_to, shoot, watched_page, width_of
from tests.page_helpers import draw_photos
from vgg_hub.ui import gpu_work, training
from vgg_hub.ui.line import Line
from vgg_hub.ui.lines import Lines
from vgg_hub.ui.messages import say
from vgg_hub.ui.scripts import FIND_KEY
from vgg_hub.ui.words import WORDS

pytestmark = pytest.mark.slow

NAME = re.search(r"getItem\('([\w-]+)'\)", FIND_KEY)[1]
KEPT = f"localStorage.getItem('{NAME}')"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return draw_photos(tmp_path_factory.mktemp("photos"), count=8)


@pytest.fixture
def held(monkeypatch):
    """A fine-tuning that waits after its photos until it is told to go on or to stop."""
    go_on, reached, original = threading.Event(), threading.Event(), gpu_work.finetune

    def finetune(*args, stop, **kwargs):
        for event in original(*args, stop=stop, **kwargs):
            yield event
            if type(event).__name__ == "Step":
                reached.set()
                while not go_on.wait(0.05) and not stop.is_set():
                    pass

    monkeypatch.setattr(gpu_work, "finetune", finetune)
    yield reached, go_on
    go_on.set()


@contextmanager
def visit(browser, address, **options):
    """A visitor with a browser of their own."""
    with watched_page(browser, (address,), **options) as page:
        come(page, address)
        yield page


def come(page: Page, address: str, theme: str = "light") -> None:
    go_to(page, f"{address}/?__theme={theme}")
    page.locator("#net-facts dl").wait_for()
    page.locator("#note-b p").wait_for()


def put_photos(page: Page, photos, names=("stripes", "dots")) -> None:
    for letter, name, files in zip("ab", names, photos.values(), strict=True):
        name_of(page, letter).fill(name)
        page.locator(f"#files-{letter} input[type=file]").set_input_files(files)
        expect(page.locator(f"#preview-{letter} img")).to_have_count(8)


def name_of(page: Page, letter: str):
    return page.locator(f"#name-{letter} input, #name-{letter} textarea")


def test_a_run_is_found_again_and_stopped_from_there(browser, address, photos, held):
    reached, _ = held
    with visit(browser, address) as page:
        put_photos(page, photos)
        page.locator("#teach").click()
        assert reached.wait(60)
        page.reload()
        expect(page.locator("#back")).to_contain_text("Welcome back: your run went on meanwhile.")
        expect(page.locator("#progress [role=progressbar]")).to_be_visible()
        expect(page.locator("#progress")).to_contain_text("Learning: step 1")
        expect(page.locator("#teach")).to_be_disabled()
        expect(page.locator("#stop")).to_be_enabled()
        expect(name_of(page, "a")).to_have_value("stripes")
        expect(name_of(page, "b")).to_have_value("dots")
        expect(page.locator("#preview-a img")).to_have_count(8)
        expect(page.locator("#note-b")).to_contain_text("8 photos.")
        shoot(page, "found-running-1400-light-en")
        page.locator("#stop").click()
        expect(page.locator("#progress")).to_contain_text("Stopped after")
        expect(page.locator("#report-body .figure")).to_be_visible()
        expect(page.locator("#teach")).to_be_enabled()
        expect(page.locator("#stop")).to_be_disabled()
        assert len(page.evaluate(KEPT)) == 43
        assert page.evaluate(KEPT) not in page.url


def test_a_closed_tab_within_the_hour(browser, address, photos, held):
    reached, go_on = held
    with visit(browser, address) as page:
        put_photos(page, photos, ("줄무늬", "점무늬"))
        page.locator("#teach").click()
        assert reached.wait(60)
        later = page.context.new_page()
        page.close()
        go_on.set()
        come(later, address)
        expect(later.locator("#report-body .figure")).to_be_visible()
        expect(later.locator(".matrix thead th").nth(1)).to_have_text("줄무늬")
        expect(later.locator("#progress")).to_contain_text("Done in")
        expect(later.locator("#zip")).to_be_enabled()
        expect(later.locator("#who-answers")).to_contain_text("줄무늬 / 점무늬")
        expect(later.locator("#preview-b img")).to_have_count(8)


def test_a_second_tab_is_told_that_a_run_is_under_way_and_follows_it(browser, address, photos, held):
    reached, go_on = held
    with visit(browser, address) as page:
        put_photos(page, photos)
        other = page.context.new_page()
        come(other, address)
        page.bring_to_front()
        page.locator("#teach").click()
        assert reached.wait(60)
        other.bring_to_front()
        other.locator("#teach").click()
        expect(other.locator(".toast-body.error")).to_contain_text("A fine-tuning of yours is under way; wait for it")
        expect(other.locator("#teach")).to_be_disabled()
        expect(other.locator("#stop")).to_be_enabled()
        go_on.set()
        expect(other.locator("#progress")).to_contain_text("Done in")
        expect(other.locator("#teach")).to_be_enabled()
        expect(other.locator("#stop")).to_be_disabled()
        expect(other.locator("#report-body .figure")).to_be_visible()
        expect(other.locator("#who-answers")).to_contain_text("stripes / dots")
        expect(other.locator("#zip")).to_be_enabled()


def test_a_dropped_connection_mends_itself(browser, address, photos, held):
    reached, go_on = held
    with visit(browser, address) as page:
        put_photos(page, photos)
        page.locator("#teach").click()
        assert reached.wait(60)
        page.context.set_offline(True)
        page.wait_for_timeout(500)
        go_on.set()
        page.context.set_offline(False)
        expect(page.locator("#report-body .figure")).to_be_visible()
        expect(page.locator("#teach")).to_be_enabled()


def test_who_waits_is_told_the_place_and_moves_up(browser, address, photos, held, monkeypatch):
    one_at_a_time = Lines(*(Line(1, 10) for _ in range(5)))
    monkeypatch.setattr(training, "lines", lambda: one_at_a_time)
    reached, go_on = held
    with (
        visit(browser, address) as ana,
        visit(browser, address) as ben,
        visit(browser, address, locale="ko-KR") as cho,
    ):
        for page in (ana, ben, cho):
            put_photos(page, photos)
        ana.locator("#teach").click()
        assert reached.wait(60)
        ben.locator("#teach").click()
        expect(ben.locator("#progress")).to_contain_text("Your turn is next")
        cho.locator("#teach").click()
        expect(cho.locator("#progress")).to_contain_text("기다리는 중: 앞에 1명")
        shoot(cho, "waiting-1400-light-ko")
        ben.locator("#stop").click()
        expect(ben.locator("#progress")).to_contain_text("It was stopped before its turn came.")
        expect(ben.locator("#teach")).to_be_enabled()
        expect(cho.locator("#progress")).to_contain_text("다음 차례입니다")
        go_on.set()
        for page in (ana, cho):
            expect(page.locator("#report-body .figure")).to_be_visible()


def test_two_visitors_at_once_see_nothing_of_each_other(browser, address, photos):
    swapped = dict(zip(("dots", "stripes"), reversed(list(photos.values())), strict=True))
    with visit(browser, address) as ana, visit(browser, address, locale="ko-KR") as ben:
        put_photos(ana, photos)
        expect(ben.locator("#note-a")).to_contain_text(say("ko", "photos_none"))
        put_photos(ben, swapped, ("하나", "둘"))
        ana.locator("#teach").click()
        ben.locator("#teach").click()
        for page, names in ((ana, ["stripes", "dots"]), (ben, ["하나", "둘"])):
            expect(page.locator("#report-body .figure")).to_be_visible()
            assert page.locator(".matrix thead th").all_inner_texts()[1:] == names
            expect(page.locator("#who-answers")).to_contain_text(" / ".join(names))
        sources = [page.locator("#preview-a img").first.get_attribute("src") for page in (ana, ben)]
        assert sources[0].rsplit("/", 1)[0] != sources[1].rsplit("/", 1)[0]
        ben.reload()
        expect(ben.locator("#back")).to_contain_text("하나 / 둘")
        expect(name_of(ben, "a")).to_have_value("하나")
        assert ana.evaluate(KEPT) != ben.evaluate(KEPT)


@pytest.mark.parametrize(("theme", "locale"), [("light", "en-US"), ("dark", "ko-KR")])
def test_deleted_now_and_nothing_is_found_again(browser, address, photos, uploads, theme, locale):
    language = locale[:2]
    with watched_page(browser, (address,), 390, locale) as page:
        come(page, address, theme)
        page.locator("#samples").click()
        expect(page.locator("#report-body .figure")).to_be_visible()
        page.reload()
        expect(page.locator("#back")).to_contain_text(say(language, "back_whose"))
        expect(page.locator("#preview-a img")).to_have_count(15)
        assert width_of(page) <= 390
        shoot(page, f"found-390-{theme}-{language}")
        key = page.evaluate(KEPT)
        mine = re.search(r"visitor-[\w-]{43}", page.locator("#preview-a img").first.get_attribute("src"))[0]
        assert (uploads / mine).is_dir()
        picture = page.request.get(page.locator("#preview-a img").first.get_attribute("src"))
        assert picture.ok
        page.locator("#delete").click()
        page.locator("#delete-no").click()
        page.locator("#delete").click()
        expect(page.locator("#delete-yes")).to_have_text(WORDS["away_yes"][("en", "ko").index(language)])
        page.locator("#delete-yes").scroll_into_view_if_needed()
        shoot(page, f"delete-390-{theme}-{language}")
        page.locator("#delete-yes").click()
        expect(page.locator("#preview-a img")).to_have_count(0)
        expect(page.locator("#report-body")).to_contain_text(say(language, "report_empty"))
        expect(page.locator("#back")).to_have_text("")
        assert not (uploads / mine).exists()
        assert page.request.get(picture.url).status == 403
        page.wait_for_function(f"{KEPT} && {KEPT} !== '{key}'")
        page.reload()
        expect(page.locator("#report-body")).to_contain_text(say(language, "report_empty"))


def test_the_page_says_its_limits_before_they_are_hit(browser, address):
    with visit(browser, address) as page:
        expect(page.locator("#limits")).to_contain_text(
            "At most 500 photos of each, 50 megapixels a photo, 200 MB a file and 500 MB in all."
        )
        expect(page.locator("#away-said")).to_contain_text("deleted 60 min after you last used the page")
