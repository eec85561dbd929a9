class BytesLost(OSError):
    """The store has lost bytes that it had confirmed."""
