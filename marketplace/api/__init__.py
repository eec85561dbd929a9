"""REST API: one router over the same services and selectors as the pages."""
