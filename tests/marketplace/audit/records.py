"""What is in the log, and how to tamper with it."""

from typing import Any

from django.db import connection

from marketplace.audit.models import Record


def acts() -> list[str]:
    """What was recorded, oldest first."""
    return list(Record.objects.order_by("number").values_list("act", flat=True))


def forge(number: int, **changes: Any) -> None:
    """Change a record behind everybody's back."""
    names = ", ".join(f"{name} = %s" for name in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE audit_record SET {names} WHERE number = %s", [*changes.values(), number]
        )
