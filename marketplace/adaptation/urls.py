from django.urls import path

from marketplace.adaptation import views

urlpatterns = [
    path("<uuid:pk>/adapt/", views.adaptation_page, name="learner_adapt"),
    path("<uuid:pk>/adapt/offline-frame/", views.offline_frame, name="learner_offline_frame"),
]
