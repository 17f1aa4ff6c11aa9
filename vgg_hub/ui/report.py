"""Section 4: what the fine-tuning is worth, in words, as a table and in the photos it got wrong."""

from __future__ import annotations

from html import escape

import gradio as gr

from ..card import accuracy_sentence
from ..report import Abstention, Report, Validation
from .amounts import seconds_in_words
from .look import note
from .mend import PRESSES, effect_html
from .messages import LANGUAGES, language_of, say
from .notes import say_note
from .session import Session
from .words import WORDS, word

__all__ = ["build", "report_html", "show"]


def build() -> gr.HTML:
    """Lay the section out."""
    gr.Markdown(word("report"), elem_classes="heading")
    return gr.HTML(js_on_load=PRESSES, elem_id="report-body")


def show(session: Session, request: gr.Request) -> tuple[str, Session]:
    """The report of the visitor's last fine-tuning: HTML, and the session."""
    language = language_of(request)
    if session.report is None:
        return note(say(language, "report_empty")), session
    html = report_html(session.report, language, effect_html(session, language))
    return html.replace(" %", "\N{NO-BREAK SPACE}%"), session  # a percent sign never begins a line


def report_html(report: Report, language: str, effect: str = "") -> str:
    """The figures of a report; every name in it is escaped. `effect`: HTML of what changes to the photos did."""
    validation = report.validation
    judged = (report.scenes or report.counts).values()
    chance = max(judged) / sum(judged)
    # What `effect` tells in full need not stand among the warnings again.
    warnings = [text for text in report.warnings if not (effect and getattr(text, "key", "") == "mend_mended")]
    return (
        f'<div class="verdict"><p class="figure">{100 * validation.accuracy:.0f}<small> %</small></p>'
        f"<div><p>{escape(_sentence(validation, language))}</p>{_interval(validation, chance, language)}"
        f"{_limit(report, language)}</div></div>"
        f"{effect}{_notes(warnings, language)}{_matrix(report, language)}{_how(report, language)}"
    )


def _sentence(validation: Validation, language: str) -> str:
    if language == "en":
        return accuracy_sentence(validation.accuracy, validation.low, validation.high, validation.n)
    return say(
        language,
        "report_accuracy",
        right=f"{validation.accuracy * validation.n:.0f}",
        n=validation.n,
        percent=f"{100 * validation.accuracy:.0f}",
        low=f"{100 * validation.low:.0f}",
        high=f"{100 * validation.high:.0f}",
    )


def _limit(report: Report, language: str) -> str:
    """Whether the photos or the net limit it."""
    if report.verdict is None:
        return ""
    return f"<p>{escape(say(language, f'verdict_{report.verdict.key}', **report.verdict.numbers()))}</p>"


def _interval(validation: Validation, chance: float, language: str) -> str:
    """A scale from 0 to 100 % with the interval as a band, the estimate as a dot and guessing as a tick."""
    low, high, here, guess = (100 * v for v in (validation.low, validation.high, validation.accuracy, chance))
    alt = say(
        language,
        "report_interval_alt",
        percent=f"{here:.0f}",
        low=f"{low:.0f}",
        high=f"{high:.0f}",
        chance=f"{guess:.0f}",
    )
    label = say(language, "report_guessing", percent=f"{guess:.0f}")
    return (
        f'<div class="interval" role="img" aria-label="{escape(alt)}"><i class="track"></i>'
        f'<i class="band" style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<i class="guess" style="left:{guess:.1f}%"></i><i class="dot" style="left:{here:.1f}%"></i>'
        f'<span style="left:0">0</span><span class="middle" style="left:{guess:.1f}%">{escape(label)}</span>'
        f'<span class="end" style="left:100%">100 %</span></div>'
    )


def _notes(warnings: list[str], language: str) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(say_note(language, text))}</li>" for text in warnings[:50])
    return f'<div class="warnings"><b>{escape(say(language, "report_notes"))}</b><ul>{items}</ul></div>'


def _matrix(report: Report, language: str) -> str:
    """Rows are the truth, columns the answers; right cells carry a tick, wrong ones a cross, both a shade by share."""
    labels = [f'<span class="label">{escape(label)}</span>' for label in report.labels]
    head = "".join(f'<th scope="col">{label}</th>' for label in labels)
    rows = ""
    for truth, (label, counts) in enumerate(zip(labels, report.validation.confusion, strict=True)):
        cells = ""
        for answer, count in enumerate(counts):
            alt = say(
                language, "report_matrix_cell", count=count, truth=report.labels[truth], answer=report.labels[answer]
            )
            kind, mark = ("right", "✓") if truth == answer else ("wrong", "✗")
            share = count / max(sum(counts), 1)
            inside = f'<span aria-label="{escape(alt)}" role="img">{count}</span>'
            if count:
                show = escape(say(language, "report_matrix_show", said=alt))
                inside = f'<button type="button" data-do="cell" data-truth="{truth}" data-answer="{answer}" '
                inside += f'aria-label="{show}">{count}<span aria-hidden="true">{mark}</span></button>'
            cells += f'<td class="{kind}" style="--share:{share:.2f}">{inside}</td>'
        rows += f'<tr><th scope="row">{label}</th>{cells}</tr>'
    return (
        f'<div class="matrix"><table><caption>{escape(say(language, "report_matrix"))}</caption>'
        f'<thead><tr><th class="corner">{escape(say(language, "report_matrix_rows"))}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _abstention(unlike: Abstention, language: str) -> str:
    shares = {"own": unlike.classes, "low": unlike.low, "high": unlike.high, "others": unlike.others}
    return say(language, "report_unlike_rates", **{key: f"{100 * share:.0f}" for key, share in shares.items()})


def _how(report: Report, language: str) -> str:
    counts = ", ".join(f"{label}: {count}" for label, count in report.counts.items())
    trained = say(language, "report_head") if report.trainable == "head" else report.trainable
    if language == "ko" and (part := WORDS.get(f"trainable_{report.trainable}")):
        trained = part[LANGUAGES.index(language)]
    facts = {
        "report_counts": counts,
        "report_method": say_note(language, report.validation.method),
        "report_seconds": seconds_in_words(language, report.seconds),
        "report_base": say_note(language, report.base),
        "report_trained": trained,
        "report_seed": report.seed,
    }
    if report.unlike:
        facts["report_unlike"] = _abstention(report.unlike, language)
    rows = "".join(
        f"<dt>{escape(say(language, key))}</dt><dd>{escape(str(value))}</dd>" for key, value in facts.items()
    )
    return f"<details><summary>{escape(say(language, 'report_how'))}</summary><dl>{rows}</dl></details>"
