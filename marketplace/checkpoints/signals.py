from django.dispatch import Signal

checkpoint_deleted = Signal()
"""Sent with `checkpoint`, inside the transaction that deletes it, while the row still has its name
and its pools. A receiver returns the keys of stored files that have to be removed after it."""
