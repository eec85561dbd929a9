"""Checks of a model with labelled pictures, which stay in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from metalearn.datasets import Pixels, decode_image, is_nearly_black, nearly_black
from metalearn.errors import InvalidData
from metalearn.evaluation.picture_check import Judged, judge, n_in_top
from metalearn.pool import Teacher
from worker.adaptation import picture_bytes


@dataclass(frozen=True)
class LabelledPicture:
    """A base64 picture, with the index of its class and a name for messages."""

    label: int
    image: str
    name: str


def run_check(teacher: Teacher, payload: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Label the pictures with the model, and count the correct predictions.

    `payload` is {"pictures": [{"label", "image"}]} with base64 pictures. The result is
    {"n_pictures", "n_right", "n_right_top5", "predictions": [{"label", "predicted", "probability",
    "right"}], "warnings": [sentence]}. Raise InvalidData for errors that the caller can fix.
    """
    pictures = _pictures(payload, teacher.class_names)
    black: list[str] = []
    judged = list(judge(teacher, _decoded(pictures, teacher, black), device))
    return {
        "n_pictures": len(judged),
        "n_right": sum(one.right for one in judged),
        "n_right_top5": n_in_top(judged, teacher.n_classes),
        "predictions": [_prediction(one, teacher.class_names) for one in judged],
        "warnings": [nearly_black(black)] if black else [],
    }


def _pictures(payload: Mapping[str, Any], class_names: tuple[str, ...]) -> list[LabelledPicture]:
    entries = payload.get("pictures")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidData("“pictures” must be a list of objects with “label” and “image”.")
    number = {name: index for index, name in enumerate(class_names)}
    seen: dict[str, int] = {}
    pictures = []
    for entry in entries:
        label, image = entry.get("label"), entry.get("image")
        if not isinstance(label, str) or label not in number or not isinstance(image, str):
            raise InvalidData("Every picture needs one of the model's classes, and base64 text.")
        seen[label] = seen.get(label, 0) + 1
        name = f"Picture {seen[label]} of “{label}”"
        pictures.append(LabelledPicture(number[label], image, name))
    return pictures


def _decoded(
    pictures: list[LabelledPicture], teacher: Teacher, black: list[str]
) -> Iterator[tuple[int, Pixels]]:
    """Yield each label with its pixels. Names of nearly black pictures are added to `black`."""
    for picture in pictures:
        data = picture_bytes(picture.name, picture.image)
        yield (
            picture.label,
            decode_image(
                data,
                channels=teacher.channels,
                image_size=teacher.image_size,
                quick=False,
                name=picture.name,
            ),
        )
        if is_nearly_black(data):
            black.append(picture.name)


def _prediction(one: Judged, class_names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "label": class_names[one.label],
        "predicted": class_names[one.predicted],
        "probability": round(one.probability, 6),
        "right": one.right,
    }
