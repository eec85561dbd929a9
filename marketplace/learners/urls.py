"""Addresses of the learners app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
