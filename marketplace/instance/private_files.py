"""Keeps the instance's files from the other users of the machine."""

import os
import stat
from pathlib import Path

_OTHERS = 0o077


def open_data_folder(folder: Path) -> None:
    """Make the data folder; from now on what this process writes is for its own user alone.

    The settings call this first, so it holds in the web, the workers, the clock and every command.
    A folder that other users can enter, as releases before 0.2.0 left it, is closed with all that
    is in it. One that belongs to another user, such as a volume that Kubernetes mounts, is left:
    its files are closed one by one as they are written.
    """
    os.umask(_OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    about = folder.stat()
    if stat.S_IMODE(about.st_mode) & _OTHERS and about.st_uid == os.geteuid():
        # First the folder, so that the rest is out of reach while it is walked.
        folder.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS)
        for path in folder.rglob("*"):
            _close(path)


def _close(path: Path) -> None:
    try:
        about = path.lstat()
        if not stat.S_ISLNK(about.st_mode) and about.st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS)
    except FileNotFoundError:
        # Another process of the instance was done with it; what it writes now is closed already.
        return
