"""Every event and address that the server has, as a hostile program calls them: private ones too, by number and by name."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.page_helpers import plain_photo, served, tiny_page

pytestmark = pytest.mark.slow

HIDDEN = "marked as secret"
MARK = {"meta": {"_type": "gradio.FileData"}}
ADDRESS = "http://pictures.example.org/cat.png"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "secret.txt").write_text(HIDDEN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(scratch):
    with tiny_page(scratch) as url:
        yield url


@pytest.fixture(scope="module")
def events(page):
    """(number, name, visibility, components) of each event that runs something here."""
    config = json.loads(ask(page, "/config")[1])
    components = {component["id"]: component for component in config["components"]}
    return [
        (event["id"], event["api_name"], event["api_visibility"], [components[i] for i in event["inputs"]])
        for event in config["dependencies"]
        if event["backend_fn"]
    ]


@pytest.fixture
def asked_for(monkeypatch):
    """Names of other hosts that were looked up or connected to."""
    names = []
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host, *args, **kwargs):
        if host not in ("127.0.0.1", "localhost", b"127.0.0.1"):
            names.append(host)
            raise socket.gaierror("no network in this test")
        return look_up(host, *args, **kwargs)

    def noted(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            names.append(address)
            raise OSError("no network in this test")
        return connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", noted)
    return names


def ask(page, path, body=None, headers=None, method=None):
    """Status and text of a reply; a body that is not bytes goes as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | (headers or {})
    request = urllib.request.Request(page + path, data, headers, method=method)  # noqa: S310 (the page of this test)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310
            return reply.status, reply.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


def hostile_values(scratch):
    secret = str(scratch / "secret.txt")
    files = [
        secret,
        f"{scratch}/uploads/../secret.txt",
        "/etc/passwd",
        "/proc/self/environ",
        "a\0b",
        "\ud800",
        "x" * 5000,
    ]
    for path in (*files, ADDRESS, "https://127.0.0.1:9/x", "HTTP://[::1]/", "file:///etc/passwd", "//example.org/x"):
        yield {"path": path, "url": ADDRESS, "orig_name": "a.png"} | MARK
    yield from ({"path": secret}, {"path": ADDRESS}, [{"path": secret} | MARK] * 2, [{"path": ADDRESS} | MARK])
    yield {"value": {"path": ADDRESS} | MARK}
    yield {"path": None, "url": ADDRESS} | MARK
    yield {"path": [ADDRESS], "url": "data:image/png;base64,AAAA"} | MARK
    yield {"__type__": "update", "value": secret}
    yield from (True, -1, 0.5, 10**30, float("nan"), float("inf"), "", " ", "x" * 100_000, "\0", "\ud800", "~nobody/x")
    yield from ("../../etc/passwd", secret, "=1+1", "<img src=x onerror=alert(1)>", "{0.__class__}", "%s%n", "None")
    yield from ([], {}, [[]], [None], ["x"] * 1000, {"a": {"b": [1]}})
    deep = "x"
    for _ in range(500):
        deep = [deep]
    yield deep


def is_one_sentence(said, scratch):
    """What a person may be shown: no error of Python's, no place of the server's but what they sent."""
    wrong = (
        "\n",
        "Traceback",
        "Error:",
        "pydantic",
        "gradio.",
        "cache",
        "site-packages",
        ".py",
        HIDDEN,
        "noted; try again",
    )
    return 10 < len(said) < 600 and said[-1] in ".!" and not any(word in said for word in wrong)


def test_no_event_takes_what_is_not_meant_for_it(page, events, scratch, asked_for):
    """Each input of each event, one hostile value at a time, the others as the page has them."""
    assert {name for _, name, visibility, _ in events if visibility == "public"} == {"finetune", "classify", "download"}
    values = [*hostile_values(scratch)]
    tried, seen = 0, set()
    for number, name, _, components in events:
        handler = (re.sub(r"_\d+$", "", name), *(component["id"] for component in components))
        if handler in seen:  # the same function, set off by something else
            continue
        seen.add(handler)
        normal = [component["props"].get("value") for component in components]
        for place, component in enumerate(components):
            if component["type"] == "state":  # the server's own; what is sent for it counts for nothing
                continue
            for value in values:
                data = [*normal[:place], value, *normal[place + 1 :]]
                status, text = ask(
                    page, "/gradio_api/run/predict", {"data": data, "fn_index": number, "session_hash": "h"}
                )
                tried += 1
                assert HIDDEN not in text
                assert "root:" not in text
                if status != 200:
                    said = json.loads(text)["error"]
                    assert status == 500, (name, value, text)
                    assert is_one_sentence(said, scratch), (name, place, repr(value)[:80], said)
    assert tried > 2000
    assert asked_for == []


