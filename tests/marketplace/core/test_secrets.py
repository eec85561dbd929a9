"""The instance's secret, and what is sealed with it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.secrets import Undecryptable, read_or_make_secret_key, seal, unseal


def test_the_key_is_made_once_long_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    key = read_or_make_secret_key(path)
    assert len(key) >= 64 and read_or_make_secret_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_many_processes_that_start_at_once_all_have_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(read_or_make_secret_key, [path] * 8))
    assert len(keys) == 1


def test_an_empty_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.touch()
    with pytest.raises(RuntimeError, match="delete it"):
        read_or_make_secret_key(path)


@given(data=st.binary(max_size=200), secret=st.text(min_size=1), purpose=st.text(min_size=1))
def test_what_is_sealed_opens_with_the_same_secret_and_purpose(
    data: bytes, secret: str, purpose: str
) -> None:
    secret, purpose = (text.encode("utf-8", "replace").decode() for text in (secret, purpose))
    sealed = seal(data, secret=secret, purpose=purpose)
    assert unseal(sealed, secret=secret, purpose=purpose) == data
    assert sealed != seal(data, secret=secret, purpose=purpose)
    for other in ({"secret": secret + "x"}, {"purpose": purpose + "x"}):
        with pytest.raises(Undecryptable):
            unseal(sealed, **{"secret": secret, "purpose": purpose, **other})


@given(position=st.integers(0, 43), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_noticed(position: int, bit: int) -> None:
    sealed = bytearray(seal(b"sixteen bytes, ok", secret="s", purpose="p"))
    sealed[position] ^= 1 << bit
    with pytest.raises(Undecryptable):
        unseal(bytes(sealed), secret="s", purpose="p")


@given(st.binary(max_size=40))
def test_what_was_never_sealed_is_refused(data: bytes) -> None:
    with pytest.raises(Undecryptable):
        unseal(data, secret="s", purpose="p")
