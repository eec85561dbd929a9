from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Provide every template with the version, and whether sign-up is open and mail is sent."""
    return {
        "version": settings.VERSION,
        "sign_up_open": settings.SIGN_UP_OPEN,
        "mail_works": settings.MAIL_WORKS,
    }