@pytest.mark.parametrize("data", [[], [1], None, {"a": 1}, "text", [None] * 100, [[]]], ids=str)
def test_no_event_fails_for_the_number_of_its_values(page, events, scratch, data):
    for number, name, _, _ in events:
        body = {"data": data, "fn_index": number, "session_hash": "h"}
        status, text = ask(page, "/gradio_api/run/predict", body)
        assert status in (200, 422, 500)
        assert "Traceback" not in text
        if status == 500:
            assert is_one_sentence(json.loads(text)["error"], scratch), (name, text)


def test_by_name_and_through_the_queue_it_is_the_same(page, events, scratch, asked_for):
    for _, name, _, components in events:
        places = [place for place, component in enumerate(components) if component["type"] != "state"]
        for place, path in zip(places, (ADDRESS, str(scratch / "secret.txt")), strict=False):
            data = [None] * len(components)
            data[place] = {"path": path} | MARK
            status, text = ask(page, f"/gradio_api/call/{name}", {"data": data, "session_hash": "q"})
            assert status == 200, text
            status, text = ask(page, f"/gradio_api/call/{name}/{json.loads(text)['event_id']}")
            assert (status, "event: error" in text) == (200, True), text
            assert json.loads(text.rpartition("data: ")[2])["error"] == (
                "Only files that were uploaded to this page are opened, no web addresses and no other files; upload it."
            )
    assert asked_for == []


@pytest.mark.parametrize(
    "path",
    [
        f"/gradio_api/file={ADDRESS}",
        f"/file={ADDRESS}",
        f"/gradio_api/file/{ADDRESS}",
        "/gradio_api/file=HTTPS://example.org/",
        "/gradio_api/file=%68ttp://example.org/x",
        "/gradio_api/file=%20http://example.org/x",
        "/gradio_api//file=http://example.org/x",
        "/gradio_api/file=ftp://example.org/x",
        f"/gradio_api/proxy={ADDRESS}",
        "/gradio_api/proxy=https://a-b.hf.space/x",
    ],
)
def test_no_web_address_is_fetched_for_a_stranger(page, path, asked_for):
    status, text = ask(page, path)
    assert status in (403, 404), text
    assert "addresses are not opened here" in text or "Not Found" in text
    assert asked_for == []


@pytest.mark.parametrize(
    "path",
    [
        "{secret}",
        "{scratch}/uploads/../secret.txt",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "../../../etc/passwd",
        "{root}/pyproject.toml",
    ],
)
def test_no_file_of_the_server_is_served(page, scratch, path):
    place = path.format(secret=scratch / "secret.txt", scratch=scratch, root=Path(__file__).parents[1])
    for route in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/gradio_api/stream/"):
        status, text = ask(page, route + place)
        assert status in (403, 404, 405), (route, text)
        assert not any(mark in text for mark in (HIDDEN, "root:", "setuptools"))


@pytest.mark.parametrize(
    "path",
    ["process_recording", "component_server", "vibe-edit", "vibe-code", "deep_link?session_hash=h", "dev/reload", "runs",
     "run-history/buckets", "monitoring/summary", "stream/h/1/2/playlist.m3u8"],
)  # fmt: skip
def test_what_the_page_does_not_use_is_not_there(page, path):
    for method in ("GET", "POST"):
        status, text = ask(page, f"/gradio_api/{path}", None if method == "GET" else b"{}", method=method)
        assert status == 404
        assert json.loads(text)["error"].startswith("There is no such address here")


