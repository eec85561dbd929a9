"""How large a picture is sent to a worker."""

import pytest

from marketplace.core.pictures import side_to_send


@pytest.mark.parametrize(
    ("image_size", "side"), [(1, 256), (64, 256), (65, 260), (224, 896), (256, 1024), (512, 1024)]
)
def test_a_picture_has_four_times_what_the_network_sees_within_bounds(
    image_size: int, side: int
) -> None:
    assert side_to_send(image_size) == side
