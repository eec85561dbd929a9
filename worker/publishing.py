"""From tensors to files and rows: finished meta-learners, and the catalogue of what can be run."""

import hashlib
import json
import tempfile
import uuid
from pathlib import Path

from django.conf import settings

from marketplace import storage
from marketplace.algorithms.services import catalogue_publish
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner as LearnerRow
from marketplace.learners.services import learner_publish
from metalearn.algorithm import Algorithm
from metalearn.meta_learner import MetaLearner, TeacherRecord
from metalearn.networks import all_architectures
from metalearn.registry import catalogue


def publish_catalogue() -> None:
    """Tell the web which algorithms and architectures this worker knows."""
    catalogue_publish(
        algorithms=catalogue(),
        architectures=[
            {"name": kind.name, "title": kind.title, "paper": kind.paper}
            for kind in all_architectures().values()
        ],
        version=settings.VERSION,
    )


def publish_learner(job: Job, algorithm: Algorithm) -> LearnerRow:
    """Store the meta-learner's directory and make its row.

    The id follows from the job's, so that a worker that dies in between and one that does it
    again write the same files under the same names.
    """
    learner_id = uuid.uuid5(job.pk, "meta-learner")
    learner = algorithm.meta_learner()
    learner.teachers = TeacherRecord.of_pool(algorithm.pool)
    learner.made_by = {
        **learner.made_by,
        "name": f"{algorithm.title} on {job.pool.name}",
        "job": str(job.pk),
        "freehold": settings.VERSION,
    }
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        directory = Path(folder) / "learner"
        learner.save(directory, for_browsers=True)
        return _publish_directory(job, learner_id, directory)


def _publish_directory(job: Job, learner_id: uuid.UUID, directory: Path) -> LearnerRow:
    files = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        name = path.relative_to(directory).as_posix()
        storage.put_file(storage.learner_key(learner_id, name), path)
        files.append({"path": name, "size": path.stat().st_size, "sha256": file_sha256(path)})
    return learner_publish(
        job=job,
        learner_id=learner_id,
        config=json.loads((directory / "config.json").read_text()),
        card=(directory / "README.md").read_text(),
        provenance=_teachers(json.loads((directory / "provenance.json").read_text())),
        files=files,
    )


def _teachers(provenance: object) -> list[dict[str, object]]:
    if isinstance(provenance, dict):
        return list(provenance["teachers"])
    return list(provenance) if isinstance(provenance, list) else []


def learner_directory(row: LearnerRow) -> Path:
    """The learner's files as a directory on this machine; fetched once where storage is remote.

    A learner's files never change, so what was fetched stays good.
    """
    if local := storage.local_directory(f"learners/{row.pk}"):
        return local
    target = settings.DATA_DIR / "cache" / "learners" / str(row.pk)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            fetched = Path(folder) / "learner"
            for entry in row.files:
                storage.fetch(storage.learner_key(row.pk, entry["path"]), fetched / entry["path"])
            MetaLearner.load(fetched)
            fetched.rename(target)
    return target


def file_sha256(path: Path) -> str:
    """Hash of a file in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