BODIES = {
    "not JSON": b"data=1",
    "cut short": b'{"data": [',
    "no UTF-8": b'{"data": ["\xff\xfe"]}',
    "nested without end": b'{"data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a number of a hundred thousand digits": b'{"data": [' + b"9" * 100_000 + b"]}",
    "a list where an object must be": b"[1, 2]",
    "nothing": b"",
    "no number": b'{"data": [NaN, Infinity, -Infinity]}',
    "a hash that is an object": b'{"data": [], "session_hash": {"a": 1}}',
    "an event that there is not": b'{"data": [], "fn_index": 99999, "session_hash": "h"}',
    "an event below zero": b'{"data": [], "fn_index": -1, "session_hash": "h"}',
    "a trigger that there is not": b'{"data": [], "fn_index": 0, "trigger_id": 99999, "session_hash": "h"}',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    "path",
    [
        "run/predict",
        "run/classify",
        "api/nobody",
        "call/classify",
        "call/v2/classify",
        "call/v2/nobody",
        "queue/join",
        "cancel",
        "reset",
    ],
)
def test_no_body_makes_it_stumble(page, path, body):
    status, text = ask(page, f"/gradio_api/{path}", body)
    assert status < 500 or "error" in json.loads(text)
    assert not any(mark in text for mark in ("Traceback", "site-packages", 'File "', "Internal Server Error")), text[
        :300
    ]
    assert len(text) < 2_000


def start_of_request(page, header, *pieces):
    """What is answered to the beginning of a request whose body may have no end."""
    host, port = page.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(
            f"POST /gradio_api/queue/join HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{header}\r\n\r\n".encode()
        )
        with contextlib.suppress(ConnectionError):  # it does not listen any more: good
            for piece in pieces:
                line.sendall(piece)
        reply = line.recv(2000)
        with contextlib.suppress(
            OSError
        ):  # the head may come before the rest; it may stay open for more of the request
            line.settimeout(5)
            while more := line.recv(2000):
                reply += more
        return reply.decode()


def test_a_body_that_is_too_large_is_not_read(page):
    reply = start_of_request(page, "Content-Length: 900000000")
    assert reply.startswith("HTTP/1.1 413 ")
    assert "The request has over 8 MB; upload files with /gradio_api/upload." in reply


def test_a_body_that_hides_its_length_ends_at_the_same_bound(page):
    piece = b"%x\r\n%s\r\n" % (100_000, b"[" * 100_000)
    reply = start_of_request(page, "Transfer-Encoding: chunked", *[piece] * 81)  # and no end
    assert reply.startswith("HTTP/1.1 400 ")


def test_a_failure_of_ours_is_said_without_its_inside(page, scratch, monkeypatch, caplog):
    def fail(*_):
        raise KeyError("the inside of the server")

    monkeypatch.setattr("vgg_hub.ui.api.make_zip", fail)
    status, text = ask(page, "/gradio_api/run/download", {"data": [None], "session_hash": "h"})
    assert status == 500
    assert json.loads(text)["error"].startswith("Something failed here that should not have, and it was noted")
    assert "the inside of the server" in caplog.text, "whoever runs the page can read it"


def test_an_upload_stays_in_its_folder_whatever_it_is_called(page, scratch):
    picture = plain_photo(scratch / "red.png").read_bytes()
    for name in (
        "../../evil.png",
        "/etc/cron.d/x",
        "a\\..\\b.png",
        "..",
        "nul",
        "<img src=x>.png",
        "x" * 400 + ".png",
        "%2e%2e%2fy",
        "=1.png",
    ):
        body = (
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode() + b'"\r\n'
            b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n--b--\r\n"
        )
        status, text = ask(page, "/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=b"})
        assert status in (200, 400), (name, status, text)
        if status == 200:
            (path,) = json.loads(text)
            assert Path(path).resolve().is_relative_to(scratch / "uploads"), name
            assert Path(path).read_bytes() == picture
    assert {path.name for path in scratch.iterdir()} == {"red.png", "secret.txt", "uploads", "weights"}


@pytest.mark.parametrize("header", [{"x-forwarded-for": "203.0.113.9"}, {"host": "pages.example.org"}], ids=str)
def test_only_a_visitor_at_home_names_folders(page, events, scratch, header):
    """From elsewhere a folder's name is refused unseen: whether it is there is nobody's business."""
    there, gone = str(scratch / "weights" / "vgg11-bn"), str(scratch / "no such folder")
    data = [None, None, None, "a", "b", 11, True, "", "head", 0, "cpu", True]
    for weights, at_home in ((there, "has 0 photos"), (gone, "is not a folder here")):
        data[7] = weights
        body = {"data": data, "session_hash": "f"}
        assert at_home in json.loads(ask(page, "/gradio_api/run/finetune", body)[1])["error"]
        said = json.loads(ask(page, "/gradio_api/run/finetune", body, header)[1])["error"]
        assert said == f"{weights!r} is not a Hub repo, and this public page opens no folders; write owner/name."
    described = next(event for event in events if event[1] == "describe")
    body = {"data": [11, True, "own", there, "auto"], "fn_index": described[0], "session_hash": "f"}
    assert "read from the folder" in ask(page, "/gradio_api/run/predict", body)[1]
    assert "opens no folders" in ask(page, "/gradio_api/run/predict", body, header)[1]


def test_no_variable_makes_it_an_mcp_server(scratch, monkeypatch, capsys):
    monkeypatch.setenv("GRADIO_MCP_SERVER", "True")
    with served() as url:
        status, _ = ask(url, "/gradio_api/mcp/", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert status in (404, 405)
        assert json.loads(ask(url, "/config")[1])["mcp_server"] is False
    assert "mcp" not in capsys.readouterr().out.lower()
