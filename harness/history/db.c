// SPDX-License-Identifier: Apache-2.0
// What both databases have in common. See db.h.
#include "harness/history/db.h"

#include <string.h>

int db_open(const char *url, struct db **out, struct error *err)
{
    if (!strncmp(url, "postgresql://", 13) || !strncmp(url, "postgres://", 11))
        return db_postgres_open(url, out, err);
    return db_sqlite_open(url, out, err);
}

void db_close(struct db *db)
{
    if (db)
        db->ops->close(db);
}

int db_run(struct db *db, const char *sql, const struct db_value *params,
           size_t nparams, db_row *row, void *owner, struct error *err)
{
    return db->ops->run(db, sql, params, nparams, row, owner, err);
}

int db_take_integer(void *owner, const struct db_value *columns, size_t n,
                    struct error *err)
{
    (void)n;
    (void)err;
    *(int64_t *)owner = columns[0].integer;
    return 0;
}

int db_begin(struct db *db, struct error *err)
{
    return db->ops->begin(db, err);
}

int db_commit(struct db *db, struct error *err)
{
    return db_run(db, "COMMIT", NULL, 0, NULL, NULL, err);
}

void db_rollback(struct db *db)
{
    struct error ignored = {""};
    db_run(db, "ROLLBACK", NULL, 0, NULL, NULL, &ignored);
}
