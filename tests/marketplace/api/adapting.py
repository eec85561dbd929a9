"""What an adaptation is asked with."""

import base64
from typing import Any

PICTURE = base64.b64encode(b"the bytes of a picture").decode()


def request_body(**changes: Any) -> dict[str, Any]:
    """Two classes with a picture each, and one question."""
    return {
        "support": [{"label": "robin", "image": PICTURE}, {"label": "wren", "image": PICTURE}],
        "query": [PICTURE],
        "calibrate": True,
        **changes,
    }
