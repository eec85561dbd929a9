"""Frame of the single-file page. The browser adds learner and runtime (`offline_page.js`)."""

import base64
import hashlib
import re
from pathlib import Path

from marketplace.adaptation.bundling import bundle

_STYLES = ("tokens", "base", "layout", "arrangement", "forms", "components", "content", "pages")
_FONT = re.compile(r"@font-face\s*\{[^}]*\}")


def offline_parts(static: Path) -> dict[str, str]:
    """Return the template's context: texts from static files, and the policy with their hashes."""
    names = (*_STYLES, "adaptation")
    styles = "\n".join((static / "css" / f"{name}.css").read_text("utf-8") for name in names)
    styles = _FONT.sub("", styles)
    script = _inline(bundle(static / "js" / "adaptation" / "page.js"))
    return {
        "styles": styles,
        "icons": (static / "img" / "icons.svg").read_text("utf-8"),
        "script": script,
        "worker": _inline(bundle(static / "js" / "device" / "worker.js")),
        "policy": _policy(script, styles),
    }


def _inline(script: str) -> str:
    """Return the script. Raise ValueError if it would close its own element."""
    if "</script" in script.lower() or "<!--" in script:
        raise ValueError("a script would end its element")
    return script


def _policy(script: str, styles: str) -> str:
    directives = {
        "default-src": "'none'",
        # blob: is for the worker and its runtime, which are created from texts in the page.
        "script-src": f"'{_hash(script)}' blob: 'wasm-unsafe-eval'",
        "worker-src": "blob:",
        "style-src": f"'{_hash(styles)}'",
        "img-src": "blob: data:",
        "media-src": "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
