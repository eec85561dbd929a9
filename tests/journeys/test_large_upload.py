"""A file of many gigabytes through a real web process, over connections that break."""

import hashlib
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.upload import peak_rss, upload_as_form, upload_in_pieces, web_server, write_noise
from tests.marketplace.api.test_broken_connections import TusClient
from tests.marketplace.api.tus import PIECE

BLOCK = 2**20
N_BLOCKS = int(os.environ.get("FREEHOLD_TEST_UPLOAD_MIB", "5120"))
MAX_RSS_BYTES = 256 * 2**20
# What a file of a gigabyte may cost beyond one of a megabyte: pieces on their way to the disk.
MAX_MORE_BYTES = 32 * 2**20


class Blocks:
    """A file that exists only while it is sent."""

    def __init__(self) -> None:
        self.noise = os.urandom(BLOCK - 8)
        self.length = N_BLOCKS * BLOCK

    def between(self, start: Any, end: Any) -> Iterator[Any]:
        """Its bytes, in pieces of a block at most."""
        while start < end:
            index, inside = divmod(start, BLOCK)
            block = index.to_bytes(8, "little") + self.noise
            piece = block[inside : inside + end - start]
            yield piece
            start += len(piece)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_gigabytes_over_ten_broken_connections_arrive_whole_in_little_memory(
    tmp_path: Path,
) -> None:
    source, dice = Blocks(), random.Random(0)
    more = {
        "FREEHOLD_MAX_CHECKPOINT_BYTES": str(8 * 2**30),
        "FREEHOLD_API_REQUESTS_PER_MINUTE": "0",
    }
    began = time.monotonic()
    with web_server(tmp_path, **more) as (port, process, token):
        client = TusClient(f"http://127.0.0.1:{port}", token)
        path = client.begin(source.length)
        wasted = 0
        with peak_rss(process) as peak:
            for part in range(10):
                at = client.offset(path)
                aim = source.length * (part + dice.random()) / 10.5
                end = max(at + BLOCK, int(aim))
                client.send_and_break(path, at, source.length, source.between(at, end))
                wasted += end - until_quiet(client, path)
            last = client.offset(path)
            rest = source.between(last, source.length)
            said = {"Content-Type": PIECE, "Upload-Offset": str(last)}
            said["Content-Length"] = str(source.length - last)
            status, headers = client.ask("PATCH", path, rest, **said)
        assert (status, headers["Upload-Offset"]) == (204, str(source.length))
        seconds = time.monotonic() - began
        (stored,) = (tmp_path / "data" / "files" / "incoming").iterdir()
        with stored.open("rb") as file:
            arrived = hashlib.file_digest(file, "sha256").hexdigest()
        stored.unlink()
    expected = hashlib.sha256()
    for piece in source.between(0, source.length):
        expected.update(piece)
    assert arrived == expected.hexdigest()
    assert peak[0] < MAX_RSS_BYTES
    print(  # noqa: T201 - the figures for docs/benchmarks/upload.md
        f"\n{source.length / 1e9:.1f} GB, 10 breaks: {seconds:.0f} s, "
        f"{wasted / 1e6:.1f} MB sent again, at most {peak[0] / 1e6:.0f} MB"
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("send", [upload_as_form, upload_in_pieces])
def test_a_gigabyte_in_one_request_takes_hardly_more_memory_than_a_megabyte(
    tmp_path: Path, send: Any
) -> None:
    small, large = tmp_path / "small.safetensors", tmp_path / "large.safetensors"
    write_noise(small, 1)
    write_noise(large, 1_000)
    with web_server(tmp_path) as (port, process, token):
        # Requests load what they need and leave buffers behind that the next ones use again.
        for _ in range(3):
            send(port, token, small)
        with peak_rss(process) as with_small:
            send(port, token, small)
        with peak_rss(process) as with_large:
            send(port, token, large)
        stored = (tmp_path / "data" / "files" / "incoming").iterdir()
        sizes = sorted(path.stat().st_size for path in stored)
    assert sizes == [small.stat().st_size] * 4 + [large.stat().st_size]
    print(  # noqa: T201 - the figures for docs/benchmarks/upload.md
        f"\n1 GB by {send.__name__}: at most {with_large[0] / 1e6:.0f} MB, "
        f"{with_small[0] / 1e6:.0f} MB with 1 MB"
    )
    assert with_small[0] > 0 and with_large[0] - with_small[0] < MAX_MORE_BYTES


def until_quiet(client: Any, path: Any) -> Any:
    """The offset, once it no longer grows."""
    before = -1
    while (now := client.offset(path)) != before:
        before = now
        time.sleep(0.5)
    return now
