"""What is refused by its name, and what to do; by content, whatever a file is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.datasets import decode_image
from metalearn.datasets.kinds import foreign_kind
from metalearn.errors import InvalidData
from tests.foreign import foreign_files, other_files, readable_files

FOREIGN = [(what, data) for what, files in foreign_files().items() for data in files]


@pytest.mark.parametrize(("what", "data"), FOREIGN, ids=[what for what, _ in FOREIGN])
def test_what_people_take_for_a_picture_is_named_with_what_to_do(what: str, data: bytes) -> None:
    said = f"^“x” is {what}, which Freehold cannot read; (export|save) .*(JPEG|PNG)"
    with pytest.raises(InvalidData, match=said):
        decode_image(data, channels=3, image_size=8, name="“x”")


@pytest.mark.parametrize("data", other_files())
def test_what_is_nothing_of_the_kind_only_cannot_be_read(data: bytes) -> None:
    if b"ftyp" not in data:
        assert foreign_kind(data) is None
    with pytest.raises(InvalidData, match="A picture (cannot be read; use a whole PNG|is a video)"):
        decode_image(data, channels=3, image_size=8)


@pytest.mark.parametrize("kind", readable_files())
def test_what_is_read_is_not_named(kind: str) -> None:
    assert foreign_kind(readable_files()[kind]) is None
    assert decode_image(readable_files()[kind], channels=1, image_size=8).shape == (1, 8, 8)


@given(st.binary(max_size=200), st.sampled_from([data for _, data in FOREIGN]), st.integers(0, 400))
def test_any_bytes_have_a_kind_or_none(noise: bytes, whole: bytes, where: int) -> None:
    where %= len(whole)
    for data in (noise, whole[:where] + noise + whole[where + len(noise) :], whole[:where]):
        found = foreign_kind(data)
        assert found is None or found.what
