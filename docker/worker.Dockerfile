# syntax=docker/dockerfile:1
# Workers: `--build-arg DEVICE=cuda` (torch with its CUDA libraries, from PyPI) or `cpu` (without).
ARG PYTHON=3.12-slim-trixie

FROM python:${PYTHON} AS build
ARG DEVICE=cuda
# PyTorch's own index of wheels without CUDA; a mirror can be named instead.
ARG CPU_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements requirements
RUN case "${DEVICE}" in \
      cpu) index="${CPU_INDEX}" ;; \
      cuda) index="" ;; \
      *) echo "DEVICE is cuda or cpu, not ${DEVICE}" >&2; exit 1 ;; \
    esac \
    && /venv/bin/python requirements/install.py run --torch-index "${index}"
COPY . .
RUN /venv/bin/python -m compileall -q contract marketplace metalearn worker

FROM python:${PYTHON}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin freehold \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# Where NVIDIA's runtime is everybody's, a container gets the GPUs that this variable names: none,
# unless the engine was asked for one and names it. Without a GPU both mean nothing.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    FREEHOLD_DATA_DIR=/data \
    FREEHOLD_LOG_JSON=true \
    NVIDIA_VISIBLE_DEVICES=void \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
VOLUME /data
# Asks the worker to save a snapshot and let go of its job.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "python", "manage.py"]
CMD ["run", "quick"]
