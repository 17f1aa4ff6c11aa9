"""The page's look: a theme and a small style sheet. Every colour is a variable with a light and a dark value."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gradio as gr

__all__ = ["CSS", "HEAD", "THEME", "bar", "note", "problem"]

FONTS = (
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Apple SD Gothic Neo",
    "Noto Sans CJK KR",
    "sans-serif",
)
TEAL = gr.themes.Color(
    c50="#eefbf8",
    c100="#d3f4ec",
    c200="#a9e7da",
    c300="#71d2c2",
    c400="#3bb5a6",
    c500="#1f9a8d",
    c600="#0f766e",
    c700="#0c5f59",
    c800="#0d4c48",
    c900="#0c3f3c",
    c950="#042524",
    name="teal",
)

# Fonts by name, none fetched: the page must look the same without the internet.
THEME = gr.themes.Base(
    primary_hue=TEAL,
    secondary_hue=TEAL,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_lg,
    font=FONTS,
    font_mono=("ui-monospace", "Consolas", "monospace"),
).set(
    body_background_fill="*neutral_100",
    body_background_fill_dark="*neutral_950",
    body_text_color="*neutral_800",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_background_fill="white",
    block_background_fill_dark="*neutral_900",
    block_border_width="1px",
    block_border_color="*neutral_200",
    block_border_color_dark="*neutral_700",
    block_shadow="none",
    block_label_text_color="*neutral_600",
    block_label_text_color_dark="*neutral_300",
    block_title_text_color="*neutral_800",
    block_title_text_color_dark="*neutral_100",
    block_title_text_weight="600",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    input_background_fill="*neutral_50",
    input_background_fill_dark="*neutral_800",
    input_border_color="*neutral_300",
    input_border_color_dark="*neutral_600",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover_dark="*primary_700",
    button_primary_text_color="white",
    checkbox_label_background_fill_selected="*primary_600",
    checkbox_label_background_fill_selected_dark="*primary_600",
    checkbox_label_text_color_selected="white",
    checkbox_background_color_selected="*primary_600",
    checkbox_background_color_selected_dark="*primary_500",
    checkbox_border_color_selected="*primary_600",
)

CSS = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
HEAD = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def note(text: str, kind: str = "hint") -> str:
    """A line of text as HTML, escaped; `kind` is "hint", "good" or "problem"."""
    return f'<p class="note {kind}">{escape(text)}</p>'


def problem(text: str) -> str:
    """Why something failed, as HTML, escaped; a screen reader says it at once."""
    return f'<p class="note problem" role="alert">{escape(text)}</p>'


def bar(text: str, share: float | None) -> str:
    """A progress bar with its line of text, as HTML; with no share known it moves without a measure."""
    value = "" if share is None else f' aria-valuenow="{100 * share:.0f}"'
    width = 30 if share is None else 100 * share
    return (
        f'<div class="bar{" unknown" if share is None else ""}" role="progressbar" aria-label="{escape(text)}" '
        f'aria-valuemin="0" aria-valuemax="100"{value}><i style="width:{width:.1f}%"></i></div>'
        f'<p class="bar-text">{escape(text)}</p>'
    )
