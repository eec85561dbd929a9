from django.contrib import admin

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec

admin.site.register([AlgorithmSpec, ArchitectureSpec])
