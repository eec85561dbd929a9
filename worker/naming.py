"""What a process is called in rows."""

import socket


def worker_name(pid: int) -> str:
    """What a job's row calls the process of this machine that runs it."""
    return f"{socket.gethostname()}:{pid}"[:120]
