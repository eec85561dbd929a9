"""The states of an adaptation session.

waiting ----> working ----> answered
   |             `--------> refused
   `---> (the row is gone: answered to the person, or timed out)
"""

from django.db import models


class SessionState(models.TextChoices):
    WAITING = "waiting", "Waiting for a worker"
    WORKING = "working", "Being worked on"
    ANSWERED = "answered", "Answered"
    REFUSED = "refused", "Refused"
