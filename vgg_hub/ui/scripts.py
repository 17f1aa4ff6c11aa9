"""The little that the page does in the browser itself."""

from __future__ import annotations

__all__ = ["CLICK_ZIP", "FIND_KEY", "FORGET_KEY", "GO", "KEEP_KEY", "NEXT_SNAP", "SCROLL"]

SCROLL = """() => document.getElementById('{}')?.scrollIntoView({{
    behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'
}})"""
CLICK_ZIP = "() => setTimeout(() => document.querySelector('#zip-file a[download]')?.click(), 300)"
# The webcam goes off with each photo; this puts it on again, so that the next one takes one click.
NEXT_SNAP = """() => setTimeout(() => [...document.querySelectorAll('#{} button')]
    .find((button) => !button.ariaLabel && button.innerText.trim())?.click(), 100)"""
# To the Hub's sign-in or out of it, and back.
GO = "() => location.assign('/{route}?_target_url=' + encodeURIComponent('/' + location.search))"

# The visitor's key outlives a closed tab, so it is kept for the whole browser (a tab's own store would not do), and for
# this page's origin alone. Some browsers keep nothing, and say so with an error: then a run is lost with its page.
_NAME = "vgg-hub-visitor"
FIND_KEY = f"""(key, session) => {{
    try {{ return [localStorage.getItem('{_NAME}'), session] }} catch {{ return [null, session] }}
}}"""
KEEP_KEY = f"(key) => {{ try {{ localStorage.setItem('{_NAME}', key) }} catch {{}} }}"
FORGET_KEY = f"() => {{ try {{ localStorage.removeItem('{_NAME}') }} catch {{}} location.reload() }}"
