"""Static files whose names contain a hash of their content."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Also rewrites imports between our modules to hashed names, which browsers cache forever.

    A page and its workers therefore use modules of one version, and a worker can be restarted
    without network access. Under their plain names, modules are cached for a minute.

    All users of the machine may read these files, unlike other stored files: an image collects them
    as root, and another user serves them.
    """

    support_js_module_import_aggregation = True
    # Names are resolved from the leaves of the imports upwards, one layer per pass.
    max_post_process_passes = 20

    def __init__(self, *args: Any, **options: Any) -> None:
        modes = {
            "file_permissions_mode": _FILE_MODE,
            "directory_permissions_mode": _FOLDER_MODE,
        }
        super().__init__(*args, **{**modes, **options})

    def post_process(self, *args: Any, **options: Any) -> Iterator[Any]:
        """Hash and compress, then make the compressed files readable despite the umask."""
        yield from super().post_process(*args, **options)
        for path in Path(self.location).rglob("*"):
            path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
