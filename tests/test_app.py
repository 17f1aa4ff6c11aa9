"""The served page, as programs use it: the named endpoints over HTTP."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.page_helpers import (
    ROOT,
    draw_photos,
    plain_photo,
    scores_in_fresh_process,
    text_file,
    tiny_page,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return draw_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with tiny_page(tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture(scope="module")
def connection(page):
    client = Client(page, verbose=False)
    yield client
    client.close()


@pytest.fixture
def client(connection):
    """A client in a session of its own."""
    connection.reset_session()
    return connection


def send(files):
    return [handle_file(path) for path in files]


def tune(client, photos, **other):
    given = {"label_a": "stripes", "label_b": "dots", "device": "cpu"} | other
    first, second = photos.values()
    return client.predict(send(first), send(second), **given, api_name="/finetune")


def test_the_app_imports_in_a_fresh_process_without_a_network():
    code = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise AssertionError('a connection was tried')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse\n"
        "import os, app\n"
        "print(type(app.demo).__name__, os.environ['GRADIO_ANALYTICS_ENABLED'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["CheckedBlocks", "False"]


def test_the_endpoints_and_their_defaults_are_those_promised(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert list(endpoints) == ["/finetune", "/classify", "/download"]
    parameters = {p["parameter_name"]: p for p in endpoints["/finetune"]["parameters"]}
    files = ["files_a", "files_b", "label_a", "label_b"]
    assert list(parameters) == [*files, "depth", "batch_norm", "weights", "trainable", "seed", "device", "unlike"]
    defaults = {name: p["parameter_default"] for name, p in parameters.items() if p["parameter_has_default"]}
    assert defaults == {
        "label_a": "a",
        "label_b": "b",
        "depth": 11,
        "batch_norm": True,
        "weights": "bundled",
        "trainable": "head",
        "seed": 0,
        "device": "auto",
        "unlike": True,
    }
    classify = {p["parameter_name"]: p["parameter_default"] for p in endpoints["/classify"]["parameters"]}
    assert classify == {"image": None, "top_k": 5}
    assert endpoints["/download"]["parameters"] == []


def test_finetune_classify_and_download_belong_together(client, photos, tmp_path):
    job = client.submit(
        *map(send, photos.values()), label_a="stripes", label_b="dots", device="cpu", api_name="/finetune"
    )
    report = job.result()
    stages = [value["stage"] for value in job.outputs()[:-1]]
    assert stages[0] == "photos"
    assert stages[-1] == "training"
    assert report["labels"] == ["stripes", "dots"]
    assert report["counts"] == {"stripes": 6, "dots": 6}
    assert report["validation"]["n"] == 12
    assert sum(map(sum, report["validation"]["confusion"])) == 12
    assert (report["base"], report["trainable"], report["seed"], report["warnings"]) == (
        "vgg11-bn",
        "head",
        0,
        report["warnings"],
    )
    assert report["seconds"] > 0

    everything = [path for paths in photos.values() for path in paths]
    answers = [client.predict(handle_file(path), 2, api_name="/classify") for path in everything]
    archive = client.predict(api_name="/download")
    assert archive.endswith("vgg-bn-stripes-dots.zip")
    with zipfile.ZipFile(archive) as file:
        assert sorted(file.namelist()) == [
            f"vgg-bn-stripes-dots/{name}" for name in ("README.md", "config.json", "model.safetensors")
        ]
        file.extractall(tmp_path)
    fresh = scores_in_fresh_process(tmp_path / "vgg-bn-stripes-dots", everything)
    for answer, scores in zip(answers, fresh, strict=True):
        assert answer["label"] == max(scores, key=scores.get)
        given = {row["label"]: row["confidence"] for row in answer["confidences"]}
        assert given == pytest.approx(scores, abs=1e-4)


def test_without_a_fine_tuning_the_shipped_net_answers(client, photos):
    answer = client.predict(handle_file(photos["dots"][0]), 1, api_name="/classify")
    assert answer["label"] in ("line", "spot")
    assert len(answer["confidences"]) == 1
    with pytest.raises(AppError, match="Nothing was taught yet; fine-tune first"):
        client.predict(api_name="/download")


def test_two_sessions_do_not_see_each_other(client, page, photos):
    tune(client, photos)
    other = Client(page, verbose=False)
    try:
        with pytest.raises(AppError, match="Nothing was taught yet"):
            other.predict(api_name="/download")
    finally:
        other.close()


def test_a_depth_may_come_as_text_and_a_zip_as_photos(client, photos, tmp_path):
    archive = tmp_path / "dots.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in photos["dots"]:
            file.write(path, path.name)
    report = tune(client, {"stripes": photos["stripes"], "dots": [archive]}, depth="11", seed=3)
    assert report["counts"] == {"stripes": 6, "dots": 6}
    assert report["seed"] == 3


BAD_NAMES = {
    "": r"Class name 2 is empty; give each class a name\.",
    "   ": r"Class name 2 is empty",
    "Stripes": r"Two classes have the same name, 'Stripes'; give each class its own name\.",
    "<script>alert(1)</script>": r"Class name 2, '<script>alert\(1\)</script>', holds '<'; leave out",
    "a\nb": r"Class name 2, 'a\\nb', holds '\\n'; leave out",
    "../dots": r"Class name 2, '\.\./dots', holds '/'; leave out",
    "d" * 300: r"Class name 2 has 300 characters; the limit is 100: shorten it\.",
}


@pytest.mark.parametrize("label", BAD_NAMES, ids=lambda label: repr(label[:12]))
def test_a_bad_name_is_refused_in_a_sentence(client, photos, label):
    with pytest.raises(AppError, match=BAD_NAMES[label]):
        tune(client, photos, label_b=label)


BAD_VALUES = {
    ("depth", 12): r"depth is 12; expected 11, 13, 16 or 19",
    ("depth", "deep"): r"depth is 'deep'; expected 11, 13, 16 or 19",
    ("weights", "no such place"): r"'no such place' is not a folder here, nor a checkpoint that ships",
    ("weights", ""): r"No weights are named; write a Hub repo",
    ("trainable", "toes"): r"trainable is 'toes'; expected head",
    ("device", "tpu9"): r"device is 'tpu9'",
    ("seed", -1): r"seed is '-1'; expected a whole number from 0",
}


@pytest.mark.parametrize("field", BAD_VALUES, ids=lambda field: f"{field[0]}={field[1]}")
def test_a_bad_value_is_refused_in_a_sentence(client, photos, field):
    name, value = field
    with pytest.raises(AppError, match=BAD_VALUES[field]):
        tune(client, photos, **{name: value})


def test_a_net_that_does_not_ship_is_refused_in_a_sentence(one_ships, client, photos):
    with pytest.raises(AppError, match=r"No trained vgg16-bn ships with this version \(there is vgg11-bn\)"):
        tune(client, photos, depth=16)


def test_an_empty_class_and_a_single_photo_are_refused(client, photos):
    with pytest.raises(AppError, match=r"Class 'dots' has 0 photos that can be used; give each class at least 2"):
        tune(client, {"stripes": photos["stripes"], "dots": []})
    with pytest.raises(AppError, match=r"Class 'dots' has 1 photo that can be used"):
        tune(client, {"stripes": photos["stripes"], "dots": photos["dots"][:1]})


def test_bad_files_are_named_and_the_rest_goes_on(client, photos, tmp_path):
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(photos["dots"][0].read_bytes()[:700])
    empty = tmp_path / "empty.png"
    empty.touch()
    nothing = tmp_path / "nothing.zip"
    zipfile.ZipFile(nothing, "w").close()
    bad = [text_file(tmp_path / "notes.jpg"), cut, empty, nothing]
    report = tune(client, {"stripes": [*photos["stripes"], *bad], "dots": photos["dots"]})
    assert report["counts"] == {"stripes": 6, "dots": 6}
    for sentence in (
        r"nothing\.zip",
        r"notes\.jpg is text, not a picture",
        r"cut\.jpg is damaged or cut short",
        r"empty\.png is empty \(0 bytes\)",
    ):
        assert any(re.match(sentence, warning) for warning in report["warnings"]), (sentence, report["warnings"])


def test_a_photo_in_both_classes_is_said_and_left_out(client, photos):
    report = tune(client, {"stripes": photos["stripes"], "dots": [*photos["dots"], photos["stripes"][0]]})
    assert report["counts"] == {"stripes": 5, "dots": 6}
    assert any("is in both stripes and dots" in warning for warning in report["warnings"])


def test_a_picture_that_cannot_be_read_is_named(client, tmp_path):
    bad = text_file(tmp_path / "<i>메모.jpg")
    with pytest.raises(AppError, match=r"메모\.jpg is text, not a picture"):
        client.predict(handle_file(bad), 5, api_name="/classify")
    with pytest.raises(AppError, match=r"top_k is 'many'; expected a whole number"):
        client.predict(handle_file(plain_photo(tmp_path / "red.png")), "many", api_name="/classify")


def test_a_hub_that_cannot_be_reached_is_said(client, photos, monkeypatch):
    with socket.socket() as taken:  # bound but not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(
            AppError, match=r"The Hub cannot be reached for someone/none|someone/none.*not on this machine"
        ):
            tune(client, photos, weights="someone/none")


def test_a_folder_of_another_model_is_refused(client, photos, tmp_path):
    other = tmp_path / "resnet"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({"architecture": "resnet18", "num_classes": 10}), encoding="utf-8")
    with pytest.raises(AppError, match=r"config\.json of resnet cannot be used.*resnet18.*expected a VGG"):
        tune(client, photos, weights=str(other))


def test_a_public_space_opens_no_folder(client, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(AppError, match=r"this public page opens no folders; write owner/name\."):
        tune(client, photos, weights=str(tmp_path))


def test_two_runs_at_once_are_one_too_many(client, photos, slow_embedding):
    waiting, go_on = slow_embedding
    arguments = [*map(send, photos.values())]
    first = client.submit(*arguments, label_a="stripes", label_b="dots", device="cpu", api_name="/finetune")
    assert waiting.wait(20)
    with pytest.raises(AppError, match=r"A fine-tuning of yours is under way; wait for it to end, or stop it"):
        tune(client, photos)
    go_on.set()
    assert first.result()["labels"] == ["stripes", "dots"]


MARK = {"meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize("more", [MARK, {}, {"meta": {}}, {"meta": {"_type": "x"}}, {"orig_name": "a.png"}], ids=str)
@pytest.mark.parametrize("endpoint", ["classify", "finetune"])
def test_a_path_or_an_address_reaches_no_file_but_uploads(page, tmp_path, endpoint, more):
    """As a hostile program sends it, for the client itself would mark it as a file."""
    secret = plain_photo(tmp_path / "secret.png")
    hidden = f"/../../../..{secret}"
    for path in (str(secret), hidden, "http://127.0.0.1:9/x.png", None, "", "a\0b"):
        described = {"path": path} | more
        photos = [described, described]
        data = (
            [described, 5]
            if endpoint == "classify"
            else [photos, photos, "a", "b", 11, True, "bundled", "head", 0, "cpu"]
        )
        said = call(page, endpoint, data)
        assert "event: error" in said
        assert "confidence" not in said
        assert "validation" not in json.loads(said.partition("data: ")[2])


def call(page, endpoint, data):
    """What a program without the client gets: the stream of events as text."""
    body = json.dumps({"data": data, "session_hash": "hostile"}).encode()
    asked = urllib.request.Request(  # noqa: S310 (the page of this test)
        f"{page}/gradio_api/call/{endpoint}", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as reply:  # noqa: S310
        event = json.load(reply)["event_id"]
    with urllib.request.urlopen(f"{page}/gradio_api/call/{endpoint}/{event}", timeout=20) as reply:  # noqa: S310
        return reply.read().decode()


def test_the_queue_gives_the_next_session_its_turn_after_an_error(client, photos):
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(AppError, match="depth is 12"):
            tune(client, photos, depth=12)
    assert tune(client, photos)["labels"] == ["stripes", "dots"]
    assert time.monotonic() - started < 30


def test_exif_orientation_counts_in_the_page_too(client, tmp_path):
    """The answer is that of the upright photo, read from the file itself and not from a copy that Gradio re-encodes."""
    upright = draw_photos(tmp_path, count=1)["stripes"][0]
    image = Image.open(upright).resize((120, 60))
    plain, turned = tmp_path / "plain.png", tmp_path / "turned.png"
    image.save(plain)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    answers = [client.predict(handle_file(path), 2, api_name="/classify") for path in (plain, turned)]
    assert answers[0] == answers[1]


def test_main_serves_where_it_is_told(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"TMPDIR": str(tmp_path), "GRADIO_ANALYTICS_ENABLED": "False"}
    environment.pop("GRADIO_TEMP_DIR", None)
    code = f"from vgg_hub.ui import main; main(port={port})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        client.close()
        assert list(tmp_path.glob("vgg-hub-*"))
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    assert list(tmp_path.glob("vgg-hub-*")) == []  # a service that is stopped leaves no photos behind
