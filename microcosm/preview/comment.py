"""`python -m microcosm.preview.comment PREVIEW_JSON TIMELINE_TXT RUN_URL`: render a pull request's
comment.
"""

import json
import sys
from pathlib import Path
from typing import Any

LONGEST_TIMELINE = 20_000


def comment(preview: dict[str, Any] | None, timeline: str, run_url: str) -> str:
    """Render the comment as Markdown: page, expiry and cost, or the failure; then the timeline."""
    if preview:
        head = [
            f"**Preview is up**: {preview['url']}",
            "",
            f"- ends {preview['expires']} (comment `/preview extend` for four hours more)",
            f"- ${preview['usdAnHour']:.2f} an hour, {preview['total']} until its end",
            f"- `{preview['kubeconfig']}`",
        ]
    else:
        head = [
            f"**Preview failed**: see [the run]({run_url}). The next push, or `/preview`, continues it; "
            f"closing the pull request destroys it."
        ]
    fence = "~~~~" if "```" in timeline else "```"
    text = timeline.rstrip()[:LONGEST_TIMELINE]
    body = [
        "",
        "<details><summary>Timeline</summary>",
        "",
        fence,
        text,
        fence,
        "",
        f"[run]({run_url})",
        "</details>",
    ]
    return "\n".join([*head, *(body if timeline.strip() else [])]) + "\n"


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main(arguments: list[str]) -> None:
    preview, timeline, run_url = arguments
    text = _read(preview)
    print(comment(json.loads(text) if text.strip() else None, _read(timeline), run_url), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
