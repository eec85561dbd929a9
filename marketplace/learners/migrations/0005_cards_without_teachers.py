"""Cards in rows lose their list of teachers, which pages draw from rows for each reader."""

from django.db import migrations

_HEADING = "\n## Made from\n"
_AT_ONCE = 100


def forget_teachers(apps, schema_editor):
    learners = apps.get_model("learners", "MetaLearner").objects
    with_list = learners.filter(card__contains=_HEADING).only("pk", "card")
    for learner in with_list.iterator(chunk_size=_AT_ONCE):
        learner.card = without_teachers(learner.card)
        learner.save(update_fields=["card"])


def without_teachers(card):
    """Up to the heading, and from the next one on; names have no line breaks and no headings."""
    before, heading, after = card.partition(_HEADING)
    _, following, rest = after.partition("\n## ")
    return f"{before}{following}{rest}" if heading else card


class Migration(migrations.Migration):
    dependencies = [("learners", "0004_remove_evaluation")]
    operations = [migrations.RunPython(forget_teachers, migrations.RunPython.noop)]
