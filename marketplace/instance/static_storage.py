"""Static files under names with the hash of their content."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Also our modules import one another by those names, which browsers keep for good.

    So a page and its workers have all modules of one version, and a worker that must be replaced
    needs no network for it; under their plain names modules are kept for a minute.

    Every user of the machine may read them, unlike all else that is stored: an image collects them
    as root, and its web serves them as another user.
    """

    support_js_module_import_aggregation = True
    # Names are found from the leaves of the imports upwards, one layer in each pass.
    max_post_process_passes = 20

    def __init__(self, *args: Any, **options: Any) -> None:
        modes = {
            "file_permissions_mode": _FILE_MODE,
            "directory_permissions_mode": _FOLDER_MODE,
        }
        super().__init__(*args, **{**modes, **options})

    def post_process(self, *args: Any, **options: Any) -> Iterator[Any]:
        """Hash and compress; then open what was compressed, which the process's mask has closed."""
        yield from super().post_process(*args, **options)
        for path in Path(self.location).rglob("*"):
            path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
