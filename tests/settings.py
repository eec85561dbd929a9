"""Settings of the test run: the real ones, in a folder of their own, with fast hashing.

With `FREEHOLD_TEST_ON_SERVERS` database, broker and storage come from the environment, as in a
deployment (`tests/run.py` starts the servers); without, whatever the developer has set for an
instance of their own is left alone.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ON_SERVERS = bool(os.environ.get("FREEHOLD_TEST_ON_SERVERS"))
if not ON_SERVERS:
    for _name in ("DATABASE_URL", "FREEHOLD_BROKER_URL", "FREEHOLD_S3_BUCKET"):
        os.environ.pop(_name, None)

_data = Path(tempfile.mkdtemp(prefix="freehold-tests-"))
atexit.register(shutil.rmtree, _data, ignore_errors=True)
(_data / "static").mkdir()
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if os.environ.get("FREEHOLD_TEST_WORKER") != _worker:
    # Not the folder of the process that started us: what tests count, no other may count in.
    # Processes that a test starts share its own.
    os.environ["FREEHOLD_TEST_WORKER"] = _worker
    os.environ["FREEHOLD_DATA_DIR"] = str(_data)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_data / "metrics")
os.environ.setdefault("FREEHOLD_DATA_DIR", str(_data))
os.environ.setdefault(
    "FREEHOLD_SECRET_KEY", "only for tests, never anywhere else; long enough to pass"
)

from marketplace.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Every test is Alice within the same minute; limits are switched on where they are tested.
API_REQUESTS_PER_MINUTE = 0
READY_KEPT_S = 0
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
if ON_SERVERS and (_number := _worker.removeprefix("gw")).isdigit():
    # What one process of the suite clears, another may be counting.
    _cache = CACHES["default"]  # noqa: F405
    _cache["LOCATION"] = f"{_cache['LOCATION'].rsplit('/', 1)[0]}/{int(_number) + 8}"
# Django's test client knows the usual kind of session only; `test_session_keys.py` and the journeys
# use the real one.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
_OURS = "marketplace.accounts.session_keys.HashedSessionMiddleware"
_USUAL = "django.contrib.sessions.middleware.SessionMiddleware"
MIDDLEWARE = [_USUAL if name == _OURS else name for name in MIDDLEWARE]  # noqa: F405
