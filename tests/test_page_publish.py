"""From the page to the Hub in a real Chromium: at home with the machine's token, on a Space through the sign-in."""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser_helpers import app_served, chromium, go_to, shoot, watched_page, width_of
from tests.hub_fixtures import local_hub
from tests.hubserver.faults import Delay
from tests.openid_provider import CLIENT, provider
from vgg_hub import VGG
from vgg_hub.ui.messages import say
from vgg_hub.ui.words import WORDS

pytestmark = pytest.mark.slow

SPACE_HEADER = ("https://huggingface.co/api/spaces/owner/space", "https://fonts.googleapis.com/css2")  # Gradio's own
UPLOAD = 300_000  # milliseconds: the check before it opens the model in fresh processes


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@contextmanager
def open_page(browser, address: str, *others: str, width: int = 1400, theme: str = "light", locale: str = "en-US"):
    with watched_page(browser, (address, *others), width, locale) as page:
        go_to(page, f"{address}/?__theme={theme}")
        page.locator("#push-who p").wait_for()
        yield page


def teach(page: Page) -> None:
    page.locator("#samples").click()
    expect(page.locator("#report-body .figure")).to_be_visible()


def choose(page: Page, label: str) -> None:
    page.locator("#push-form").get_by_role("radio", name=re.compile(f"^{re.escape(label)}")).check()


def check_no_token(hub, page: Page, log) -> None:
    """No token reached the page's text, its code, its storage or what the server printed."""
    seen = page.content() + page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    for value in hub.tokens:
        assert value not in seen
        assert value not in log.read_text(errors="replace")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """(hub, address, log) of a page at home, whose machine is signed in as a user with an organisation."""
    folder = tmp_path_factory.mktemp("home")
    with local_hub(folder) as hub:
        hub.login(hub.add_token("mine", user="alice", orgs=["lab"]))
        with app_served(hub.env, folder) as (address, log):
            yield hub, address, log


def test_at_home_with_the_token_of_the_machine(browser, home):
    hub, address, log = home
    with open_page(browser, address) as page:
        hub.clear_log()
        teach(page)
        expect(page.locator("#push-form")).to_be_hidden()
        assert hub.requests(path="/api/whoami-v2") == []  # nobody is asked before the person asks
        shoot(page, "push-out-1400-light-en")
        page.locator("#sign-in").click()
        expect(page.locator("#push-who")).to_have_text("Signed in as alice.")
        expect(page.locator("#push-form input").first).to_have_value("alice")
        name = page.get_by_label("Name", exact=False).and_(page.locator("#push-form input, #push-form textarea"))
        expect(name).to_have_attribute("placeholder", "vgg11-bn-stripes-dots")
        shoot(page, "push-in-1400-light-en")
        hub.fault(Delay(10), "/api/models/alice/*/commit/*")
        page.locator("#push").click()
        expect(page.locator("#push-progress .bar")).to_be_visible()
        expect(page.locator("#push")).to_be_disabled()
        expect(page.locator("#push-progress")).to_contain_text("Uploading", timeout=UPLOAD)
        shoot(page, "push-under-way-1400-light-en")
        page.reload()  # the upload goes on, and is found again
        expect(page.locator("#push-progress")).to_contain_text("Uploading", timeout=UPLOAD)
        link = page.locator("#push-done a")
        expect(link).to_have_text("alice/vgg11-bn-stripes-dots", timeout=UPLOAD)
        expect(link).to_have_attribute("href", f"{hub.url}/alice/vgg11-bn-stripes-dots")
        expect(page.locator("#push-done")).to_contain_text("It is private")
        expect(page.locator("#hub-code")).to_contain_text('VGG.from_pretrained("alice/vgg11-bn-stripes-dots")')
        page.locator("#sign-in").click()
        expect(page.locator("#push")).to_be_enabled()
        shoot(page, "push-done-1400-light-en")
        check_no_token(hub, page, log)
    repo = hub.repos["alice/vgg11-bn-stripes-dots"]
    assert repo.private
    model = VGG.from_pretrained(repo.id)
    assert model.config.label_names == ("stripes", "dots")
    assert model.provenance["counts"] == {"stripes": 15, "dots": 15}


