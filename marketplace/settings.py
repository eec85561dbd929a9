"""Settings, all from environment variables, with safe defaults.

`docs/configuration.md` lists all variables. The defaults are SQLite, local files and an embedded
broker in `var/`, reachable from this machine only.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from marketplace.core.secrets import read_or_make_secret_key
from marketplace.instance.environment import read_environment, with_password
from marketplace.instance.log_format import logging_config
from marketplace.instance.mail import mail_settings
from marketplace.instance.object_store import object_store
from marketplace.instance.private_files import open_data_folder
from marketplace.instance.private_memory import close_memory
from marketplace.instance.redis_address import verified
from marketplace.instance.static_headers import add_headers

BASE_DIR = Path(__file__).resolve().parent.parent
env = read_environment(os.environ)

VERSION = "0.1.0"
DEBUG = env.bool("FREEHOLD_DEBUG", False)
DATA_DIR = Path(env.str("FREEHOLD_DATA_DIR", str(BASE_DIR / "var"))).resolve()
open_data_folder(DATA_DIR)
close_memory()

# --- hosts and security -------------------------------------------------------------------------
SITE_URL = env.str("FREEHOLD_SITE_URL", f"http://127.0.0.1:{env.int('PORT', 8000)}").rstrip("/")
_site = urlsplit(SITE_URL)
_local_hosts = ["127.0.0.1", "localhost", "[::1]"]
# Always includes this machine, for the containers' own health checks.
ALLOWED_HOSTS = [
    *env.list("FREEHOLD_ALLOWED_HOSTS", default=[_site.hostname or ""]),
    *_local_hosts,
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECRET_KEY = env.str("FREEHOLD_SECRET_KEY", "") or read_or_make_secret_key(DATA_DIR / "secret-key")
SECRET_KEY_FALLBACKS = env.list("FREEHOLD_SECRET_KEY_FALLBACKS", default=[])
SIGN_UP_OPEN = env.bool("FREEHOLD_SIGN_UP_OPEN", True)

# TLS settings follow from the site's own address.
_https = _site.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
BEHIND_PROXY = env.bool("FREEHOLD_BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = True
SESSION_ENGINE = "marketplace.accounts.session_keys"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# --- Django -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "marketplace.accounts.operator_app.OperatorPages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "marketplace.core",
    "marketplace.instance",
    "marketplace.audit",
    "marketplace.accounts",
    "marketplace.algorithms",
    "marketplace.uploads",
    "marketplace.checkpoints",
    "marketplace.pools",
    "marketplace.jobs",
    "marketplace.learners",
    "marketplace.adaptation",
    "marketplace.leaving",
    "marketplace.api",
    "marketplace.demo",
    "marketplace.operations",
]
MIDDLEWARE = [
    "marketplace.instance.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "marketplace.instance.probes.ProbeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "marketplace.accounts.session_keys.HashedSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "marketplace.core.middleware.PrivatePagesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "marketplace.instance.body_limits.BodyLimitMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "marketplace.audit.middleware.OriginMiddleware",
    "marketplace.api.middleware.RateLimitMiddleware",
    "marketplace.core.middleware.DomainErrorMiddleware",
]
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
WEB_PROCESSES = env.int("FREEHOLD_WEB_PROCESSES", 2)
WEB_THREADS = env.int("FREEHOLD_WEB_THREADS", 16)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.core.context.site",
                "marketplace.accounts.context.invitations",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
APPEND_SLASH = True

# --- database -----------------------------------------------------------------------------------
_database_url = with_password(
    env.str("DATABASE_URL", f"sqlite:///{DATA_DIR / 'freehold.sqlite3'}"),
    env.str("FREEHOLD_DATABASE_PASSWORD", ""),
)
DATABASES = {"default": env.db_url_config(_database_url)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        # A transaction that will write takes the lock at once rather than failing halfway.
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            # Threads share the file through the mapping. A large cache for each would add up. Every
            # commit waits for the disk, so that confirmed writes survive a power cut. Deleted rows
            # are overwritten with zeros.
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2000; "
            "PRAGMA mmap_size=268435456; PRAGMA secure_delete=ON;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- files --------------------------------------------------------------------------------------
MEDIA_ROOT = DATA_DIR / "files"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT), "base_url": None},
    },
    "staticfiles": {"BACKEND": "marketplace.instance.static_storage.StaticFiles"},
}
if S3_BUCKET := env.str("FREEHOLD_S3_BUCKET", ""):
    STORAGES["default"] = object_store(env)
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("FREEHOLD_STATIC_DIR", str(DATA_DIR / "static")))
WHITENOISE_ADD_HEADERS_FUNCTION = add_headers
STATICFILES_DIRS = [BASE_DIR / "static"]
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "incoming")
Path(FILE_UPLOAD_TEMP_DIR).mkdir(exist_ok=True)
FILE_UPLOAD_HANDLERS = ["marketplace.uploads.received.BoundedUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
# For form fields and JSON, not files. `instance.body_limits` allows less for most forms.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# A pool of 500 models, and the form's other fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 600
# For the pictures of an adaptation, as base64 in one JSON body. No other body is so large.
MAX_BODY_BYTES = env.int("FREEHOLD_MAX_BODY_BYTES", 64 * 2**20)
MAX_CHECKPOINT_BYTES = env.int("FREEHOLD_MAX_CHECKPOINT_BYTES", 2 * 2**30)
MAX_STORAGE_BYTES_PER_PERSON = env.int("FREEHOLD_MAX_STORAGE_BYTES_PER_PERSON", 20 * 2**30)

# --- queue --------------------------------------------------------------------------------------
_redis_authority = env.str("FREEHOLD_REDIS_CA", "")
BROKER_URL = with_password(
    verified(env.str("FREEHOLD_BROKER_URL", "embedded://localhost"), _redis_authority),
    env.str("FREEHOLD_BROKER_PASSWORD", ""),
)
BROKER_DIR = DATA_DIR / "broker"
LEASE_S = env.int("FREEHOLD_LEASE_S", 30)
HEARTBEAT_S = env.int("FREEHOLD_HEARTBEAT_S", 5)
SNAPSHOT_EVERY_S = env.int("FREEHOLD_SNAPSHOT_EVERY_S", 30)
SNAPSHOT_DAYS = env.int("FREEHOLD_SNAPSHOT_DAYS", 30)
STEP_LIMIT_S = env.int("FREEHOLD_STEP_LIMIT_S", 3600)
MAX_LOST_ATTEMPTS = env.int("FREEHOLD_MAX_LOST_ATTEMPTS", 3)
LEAVE_OUT_BAD_MODELS = env.bool("FREEHOLD_LEAVE_OUT_BAD_MODELS", True)
CLOCK_EVERY_S = env.int("FREEHOLD_CLOCK_EVERY_S", 10)
WAKE_AGAIN_S = env.int("FREEHOLD_WAKE_AGAIN_S", 60)
MAX_RESTART_PAUSE_S = env.int("FREEHOLD_MAX_RESTART_PAUSE_S", 30)
WATCHDOG_S = env.int("FREEHOLD_WATCHDOG_S", 180)
ADAPTATION_TIMEOUT_S = env.int("FREEHOLD_ADAPTATION_TIMEOUT_S", 60)
WORKER_DEVICE = env.str("FREEHOLD_DEVICE", "auto")
WORKER_THREADS = env.int("FREEHOLD_WORKER_THREADS", 1)
# Megabytes of models that a run keeps in memory at once. The others are in a file on disk.
WORKER_POOL_MB = env.int("FREEHOLD_WORKER_POOL_MB", 1_024)
# A run that would need more is refused before it starts. 0 means no limit.
WORKER_MEMORY_MB = env.int("FREEHOLD_WORKER_MEMORY_MB", 0)
# A mounted folder of unlabelled pictures for the worker: `own_pictures` of Chorus.
WORKER_PICTURES = env.str("FREEHOLD_WORKER_PICTURES", "")
# The store of preview grids, in RAM only: Redis, or the process that runs everything.
PREVIEW_URL = with_password(
    verified(env.str("FREEHOLD_PREVIEW_URL", ""), _redis_authority),
    env.str("FREEHOLD_PREVIEW_PASSWORD", ""),
)
PREVIEW_TTL_S = env.int("FREEHOLD_PREVIEW_TTL_S", 3600)

# --- cache: sign-in attempts and rate limits, nothing that must survive --------------------------
CACHE_URL = verified(
    env.str("FREEHOLD_CACHE_URL", BROKER_URL if BROKER_URL.startswith("redis") else ""),
    _redis_authority,
)
if CACHE_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": CACHE_URL,
            "KEY_PREFIX": "freehold",
            "OPTIONS": {"serializer": "marketplace.instance.embedded_cache.JsonSerializer"},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "marketplace.instance.embedded_cache.EmbeddedCache",
            "LOCATION": str(DATA_DIR / "cache.sqlite3"),
        }
    }

# --- users --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
# A self-hosted instance often has no mail server: addresses are optional and never verified.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "marketplace.accounts.adapter.AccountAdapter"
ACCOUNT_RATE_LIMITS = {
    # Five wrong passwords lock the name for five minutes, ten in a minute lock the address.
    "login_failed": "10/m/ip,5/5m/key",
    "login": "30/m/ip",
    "signup": "20/m/ip",
}
ACCOUNT_LOGOUT_ON_GET = False
# A mailed code proves nothing, because addresses are never verified.
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "marketplace.accounts.adapter.MfaAdapter"
USERSESSIONS_ADAPTER = "marketplace.accounts.adapter.SessionsAdapter"
MFA_TOTP_ISSUER = _site.hostname or "Freehold"
# Phone clocks are off by a few seconds.
MFA_TOTP_TOLERANCE = 1
# Addresses are never verified, so this must not depend on it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers offer passkeys over plain HTTP on this machine only, and so do we.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https
ADMIN_NEEDS_MFA = env.bool("FREEHOLD_ADMIN_NEEDS_MFA", False)
AUDIT_ADDRESSES = env.bool("FREEHOLD_AUDIT_ADDRESSES", True)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
# Without a server, mail is neither sent nor logged: its links set passwords.
_email_url = env.str("FREEHOLD_EMAIL_URL", "")
MAIL_WORKS = bool(_email_url)
globals().update(mail_settings(_email_url, env.str("FREEHOLD_EMAIL_PASSWORD", "")))
DEFAULT_FROM_EMAIL = env.str("FREEHOLD_EMAIL_FROM", "") or f"freehold@{_site.hostname}"

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "marketplace.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "marketplace.api.permissions.TokenScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["marketplace.api.throttling.RequestsThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.api.parsers.BoundedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "marketplace.api.negotiation.AvailableFormatNegotiation",
    "DEFAULT_PAGINATION_CLASS": "marketplace.api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "marketplace.api.schema.Schema",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "marketplace.api.problems.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "PAGE_SIZE": 25,
}
API_REQUESTS_PER_MINUTE = env.int("FREEHOLD_API_REQUESTS_PER_MINUTE", 1200)
SPECTACULAR_SETTINGS = {
    "TITLE": "Freehold",
    "DESCRIPTION": "A marketplace for models: upload, pool, meta-learn without data, adapt.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True},
    "ENUM_NAME_OVERRIDES": {
        "CheckpointState": "marketplace.checkpoints.states.CheckpointState",
        "JobState": "marketplace.jobs.states.JobState",
        "Visibility": "marketplace.accounts.models.Visibility",
        "Licence": "marketplace.checkpoints.models.Licence",
        "Role": "marketplace.accounts.models.Role",
        "Scope": "marketplace.accounts.scopes.Scope",
    },
}

# --- logs, health and metrics -------------------------------------------------------------------
LOGGING = logging_config(
    level=env.str("FREEHOLD_LOG_LEVEL", "INFO"), as_json=env.bool("FREEHOLD_LOG_JSON", False)
)
# Results of `/readyz` are cached, because anyone may request them and a check writes a file.
READY_KEPT_S = 2.0
METRICS_TOKEN = env.str("FREEHOLD_METRICS_TOKEN", "")
METRICS_DIR = DATA_DIR / "metrics"
METRICS_DIR.mkdir(exist_ok=True)
