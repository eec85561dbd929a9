from django.http import StreamingHttpResponse
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.leaving.services import account_export


def export_response(user: User) -> StreamingHttpResponse:
    """Return the zip of a person's data. Its name tells only the day, because others may see it."""
    headers = {
        "Content-Disposition": f'attachment; filename="freehold-{timezone.now():%Y-%m-%d}.zip"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingHttpResponse(
        account_export(user=user), content_type="application/zip", headers=headers
    )
