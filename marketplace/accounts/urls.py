"""Addresses of the accounts app."""

from django.urls import path

from marketplace.accounts import views

urlpatterns = [
    path("settings/", views.account_settings, name="account_settings"),
    path("settings/profile/", views.profile_save, name="profile_save"),
    path("tokens/", views.token_new, name="token_new"),
    path("tokens/<uuid:pk>/revoke/", views.token_end, name="token_revoke"),
    path("teams/", views.team_new, name="team_new"),
    path("teams/<uuid:pk>/members/", views.member_add, name="member_add"),
    path(
        "teams/<uuid:pk>/members/<int:user_pk>/remove/", views.member_remove, name="member_remove"
    ),
]
