# The service alone: no client extras, no compiler, no pip. It runs as a user without rights, on a read-only root.
#   docker build -t escrow-server .
# How to run it is in docs/operating.md.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY requirements-server.txt requirements-build.txt ./
# Two environments: what builds the wheel stays behind in this stage.
RUN python -m venv --without-pip /opt/escrow \
    && python -m venv --without-pip /opt/build \
    && pip --python /opt/escrow/bin/python install --require-hashes --only-binary :all: -r requirements-server.txt \
    && pip --python /opt/build/bin/python install --require-hashes --only-binary :all: -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /wheel \
    && pip --python /opt/escrow/bin/python install --no-index --no-deps /wheel/*.whl
COPY tools/healthcheck.py /opt/escrow/bin/healthcheck.py

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="escrow-server" \
      org.opencontainers.image.description="Privacy-preserving account mapping: the service" \
      org.opencontainers.image.licenses="Apache-2.0 AND MPL-2.0"
# The sealing key has a volume of its own: whoever takes the data must not get what opens it.
RUN pip uninstall --yes --root-user-action ignore setuptools wheel pip \
    && rm -r /usr/local/lib/python3.11/ensurepip \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/escrow escrow \
    && install --directory --owner escrow --group escrow --mode 0700 /var/lib/escrow /var/lib/escrow-key
COPY --from=build /opt/escrow /opt/escrow
ENV PATH=/opt/escrow/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ESCROW_DATA_FOLDER=/var/lib/escrow \
    ESCROW_SEALING_KEY_FILE=/var/lib/escrow-key/sealing.key \
    ESCROW_HOST=0.0.0.0 \
    ESCROW_PORT=8470
USER 10001:10001
VOLUME ["/var/lib/escrow", "/var/lib/escrow-key"]
EXPOSE 8470
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "/opt/escrow/bin/healthcheck.py"]
ENTRYPOINT ["escrow-server"]
CMD ["serve"]
