"""Pictures of a distribution: decoded as a whole, and named when they cannot be."""

from pathlib import Path

from metalearn.datasets.images import FORMATS, Pixels, decode_image


def picture_of(
    content: bytes,
    name: str,
    where: Path,
    *,
    channels: int,
    size: int,
    formats: tuple[str, ...] = FORMATS,
) -> Pixels:
    """A picture of size x size pixels. Nothing is cut off: its sides may be scaled unlike."""
    return decode_image(
        content,
        channels=channels,
        image_size=size,
        whole=True,
        formats=formats,
        name=f"“{name}” in “{where}”",
    )
