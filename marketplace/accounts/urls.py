from django.urls import path

from marketplace.accounts.views import invitations, settings, teams, tokens

urlpatterns = [
    path("settings/", settings.account_settings, name="account_settings"),
    path("settings/profile/", settings.profile_save, name="profile_save"),
    path("tokens/", tokens.token_new, name="token_new"),
    path("tokens/<uuid:pk>/revoke/", tokens.token_end, name="token_revoke"),
    path("teams/", teams.team_list, name="team_list"),
    path("teams/<uuid:pk>/name/", teams.team_name, name="team_name"),
    path("teams/<uuid:pk>/delete/", teams.team_remove, name="team_delete"),
    path("teams/<uuid:pk>/members/", teams.member_add, name="member_add"),
    path("teams/<uuid:pk>/members/<int:user_pk>/role/", teams.member_role, name="member_role"),
    path(
        "teams/<uuid:pk>/members/<int:user_pk>/remove/", teams.member_remove, name="member_remove"
    ),
    path("invitations/<uuid:pk>/accept/", invitations.accept, name="invitation_accept"),
    path("invitations/<uuid:pk>/decline/", invitations.decline, name="invitation_decline"),
    path("invitations/<uuid:pk>/withdraw/", invitations.withdraw, name="invitation_withdraw"),
]
