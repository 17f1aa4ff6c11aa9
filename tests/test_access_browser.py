"""For everyone: axe-core finds nothing serious, the keyboard alone leads from the samples to an answer, and progress is said."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser_helpers import go_to, watched_page
from tests.page_helpers import draw_photos
from vgg_hub.ui.messages import say
from vgg_hub.ui.words import WORDS

pytestmark = pytest.mark.slow
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Eight photos of each, with one of dots among the stripes."""
    folder = tmp_path_factory.mktemp("photos")
    drawn = draw_photos(folder, count=8)
    return {"stripes": [*drawn["stripes"], *draw_photos(folder / "stray", 1, seed=7)["dots"]], "dots": drawn["dots"]}


def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, in both themes."""
    found = []
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(f"{AXE}; 0")
        page.add_style_tag(content="* { transition: none !important; }")  # no colour on its way is judged
    for theme in ("light", "dark"):
        page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
        page.wait_for_timeout(100)
        checked = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(checked["passes"]) > 20
        found += [
            f"{theme}: {one['id']}: {one['help']}: {json.dumps([node['html'][:200] for node in one['nodes'][:5]])}"
            for one in checked["violations"]
            if one["impact"] in GRAVE
        ]
    return found


@pytest.mark.parametrize(("width", "locale"), [(1400, "en-US"), (390, "ko-KR")])
def test_axe_finds_nothing_serious_on_any_section(address, browser, photos, width, locale):
    with watched_page(browser, (address,), width, locale) as page:
        go_to(page, address)
        page.locator("#note-b p").wait_for()
        page.locator("#net-facts dl").wait_for()
        expect(page.locator("html")).to_have_attribute("lang", locale[:2])
        assert faults(page) == []

        page.locator("#name-a input, #name-a textarea").fill("stripes")
        page.locator("#name-b input, #name-b textarea").fill("dots")
        for letter, some in zip("ab", photos.values(), strict=True):
            page.locator(f"#files-{letter} input[type=file]").set_input_files(some)
            expect(page.locator(f"#preview-{letter} img")).to_have_count(len(some))
        page.locator("#teach").click()
        page.locator("#mend figure").first.wait_for()
        page.locator("#mend [data-do=why]").first.click()
        page.locator("#mend .heated img").first.wait_for()
        page.locator("#mend [data-do=move]").first.click()
        page.locator("#changes li").wait_for()
        page.locator("#one-photo input[type=file]").set_input_files(photos["dots"][0])
        page.locator("#many-photos input[type=file]").set_input_files(photos["dots"][:3])
        expect(page.locator("#many-table tbody tr")).to_have_count(3)
        expect(page.locator("#time-taken p")).to_be_visible()
        page.locator("#compare").click()
        page.locator("#trials .conclusion").wait_for()
        page.evaluate("document.querySelectorAll('button.label-wrap:not(.open)').forEach(one => one.click())")
        expect(page.locator("#inside-on")).to_be_enabled()  # the last that the section draws
        page.locator("#inside-layers table").wait_for()
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert faults(page) == []


def test_axe_would_find_a_fault(address, browser):
    with watched_page(browser, (address,)) as page:
        go_to(page, address)
        page.locator("#note-b p").wait_for()
        page.evaluate(
            "document.querySelector('#report-body').innerHTML = '<button></button><p style=\"color:#bbb\">pale</p>'"
        )
        found = " ".join(faults(page))
        assert "button-name" in found
        assert "color-contrast" in found


def tab_to(page: Page, selector: str, most: int = 120) -> None:
    """Press Tab until the keyboard is at, or in, what the selector means."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.closest(wanted) !== null", selector):
            return
    pytest.fail(f"The keyboard does not reach {selector}.")


def choose(page: Page, files: Path | list[Path]) -> None:
    """Press Enter at a button that asks for files, and give it these."""
    with page.expect_event("filechooser") as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(files)


def sample(folder: Path) -> Path:
    return draw_photos(folder, count=1, seed=3)["dots"][0]


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_by_keyboard_alone_from_the_samples_to_an_answer(address, browser, tmp_path, locale):
    language, column = locale[:2], ("en", "ko").index(locale[:2])
    with watched_page(browser, (address,), locale=locale) as page:
        page.on("filechooser", lambda _: None)  # from the start: a first listener takes a moment to be heard
        go_to(page, address)
        page.locator("#note-b p").wait_for()
        tab_to(page, "#samples")
        assert page.evaluate("document.activeElement.innerText").strip() == WORDS["samples"][column]
        page.keyboard.press("Enter")
        expect(page.locator("#report-body .figure")).to_be_visible()
        done = say(language, "train_done", time="|").split("|")
        expect(page.locator("#status")).to_contain_text(max(done, key=len))  # said to those who hear the page
        tab_to(page, "#report-body [data-do=cell]")
        page.keyboard.press("Space")
        expect(page.locator("#mend h3")).to_be_focused()
        tab_to(page, "#one-photo")
        choose(page, sample(tmp_path))
        expect(page.locator("#time-taken p")).to_be_visible()
        expect(page.locator("#answer h2")).to_have_text("dots")


def test_more_files_are_added_by_keyboard(address, browser, photos):
    with watched_page(browser, (address,), locale="ko-KR") as page:
        page.on("filechooser", lambda _: None)
        go_to(page, address)
        page.locator("#note-b p").wait_for()
        page.locator("#files-a input[type=file]").set_input_files(photos["dots"][:2])
        expect(page.locator("#note-a")).to_contain_text(say("ko", "photos_ready", n=2))
        page.locator("#name-a input, #name-a textarea").focus()
        tab_to(page, "#files-a [aria-label='파일 더 넣기']", most=3)
        choose(page, photos["dots"][2:4])
        expect(page.locator("#note-a")).to_contain_text(say("ko", "photos_ready", n=4))


def test_what_is_refused_is_all_in_the_visitors_language(address, browser):
    with watched_page(browser, (address,), locale="ko-KR") as page:
        go_to(page, address)
        page.locator("#note-b p").wait_for()
        page.locator("#teach").click()
        expect(page.locator(".toast-body")).to_contain_text(say("ko", "unnamed_a"))
        expect(page.locator(".toast-title")).to_have_text("오류")  # Gradio's own words
        page.get_by_role("button", name="닫기", exact=True).click()
        expect(page.locator(".toast-body")).to_have_count(0)
