#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the build needs, and builds: for a fresh Debian 12 runner.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --quickstart
cmake -S . -B build -G Ninja -DTOYVMM_TESTS=OFF
ninja -C build
build/bin/toyvmm-test --probe || :
