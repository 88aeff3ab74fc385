#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# manual.sh TOYVMM-TEST DIR: the manual pages and completions, into DIR.
set -eu
"$1" manual man | gzip -9n >"$2/toyvmm-test.1.gz"
gzip -9nc "$(dirname "$0")/toyvmm-rig.1" >"$2/toyvmm-rig.1.gz"
"$1" manual bash >"$2/bash"
"$1" manual zsh >"$2/_toyvmm-test"
"$1" manual fish >"$2/toyvmm-test.fish"
