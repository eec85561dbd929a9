from django.dispatch import Signal

upload_finished = Signal()
"""Sent with `upload`, inside the transaction that finishes it."""
