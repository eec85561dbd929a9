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
    """Decode a picture to size x size pixels without cropping; the aspect ratio may change."""
    return decode_image(
        content,
        channels=channels,
        image_size=size,
        whole=True,
        formats=formats,
        name=f"“{name}” in “{where}”",
    )
