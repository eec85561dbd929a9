from django.urls import path

from marketplace.jobs import views

urlpatterns = [
    path("", views.job_list, name="job_list"),
    path("new/<uuid:pk>/", views.job_new, name="job_new"),
    path("<uuid:pk>/", views.job_detail, name="job_detail"),
    path("<uuid:pk>/live/", views.job_live_data, name="job_live"),
    path("<uuid:pk>/preview.png", views.job_preview, name="job_preview"),
    path("<uuid:pk>/cancel/", views.job_cancel_now, name="job_cancel"),
    path("<uuid:pk>/resume/", views.job_resume_now, name="job_resume"),
]
