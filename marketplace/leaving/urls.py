from django.urls import path

from marketplace.leaving import views

urlpatterns = [
    path("export/", views.account_export, name="account_export"),
    path("close/", views.account_close, name="account_close"),
]
