"""A pool whose jobs all ended before their first step is not frozen any more."""

from django.db import migrations
from django.db.models import Q


def thaw(apps, schema_editor):
    pools = apps.get_model("pools", "Pool").objects
    jobs = apps.get_model("jobs", "Job").objects
    took_a_step = Q(steps_done__gt=0) | Q(metrics__isnull=False)
    using = jobs.filter(~Q(state__in=["cancelled", "failed"]) | took_a_step)
    used = using.values_list("pool_id", flat=True)
    pools.filter(frozen_at__isnull=False, jobs__isnull=False).exclude(pk__in=set(used)).update(
        frozen_at=None
    )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_what_ran"), ("pools", "0001_initial")]
    operations = [migrations.RunPython(thaw, migrations.RunPython.noop)]
