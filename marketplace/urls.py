from django.contrib import admin
from django.urls import include, path

from marketplace import home
from marketplace.instance import health
from marketplace.operations import views as operations

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("operator/", admin.site.urls),
    path("api/", include("marketplace.api.urls")),
    path("models/", include("marketplace.checkpoints.urls")),
    path("pools/", include("marketplace.pools.urls")),
    path("jobs/", include("marketplace.jobs.urls")),
    path("learners/", include("marketplace.learners.urls")),
    path("learners/", include("marketplace.adaptation.urls")),
    path("me/", include("marketplace.accounts.urls")),
    path("account/", include("marketplace.leaving.urls")),
]
