"""Section 3 without a server: the stream of drawings, the outcome in the session, and what goes wrong."""

import re
import threading

import gradio as gr
import pytest

from tests.page_helpers import draw_photos, request, tiny_checkpoint
from tests.test_ui_line import until
from vgg_hub import bundled
from vgg_hub.finetune import Embedding, Step
from vgg_hub.ui import gpu_work
from vgg_hub.ui import training as module
from vgg_hub.ui.backbones import Backbones
from vgg_hub.ui.choice import Choice
from vgg_hub.ui.collected import gather
from vgg_hub.ui.curves import MAX_POINTS, curves_html
from vgg_hub.ui.gpu_work import Wishes
from vgg_hub.ui.line import Line
from vgg_hub.ui.lines import Lines
from vgg_hub.ui.progress import progress_html
from vgg_hub.ui.run import Run
from vgg_hub.ui.session import Session
from vgg_hub.ui.training import begin, explain, settle, stop, teach, train, watch


@pytest.fixture
def session(tmp_path, monkeypatch):
    root = tiny_checkpoint(tmp_path / "weights")
    monkeypatch.setattr(bundled, "_root", lambda: root)
    nets = Backbones()
    for used_in in (module, gpu_work):
        monkeypatch.setattr(used_in, "backbones", nets)
    session = Session()
    yield session
    session.close()


@pytest.fixture
def files(tmp_path):
    return [[str(path) for path in paths] for paths in draw_photos(tmp_path / "photos", count=4).values()]


def run(
    session,
    files,
    labels=("stripes", "dots"),
    net=(11, True, "bundled", "", "cpu"),
    language="en",
    how=("head", True, False),
):
    return train(session, *labels, *files, *net, *how, request(language))


def begun(session, files):
    """A run that is under way, and watched."""
    drawn = run(session, files)
    assert "Opening the net" in next(drawn)[0]
    next(drawn)
    return drawn


@pytest.fixture
def held(monkeypatch):
    """A fine-tuning that waits before its first event until it is told to go on."""
    go_on, original = threading.Event(), gpu_work.finetune

    def finetune(*args, **kwargs):
        go_on.wait(20)
        yield from original(*args, **kwargs)

    monkeypatch.setattr(gpu_work, "finetune", finetune)
    yield go_on
    go_on.set()


