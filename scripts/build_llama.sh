#!/bin/sh
# Builds llama-cpp-python and puts its wheel into a folder, complete or not at all.
#
#   CMAKE_ARGS=... sh scripts/build_llama.sh PYTHON VERSION FOLDER
set -eu
mkdir -p "$3"
new=$(mktemp -d "$3/.build-XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 143' INT TERM
CMAKE_BUILD_PARALLEL_LEVEL=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
export CMAKE_BUILD_PARALLEL_LEVEL
# pip's own cache would hand out a wheel that was built with other flags, or for another processor.
"$1" -m pip --disable-pip-version-check wheel -v --no-cache-dir --no-deps \
    --no-binary llama-cpp-python -w "$new" "llama-cpp-python==$2"
mv "$new"/llama_cpp_python-*.whl "$3/"
