"""Publishes meta-learners, and the catalogue of algorithms and architectures."""

import hashlib
import json
import shutil
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace import storage
from marketplace.algorithms.services import catalogue_publish
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner as LearnerRow
from marketplace.learners.services import learner_publish
from marketplace.pools.selectors import pool_checkpoints
from metalearn.algorithm import Algorithm
from metalearn.meta_learner import MetaLearner, model_card
from metalearn.networks import all_architectures, get_architecture
from metalearn.networks.index import the_index
from metalearn.registry import catalogue

_FIRST = "torchvision/"
_ID_LENGTH = len(str(uuid.UUID(int=0)))


def publish_catalogue() -> None:
    catalogue_publish(
        algorithms=catalogue(),
        architectures=_architectures(),
        version=settings.VERSION,
    )


def _architectures() -> list[dict[str, str]]:
    """Return all architectures: our own first, then torchvision's, then timm's."""
    own = [name for name in all_architectures() if "/" not in name]
    theirs = sorted(the_index().by_name, key=lambda name: (not name.startswith(_FIRST), name))
    kinds = (get_architecture(name) for name in (*own, *theirs))
    return [{"name": kind.name, "title": kind.title, "paper": kind.paper} for kind in kinds]


@dataclass(frozen=True)
class StoredLearner:
    """A meta-learner whose files are stored, and the contents of its row."""

    job: Job
    copied: tuple[Checkpoint, ...]
    learner_id: uuid.UUID
    config: dict[str, Any]
    card: str
    provenance: list[dict[str, object]]
    files: list[dict[str, Any]]

    def publish(self) -> LearnerRow:
        return learner_publish(
            job=self.job,
            copied=self.copied,
            learner_id=self.learner_id,
            config=self.config,
            card=self.card,
            provenance=self.provenance,
            files=self.files,
        )

    def remove(self) -> None:
        """Remove the files, because another attempt was faster."""
        for entry in self.files:
            storage.remove(storage.learner_key(self.learner_id, entry["path"]))


def store_learner(job: Job, algorithm: Algorithm) -> StoredLearner:
    """Store the meta-learner's directory, which is invisible until it is published.

    The id is derived from the job's id and the attempt. A worker that lost its lease but keeps
    running therefore never writes into its successor's files.
    """
    learner = algorithm.meta_learner()
    learner.teachers = algorithm.records()
    learner.made_by = {
        **learner.made_by,
        "name": f"{job.title} on {job.pool.name}",
        "job": str(job.pk),
        "freehold": settings.VERSION,
    }
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        directory = Path(folder) / "learner"
        learner.save(directory, for_browsers=True)
        stored = _store_directory(job, algorithm, directory)
    for attempt in range(1, job.attempt):
        # Files of an earlier attempt that died after storing them.
        replace(stored, learner_id=_learner_id(job, attempt)).remove()
    return stored


def _store_directory(job: Job, algorithm: Algorithm, directory: Path) -> StoredLearner:
    learner_id, files = _learner_id(job, job.attempt), []
    rows = pool_checkpoints(job.pool)
    config = json.loads((directory / "config.json").read_text())
    records = _teachers(json.loads((directory / "provenance.json").read_text()))
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        name = path.relative_to(directory).as_posix()
        storage.put_file(storage.learner_key(learner_id, name), path)
        files.append({"path": name, "size": path.stat().st_size, "sha256": file_sha256(path)})
    return StoredLearner(
        job=job,
        copied=tuple(rows[place] for place in algorithm.copied_teachers()),
        learner_id=learner_id,
        config=config,
        # Not all readers may know each teacher by name. The page lists the teachers from rows.
        card=model_card(config, records, names_teachers=False),
        provenance=_with_names(rows, records, algorithm.pool.places),
        files=files,
    )


def _learner_id(job: Job, attempt: int) -> uuid.UUID:
    return uuid.uuid5(job.pk, f"meta-learner {attempt}")


def _teachers(provenance: object) -> list[dict[str, object]]:
    if isinstance(provenance, dict):
        return list(provenance["teachers"])
    return list(provenance) if isinstance(provenance, list) else []


def _with_names(
    rows: Sequence[Checkpoint], records: list[dict[str, object]], places: Sequence[int]
) -> list[dict[str, object]]:
    """Add the names of all models for the row, of which each user sees a part.

    The files name only public models and the job owner's own (`worker/loading.py`). An algorithm
    may use only a part of the pool, so each record has its place in the pool.
    """
    if len(rows) <= max(places) or len(places) != len(records):
        return records
    return [
        {
            **record,
            "name": rows[place].name,
            "owner": rows[place].owner.get_username(),
            "place": place,
        }
        for record, place in zip(records, places, strict=True)
    ]


def learner_directory(row: LearnerRow) -> Path:
    """Return the learner's files as a local directory. They never change, so one fetch suffices."""
    if local := storage.local_directory(f"learners/{row.pk}"):
        return local
    target = settings.DATA_DIR / "cache" / "learners" / str(row.pk)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        _forget_deleted(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            fetched = Path(folder) / "learner"
            for entry in row.files:
                storage.fetch(storage.learner_key(row.pk, entry["path"]), fetched / entry["path"])
            MetaLearner.load(fetched)
            fetched.rename(target)
    return target


def _forget_deleted(cache: Path) -> None:
    """Remove the local copies of learners that are gone, or whose files are."""
    there = {str(pk) for pk in LearnerRow.objects.exclude(files=[]).values_list("pk", flat=True)}
    for folder in cache.iterdir():
        if len(folder.name) == _ID_LENGTH and folder.name not in there:
            shutil.rmtree(folder, ignore_errors=True)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
