"""The page in Korean, handler by handler: nowhere is a run of English words to be read, and errors are whole in Korean."""

from __future__ import annotations

import asyncio
import html
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from tests.page_helpers import draw_photos, request, text_file, tiny_checkpoint
from tests.toys import tiny_vgg
from vgg_hub import bundled
from vgg_hub.bundled import bundled_names
from vgg_hub.mend import Change
from vgg_hub.ui import classify, comeback, gpu_work, inside, lab, mend, net, photos, publish, report, share, training
from vgg_hub.ui.backbones import Backbones
from vgg_hub.ui.gate import Gate
from vgg_hub.ui.net_facts import FACTS_IN_KOREAN
from vgg_hub.ui.session import Session

KOREAN = request("ko")
SHIPPED = (11, True, "bundled", "", "cpu")
RUN = re.compile(r"\b(?:[A-Za-z][A-Za-z'’-]*[,;:.]? ){3,}[A-Za-z'’-]{2,}")
# What stays as it is: titles, names of data sets and files, lines of code and of the shell.
NAMES = (
    "drawn <b>shapes</b> (nobody, 2020)",
    "from vgg_hub import VGG, Classifier",
    "model = VGG.from_pretrained",
    "hf auth login",
)
NO_PICTURE = (
    "은(는) 읽을 수 있는 사진이 아닙니다(텍스트). JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP, GIF 가운데 하나를 넣으세요."
)


@pytest.fixture
def session(tmp_path, monkeypatch):
    root = tiny_checkpoint(tmp_path / "weights")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(bundled, "_root", lambda: root)
    nets = Backbones()
    for module in (classify, training, gpu_work, inside):
        monkeypatch.setattr(module, "backbones", nets)
    session = Session()
    yield session
    session.close()


def texts(value: object) -> Iterator[str]:
    """What of a handler's answer is to be read: text, names of images and buttons."""
    if isinstance(value, str):
        for name in re.findall(r'(?:alt|title|aria-label|placeholder)="([^"]*)"', value):
            yield html.unescape(name)
        yield re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " | ", value)))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner) if key != "__type__" else ()
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts(inner)


def english(*values: object) -> list[str]:
    """Runs of four English words or more."""
    found = []
    for text in texts(values):
        for name in NAMES:
            text = text.replace(name, "").replace(html.unescape(re.sub("<[^>]*>", " | ", name)), "")
        found += [run for run in RUN.findall(text) if len(re.findall(r"\b[a-z]+\b", run)) > 1]  # else names in a row
    return found


def photo(path: Path) -> dict[str, object]:
    return {"path": str(path), "orig_name": path.name}


def test_english_is_found_where_it_is():
    assert english('<p title="It was left out here">사진</p>')
    assert english({"label": ["사진 The photos did not come as a list."]})
    assert not english("notes.jpg은(는) 읽을 수 있는 사진이 아닙니다(텍스트). JPEG, PNG, WebP", "vgg11-bn (CC BY 4.0)")


