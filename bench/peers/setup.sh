#!/bin/bash
# Makes the virtual environments of the benchmark's peers, with nothing but
# the Python index and Debian's packages:
#
#   bench/peers/setup.sh transformers|llama_cpp|all [DIRECTORY]
#
# DIRECTORY (build/peers) gets one environment per peer: 4.3 GB in two minutes,
# 0.3 GB after some ten minutes of compiling. One that this very script made
# is left as it is. Debian's packages needed: g++, python3-dev, python3-venv.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/bench/peers
usage() { sed -n '5p' "$0" | cut -c3- >&2; exit 2; }
name=${1:-}
directory=${2:-$root/build/peers}

# make_environment NAME: a new one, unless this script made this one before.
# Fails when there is nothing to do.
make_environment() {
  environment=$directory/$1
  stamp=$environment/made_by_setup
  ! cmp -s "$here/setup.sh" "$stamp" || return 1
  echo "peers: making $1"
  rm -rf "$environment"
  mkdir -p "$directory"
  python3 -m venv "$environment"
}

install() {
  "$environment/bin/python" -m pip install --quiet \
    --disable-pip-version-check "$@"
}

finish() {
  "$environment/bin/python" -c "import $1"
  cp "$here/setup.sh" "$stamp"
}

# The index's torch is linked against CUDA, so its libraries must be there to
# be loaded even where nothing runs on a GPU. The packages that torch itself
# asks for have some more (Triton, cuSOLVER, the Python bindings), which it
# loads only for a GPU: hence --no-deps, and the rest by hand.
make_transformers() {
  make_environment transformers || return 0
  install --no-deps torch==2.15.0 accelerate==1.15.0
  install numpy==2.4.6 safetensors==0.8.0 transformers==5.24.0 \
    'cuda-toolkit[cublas,cudart,cufft,cufile,cupti,cusparse,nvrtc]==13.2.2' \
    nvidia-cudnn-cu13==9.26.0.51 nvidia-cusparselt-cu13==0.8.1 \
    nvidia-nccl-cu13==2.30.7 nvidia-nvshmem-cu13==3.7.2 \
    filelock fsspec jinja2 networkx psutil pyyaml setuptools sympy \
    typing_extensions 2> >(grep -v "conflicts\|^torch .* requires" >&2)
  finish "torch, transformers, accelerate"
}

# From source, so that it has all the instructions of this machine.
make_llama_cpp() {
  make_environment llama_cpp || return 0
  CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF" \
  CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-$(nproc)} \
    install --no-binary llama-cpp-python llama-cpp-python==0.3.36 \
    numpy==2.4.6 gguf==0.19.0
  finish "llama_cpp, gguf"
}

case $name in
  transformers | llama_cpp) "make_$name" ;;
  all) make_transformers; make_llama_cpp ;;
  *) usage ;;
esac
