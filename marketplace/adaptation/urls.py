"""Addresses of the adaptation app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
