"""Adaptation requests: pictures in, predictions out. Pictures stay in memory."""

import base64
import binascii
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contract.adaptation import InvalidRequest, check_request
from metalearn.datasets import decode_image, is_nearly_black, nearly_black
from metalearn.errors import InvalidCheckpoint, InvalidData
from metalearn.meta_learner import (
    AdaptationSettings,
    MetaLearner,
    calibrated,
)
from metalearn.settings import build

N_CACHED = 4
"""Meta-learners that stay loaded in a worker process."""


@dataclass(frozen=True)
class AdaptRequest:
    """A well-formed request. Its pictures are still base64."""

    class_names: tuple[str, ...]
    support: tuple[tuple[int, str], ...]
    query: tuple[str, ...]
    settings: AdaptationSettings

    @classmethod
    def parse(cls, payload: Mapping[str, Any], defaults: AdaptationSettings) -> "AdaptRequest":
        """Parse the JSON body of `POST learners/{id}/adaptations/`. Raise InvalidData if it is
        invalid.

        Classes are numbered in the order in which their names first appear.
        """
        examples = _entries(payload, "support")
        pairs = [(_label(example), _picture(example.get("image"))) for example in examples]
        query = payload.get("query", [])
        if not isinstance(query, list):
            raise InvalidData("“query” must be a list of pictures.")
        try:
            class_names = check_request([label for label, _ in pairs], len(query))
        except InvalidRequest as error:
            raise InvalidData(str(error)) from None
        number = {name: index for index, name in enumerate(class_names)}
        return cls(
            class_names=class_names,
            support=tuple((number[label], picture) for label, picture in pairs),
            query=tuple(_picture(picture) for picture in query),
            settings=_settings(payload, defaults),
        )

    def support_pictures(self) -> Iterator[tuple[str, str]]:
        """Yield (name for messages, base64) of each support picture."""
        seen = [0] * len(self.class_names)
        for label, picture in self.support:
            seen[label] += 1
            yield f"Support picture {seen[label]} of “{self.class_names[label]}”", picture

    def query_pictures(self) -> Iterator[tuple[str, str]]:
        """Yield (name for messages, base64) of each query picture."""
        for index, picture in enumerate(self.query, start=1):
            yield f"Query picture {index}", picture


def run_adaptation(
    learner_directory: Path, payload: Mapping[str, Any], device: torch.device
) -> dict[str, Any]:
    """Adapt the meta-learner to the support pictures and label the query pictures.

    `payload` is {"support": [{"label", "image"}], "query": [image], "calibrate": bool, "settings":
    {...}} with base64 pictures. The result is {"labels", "predictions": [{"label", "probabilities":
    {label: p}}], "timings": {stage_s: seconds}, "warnings": [sentence]}. Raise MetaLearnError for
    errors that the caller or the meta-learner's owner can fix.
    """
    timings: dict[str, float] = {}
    with _timed(timings, "load_s"):
        learner = load_learner(learner_directory, device)
    with _timed(timings, "decode_s"):
        request = AdaptRequest.parse(payload, learner.defaults)
        black: list[str] = []
        support = _decoded(request.support_pictures(), learner, black)
        query = _decoded(request.query_pictures(), learner, black)
    with _timed(timings, "adapt_s"):
        labels = torch.tensor([label for label, _ in request.support])
        classifier = learner.adapt(support, labels, settings=request.settings)
    with _timed(timings, "predict_s"):
        rows = classifier.probabilities(query).tolist() if len(query) else []
    names = request.class_names
    return {
        "labels": list(names),
        "predictions": [_prediction(names, row) for row in rows],
        "timings": timings,
        "warnings": [*classifier.remarks, *([nearly_black(black)] if black else [])],
    }


def load_learner(learner_directory: Path, device: torch.device) -> MetaLearner:
    """Return the meta-learner of a directory, cached until its files change."""
    return _load(learner_directory.resolve(), _stamp(learner_directory), device)


@lru_cache(maxsize=N_CACHED)
def _load(path: Path, stamp: tuple[int, ...], device: torch.device) -> MetaLearner:
    return MetaLearner.load(path).to(device)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        stats = [(path / name).stat() for name in ("model.safetensors", "config.json")]
    except OSError:
        raise InvalidCheckpoint("The files of this meta-learner are missing.") from None
    return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = round(time.perf_counter() - start, 4)


def _entries(payload: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = payload.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidData(f"“{key}” must be a list of objects with “label” and “image”.")
    return entries


def _label(example: Mapping[str, Any]) -> str:
    label = example.get("label")
    if not isinstance(label, str):
        raise InvalidData("Every class needs a name as text.")
    return label.strip()


def _picture(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidData("Every picture must be base64 text of its whole file.")
    return value


def _settings(payload: Mapping[str, Any], defaults: AdaptationSettings) -> AdaptationSettings:
    changes = payload.get("settings") or {}
    if not isinstance(changes, dict):
        raise InvalidData("“settings” must be an object of names and values.")
    calibrate = payload.get("calibrate")
    if calibrate is not None and not isinstance(calibrate, bool):
        raise InvalidData("“calibrate” must be true or false.")
    if calibrate is not None:
        defaults = calibrated(defaults) if calibrate else replace(defaults, calibrate="none")
    return build(AdaptationSettings, {**asdict(defaults), **changes})


def _decoded(pictures: Iterator[tuple[str, str]], learner: MetaLearner, black: list[str]) -> Tensor:
    """Return images (n, c, h, w) in [0, 1].

    The names of nearly black pictures are appended to `black`. Raise InvalidData for an unreadable
    picture.
    """
    size = learner.image_size
    images = []
    for name, text in pictures:
        data = picture_bytes(name, text)
        images.append(
            decode_image(data, channels=learner.channels, image_size=size, quick=False, name=name)
        )
        if is_nearly_black(data):
            black.append(name)
    if not images:
        return torch.empty(0, learner.channels, size, size)
    return torch.stack(images).float() / 255


def picture_bytes(name: str, text: str) -> bytes:
    """Decode a picture's base64. Raise InvalidData, with a message that begins with `name`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidData(f"{name} is not base64 text; encode the whole file.") from None


def _prediction(names: Sequence[str], row: Sequence[float]) -> dict[str, Any]:
    probabilities = {name: round(p, 6) for name, p in zip(names, row, strict=True)}
    return {"label": names[row.index(max(row))], "probabilities": probabilities}
