"""Pictures of a split are collected in any order and come out sorted, each class with some."""

from pathlib import Path

import pytest
import torch

from metalearn.datasets.sources import source
from metalearn.errors import InvalidData


def test_more_pictures_than_any_data_set_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_IMAGES", 1)
    collection = source.Collection(("a",), tmp_path)
    picture = torch.zeros(3, 4, 4, dtype=torch.uint8)
    collection.add("a", "x", picture)
    with pytest.raises(InvalidData, match="more than 1 pictures of this split"):
        collection.add("a", "y", picture)