@pytest.mark.parametrize(("theme", "locale"), [("dark", "ko-KR"), ("light", "en-GB")])
def test_on_a_phone_in_each_dress(browser, home, theme, locale):
    hub, address, log = home
    language = locale[:2]
    column = ("en", "ko").index(language)
    with open_page(browser, address, width=390, theme=theme, locale=locale) as page:
        expect(page.locator("#push-who")).to_have_text(say(language, "push_here"))
        expect(page.locator("#sign-in")).to_have_text(WORDS["sign_in_here"][column])
        teach(page)
        page.locator("#sign-in").click()
        expect(page.locator("#push-who")).to_have_text(say(language, "push_as", name="alice"))
        name = page.get_by_label(WORDS["push_name"][column]).and_(page.locator("#push-form textarea, #push-form input"))
        name.fill("<b>no name")
        assert width_of(page) <= 390
        shoot(page, f"push-in-390-{theme}-{language}")
        page.locator("#push").click()
        problem = page.locator("#push-progress [role=alert]")
        refused = {"en": " is not the name of a Hub repo", "ko": "은(는) 허브 저장소의 이름이 될 수 없습니다"}
        expect(problem).to_contain_text("'alice/<b>no name'" + refused[language])
        expect(page.locator("#push")).to_be_enabled()
        assert page.locator("#push-progress b").count() == 0
        page.locator("#samples").click()  # taught again: what was said of the model before goes, what was typed stays
        expect(problem).to_have_count(0)
        expect(name).to_have_value("<b>no name")
        shoot(page, f"push-problem-390-{theme}-{language}")
        name.fill(f"phone-{theme}")
        page.get_by_label(WORDS["push_owner"][column]).click()
        page.get_by_role("option", name="lab").click()
        choose(page, WORDS["push_public"][column])
        kind = say(language, "push_kind_head", size="").strip(" ,")
        choose(page, kind)
        page.locator("#push").click()
        expect(page.locator("#push-done a")).to_have_text(f"lab/phone-{theme}", timeout=UPLOAD)
        expect(page.locator("#push-done")).to_have_text(say(language, "push_done", repo=f"lab/phone-{theme}"))
        assert width_of(page) <= 390
        shoot(page, f"push-done-390-{theme}-{language}")
        check_no_token(hub, page, log)
    repo = hub.repos[f"lab/phone-{theme}"]
    assert not repo.private
    assert sum(map(len, repo.files().values())) < 200_000
    assert VGG.from_pretrained(repo.id).config.label_names == ("stripes", "dots")


def test_on_a_space_through_the_sign_in_and_back_with_the_model(browser, tmp_path):
    with local_hub(tmp_path) as hub, provider("bob", hub.add_token("visitor", user="bob")) as signer:
        hub.login(hub.add_token("the space's own", user="owner"))
        space = {"SYSTEM": "spaces", "SPACE_ID": "owner/space", "OPENID_PROVIDER_URL": signer.url}
        scopes = {"OAUTH_SCOPES": "openid profile contribute-repos"}
        with (
            app_served(hub.env | CLIENT | space | scopes, tmp_path) as (address, log),
            open_page(browser, address, signer.url, *SPACE_HEADER, locale="ko-KR", theme="dark") as page,
        ):
            expect(page.locator("#push-who")).to_have_text(say("ko", "push_sign_in"))
            expect(page.locator("#push-form")).to_be_hidden()
            teach(page)
            shoot(page, "push-out-1400-dark-ko")
            page.locator("#sign-in").click()
            page.locator("#allow").click()
            expect(page.locator("#push-who")).to_have_text(say("ko", "push_as", name="bob"))
            expect(page.locator("#report-body .figure")).to_be_visible()  # what was taught came along
            expect(page.locator(".matrix")).to_contain_text("stripes")
            expect(page).not_to_have_url(re.compile("kept="))
            shoot(page, "push-in-1400-dark-ko")
            page.locator("#push").click()
            expect(page.locator("#push-done a")).to_have_text("bob/vgg11-bn-stripes-dots", timeout=UPLOAD)
            shoot(page, "push-done-1400-dark-ko")
            check_no_token(hub, page, log)
            page.locator("#sign-out").click()
            expect(page.locator("#push-who")).to_have_text(say("ko", "push_sign_in"))
            expect(page.locator("#report-body .figure")).to_be_visible()
        assert "contribute-repos" in signer.asked[0]["scope"]
        assert hub.repos["bob/vgg11-bn-stripes-dots"].private
        assert {entry.token for entry in hub.log} == {"visitor", None}  # never the Space's own
