from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from marketplace.api.views.account import AccountExportView
from marketplace.api.views.algorithms import AlgorithmView, ArchitectureView
from marketplace.api.views.base import Unknown
from marketplace.api.views.checkpoints import CheckpointView
from marketplace.api.views.docs import Docs
from marketplace.api.views.invitations import InvitationView
from marketplace.api.views.jobs import JobView
from marketplace.api.views.learners import LearnerView
from marketplace.api.views.manifests import ManifestView
from marketplace.api.views.picture_checks import PictureCheckView
from marketplace.api.views.pools import PoolView
from marketplace.api.views.quarantine import QuarantineView
from marketplace.api.views.teams import TeamView
from marketplace.api.views.tokens import LeakedView, TokenView
from marketplace.api.views.uploads import UploadView

router = DefaultRouter()
router.include_format_suffixes = False
router.register("checkpoints", CheckpointView, basename="api-checkpoint")
router.register("pools", PoolView, basename="api-pool")
router.register("algorithms", AlgorithmView, basename="api-algorithm")
router.register("architectures", ArchitectureView, basename="api-architecture")
router.register("jobs", JobView, basename="api-job")
router.register("learners", LearnerView, basename="api-learner")
router.register("teams", TeamView, basename="api-team")
router.register("invitations", InvitationView, basename="api-invitation")
router.register("tokens", TokenView, basename="api-token")

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/docs/", Docs.as_view(), name="api-docs"),
    path(
        "v1/learners/<uuid:pk>/files/<path:path>",
        LearnerView.as_view({"get": "files"}),
        name="api-learner-file",
    ),
    path(
        "v1/teams/<uuid:pk>/members/<str:username>/",
        TeamView.as_view({"patch": "member", "delete": "member_remove"}),
        name="api-team-member",
    ),
    path("v1/account/export/", AccountExportView.as_view(), name="api-account-export"),
    path("v1/credentials/revoke/", LeakedView.as_view(), name="api-leaked"),
    path(
        "v1/checkpoints/<uuid:pk>/quarantine/",
        QuarantineView.as_view({"post": "create", "delete": "destroy"}),
        name="api-checkpoint-quarantine",
    ),
    path(
        "v1/checkpoints/<uuid:pk>/check/",
        PictureCheckView.as_view({"post": "create"}),
        name="api-checkpoint-check",
    ),
    path(
        "v1/checkpoints/manifest/",
        ManifestView.as_view({"post": "create"}),
        name="api-checkpoint-manifest",
    ),
    path("v1/uploads/", UploadView.as_view({"post": "create"}), name="api-uploads"),
    path(
        "v1/uploads/<uuid:pk>/",
        UploadView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-upload",
    ),
    path("v1/", include(router.urls)),
    re_path("", Unknown.as_view(), name="api-unknown"),
]
