from django.urls import path

from marketplace.learners import views

urlpatterns = [
    path("", views.learner_list, name="learner_list"),
    path("<uuid:pk>/", views.learner_detail, name="learner_detail"),
    path("<uuid:pk>/edit/", views.learner_edit, name="learner_edit"),
    path("<uuid:pk>/download/", views.learner_download, name="learner_download"),
    path("<uuid:pk>/files/<path:path>", views.learner_one_file, name="learner_file"),
]
