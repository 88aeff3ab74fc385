#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a clean clone on Debian 12 to a passed scenario: installs what is
# missing, builds, prepares a guest, boots it and logs in.
#
#   scripts/quickstart.sh [SCENARIO]     default: testcases/alpine_login.tc
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scenario=${1:-testcases/alpine_login.tc}

step()
{
    printf '\n==> %s\n' "$*"
}

step "1/4 Debian packages (apt-get; nothing is upgraded)"
scripts/setup.sh --quickstart

step "2/4 Building in ./build"
cmake -S . -B build -G Ninja -DTOYVMM_TESTS=OFF >/dev/null
ninja -C build --quiet

step "3/4 Preparing the guest (kept in ${TOYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/toyvmm})"
guest=$(awk '$1 == "guest" { print $2; exit }' "$scenario")
fixtures/guest.sh resolve "${guest:-alpine}"

step "4/4 build/bin/toyvmm-test $scenario"
status=0
build/bin/toyvmm-test --junit build/quickstart.xml "$scenario" || status=$?

if [ "$status" -eq 0 ]; then
    cat <<END

It works. The JUnit report is build/quickstart.xml (${SECONDS} s in all). Next:
    build/bin/toyvmm-test --interactive $scenario     log in by hand
    build/bin/toyvmm-test --interactive --learn my.tc $scenario
                                                      ... and have a scenario of it
    build/bin/toyvmm-test --help                      all options
END
fi
exit "$status"
