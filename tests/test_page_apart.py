"""Over HTTP: nobody gets another visitor's files or session, by guessing, by listing, or by asking in another way."""

import itertools
import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.page_helpers import draw_photos, tiny_page

pytestmark = pytest.mark.slow

SEEDS = itertools.count(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def page(folder):
    with tiny_page(folder) as url:
        yield url


@pytest.fixture
def photos(tmp_path):
    """Photos that no visitor of another test has: two who have the same one share its upload."""
    return draw_photos(tmp_path, seed=next(SEEDS))


@pytest.fixture(scope="module")
def config(page):
    return json.loads(get(page, "/config")[1])


def get(page, path):
    """Status and body."""
    try:
        with urllib.request.urlopen(page + path, timeout=20) as reply:  # noqa: S310 (the page of this test)
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def file_of(page, path):
    return get(page, f"/gradio_api/file={quote(str(path))}")


def event(page, config, name, data, visitor):
    """Run an event of the page by its name; the values that it gives."""
    [number] = [each["id"] for each in config["dependencies"] if each["api_name"] == name][:1]
    body = json.dumps({"data": data, "fn_index": number, "session_hash": visitor}).encode()
    asked = urllib.request.Request(  # noqa: S310
        f"{page}/gradio_api/run/predict", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as reply:  # noqa: S310
        return json.load(reply)["data"]


def come(page, config, key, visitor):
    """The page is opened: the key that the browser keeps, and what the page says."""
    found, _, said = event(page, config, "come_back", [key, None], visitor)
    return found, said


@pytest.fixture
def ana(page, config, photos):
    """A visitor with a model: (key, the file of a photo that the page shows her, its folder)."""
    client = Client(page, verbose=False)
    key, _ = come(page, config, None, client.session_hash)
    files = [[handle_file(path) for path in paths] for paths in photos.values()]
    client.predict(*files, label_a="stripes", label_b="dots", device="cpu", api_name="/finetune")
    archive = client.predict(api_name="/download")
    assert Path(archive).is_file()
    [uploads] = {Path(value["path"]).parent for value in uploaded(page, photos["dots"][:1])}
    event(page, config, "draw", [None], client.session_hash)
    event(page, config, "restore", [None], client.session_hash)  # from here on Gradio has boxes of her own
    gallery, *_ = event(page, config, "look_a", [uploaded(page, photos["stripes"]), None, None], client.session_hash)
    path = Path(gallery["value"][0]["image"]["path"])
    yield key, path, next(p for p in path.parents if p.name.startswith("visitor-")), client.session_hash, uploads
    client.close()


def uploaded(page, paths):
    """Photos as a browser sends them, and then describes them."""
    described = []
    for path in paths:
        head = f'--line\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n\r\n'
        body = head.encode() + path.read_bytes() + b"\r\n--line--\r\n"
        asked = urllib.request.Request(  # noqa: S310
            f"{page}/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=line"}
        )
        with urllib.request.urlopen(asked, timeout=20) as reply:  # noqa: S310
            [where] = json.load(reply)
        described.append({"path": where, "orig_name": path.name, "meta": {"_type": "gradio.FileData"}})
    return described


def test_her_file_opens_for_its_whole_path_and_nothing_less(page, folder, ana):
    _, path, own, _, _ = ana
    status, body = file_of(page, path)
    assert (status, body[:3]) == (200, b"\xff\xd8\xff")
    token = own.name.removeprefix("visitor-")
    other = ("A" if token[0] != "A" else "B") + token[1:]
    inside = path.relative_to(own)
    refused = [
        own,
        own.parent,
        f"{own.parent}/visitor-",
        f"{own.parent}/visitor-{other}/{inside}",
        f"{own.parent}/*/{inside}",
        f"{own.parent}/./visitor-/../*/{inside}",
        inside,
        f"/{inside}",
        folder / "weights" / "vgg11-bn" / "config.json",
        f"{own}/../../weights/vgg11-bn/config.json",
        "/etc/passwd",
        "/proc/self/environ",
    ]
    for wrong in refused:
        status, body = file_of(page, wrong)
        assert status in (403, 404), wrong
        assert b"model_type" not in body, wrong
        assert b"\xff\xd8\xff" not in body, wrong
    for way in ("", "/gradio_api/file/", "/file=", "/gradio_api/file%3D"):
        assert token.encode() not in get(page, f"{way}{quote(str(own.parent))}")[1]


def test_nothing_that_strangers_may_read_names_her_folder(page, ana):
    token = ana[2].name.encode()
    for path in ("/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/theme.css", "/gradio_api/app_id"):
        assert token not in get(page, path)[1], path


def test_only_her_key_finds_her(page, config, ana):
    key = ana[0]
    for number, wrong in enumerate((None, "", key[:-1], key.swapcase(), [key], {"key": key}, "' or 1=1", "*")):
        found, said = come(page, config, wrong, f"ben{number}")
        assert said == ""
        assert found != key
        [name_a, *_] = event(page, config, "restore", [None], f"ben{number}")
        assert "stripes" not in json.dumps(name_a)
        report, _ = event(page, config, "show", [None], f"ben{number}")
        assert "Nothing taught yet" in report
    found, said = come(page, config, key, "ana's new tab")
    assert found == key
    assert "stripes / dots" in said
    report, _ = event(page, config, "show", [None], "ana's new tab")
    assert "stripes" in report


def test_a_stranger_can_stop_and_delete_only_their_own(page, config, ana):
    key, path, *_ = ana
    come(page, config, None, "ben")
    event(page, config, "stop", [None], "ben")
    event(page, config, "forget", [None], "ben")
    assert file_of(page, path)[0] == 200
    assert "stripes / dots" in come(page, config, key, "ana again")[1]


def test_delete_now_leaves_nothing_of_hers(page, config, folder, ana):
    key, path, own, visitor, upload = ana
    assert own.is_dir()
    event(page, config, "forget", [None], visitor)
    assert not own.exists()
    assert file_of(page, path)[0] == 403
    assert list(upload.glob("*")) == []
    assert [path for path in (folder / "uploads").glob("*") if path.is_file()] == [], (
        "nor are empty files left for each"
    )
    assert come(page, config, key, "later")[1] == ""
    client = Client(page, verbose=False)
    client.session_hash = visitor
    with pytest.raises(AppError, match="Nothing was taught yet"):
        client.predict(api_name="/download")
    client.close()


def test_uploads_are_refused_before_the_disk_is_full(page, photos, monkeypatch):
    monkeypatch.setattr("vgg_hub.ui.gate.has_room", lambda megabytes: megabytes < 500)
    with pytest.raises(urllib.error.HTTPError) as caught:
        uploaded(page, photos["dots"][:1])
    with caught.value as reply:
        assert reply.code == 507
        assert json.load(reply)["error"].startswith("The disk of this page is nearly full; try again later")
    monkeypatch.setattr("vgg_hub.ui.gate.has_room", lambda megabytes: megabytes == 500)
    assert len(uploaded(page, photos["dots"][:1])) == 1


def test_the_key_is_in_no_log(page, config, ana, capfd, caplog):
    key = ana[0]
    come(page, config, key, "logged")
    printed = capfd.readouterr()
    assert key not in printed.out + printed.err + caplog.text
    assert not re.search(r"visitor-[\w-]{43}", printed.out + printed.err + caplog.text)
