"""Pages as a reader of their HTML sees them, however their templates are laid out."""

import re


def without_layout(html: str) -> str:
    """The HTML with one space for any whitespace, and none beside a tag."""
    return re.sub(r" ?(<[^>]+>) ?", r"\1", " ".join(html.split()))
