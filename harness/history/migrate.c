// SPDX-License-Identifier: Apache-2.0
// The history's tables, version by version. A step that was released never
// changes: a new version is a new step behind it. SCHEMA.md describes them.
#include "harness/history/history_db.h"

#include <errno.h>
#include <inttypes.h>

static const char *const version_1[] = {
    "CREATE TABLE environment ("
    " id TEXT PRIMARY KEY,"
    " host_cpu TEXT NOT NULL,"
    " microcode TEXT,"
    " accelerator TEXT NOT NULL,"
    " version TEXT NOT NULL,"
    " memory BIGINT NOT NULL,"
    " vcpus BIGINT NOT NULL)",

    "CREATE TABLE subject ("
    " id TEXT PRIMARY KEY,"
    " kernel_sha256 TEXT NOT NULL,"
    " initrd_sha256 TEXT,"
    " cmdline TEXT NOT NULL)",

    "CREATE TABLE run ("
    " id TEXT PRIMARY KEY,"
    " session TEXT NOT NULL,"
    " position BIGINT NOT NULL,"
    " warmup BIGINT NOT NULL,"
    " scenario TEXT NOT NULL,"
    " guest TEXT NOT NULL,"
    " commit_id TEXT,"
    " branch TEXT,"
    " job TEXT,"
    " started_unix_ns BIGINT NOT NULL,"
    " duration_ns BIGINT NOT NULL,"
    " verdict TEXT NOT NULL,"
    " environment TEXT NOT NULL REFERENCES environment(id),"
    " subject TEXT NOT NULL REFERENCES subject(id))",

    "CREATE INDEX run_by_scenario ON run"
    " (scenario, environment, started_unix_ns)",
    "CREATE INDEX run_by_commit ON run (commit_id)",

    "CREATE TABLE sample ("
    " run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
    " mark TEXT NOT NULL,"
    " wall_ns BIGINT NOT NULL,"
    " cpu_ns BIGINT NOT NULL,"
    " exits BIGINT NOT NULL,"
    " PRIMARY KEY (run, mark))",
    NULL,
};

// The exact rig.
static const char *const version_2[] = {
    "ALTER TABLE environment ADD COLUMN fingerprint TEXT",
    "ALTER TABLE run ADD COLUMN seed BIGINT",
    NULL,
};

static const char *const *const steps[] = {version_1, version_2};

#define VERSION ((int64_t)(sizeof(steps) / sizeof(steps[0])))

static int take_steps(struct db *db, struct error *err)
{
    int64_t version;
    int code = db->ops->version(db, &version, err);
    if (code)
        return code;
    if (version > VERSION)
        return error_set(err, -EPROTO,
                         "the history's schema is version %" PRId64
                         ", this program knows %" PRId64
                         ": use a newer toyvmm-test",
                         version, VERSION);
    if (version == VERSION)
        return 0;
    for (int64_t v = version; !code && v < VERSION; v++) {
        for (size_t i = 0; !code && steps[v][i]; i++)
            code = db_run(db, steps[v][i], NULL, 0, NULL, NULL, err);
    }
    return code ? code : db->ops->set_version(db, VERSION, err);
}

int history_migrate(struct db *db, struct error *err)
{
    int code = db_begin(db, err);
    if (code)
        return code;
    code = take_steps(db, err);
    if (!code)
        code = db_commit(db, err);
    if (code)
        db_rollback(db);
    return code;
}
