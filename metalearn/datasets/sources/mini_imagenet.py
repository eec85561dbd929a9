"""mini-ImageNet (Vinyals et al. 2016) in the split of Ravi & Larochelle 2017.

The split is a list `train.csv`, `val.csv` or `test.csv` with the columns `filename` and `label`,
beside a folder of pictures of any size. Pictures are resized to 84 x 84 pixels without cropping, as
in the data-free papers.
"""

import csv
import io
from pathlib import Path, PurePosixPath

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.sources.archive import members
from metalearn.datasets.sources.pictures import picture_of
from metalearn.datasets.sources.source import MAX_IMAGES, Collection, Source, missing, text_of
from metalearn.errors import InvalidData

IMAGE_SIZE = 84


def read_mini_imagenet(file: Path, split: str) -> ImageSet:
    """Read a split's 84 x 84 colour pictures from a folder or archive with list and pictures."""
    classes = _list(file, split)
    collection = Collection(tuple(sorted(set(classes.values()))), file)
    for path, content in members(file, lambda name: PurePosixPath(name).name in classes):
        name = PurePosixPath(path).name
        # A duplicate name would count twice.
        label = classes.pop(name, None)
        if label is not None:
            picture = picture_of(content, name, file, channels=3, size=IMAGE_SIZE)
            collection.add(label, name, picture)
    if classes:
        raise missing(file, f"picture “{min(classes)}”, which {split}.csv names")
    return collection.finish()


def _list(file: Path, split: str) -> dict[str, str]:
    lists = [c for _, c in members(file, lambda name: PurePosixPath(name).name == f"{split}.csv")]
    if len(lists) != 1:
        raise missing(file, f"single list {split}.csv")
    try:
        rows = list(csv.DictReader(io.StringIO(text_of(lists[0], file))))
    except csv.Error:
        rows = []
    if not rows or len(rows) > MAX_IMAGES or not {"filename", "label"} <= set(rows[0]):
        raise InvalidData(
            f"{split}.csv in “{file}” is not a list with the columns filename and label; "
            "use the one of Ravi and Larochelle."
        )
    return {str(row["filename"]): str(row["label"]) for row in rows}


SOURCE = Source(
    name="mini-imagenet",
    title="mini-ImageNet in Ravi's split (64, 16 and 20 classes)",
    files="a folder or zip with train.csv, val.csv, test.csv and the pictures they name",
    read=read_mini_imagenet,
)
