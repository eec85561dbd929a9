from django.urls import path

from marketplace.checkpoints import views

urlpatterns = [
    path("", views.checkpoint_list, name="checkpoint_list"),
    path("upload/", views.checkpoint_upload_page, name="checkpoint_upload"),
    path("<uuid:pk>/", views.checkpoint_detail, name="checkpoint_detail"),
    path("<uuid:pk>/classes/", views.checkpoint_classes, name="checkpoint_classes"),
    path("<uuid:pk>/classes.json", views.checkpoint_class_names, name="checkpoint_class_names"),
    path("<uuid:pk>/status/", views.checkpoint_status, name="checkpoint_status"),
    path("<uuid:pk>/edit/", views.checkpoint_edit, name="checkpoint_edit"),
    path("<uuid:pk>/fix/", views.checkpoint_fix, name="checkpoint_fix"),
    path("<uuid:pk>/delete/", views.checkpoint_remove, name="checkpoint_delete"),
    path("<uuid:pk>/download/", views.checkpoint_download, name="checkpoint_download"),
]
