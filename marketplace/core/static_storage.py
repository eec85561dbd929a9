"""Static files under names with the hash of their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Also our modules import one another by those names, which browsers keep for good.

    So a page and its workers have all modules of one version, and a worker that must be replaced
    needs no network for it; under their plain names modules are kept for a minute.
    """

    support_js_module_import_aggregation = True
    # Names are found from the leaves of the imports upwards, one layer in each pass.
    max_post_process_passes = 20
