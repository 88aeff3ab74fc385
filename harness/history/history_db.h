// SPDX-License-Identifier: Apache-2.0
// What the files of the history share: its connection and its schema. Used by
// harness/history only.
#pragma once

#include "harness/history/db.h"
#include "harness/history/history.h"

struct history {
    struct db *db;
};

// Brings the tables to the version of this program, in one transaction;
// several processes may try at once. -EPROTO when they are newer than that.
int history_migrate(struct db *db, struct error *err);
