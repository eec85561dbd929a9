"""Pictures on their way to a worker."""

MIN_SIDE, MAX_SIDE = 256, 1024


def side_to_send(image_size: int) -> int:
    """The longest side, in pixels, that a picture is worth sending with.

    A network sees `image_size` pixels; a few times that leaves nothing out, and a thousand such
    pictures still fit into one request.
    """
    return max(MIN_SIDE, min(MAX_SIDE, 4 * image_size))
