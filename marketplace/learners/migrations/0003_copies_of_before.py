"""Which models the meta-learners of before copy, as no algorithm had said so when it made them."""

from django.db import migrations

_ALWAYS = ("best_teacher", "teacher_ensemble", "average", "ota", "dro")


def note_copies(apps, schema_editor):
    """All models of the pool: which of them a run used, or chose, does not stand in every row."""
    members = apps.get_model("pools", "PoolMember").objects
    for learner in apps.get_model("learners", "MetaLearner").objects.select_related("job"):
        rows = list(
            members.filter(pool=learner.job.pool_id)
            .order_by("position")
            .values_list("checkpoint_id", "checkpoint__sha256")
        )
        if _copies(learner.job):
            learner.copied_models.set([pk for pk, _ in rows])
        if len(learner.provenance) < len(rows):
            _note_places(learner, [sha256 for _, sha256 in rows])


def _copies(job):
    from_average = job.algorithm == "purer" and job.settings.get("initialisation") == "average"
    return job.algorithm in _ALWAYS or from_average


def _note_places(learner, hashes):
    """A run that used a part of its pool: a record's place in it was taken for that in the pool."""
    free = dict(enumerate(hashes))
    for record in learner.provenance:
        sha256 = record.get("sha256")
        place = next((place for place, other in free.items() if other == sha256), None)
        # Of a model that is not found, nothing is known that others may see.
        record["place"] = -1 if place is None else place
        free.pop(place, None)
    learner.save(update_fields=["provenance"])


class Migration(migrations.Migration):
    dependencies = [
        ("learners", "0002_copied_models"),
        ("pools", "0001_initial"),
        ("jobs", "0002_neutral_quarantine_texts"),
        ("checkpoints", "0004_lost_attempts"),
    ]
    operations = [migrations.RunPython(note_copies, migrations.RunPython.noop)]
