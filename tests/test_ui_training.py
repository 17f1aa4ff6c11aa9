"""Section 3 without a server: the stream of drawings, the outcome in the session, and what goes wrong."""

import re

import gradio as gr
import pytest

from tests.page_helpers import draw_photos, request, tiny_checkpoint
from vgg_hub import bundled
from vgg_hub.finetune import Step
from vgg_hub.ui import gpu_work
from vgg_hub.ui import training as module
from vgg_hub.ui.curves import MAX_POINTS, curves_html
from vgg_hub.ui.session import Backbones, Session
from vgg_hub.ui.training import begin, explain, invite, settle, stop, train


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


def test_a_run_is_drawn_and_kept(session, files, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_DRAWINGS", 0)
    drawn = list(run(session, files))
    texts = [progress for progress, _, _ in drawn]
    assert "Opening the net" in texts[0]
    assert any("Looking at the photos: 8 of 8" in text for text in texts)
    assert any(re.search(r"Learning: step \d+, about \d+ s left", text) for text in texts)
    assert "Done in" in texts[-1]
    curves = drawn[-1][1]
    assert curves.count("<svg viewBox") == 2
    assert session.report.labels == ["stripes", "dots"]
    assert session.tuned.config.label_names == ("stripes", "dots")
    assert [len(paths) for paths in session.photos.values()] == [4, 4]


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


def test_errors_in_korean_have_a_lead_in(session, files):
    with pytest.raises(gr.Error, match=r"부류 이름을 확인하세요\. Class name 2 is empty"):
        list(run(session, files, labels=("stripes", ""), language="ko"))


@pytest.mark.parametrize(
    ("labels", "net", "sentence"),
    [
        (("a", "A"), (11, True, "bundled", "", "cpu"), "Two classes have the same name"),
        ((None, "b"), (11, True, "bundled", "", "cpu"), "Class name 1 is empty"),
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


def test_a_second_run_is_refused_at_the_button_and_in_the_engine(session, files):
    first = run(session, files)
    next(first)
    for _ in first:
        with pytest.raises(gr.Error, match="A fine-tuning of yours is under way"):
            list(run(session, files))
        with pytest.raises(gr.Error, match="A fine-tuning of yours is under way"):
            begin(session, request())
        break
    first.close()
    buttons = begin(session, request())
    assert (buttons[0]["interactive"], buttons[1]["interactive"]) == (False, True)
    assert 'role="progressbar"' in buttons[2]


def test_stop_before_the_first_step(session, files, monkeypatch):
    original = gpu_work.finetune

    def stopped(*args, stop, **kwargs):
        module.stop(session, request())
        assert stop.is_set()
        return original(*args, stop=stop, **kwargs)

    monkeypatch.setattr(gpu_work, "finetune", stopped)
    with pytest.raises(gr.Error, match="Stopped before the first step: there is nothing to keep"):
        list(run(session, files))
    assert session.tuned is None


def test_stop_after_a_step_keeps_the_best_so_far(session, files, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_DRAWINGS", 0)
    last = ""
    for progress, _, _ in run(session, files):
        if "Learning: step 1," in progress:
            assert "Stopping" in stop(session, request())
        last = progress
    assert "Stopped after" in last
    assert session.report.stopped
    assert session.report.steps == 1


def test_closing_the_page_frees_the_place(session, files):
    events = run(session, files)
    next(events)
    next(events, None)
    events.close()
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


def test_before_the_first_run_it_says_what_to_do():
    progress, curves = invite(request())
    assert "When both cards have photos, press “Teach it”." in progress
    assert "The curves are drawn here" in curves
