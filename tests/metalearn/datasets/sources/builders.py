"""Archives in the form in which the data sets are distributed, with a few tiny pictures."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from metalearn.datasets.sources.cifar_fs import CLASSES

CIFAR_NAMES = sorted(name for names in CLASSES.values() for name in names)


def tar(path: Path, files: dict[str, bytes], mode: Literal["w", "w:gz"] = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def picture(value: int = 100, size: tuple[int, int] = (20, 10), form: str = "JPEG") -> bytes:
    """One colour, or for PNG a drawing of black ink on white paper."""
    buffer = io.BytesIO()
    if form == "PNG":
        image = Image.new("1", size, 1)
        image.paste(0, (0, 0, size[0] // 2, size[1]))
    else:
        image = Image.new("RGB", size, (value, 0, 255 - value))
    image.save(buffer, form)
    return buffer.getvalue()


def cifar_files() -> dict[str, bytes]:
    """Two training pictures and a test picture of every class; red is the class's number."""
    records = []
    for label in range(100):
        pixels = np.zeros((3, 32, 32), dtype=np.uint8)
        pixels[0] = label
        pixels[1, 0] = 7
        records.append(bytes([label // 5, label]) + pixels.tobytes())
    return {
        "cifar-100-binary/train.bin": b"".join(records + records[::-1]),
        "cifar-100-binary/test.bin": b"".join(records),
        "cifar-100-binary/fine_label_names.txt": "\n".join(CIFAR_NAMES).encode() + b"\n",
        "cifar-100-binary/coarse_label_names.txt": b"fish\n",
    }


def mini_files() -> dict[str, bytes]:
    files = {}
    for split, classes in {"train": ("n02", "n01"), "val": ("n03",), "test": ("n04",)}.items():
        rows = ["filename,label"]
        for label in classes:
            for index in range(2):
                files[f"images/{label}{index}.jpg"] = picture(40 * index + 10)
                rows.append(f"{label}{index}.jpg,{label}")
        files[f"{split}.csv"] = ("\n".join(rows) + "\n").encode()
    return files


CUB_CLASSES = [f"{number:03}.Bird_{number}" for number in range(1, 9)]


def cub_files() -> dict[str, bytes]:
    root = "CUB_200_2011"
    names = [f"{bird}/{bird[4:]}_{index}.jpg" for bird in CUB_CLASSES for index in range(2)]
    lines = {
        "classes.txt": enumerate(CUB_CLASSES, 1),
        "images.txt": enumerate(names, 1),
    }
    files = {
        f"{root}/images/{name}": picture(10 * number, (30, 20)) for number, name in enumerate(names)
    }
    for file, rows in lines.items():
        files[f"{root}/{file}"] = "".join(f"{number} {text}\n" for number, text in rows).encode()
    files[f"{root}/attributes/images.txt"] = b"another list altogether\n"
    return files


def omniglot_files(top: str = "images_background", alphabets: int = 12) -> dict[str, bytes]:
    script = "Alphabet" if top == "images_background" else "Script"
    return {
        f"{top}/{script}_{letter:02}/character{number:02}/{letter:02}{number}_{drawer:02}.png":
        picture(size=(105, 105), form="PNG")
        for letter in range(alphabets)
        for number in (1, 2)
        for drawer in (2, 1)
    }  # fmt: skip


def gtsrb_files() -> dict[str, bytes]:
    return {
        f"GTSRB/Final_Training/Images/{label:05}/{track:05}_{frame:05}.ppm":
        picture(label, (15 + frame, 16), "PPM")
        for label in range(43)
        for track in range(2)
        for frame in range(2)
    } | {"GTSRB/Readme.txt": b"hello"}  # fmt: skip
