"""What the page does in the browser for those who hear it or use no mouse, where Gradio 6.31 leaves gaps."""

from __future__ import annotations

from .words import WORDS

__all__ = ["ACCESS"]

SECONDS_BETWEEN = 4  # progress is drawn several times a second, and nobody could listen to that

# The page's title and language are of the browser too: the two words that Gradio does not translate.
ACCESS = f"""() => {{
    const korean = navigator.language.startsWith('ko');
    if (korean) {{
        document.title = '{WORDS["title"][1]}';
        document.documentElement.lang = 'ko';
    }}

    // One place that says what happens, whichever part of the page draws it.
    const status = document.createElement('div');
    status.id = 'status';
    status.className = 'heard-only';
    status.setAttribute('role', 'status');
    (document.querySelector('.gradio-container') || document.body).append(status);
    const last = {{}};
    let when = 0;
    const announce = () => {{
        for (const place of ['#progress', '#compare-progress', '#push-progress']) {{
            const bar = document.querySelector(place + ' .bar-text'), note = document.querySelector(place + ' .note.good');
            const text = (bar || note)?.innerText || '';
            if (!text || text === last[place] || (bar && Date.now() - when < {1000 * SECONDS_BETWEEN})) continue;
            [last[place], when] = [text, Date.now()];
            status.textContent = text;
        }}
    }};
    for (const id of ['note-a', 'note-b', 'time-taken', 'many-said', 'share-said', 'changes'])
        document.getElementById(id)?.setAttribute('aria-live', 'polite');

    const words = korean
        ? {{more: '파일 더 넣기', first: '파일을 고르거나 끌어다 놓으세요', empty: '비어 있음', error: '오류', close: '닫기'}}
        : {{more: 'Add files', first: 'Choose files, or drop them here', empty: 'Empty', error: 'Error', close: 'Close'}};
    const mend = () => {{
        for (const box of document.querySelectorAll('.empty[aria-label]:not([role])')) {{
            box.setAttribute('role', 'img');
            box.setAttribute('aria-label', words.empty);
        }}
        for (const box of document.querySelectorAll('[aria-label="Click to upload or drop files"]'))
            box.setAttribute('aria-label', words.first);
        for (const title of document.querySelectorAll('.toast-title.error'))
            if (title.firstChild?.data?.trim() === 'Error') title.firstChild.data = words.error + ' ';
        for (const button of document.querySelectorAll('.toast-body [aria-label="Close"]'))
            button.setAttribute('aria-label', words.close);
        for (const box of document.querySelectorAll('.cm-scroller[tabindex="-1"]')) box.tabIndex = 0;
        for (const button of document.querySelectorAll('[aria-label="common.upload"]')) {{
            button.setAttribute('aria-label', words.more);
            button.title = words.more;
            if (button.dataset.mended) continue;
            button.dataset.mended = 'yes';
            // In it lies a second button, which the style sheet hides: for the keyboard one must do.
            button.addEventListener('click', (event) => {{
                if (event.target.closest('button') === button) button.querySelector('button')?.click();
            }});
        }}
    }};
    let waiting = false;
    const look = () => {{
        if (waiting) return;
        waiting = true;
        setTimeout(() => {{ waiting = false; mend(); announce(); }}, 50);
    }};
    new MutationObserver(look).observe(document.body, {{childList: true, subtree: true, characterData: true}});
    look();
}}"""