def test_the_choice_of_a_net(session, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text('{"architecture": "resnet50"}')
    for choice in (
        SHIPPED,
        (16, False, "bundled", "", "cpu"),
        (11, True, "imagenet", "", "cpu"),
        (11, True, "random", "", "cpu"),
        (11, True, "own", "", "cpu"),
        (11, True, "own", "someone/net", "cpu"),
        (11, True, "own", str(tmp_path / "broken"), "cpu"),
        (11, True, "own", str(tmp_path / "photos"), "cpu"),
        (11, True, "own", "no such", "cpu"),
        (12, True, "bundled", "", "cpu"),
    ):
        assert english(net.describe(*choice, KOREAN)) == []
    assert english(photos.limits_said(KOREAN), comeback.greet(KOREAN)) == []


def test_what_is_left_out_of_a_card(session, tmp_path):
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/notes.txt", "hello")
        archive.writestr("a/inner.zip", "hello")
        archive.writestr("a/broken.png", b"\x89PNG\r\n\x1a\nno more")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(packed.read_bytes()[:40])
    files = [str(path) for path in (packed, cut, text_file(tmp_path / "notes.jpg"), text_file(tmp_path / "notes.md"))]
    _, said, _ = photos.look_a(files, None, session, KOREAN)
    assert english(said) == []
    assert re.findall("<li>(.*?)</li>", said) == [
        "all.zip의 inner.zip은(는) 폴더나 zip 안에 든 zip이라서 뺐습니다. 먼저 압축을 푸세요.",
        "all.zip의 notes.txt은(는) 이름이 사진 파일의 것이 아니라서 뺐습니다.",
        "cut.zip이(가) 손상되었거나 중간에 잘렸습니다. 다시 복사하거나 압축하세요.",
        "notes.md은(는) 사진이 아니라서(텍스트) 뺐습니다.",
        "broken.png이(가) 손상되었거나 중간에 잘렸습니다. 다시 복사하거나 내보내세요.",
        f"notes.jpg{NO_PICTURE}",
    ]


def test_from_the_samples_to_the_shared_model(session, tmp_path):
    name_a, files_a, name_b, files_b, _ = photos.draw(session)
    copy = str(photos.thumbnail(session, Path(files_a[0]), 96))  # of one photo in both
    seen = [photos.look_a([*files_a, copy], files_b, session, KOREAN), photos.look_b(files_b, files_b, session, KOREAN)]
    files = [*files_a, str(text_file(tmp_path / "notes.jpg")), copy], [*files_b, copy]
    seen += [
        training.begin(session, KOREAN)[:-1],
        *training.train(session, name_a, name_b, *files, *SHIPPED, "head", True, False, KOREAN),
    ]
    seen += [report.show(session, KOREAN), mend.show(session, KOREAN), training.watch(session, None, KOREAN)]
    assert english(*map(plain, seen)) == []
    shown = report.show(session, KOREAN)[0]
    assert "부류별로 고르게 나눈 5겹 교차 검증, 8번 되풀이해 평균" in shown
    assert "95 % 클로퍼-피어슨 구간" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert "notes.jpg은(는) 읽을 수 있는 사진이 아닙니다(텍스트)." in shown
    assert "에도 dots에도 있어서 학습과 정답률 계산에서 모두 뺐습니다." in shown

    answers = [
        classify.who_answers(session, KOREAN),
        classify.classify_one(photo(Path(files_b[0])), session, *SHIPPED, KOREAN),
    ]
    answers += list(classify.classify_many(list(files[0]), session, *SHIPPED, KOREAN))
    assert english(*map(plain, answers)) == []
    assert "읽을 수 있는 사진이 아닙니다(텍스트)" in answers[-1][1]
    assert "읽을 수 있는 사진이 아닙니다(텍스트)" in Path(answers[-1][2]["value"]).read_text("utf-8-sig")

    looks = [
        inside.redraw(1, None, None, None, stage, 0, session, None, *SHIPPED, KOREAN)
        for stage in ("conv1_1", "pool2", "fc6")
    ]
    looks += [inside.redraw(1, "new", photo(tmp_path / "notes.jpg"), None, None, 0, session, None, *SHIPPED, KOREAN)]
    looks += [
        inside.structure(1, session, *SHIPPED, KOREAN),
        share.offer(session, KOREAN),
        publish.suggest(session, KOREAN),
    ]
    assert english(*map(plain, looks)) == []

    session.mending.put(session.report.labels[0], 0, session.report.labels[1])
    seen = [
        mend.show(session, KOREAN),
        *training.train(session, "", "", None, None, *SHIPPED, "head", True, True, KOREAN),
        report.show(session, KOREAN),
    ]
    assert session.mending.lesson.changes == (Change(name_a, 0, name_b),)
    assert english(*map(plain, seen)) == []


def plain(answer: object) -> object:
    """A handler's answer without the session."""
    return [value for value in answer if not isinstance(value, Session)] if isinstance(answer, tuple) else answer


def test_the_comparison_of_nets(session, tmp_path, shipped):
    for name in ("vgg11-bn", "vgg13"):
        tiny_vgg(num_classes=2).save_pretrained(shipped / name)
    files = [[str(path) for path in paths] for paths in draw_photos(tmp_path / "photos", count=4).values()]
    seen = [*lab.watch(session, KOREAN), *lab.compare(session, "하나", "둘", *files, "cpu", KOREAN)]
    assert len(lab.nets()) == 2
    assert english(*map(plain, seen)) == []
    assert '<div class="conclusion"><p>' in seen[-1][1]


def provoked(handler, *arguments: object) -> str:
    """What a handler that fails says."""

    def call() -> None:
        answer = handler(*arguments)
        list(answer if isinstance(answer, Iterator) else ())

    with pytest.raises(gr.Error) as caught:
        call()
    return html.unescape(caught.value.message)


def test_errors_are_whole_in_korean(session, tmp_path):
    good = [[str(path) for path in paths] for paths in draw_photos(tmp_path / "good", count=3).values()]
    bad = text_file(tmp_path / "notes.jpg")
    empty = tmp_path / "empty.png"
    empty.touch()

    def teach(labels=("a", "b"), files=good, choice=SHIPPED) -> str:
        return provoked(training.train, session, *labels, *files, *choice, "head", True, False, KOREAN)

    def look(path: Path) -> str:
        return html.unescape(re.sub("<[^>]*>", "", classify.classify_one(photo(path), session, *SHIPPED, KOREAN)[1]))

    own = (11, True, "own")
    assert [
        teach(("a/b", "b")),
        teach(("a", "A")),
        teach(files=[[str(bad), good[0][0]], good[1]]),
        teach(choice=(16, True, "bundled", "", "cpu")),
        teach(choice=(*own, "", "cpu")),
        teach(choice=(*own, "no such net", "cpu")),
        teach(choice=(12, True, "bundled", "", "cpu")),
        teach(choice=(11, True, "bundled", "", "tpu9")),
        look(bad),
        look(empty),
        look(Path("/etc/hostname")),
        provoked(share.prepare, session, KOREAN),
        provoked(training.train, session, "", "", None, None, *SHIPPED, "head", True, True, KOREAN),
    ] == [
        "1번째 부류 이름 'a/b'에 '/'이(가) 들어 있습니다. 빗금, 꺾쇠, 제어 문자, 보이지 않는 문자는 빼세요.",
        "두 부류의 이름이 'A'(으)로 같습니다. 부류마다 다른 이름을 적으세요.",
        "부류 'a'에서 쓸 수 있는 것은 사진 1장입니다. 부류마다 적어도 2장, 되도록 열 장을 넣으세요. "
        f"notes.jpg{NO_PICTURE}",
        "이 버전에는 학습된 vgg16-bn이(가) 들어 있지 않습니다(들어 있는 것: vgg11-bn). 들어 있는 것을 고르거나 허브의 ImageNet "
        "가중치나 무작위 가중치를 고르세요.",
        "가중치의 이름이 없습니다. 허브 저장소(owner/name)나 폴더를 적거나 다른 시작 가중치를 고르세요.",
        "'no such net'은(는) 여기에 있는 폴더도, 기본 제공 체크포인트(vgg11-bn)도 아닙니다. 허브 저장소는 owner/name으로 "
        "적습니다.",
        "depth 값이 12입니다. 11, 13, 16, 19 가운데 하나이거나 layers에 직접 적은 목록이어야 합니다.",
        "장치가 'tpu9'입니다. auto, cpu, cuda, mps 가운데 하나여야 합니다.",
        f"notes.jpg{NO_PICTURE}",
        "empty.png이(가) 비어 있습니다(0바이트). 다시 복사하거나 내보내세요.",
        "사진이 없습니다. 이 페이지에 한 장 올리세요.",
        "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 모델을 내려받으세요.",
        "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 사진을 바꾸고 다시 가르치세요.",
    ]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("ko-KR,ko;q=0.9", "여기에 없는 주소입니다. 프로그램이 물을 수 있는 것은 docs/programs.md에 있습니다."),
        ("fr", "There is no such address here; docs/programs.md lists what programs may ask."),
    ],
)
def test_what_stands_before_the_server_answers_in_the_language_asked_for(language, sentence):
    sent = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/monitoring", "headers": [(b"accept-language", language.encode())]}
    asyncio.run(Gate(None)(scope, None, send))
    assert sent[0]["status"] == 404
    assert json.loads(sent[1]["body"].decode()) == {"error": sentence}
    assert sentence.encode() in sent[1]["body"], "Gradio shows the body as it comes"


def test_what_the_shipped_nets_record_is_known():
    """Names of data sets and of licences stay; what is said in words has its Korean."""
    folders = [bundled.bundled_folder(name) for name in bundled_names()]
    facts = [json.loads((folder / "config.json").read_text("utf-8"))["vgg_hub"]["provenance"] for folder in folders]
    words = {row["licence"] for fact in facts for row in fact["data"]}
    words |= {row[key] for fact in facts for row in fact["scores"] for key in ("dataset", "split")}
    names = {"CC BY 4.0", "CIFAR-10", "Caltech 101", "Tiny ImageNet"}
    assert facts
    assert words - names <= FACTS_IN_KOREAN.keys()
    assert (
        english(
            *(net.describe(depth, norm, "bundled", "", "cpu", KOREAN) for depth in (11, 16) for norm in (True, False))
        )
        == []
    )
