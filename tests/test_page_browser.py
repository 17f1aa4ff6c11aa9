"""The page in a real Chromium: the whole path with real files, the samples, two widths, themes and languages."""

import csv
import re
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser_helpers import SIZES, go_to, shoot, watched_page, width_of
from tests.page_helpers import draw_photos, plain_photo, scores_in_fresh_process, text_file
from vgg_hub.ui.messages import say
from vgg_hub.ui.words import WORDS

pytestmark = pytest.mark.slow


@pytest.fixture
def open_page(address, browser):
    """Open the page in a window of its own; at the end nothing may have gone wrong in it or reached another host."""
    with ExitStack() as windows:

        def open_it(width: int = 1400, theme: str = "light", locale: str = "en-US") -> Page:
            page = windows.enter_context(watched_page(browser, (address,), width, locale))
            go_to(page, f"{address}/?__theme={theme}")
            page.locator("#net-facts dl").wait_for()
            page.locator("#note-b p").wait_for()
            return page

        yield open_it


def upload(page: Page, box: str, files: list[Path]) -> None:
    page.locator(f"{box} input[type=file]").set_input_files(files)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten photos of each, one of them with a Korean name in capitals, and one photo of dots among the stripes."""
    folder = tmp_path_factory.mktemp("photos")
    drawn = draw_photos(folder, count=10)
    korean = folder / "한글 사진.JPG"
    drawn["stripes"][0].rename(korean)
    drawn["stripes"][0] = korean
    stray = draw_photos(folder / "stray", count=1, seed=7)["dots"][0]
    return {"stripes": [*drawn["stripes"], stray], "dots": drawn["dots"]}


def test_the_whole_path_with_real_files(open_page, photos, tmp_path):
    page = open_page()
    page.locator("#name-a input, #name-a textarea").fill("stripes")
    page.locator("#name-b input, #name-b textarea").fill("점무늬")
    upload(page, "#files-a", [*photos["stripes"], text_file(tmp_path / "notes.jpg")])
    upload(page, "#files-b", photos["dots"])
    expect(page.locator("#note-a")).to_contain_text("11 photos; 1 left out.")
    expect(page.locator("#note-a li")).to_have_text(re.compile(r"^notes\.jpg is text, not a picture"))
    expect(page.locator("#note-b")).to_contain_text("10 photos.")
    expect(page.locator("#preview-a img")).to_have_count(11)

    page.locator("#teach").click()
    expect(page.locator("#report-body .figure")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text("Done in")
    expect(page.locator("#curves svg[role=img]")).to_have_count(2)
    expect(page.locator("#report-body")).to_contain_text("of 21 photos that it had not seen")
    expect(page.locator("#report-body .warnings")).to_contain_text("notes.jpg is text, not a picture")
    cells = [int(re.match(r"\d+", text)[0]) for text in page.locator(".matrix td").all_inner_texts()]
    assert (cells[0] + cells[1], cells[2] + cells[3]) == (11, 10)
    assert cells[1] >= 1  # the stray photo of dots
    expect(page.locator(".mistakes img").first).to_be_visible()
    stray = page.locator(".mistakes figure", has=page.locator("figcaption", has_text="dots 0.jpg"))
    expect(stray).to_contain_text(re.compile(r"Said 점무늬, \d+\s%\s*It is stripes"))

    asked = [photos["stripes"][0], photos["dots"][1]]
    shown = [_classify_one(page, path) for path in asked]
    shoot(page, "taught-1400-light-en")
    table = _classify_many(page, [*asked, text_file(tmp_path / "=1+1.jpg")], tmp_path)
    folder = _download(page, tmp_path)
    fresh = scores_in_fresh_process(folder, asked)
    for on_page, row, scores in zip(shown, table, fresh, strict=False):
        best = max(scores, key=scores.get)
        assert on_page[0] == best
        assert on_page[1] == pytest.approx(scores[best], abs=0.0051)  # the page shows whole percents
        assert row[1] == best
        assert float(row[2]) == pytest.approx(scores[best], abs=1e-4)
    assert table[2][0] == "'=1+1.jpg"
    assert "is text, not a picture" in table[2][3]
    shoot(page, "classified-1400-light-en")


def test_a_picture_of_neither_and_more_than_the_head(open_page, photos, tmp_path):
    page = open_page()
    page.locator("#name-a input, #name-a textarea").fill("stripes")
    page.locator("#name-b input, #name-b textarea").fill("dots")
    upload(page, "#files-a", photos["stripes"][:6])
    upload(page, "#files-b", photos["dots"][:6])
    expect(page.locator("#preview-b img")).to_have_count(6)
    page.locator("#teach").click()
    expect(page.locator("#progress")).to_contain_text("Done in")
    upload(page, "#one-photo", [plain_photo(tmp_path / "green.png", "green")])
    expect(page.locator("#answer h2")).to_have_text("Neither")
    expect(page.locator("#time-taken")).to_contain_text(
        re.compile(r"Unlike all photos that it was taught with: [\d.]+ times as far .* (stripes|dots) \d+\s%")
    )
    upload(page, "#many-photos", [tmp_path / "green.png", photos["dots"][0]])
    expect(page.locator("#many-table tbody tr").first).to_contain_text("Neither")
    expect(page.locator("#many-table tbody tr").last).to_contain_text("dots")

    page.locator("#more button").first.click()
    page.locator("#trainable input").click()
    page.get_by_role("option", name="From block 5 on").click()
    page.locator("#unlike input").uncheck()
    page.locator("#teach").click()
    expect(page.locator("#report-body details")).to_contain_text("block5")
    expect(page.locator("#answer h2")).to_have_text(re.compile("stripes|dots"))  # asked again of the new net
    shoot(page, "deeper-1400-light-en")


def test_answers_follow_the_net_that_is_chosen_and_what_is_taught(open_page, photos):
    page = open_page()
    upload(page, "#one-photo", photos["dots"][:1])
    upload(page, "#many-photos", photos["dots"][:2])
    expect(page.locator("#many-table tbody tr")).to_have_count(2)
    expect(page.locator("#time-taken")).to_contain_text("on CPU")
    page.locator("#net label", has_text="Random").click()
    expect(page.locator("#answer h2")).to_have_text(re.compile(r"class \d+"))
    page.locator("#net label", has_text="Shipped").click()
    expect(page.locator("#answer h2")).not_to_have_text(re.compile("class|dots"))
    page.locator("#samples").click()
    expect(page.locator("#answer h2")).to_have_text("dots")
    expect(page.locator("#many-table td").filter(has_text=re.compile("^dots$"))).to_have_count(2)


def test_a_photo_that_cannot_be_read_is_said_in_place_and_holds_up_no_other(open_page, photos, tmp_path):
    page = open_page()
    upload(page, "#many-photos", photos["dots"][:2])
    expect(page.locator("#many-table tbody tr")).to_have_count(2)
    upload(page, "#one-photo", [text_file(tmp_path / "notes.jpg")])
    expect(page.locator("#time-taken [role=alert]")).to_contain_text("notes.jpg is text, not a picture")
    page.locator("#samples").click()
    expect(page.locator("#many-table td").filter(has_text=re.compile("^dots$"))).to_have_count(2)


def _classify_one(page: Page, path: Path) -> tuple[str, float]:
    if page.locator("#one-photo img").count():
        page.locator("#one-photo").get_by_role("button", name="Remove Image").click()
        expect(page.locator("#one-photo img")).to_have_count(0)
        expect(page.locator("#time-taken p")).to_have_count(0)
    upload(page, "#one-photo", [path])
    expect(page.locator("#time-taken")).to_contain_text("on CPU")
    label = page.locator("#answer h2").inner_text().strip()
    confidence = page.locator("#answer .confidence").first.inner_text()
    return label, float(confidence.strip().rstrip("%")) / 100


def _classify_many(page: Page, files: list[Path], tmp_path: Path) -> list[list[str]]:
    upload(page, "#many-photos", files)
    expect(page.locator("#many-said")).to_contain_text("2 photos classified in")
    expect(page.locator("#many-said")).to_contain_text("1 could not be read")
    expect(page.locator("#many-table tbody tr")).to_have_count(3)
    expect(page.locator("#many-table")).to_contain_text("한글 사진.JPG")
    with page.expect_download() as download:
        page.locator("#csv").click()
    target = tmp_path / "answers.csv"
    download.value.save_as(target)
    rows = list(csv.reader(target.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["File", "Answer", "Probability", "Error"]
    return rows[1:]


def _download(page: Page, tmp_path: Path) -> Path:
    with page.expect_download() as download:
        page.locator("#zip").click()
    assert download.value.suggested_filename == "vgg11-bn-stripes-점무늬.zip"
    target = tmp_path / "model.zip"
    download.value.save_as(target)
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path)
    expect(page.locator("#load-code")).to_contain_text('VGG.from_pretrained("./vgg11-bn-stripes-점무늬")')
    return tmp_path / "vgg11-bn-stripes-점무늬"


@pytest.mark.parametrize(
    ("width", "theme", "locale"),
    [(390, "dark", "ko-KR"), (390, "light", "en-GB"), (1400, "dark", "ko-KR"), (1400, "light", "ko-KR")],
)
def test_the_samples_path_in_each_dress(open_page, width, theme, locale):
    page, column, language = open_page(width, theme, locale), 0, locale[:2]
    column = ("en", "ko").index(language)
    assert width_of(page) <= width
    expect(page).to_have_title(WORDS["title"][column])
    expect(page.locator("#samples")).to_have_text(WORDS["samples"][column])
    expect(page.locator("#report-body")).to_have_text(say(language, "report_empty"))
    expect(page.locator("#note-a")).to_have_text(say(language, "photos_none"))
    expect(page.locator("footer .divider")).to_be_hidden()  # nothing comes after it, and on a phone nothing before it
    shoot(page, f"empty-{width}-{theme}-{language}")
    page.locator("#samples").click()
    expect(page.locator("#report-body .figure")).to_be_visible()
    expect(page.locator("#note-b")).to_contain_text(say(language, "photos_ready", n=15))
    expect(page.locator("#teach")).to_be_enabled()
    expect(page.locator("#stop")).to_be_disabled()
    expect(page.locator("#share-said")).to_contain_text("vgg11-bn-stripes-dots.zip")
    expect(page.locator("#report-body caption")).to_have_text(say(language, "report_matrix"))
    assert page.locator("#report-body").bounding_box()["y"] < SIZES[width]  # it came into view
    page.locator("#preview-b img").nth(14).wait_for()
    assert width_of(page) <= width
    shoot(page, f"samples-{width}-{theme}-{language}")
    assert page.locator("body.dark").count() == (theme == "dark")


def test_bad_input_is_said_in_place_and_runs_no_markup(open_page, photos):
    page = open_page(390)
    page.locator("#name-a input, #name-a textarea").fill("<img src=x onerror=alert(1)>")
    page.locator("#name-b input, #name-b textarea").fill("${alert(2)}{{dots}}")
    upload(page, "#files-a", photos["stripes"][:4])
    upload(page, "#files-b", photos["dots"][:4])
    expect(page.locator("#note-b")).to_contain_text("4 photos.")
    page.locator("#teach").click()
    problem = page.locator("#progress [role=alert]")
    expect(problem).to_contain_text("Class name 1, '<img src=x onerror=alert(1)>', holds '<'")
    assert page.locator("img[src=x]").count() == 0
    expect(page.locator("#teach")).to_be_enabled()
    shoot(page, "problem-390-light-en")

    page.locator("#name-a input, #name-a textarea").fill("`b` & \"q\" 'r'")
    page.locator("#teach").click()
    expect(page.locator("#report-body .figure")).to_be_visible()
    expect(page.locator(".matrix thead th").nth(1)).to_have_text("`b` & \"q\" 'r'")
    expect(page.locator(".matrix thead th").nth(2)).to_have_text("${alert(2)}{{dots}}")


def test_a_net_that_does_not_ship_is_said_with_what_to_do(open_page):
    page = open_page()
    page.locator("#net label", has_text="ImageNet").click()
    expect(page.locator("#net-facts")).to_contain_text("133 million")
    expect(page.locator("#net-facts")).to_contain_text("Offline? Choose shipped weights.")
    page.locator("#net label", has_text="My own").click()
    expect(page.locator("#net-facts")).to_contain_text("Write a Hub repo (owner/name)")
    page.get_by_label("Hub repo or local folder").fill("no such place")
    expect(page.locator("#net-facts")).to_contain_text("'no such place' is not a folder here")
    page.locator("#net label", has_text="Random").click()
    expect(page.locator("#net-facts")).to_contain_text("It has learned nothing yet")


def test_stop_before_the_first_step(open_page, photos, slow_embedding):
    waiting, go_on = slow_embedding
    page = open_page()
    page.locator("#name-a input, #name-a textarea").fill("stripes")
    page.locator("#name-b input, #name-b textarea").fill("dots")
    upload(page, "#files-a", photos["stripes"])
    upload(page, "#files-b", photos["dots"])
    expect(page.locator("#note-b")).to_contain_text("10 photos.")
    page.locator("#teach").click()
    assert waiting.wait(20)
    expect(page.locator("#teach")).to_be_disabled()
    page.locator("#stop").click()
    expect(page.locator("#progress")).to_contain_text("Stopping")
    go_on.set()
    expect(page.locator("#progress [role=alert]")).to_contain_text("Stopped before the first step")
    expect(page.locator("#teach")).to_be_enabled()
    expect(page.locator("#report-body")).to_contain_text("Nothing taught yet")


def test_a_photo_from_the_webcam_is_added(open_page):
    page = open_page()
    page.locator("#photos button", has_text="Take a photo").first.click()
    card = page.locator(".photo-card-a")
    card.locator("button", has_text="Click to Access Webcam").click()
    for count in (1, 2):
        page.wait_for_function("document.querySelector('.photo-card-a video')?.readyState >= 2")
        card.get_by_label("capture photo").click()
        expect(page.locator("#note-a")).to_contain_text("1 photo." if count == 1 else "2 photos.")
    expect(page.locator("#preview-a img")).to_have_count(2)


def test_the_keyboard_reaches_everything_in_order(open_page):
    page = open_page()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => { const e = document.activeElement;"
                "const outer = e.closest('[id]'); return [e.tagName, e.id || outer?.id || '', e.type || ''] }"
            )
        )
    ids = [name for _, name, _ in reached]
    order = ["samples", "batch-norm", "name-a", "files-a", "name-b", "files-b", "teach", "one-photo", "many-photos"]
    positions = [ids.index(name) for name in order]
    assert positions == sorted(positions), list(zip(order, positions, strict=True))
    page.locator("#samples").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#report-body .figure")).to_be_visible()
