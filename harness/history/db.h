// SPDX-License-Identifier: Apache-2.0
// A database behind one small interface: an SQLite file, or a PostgreSQL server
// that a team's runners share. Used by harness/history only.
//
// The statements are written for both: parameters are $1, $2, ... in order,
// types are BIGINT, DOUBLE PRECISION and TEXT.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum db_type { DB_NULL, DB_INTEGER, DB_REAL, DB_TEXT };

struct db_value {
    enum db_type type;
    int64_t integer;
    double real;
    const char *text; // of a column: valid during the callback
};

static inline struct db_value db_integer(int64_t v)
{
    return (struct db_value){.type = DB_INTEGER, .integer = v};
}
static inline struct db_value db_real(double v)
{
    return (struct db_value){.type = DB_REAL, .real = v};
}
// NULL is NULL.
static inline struct db_value db_text(const char *v)
{
    return (struct db_value){.type = v ? DB_TEXT : DB_NULL, .text = v};
}

// One connection; one thread.
struct db;

// What a row of a result is given to; not 0 ends the query with that code.
typedef int db_row(void *owner, const struct db_value *columns, size_t n,
                   struct error *err);

struct db_ops {
    int (*run)(struct db *db, const char *sql, const struct db_value *params,
               size_t nparams, db_row *row, void *owner, struct error *err);
    // Begins a transaction that will write: others wait for its end.
    int (*begin)(struct db *db, struct error *err);
    // The schema's version, 0 in an empty database; inside a transaction.
    int (*version)(struct db *db, int64_t *out, struct error *err);
    int (*set_version)(struct db *db, int64_t version, struct error *err);
    void (*close)(struct db *db);
};

// Backends embed this as their first member.
struct db {
    const struct db_ops *ops;
};

// "postgresql://..." or "postgres://..." is a server (libpq's connection URI),
// anything else the path of an SQLite file, which is made when it isn't there.
// 0, or a negative errno: -ENOENT and its like for the file, -ENODEV when libpq
// isn't installed, -ECONNREFUSED, -EINVAL for a file that is no database.
int db_open(const char *url, struct db **out, struct error *err);
void db_close(struct db *db); // NULL is fine

// Runs one statement. params may be NULL when nparams is 0, row NULL when the
// rows don't matter. 0, the code of row, or a negative errno (-EBUSY when
// another writer held the database for longer than half a minute).
int db_run(struct db *db, const char *sql, const struct db_value *params,
           size_t nparams, db_row *row, void *owner, struct error *err);
int db_begin(struct db *db, struct error *err);
int db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

// A row callback for a query of one number: owner is an int64_t.
int db_take_integer(void *owner, const struct db_value *columns, size_t n,
                    struct error *err);

// The two backends.
int db_sqlite_open(const char *path, struct db **out, struct error *err);
int db_postgres_open(const char *url, struct db **out, struct error *err);
