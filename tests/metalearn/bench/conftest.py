from pathlib import Path

import pytest

from tests.metalearn.bench.tiny_suite import write_suite


@pytest.fixture
def suite_file(tmp_path: Path) -> Path:
    return write_suite(tmp_path)
