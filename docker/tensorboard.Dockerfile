# TensorBoard, to look at runs without installing it: docker compose -f docker/compose.yaml --profile tensorboard up
# What it is not: a part of the image that trains, which has no Python.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE}
COPY tensorboard.txt /tmp/
# Behind a proxy with its own certificates, add them:  --secret id=ca_bundle,src=/path/to/ca.crt
RUN --mount=type=secret,id=ca_bundle,target=/tmp/ca.crt \
    if [ -s /tmp/ca.crt ]; then export PIP_CERT=/tmp/ca.crt; fi \
    && pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /tmp/tensorboard.txt \
    && python -c 'import tensorboard.main'
USER 10001:10001
EXPOSE 6006
ENTRYPOINT ["tensorboard", "--bind_all", "--port=6006"]
CMD ["--logdir=/runs"]