def test_a_run_is_drawn_and_kept(session, files, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_DRAWINGS", 0)
    drawn = list(run(session, files))
    texts = [progress for progress, _, _ in drawn]
    assert 'role="progressbar"' in texts[0]
    assert "Done in" in texts[-1]
    assert not any("Done in" in text for text in texts[:-1])
    curves = drawn[-1][1]
    assert curves.count("<svg viewBox") == 2
    assert session.report.labels == ["stripes", "dots"]
    assert session.tuned.config.label_names == ("stripes", "dots")
    assert [len(paths) for paths in session.photos.values()] == [4, 4]


def test_each_kind_of_event_is_put_in_words():
    events = [Embedding(3, 8, 0.2), *steps_of(4)[:2]]
    said = []
    for event in events:
        this = Run(None, None, None, None, 1)
        this.place, this.events = None, [event]
        said.append(re.sub("<[^>]+>", "", progress_html(this, "en")))
    assert said == [
        "Looking at the photos: 3 of 8, about 1 s left",
        "Learning: step 1, about 1 s left",
        "Learning: step 2, about 1 s left",
    ]
    this.events = []
    assert "Opening the net" in progress_html(this, "en")


def test_a_run_goes_on_when_nobody_watches_and_is_found_again(session, files, held):
    first = begun(session, files)
    first.close()  # the page is gone
    assert not session.run.over
    buttons = settle(session)
    assert (buttons[0]["interactive"], buttons[1]["interactive"]) == (False, True)
    again = watch(session, None, request("ko"))
    assert 'role="progressbar"' in next(again)[0]
    held.set()
    assert "만에 끝났습니다" in list(again)[-1][0]
    assert session.report.counts == {"stripes": 4, "dots": 4}
    assert len(list(watch(session, None, request()))) == 1  # over: said once
    (said,) = watch(Session(), "<p role='alert'>Class name 1 is empty.</p>", request())
    assert said[0] == gr.skip(), "pressed before the page was found: the refusal stays"
    buttons = settle(session)
    assert (buttons[0]["interactive"], buttons[1]["interactive"]) == (True, False)


def test_a_failed_run_is_said_in_place_when_it_is_found_again(session, files):
    with pytest.raises(gr.Error):
        list(run(session, [files[0], []]))
    [(said, _, _)] = watch(session, None, request())
    assert "Nothing was taught. Class &#x27;dots&#x27; has 0 photos that can be used" in said
    assert 'role="alert"' in said


def test_what_breaks_inside_is_no_traceback(session, files, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("secret")
        yield

    monkeypatch.setattr(gpu_work, "finetune", broken)
    with pytest.raises(ZeroDivisionError):
        list(run(session, files))
    for said in (explain(session, request())[0], list(watch(session, None, request()))[-1][0]):
        assert "Nothing was taught. Something broke on the server, which is not your fault; try again" in said
        assert "secret" not in said
    assert "A fine-tuning ended with an error of ours." in caplog.text


def test_those_who_wait_are_told_their_place(session, files, held, monkeypatch):
    line = Line(1, 2)
    monkeypatch.setattr(module, "lines", lambda: Lines(*[line] * 5))
    others, _watching = [Session(), Session()], []
    for number, other in enumerate(others, start=1):
        _watching.append(begun(other, files))
        until(lambda number=number: len(line._running) + len(line) == number)  # it has looked at its photos
    mine = begun(session, files)
    texts = [next(mine)[0]]
    while "Waiting: 1 before you" not in texts[-1]:
        texts.append(next(mine)[0])
        assert len(texts) < 50
    late = Session()
    with pytest.raises(gr.Error, match="2 people are waiting already, as many as this page can take; try again in a"):
        list(run(late, files))
    stop(session)
    with pytest.raises(gr.Error, match=r"It was stopped before its turn came\."):
        list(mine)
    held.set()
    for other in others:
        assert other.run.join(20)
        assert other.report.counts == {"stripes": 4, "dots": 4}
        other.close()


def test_a_run_that_takes_too_long_ends_with_the_best_so_far(session, files, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_DRAWINGS", 0)
    original = gpu_work.finetune

    def slow(*args, **kwargs):
        for event in original(*args, **kwargs):
            yield event
            if isinstance(event, Step):
                session.run._time_is_over()

    monkeypatch.setattr(gpu_work, "finetune", slow)
    last = list(run(session, files))[-1][0]
    assert "the longest that one run may take here; the best so far is kept" in last
    assert session.report.steps == 1


def test_what_was_tuned_shares_the_frozen_tensors(session, files):
    list(run(session, files))
    first = session.tuned.features[0].weight
    backbone = module.backbones.get(session.choice)
    assert first.data_ptr() == backbone.features[0].weight.data_ptr()
    assert backbone.config.label_names == ("line", "spot")


def test_an_error_is_a_sentence_escaped_for_the_page_and_kept(session, files):
    with pytest.raises(gr.Error, match=r"Class name 1, &#x27;&lt;b&gt;&#x27;, holds"):
        list(run(session, files, labels=("<b>", "dots")))
    buttons = settle(session)
    assert (buttons[0]["interactive"], buttons[1]["interactive"]) == (True, False)
    said, _ = explain(session, request())
    assert "Nothing was taught. Class name 1, &#x27;&lt;b&gt;&#x27;, holds" in said
    assert session.tuned is None
    list(run(session, files))
    assert session.problem == ""


def test_a_run_that_found_no_place_in_the_line_is_explained(session):
    session.problem = "of an earlier run"
    begin(session, request())
    assert "Nothing was taught. Too many people are waiting; try again" in explain(session, request())[0]


def test_errors_are_said_in_korean(session, files):
    with pytest.raises(gr.Error, match=r"두 번째 사물에 이름이 없습니다\. 사진 위에 이름을 적고"):
        list(run(session, files, labels=("stripes", ""), language="ko"))


@pytest.mark.parametrize(
    ("labels", "net", "sentence"),
    [
        (("a", "A"), (11, True, "bundled", "", "cpu"), "Two classes have the same name"),
        ((None, "b"), (11, True, "bundled", "", "cpu"), "The first thing has no name: type one above its photos"),
        (("a", "  "), (11, True, "bundled", "", "cpu"), "The second thing has no name: type one above its photos"),
        (("a", "b"), (12, True, "bundled", "", "cpu"), "depth is 12; expected 11, 13, 16 or 19"),
        (("a", "b"), (16, True, "bundled", "", "cpu"), "No trained vgg16-bn ships"),
        (("a", "b"), (11, True, "own", "", "cpu"), "No weights are named"),
        (("a", "b"), (11, True, "bundled", "", "tpu9"), "device is &#x27;tpu9&#x27;"),
    ],
)
def test_bad_input_is_one_sentence(session, files, labels, net, sentence):
    with pytest.raises(gr.Error, match=re.escape(sentence)):
        list(run(session, files, labels=labels, net=net))
    session.check_free()


def test_empty_cards(session, files):
    with pytest.raises(gr.Error, match=r"Class &#x27;dots&#x27; has 0 photos that can be used"):
        list(run(session, [files[0], None]))


def test_a_failed_run_leaves_the_earlier_model(session, files):
    list(run(session, files))
    kept = session.tuned
    with pytest.raises(gr.Error):
        list(run(session, files, labels=("", "")))
    assert session.tuned is kept


def test_a_second_run_is_refused_at_the_button_and_in_the_engine(session, files, held):
    first = begun(session, files)
    with pytest.raises(gr.Error, match="A fine-tuning of yours is under way"):
        list(run(session, files))
    with pytest.raises(gr.Error, match="A fine-tuning of yours is under way"):
        begin(session, request())
    held.set()
    list(first)
    buttons = begin(session, request())
    assert (buttons[0]["interactive"], buttons[1]["interactive"]) == (False, True)
    assert 'role="progressbar"' in buttons[2]


def test_that_it_is_stopping_is_said_until_it_has_stopped(session, files, held, monkeypatch):
    """Not once only, before the next sign of life says again what it does."""
    monkeypatch.setattr(module, "SECONDS_BETWEEN_DRAWINGS", 0)
    monkeypatch.setattr(module, "SECONDS_BETWEEN_SIGNS", 0.01)
    watching = begun(session, files)
    until(lambda: module.backbones._entries)  # its turn has come
    stop(session)
    assert ["Stopping" in next(watching)[0] for _ in range(3)] == [True] * 3
    assert "멈추는 중" in next(watch(session, None, request("ko")))[0]
    held.set()
    with pytest.raises(gr.Error, match="Stopped before the first step: there is nothing to keep"):
        list(watching)


def test_while_zips_are_unpacked_it_is_found_again_and_can_be_stopped(session, files, monkeypatch):
    seen = []

    def unpack(*given):
        seen.append((next(watch(session, None, request()))[0], settle(session)[1]["interactive"]))
        stop(session)
        return gather(*given)

    monkeypatch.setattr("vgg_hub.ui.session.gather", unpack)
    monkeypatch.setattr(module.backbones, "get", lambda choice: pytest.fail("the net is opened"))
    with pytest.raises(gr.Error, match=r"It was stopped before its turn came\."):
        list(run(session, files))
    [(said, can_stop)] = seen  # the other class is not unpacked any more
    assert "Opening the net" in said
    assert can_stop
    assert session.tuned is None


def test_stop_before_the_first_step(session, files, monkeypatch):
    original = gpu_work.finetune

    def stopped(*args, stop, **kwargs):
        module.stop(session)
        assert stop.is_set()
        return original(*args, stop=stop, **kwargs)

    monkeypatch.setattr(gpu_work, "finetune", stopped)
    with pytest.raises(gr.Error, match="Stopped before the first step: there is nothing to keep"):
        list(run(session, files))
    assert session.tuned is None


def test_stop_after_a_step_keeps_the_best_so_far(session, files, monkeypatch):
    original = gpu_work.finetune

    def stopped(*args, **kwargs):
        for event in original(*args, **kwargs):
            yield event
            if isinstance(event, Step):
                stop(session)

    monkeypatch.setattr(gpu_work, "finetune", stopped)
    last = list(run(session, files))[-1][0]
    assert "Stopped after" in last
    assert session.report.stopped
    assert session.report.steps == 1


def test_who_stops_listening_to_the_engine_itself_ends_the_run(session, files):
    events = teach(session, Choice(device="cpu"), ("stripes", "dots"), files, Wishes())
    next(events)
    events.close()
    assert session.run.join(20)
    session.check_free()


def steps_of(count: int) -> list[Step]:
    return [Step(i + 1, count, 1 / (i + 1), i / count, 2 / (i + 1), i / count / 2, 0.0) for i in range(count)]


def test_curves_say_their_last_values_and_stay_small():
    html = curves_html(steps_of(5000), "en")
    assert html.count("<figure>") == 2
    assert "Accuracy by step; now 100 % on photos it learns from and 50 % on photos it has not seen." in html
    assert html.count("L") < 2 * 2 * (MAX_POINTS + 4)
    assert "step 5000" in html
    assert "손실" in curves_html(steps_of(1), "ko")
    assert "The curves are drawn here" in curves_html([], "en")


def test_before_the_first_run_it_says_what_to_do(session):
    [(progress, curves, same)] = watch(session, None, request())
    assert "When both cards have photos, press “Teach it”." in progress
    assert "The curves are drawn here" in curves
    assert same is session
