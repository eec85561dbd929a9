"""A file of many gigabytes through a real web process, over connections that break."""

import hashlib
import os
import random
import time

import pytest

from benchmarks.upload import peak_rss, web_server
from tests.marketplace.api.test_broken_connections import TusClient
from tests.marketplace.api.test_uploads import PIECE

BLOCK = 2**20
N_BLOCKS = int(os.environ.get("FREEHOLD_TEST_UPLOAD_MIB", "5120"))
MAX_RSS_BYTES = 256 * 2**20


class Blocks:
    """A file that exists only while it is sent."""

    def __init__(self) -> None:
        self.noise = os.urandom(BLOCK - 8)
        self.length = N_BLOCKS * BLOCK

    def between(self, start, end):
        """Its bytes, in pieces of a block at most."""
        while start < end:
            index, inside = divmod(start, BLOCK)
            block = index.to_bytes(8, "little") + self.noise
            piece = block[inside : inside + end - start]
            yield piece
            start += len(piece)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_gigabytes_over_ten_broken_connections_arrive_whole_in_little_memory(tmp_path):
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


def until_quiet(client, path):
    """The offset, once it no longer grows."""
    before = -1
    while (now := client.offset(path)) != before:
        before = now
        time.sleep(0.5)
    return now
