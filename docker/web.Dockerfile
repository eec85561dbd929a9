# syntax=docker/dockerfile:1
# The web: pages, API and the operator's commands. No torch, no numpy.
ARG PYTHON=3.12-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
# Dependencies first: they change less often than the code.
COPY requirements requirements
RUN /venv/bin/python requirements/install.py web
COPY . .
# The static files become part of the image: nothing is fetched later.
ENV FREEHOLD_STATIC_DIR=/app/static-collected FREEHOLD_DATA_DIR=/tmp/build
RUN /venv/bin/python manage.py collectstatic --no-input \
    && /venv/bin/python -m compileall -q contract marketplace

FROM python:${PYTHON}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin freehold \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    FREEHOLD_DATA_DIR=/data \
    FREEHOLD_STATIC_DIR=/app/static-collected \
    FREEHOLD_LOG_JSON=true
USER 10001:10001
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["tini", "--", "python", "manage.py"]
CMD ["run", "web", "--host", "0.0.0.0", "--port", "8000"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
