"""The table of a class at the page, from `visitors.json`."""

from __future__ import annotations

from benchmarks.table import table

__all__ = ["visitors"]


def visitors(result: dict[str, object]) -> str:
    """What each request met, and the server's memory."""
    crowd, alone = result["crowd"], result["sessions"]
    rows = [
        [name, f"{crowd[key]['n']:,}", *(f"{crowd[key][part]:.1f} s" for part in ("median", "95 %", "longest"))]
        for name, key in (
            ("a fine-tuning, from request to report", "trainings"),
            ("an answer for one photo, while others train", "answers while others train"),
            ("the page itself", "page"),
        )
    ]
    waits = table(["what", "times", "median", "95 of 100 within", "longest"], rows)
    memory, one = crowd["megabytes"], alone["megabytes"]
    after = "after the sessions ended"
    said = (
        f"{crowd['clients']} clients for {crowd['seconds']:.0f} s; {crowd['of them told their place']} of the "
        f"fine-tunings were told their place in the line, {crowd['told to come back later']} requests were told to come "
        f"back later, {len(crowd['failures'])} failed. Memory of the server: {memory['before']:.0f} MB before, "
        f"{memory['peak']:.0f} MB at the peak, {memory[after]:.0f} MB {after}; files left then: {crowd['files left']}. "
        f"Load of the machine, clients and other programs included: {result['load']} before, "
        f"{crowd['load at the end']} at the end.\n\n"
        f"{alone['sessions']} visitors one after the other, who each taught a head: {one['before']:.0f} MB before, "
        f"{one['half way']:.0f} MB half way, {one['after']:.0f} MB after; {alone['megabytes a session']:.2f} MB a visitor.\n"
    )
    return f"{waits}\n{said}"
