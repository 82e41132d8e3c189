# Two stages: one with a compiler makes the environment, the other runs it without root rights.
#
#   docker build --build-arg TORCH_INDEX_URL=… -t ragqa .
#
# TORCH_INDEX_URL is PyTorch's package index of CPU builds (pytorch.org, "Get started", shows it).
# For a GPU: --build-arg ALLOW_CUDA=1 --build-arg CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_CUDA=on",
# and an image with the CUDA toolkit in place of the one below.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ make && rm -rf /var/lib/apt/lists/*
# An image may run on another processor than the one it was built on.
ARG CMAKE_ARGS="-DGGML_NATIVE=OFF"
ARG TORCH_INDEX_URL=""
ARG ALLOW_CUDA=""
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.cache sh scripts/setup.sh --runtime \
    && .venv/bin/python -m compileall -q ragqa ingest

FROM ${PYTHON_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data ragqa \
    && install -d -o ragqa -g ragqa /data /models
COPY --from=build /app /app
WORKDIR /data
USER ragqa
ENV PATH=/app/.venv/bin:$PATH HOME=/data RAGQA_HOME=/data RAGQA_MODELS=/models PYTHONUNBUFFERED=1
VOLUME ["/data", "/models"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["ragqa", "serve", "--host", "0.0.0.0", "--port", "8000"]
