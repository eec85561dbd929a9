"""Names out of a hostile file, made safe to show to people."""

from metalearn.checkpoint.limits import MAX_NAME_LENGTH
from metalearn.errors import InvalidCheckpoint

STATE_DICT = "torch.save(model.state_dict(), …) or a .safetensors file"
"""What to upload instead of nearly everything that is refused."""


def shown(text: str, length: int = 100) -> str:
    """The text without control characters and not longer than `length`."""
    clean = "".join(letter if letter.isprintable() else "�" for letter in text[: length + 1])
    return clean if len(clean) <= length else clean[:length] + "…"


def check_tensor_name(name: object) -> str:
    """The name when it is a sensible text, else InvalidCheckpoint."""
    if not isinstance(name, str):
        raise InvalidCheckpoint(
            f"The file has a tensor whose name is no text; upload {STATE_DICT}."
        )
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidCheckpoint(
            f"The tensor name “{shown(name)}” is empty, too long or has unprintable characters; "
            f"upload {STATE_DICT}."
        )
    return name
