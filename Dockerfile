# The stages: dev (everything that development needs), test (dev and the tests), prod (what a shop runs on; the
# default). It is built for linux/amd64 and linux/arm64; docs/run/compose.md says what was tried.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS base
# `tuckshop backup` of a PostgreSQL database needs pg_dump, of the server's version or newer. PACKAGES= leaves it out.
ARG PACKAGES=postgresql-client
# hadolint ignore=DL3008
RUN if [ -n "$PACKAGES" ]; then \
        apt-get update \
        && apt-get install --no-install-recommends --yes $PACKAGES \
        && rm -rf /var/lib/apt/lists/*; \
    fi
# A number, and not a name: so Kubernetes can see that it is not root.
RUN groupadd --gid 10001 tuckshop \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/tuckshop \
        --shell /usr/sbin/nologin tuckshop \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/tuckshop \
    && install --directory /etc/tuckshop
ENV PATH=/app/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app


# Exactly the files that the pins name, extras too, and nothing is built. The secret `pip` is a pip.conf, for those who have a
# registry of their own.
FROM base AS build
RUN python3 -m venv /opt/build && python3 -m venv --without-pip /app/venv
COPY requirements-extras.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/build/bin/pip --python /app/venv/bin/python install --no-cache-dir --no-deps --only-binary :all: \
        --require-hashes --requirement requirements-extras.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY src src
# Babel and setuptools are among the pins: they make the wheel. Nobody needs setuptools after that.
RUN /opt/build/bin/pip --python /app/venv/bin/python wheel --no-build-isolation --no-deps --wheel-dir /tmp/wheels . \
    && /opt/build/bin/pip --python /app/venv/bin/python install --no-index --no-deps /tmp/wheels/tuckshop-*.whl \
    && /opt/build/bin/pip --python /app/venv/bin/python uninstall --yes setuptools \
    && /opt/build/bin/pip --python /app/venv/bin/python check


# How a shop is run, whatever its packages are.
FROM base AS shop
ENV TUCKSHOP_HOME=/var/lib/tuckshop \
    TUCKSHOP_HOST=0.0.0.0
# The commands that the documents of older contracts name: `python src/manage.py add_products`.
COPY deploy/docker/manage.py deploy/docker/products.csv src/
EXPOSE 8000
VOLUME /var/lib/tuckshop
# A shop that cannot sell is not healthy. PostgreSQL may need a while after its own start.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
    CMD ["tuckshop", "health"]
ENTRYPOINT ["tuckshop"]
CMD ["serve"]


FROM shop AS dev
RUN python3 -m venv /app/venv
COPY requirements-dev.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement requirements-dev.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .
USER 10001:10001


FROM dev AS test
COPY --chown=10001:10001 . .
ENTRYPOINT []
CMD ["python", "-m", "pytest", "-m", "not more", "-p", "no:cacheprovider", \
    "--ignore=tests/browser", "--ignore=tests/tools"]


FROM shop AS prod
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="Tuckshop" \
    org.opencontainers.image.description="A self-hosted prepaid shop in which every coin is accounted for" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app/venv /app/venv
USER 10001:10001
