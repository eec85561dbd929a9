"""Safe display of names from untrusted files."""

from metalearn.checkpoint.limits import MAX_NAME_LENGTH
from metalearn.errors import InvalidCheckpoint

STATE_DICT = "torch.save(model.state_dict(), …) or a .safetensors file"
"""What to upload instead, for most error messages."""


def shown(text: str, length: int = 100) -> str:
    """Replace unprintable characters and truncate to `length`."""
    clean = "".join(letter if letter.isprintable() else "�" for letter in text[: length + 1])
    return clean if len(clean) <= length else clean[:length] + "…"


def check_tensor_name(name: object) -> str:
    """Return the name, or raise InvalidCheckpoint if it is not a short printable text."""
    if not isinstance(name, str):
        raise InvalidCheckpoint(
            f"The file has a tensor whose name is not text; upload {STATE_DICT}."
        )
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidCheckpoint(
            f"The tensor name “{shown(name)}” is empty, too long or has unprintable characters; "
            f"upload {STATE_DICT}."
        )
    return name
