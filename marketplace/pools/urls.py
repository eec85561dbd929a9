from django.urls import path

from marketplace.pools import views

urlpatterns = [
    path("", views.pool_list, name="pool_list"),
    path("new/", views.pool_new, name="pool_new"),
    path("new/candidates/", views.pool_candidates, name="pool_candidates"),
    path("new/fit/", views.pool_fit_panel, name="pool_fit"),
    path("<uuid:pk>/", views.pool_detail, name="pool_detail"),
    path("<uuid:pk>/edit/", views.pool_edit, name="pool_edit"),
    path("<uuid:pk>/delete/", views.pool_remove, name="pool_delete"),
]
