"""Sizes of pictures that are sent to a worker."""

MIN_SIDE, MAX_SIDE = 256, 1024


def side_to_send(image_size: int) -> int:
    """Return the longest side, in pixels, of a picture to send.

    The network sees `image_size` pixels. A few times that is enough detail, and a thousand such
    pictures still fit into one request.
    """
    return max(MIN_SIDE, min(MAX_SIDE, 4 * image_size))
