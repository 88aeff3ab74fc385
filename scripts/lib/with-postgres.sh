#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command with a PostgreSQL server of its own: in a temporary folder, on
# a Unix socket only, gone afterwards. TOYVMM_TEST_POSTGRES is its URI.
# Usage: with-postgres.sh COMMAND... ; exits 3 where no server is installed.
set -euo pipefail

bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null |
    sort -V | tail -n 1)
if [ -z "$bin" ]; then
    echo "with-postgres.sh: install the package postgresql" >&2
    exit 3
fi

dir=$(mktemp -d)
# The server refuses to run as root: somebody else's rights then.
as=()
if [ "$(id -u)" = 0 ]; then
    chown nobody "$dir"
    as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
stop() {
    "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null ||
        :
    rm -rf "$dir"
}
trap stop EXIT

cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U toyvmm -A trust -N >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
    -o "-c listen_addresses='' -k $dir -c fsync=off" start >/dev/null
cd "$OLDPWD"
TOYVMM_TEST_POSTGRES="postgresql://toyvmm@/postgres?host=$dir" "$@"
