"""Addresses of the pools app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
