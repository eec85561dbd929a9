"""Jobs say what ran. What earlier releases called FREE is FREE+ now, and FREE is the paper's."""

from django.db import migrations, models

_EQUATIONS = {
    "generator_moments": "kept",
    "meta_gradient": "mean",
    "adversarial": "kl",
    "remembered": "all",
    "alignment_optimiser": "sgd",
    "distillation": "kl",
}
"""Settings that FREE+ does not have, which switched to what FREE's released code does."""


def name_what_ran(apps, schema_editor):
    """Under the algorithm that does the same now, so that those not finished can go on."""
    specs = apps.get_model("algorithms", "AlgorithmSpec").objects
    titles = dict(specs.values_list("name", "title"))
    for job in apps.get_model("jobs", "Job").objects.iterator():
        if job.algorithm == "free":
            _rename(job)
        else:
            job.title = titles.get(job.algorithm, job.algorithm)
        job.save(update_fields=["algorithm", "settings", "title"])


def _rename(job):
    asked = {name: job.settings[name] for name in _EQUATIONS if name in job.settings}
    if any(_EQUATIONS[name] != value for name, value in asked.items()):
        # Neither of the two does this now; it stays as it was, under a name of its own.
        job.title = "FREE of an earlier release"
        return
    job.algorithm, job.title = "free_plus", "FREE+"
    job.settings = {name: value for name, value in job.settings.items() if name not in asked}


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_neutral_quarantine_texts"),
        ("algorithms", "0003_presets"),
    ]
    operations = [
        migrations.AddField(
            model_name="job",
            name="title",
            field=models.CharField(
                blank=True, help_text="what runs, as it was called at the launch", max_length=160
            ),
        ),
        migrations.RunPython(name_what_ran, migrations.RunPython.noop),
    ]
