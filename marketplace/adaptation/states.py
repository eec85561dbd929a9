"""The states of an adaptation session.

waiting ----> working ----> answered
   |             `--------> refused
   `---> (the row is deleted: the user has the answer, or it timed out)
"""

from django.db import models


class SessionState(models.TextChoices):
    WAITING = "waiting", "Waiting for a worker"
    WORKING = "working", "Being worked on"
    ANSWERED = "answered", "Answered"
    REFUSED = "refused", "Refused"
