"""Makes the instance's files private to its user."""

import os
import stat
from pathlib import Path

_OTHERS = 0o077


def open_data_folder(folder: Path) -> None:
    """Create the data folder, and make all files that this process writes private to its user.

    The settings call this first, so it applies to web, workers, clock and commands. A folder that
    other users can enter, as releases before 0.2.0 left it, is closed with everything in it. A
    folder of another user, such as a volume mounted by Kubernetes, is left as it is; files in it
    are private from the moment they are written.
    """
    os.umask(_OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    about = folder.stat()
    if stat.S_IMODE(about.st_mode) & _OTHERS and about.st_uid == os.geteuid():
        # The folder first, so that its content is out of reach during the walk.
        folder.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS)
        for path in folder.rglob("*"):
            _close(path)


def _close(path: Path) -> None:
    try:
        about = path.lstat()
        if not stat.S_ISLNK(about.st_mode) and about.st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS)
    except FileNotFoundError:
        # Another process of the instance removed it. New files are private already.
        return
