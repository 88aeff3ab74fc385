// SPDX-License-Identifier: Apache-2.0
// The history on a PostgreSQL server. libpq is loaded when such a history is
// asked for: it brings a dozen libraries along, and every start of the program
// would pay for them. See db.h.
#include "harness/history/db.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARAMS  32
#define MAX_COLUMNS 32

// Two runners that migrate at the same time wait for each other on this key.
#define LOCK_SCHEMA "SELECT pg_advisory_xact_lock(7305808868765)"

// The functions of libpq that are used, under their own names.
struct library {
    void *handle;
    __typeof__(&PQconnectdb) PQconnectdb;
    __typeof__(&PQstatus) PQstatus;
    __typeof__(&PQerrorMessage) PQerrorMessage;
    __typeof__(&PQexecParams) PQexecParams;
    __typeof__(&PQresultStatus) PQresultStatus;
    __typeof__(&PQntuples) PQntuples;
    __typeof__(&PQnfields) PQnfields;
    __typeof__(&PQftype) PQftype;
    __typeof__(&PQgetisnull) PQgetisnull;
    __typeof__(&PQgetvalue) PQgetvalue;
    __typeof__(&PQclear) PQclear;
    __typeof__(&PQfinish) PQfinish;
    __typeof__(&PQsetNoticeProcessor) PQsetNoticeProcessor;
};

struct postgres_db {
    struct db base;
    struct library lib;
    PGconn *connection;
};

// Object identifiers of types: PostgreSQL's catalog/pg_type.dat.
enum { TYPE_INT8 = 20, TYPE_INT4 = 23, TYPE_FLOAT8 = 701 };

static bool load(struct library *lib, struct error *err)
{
    lib->handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!lib->handle) {
        error_set(err, -ENODEV,
                  "a history on PostgreSQL needs libpq: install the package "
                  "libpq5 (%s)",
                  dlerror());
        return false;
    }
    void *h = lib->handle;
    lib->PQconnectdb = (__typeof__(&PQconnectdb))dlsym(h, "PQconnectdb");
    lib->PQstatus = (__typeof__(&PQstatus))dlsym(h, "PQstatus");
    lib->PQerrorMessage =
        (__typeof__(&PQerrorMessage))dlsym(h, "PQerrorMessage");
    lib->PQexecParams = (__typeof__(&PQexecParams))dlsym(h, "PQexecParams");
    lib->PQresultStatus =
        (__typeof__(&PQresultStatus))dlsym(h, "PQresultStatus");
    lib->PQntuples = (__typeof__(&PQntuples))dlsym(h, "PQntuples");
    lib->PQnfields = (__typeof__(&PQnfields))dlsym(h, "PQnfields");
    lib->PQftype = (__typeof__(&PQftype))dlsym(h, "PQftype");
    lib->PQgetisnull = (__typeof__(&PQgetisnull))dlsym(h, "PQgetisnull");
    lib->PQgetvalue = (__typeof__(&PQgetvalue))dlsym(h, "PQgetvalue");
    lib->PQclear = (__typeof__(&PQclear))dlsym(h, "PQclear");
    lib->PQfinish = (__typeof__(&PQfinish))dlsym(h, "PQfinish");
    lib->PQsetNoticeProcessor =
        (__typeof__(&PQsetNoticeProcessor))dlsym(h, "PQsetNoticeProcessor");
    bool ok = lib->PQconnectdb && lib->PQstatus && lib->PQerrorMessage &&
              lib->PQexecParams && lib->PQresultStatus && lib->PQntuples &&
              lib->PQnfields && lib->PQftype && lib->PQgetisnull &&
              lib->PQgetvalue && lib->PQclear && lib->PQfinish &&
              lib->PQsetNoticeProcessor;
    if (!ok)
        error_set(err, -ENODEV, "libpq.so.5 lacks a function");
    return ok;
}

// libpq's messages are lines; ours is a sentence.
static int fail(struct postgres_db *db, int code, struct error *err)
{
    char text[400];
    snprintf(text, sizeof(text), "%s", db->lib.PQerrorMessage(db->connection));
    for (char *c = text; *c; c++) {
        if (*c == '\n' || *c == '\t')
            *c = c[1] ? ' ' : '\0';
    }
    return error_set(err, code, "PostgreSQL: %s", text);
}

// A parameter as text; numbers go into buf.
static const char *as_text(const struct db_value *v, char buf[40])
{
    switch (v->type) {
    case DB_INTEGER:
        snprintf(buf, 40, "%" PRId64, v->integer);
        return buf;
    case DB_REAL:
        snprintf(buf, 40, "%.17g", v->real);
        return buf;
    case DB_TEXT:
        return v->text;
    case DB_NULL:
        break;
    }
    return NULL;
}

static struct db_value column(const struct library *lib, const PGresult *r,
                              int row, int at)
{
    if (lib->PQgetisnull(r, row, at))
        return db_text(NULL);
    const char *text = lib->PQgetvalue(r, row, at);
    switch (lib->PQftype(r, at)) {
    case TYPE_INT8:
    case TYPE_INT4:
        return db_integer(strtoll(text, NULL, 10));
    case TYPE_FLOAT8:
        return db_real(strtod(text, NULL));
    default:
        return db_text(text);
    }
}

static int give_rows(const struct library *lib, const PGresult *r, db_row *row,
                     void *owner, struct error *err)
{
    int code = 0;
    int fields = lib->PQnfields(r);
    if (fields > MAX_COLUMNS)
        fields = MAX_COLUMNS;
    for (int i = 0; !code && i < lib->PQntuples(r); i++) {
        struct db_value columns[MAX_COLUMNS] = {0};
        for (int f = 0; f < fields; f++)
            columns[f] = column(lib, r, i, f);
        code = row(owner, columns, (size_t)fields, err);
    }
    return code;
}

static int run(struct db *base, const char *sql, const struct db_value *params,
               size_t nparams, db_row *row, void *owner, struct error *err)
{
    struct postgres_db *db = (struct postgres_db *)base;
    const struct library *lib = &db->lib;
    const char *values[MAX_PARAMS];
    char numbers[MAX_PARAMS][40];
    if (nparams > MAX_PARAMS)
        return error_set(err, -EINVAL, "too many parameters");
    for (size_t i = 0; i < nparams; i++)
        values[i] = as_text(&params[i], numbers[i]);
    PGresult *r = lib->PQexecParams(db->connection, sql, (int)nparams, NULL,
                                    values, NULL, NULL, 0);
    ExecStatusType status = lib->PQresultStatus(r);
    int code = 0;
    if (status == PGRES_TUPLES_OK) {
        if (row)
            code = give_rows(lib, r, row, owner, err);
    } else if (status != PGRES_COMMAND_OK) {
        bool lost = lib->PQstatus(db->connection) != CONNECTION_OK;
        code = fail(db, lost ? -ECONNRESET : -EIO, err);
    }
    lib->PQclear(r);
    return code;
}

static int begin(struct db *db, struct error *err)
{
    return run(db, "BEGIN", NULL, 0, NULL, NULL, err);
}

static int version(struct db *db, int64_t *out, struct error *err)
{
    *out = 0;
    int code = run(db, LOCK_SCHEMA, NULL, 0, NULL, NULL, err);
    if (!code)
        code = run(db,
                   "CREATE TABLE IF NOT EXISTS toyvmm_schema"
                   " (version BIGINT NOT NULL)",
                   NULL, 0, NULL, NULL, err);
    return code ? code
                : run(db, "SELECT version FROM toyvmm_schema", NULL, 0,
                      db_take_integer, out, err);
}

static int set_version(struct db *db, int64_t value, struct error *err)
{
    const struct db_value v = db_integer(value);
    int code = run(db, "DELETE FROM toyvmm_schema", NULL, 0, NULL, NULL, err);
    return code ? code
                : run(db, "INSERT INTO toyvmm_schema (version) VALUES ($1)", &v,
                      1, NULL, NULL, err);
}

static void close_db(struct db *base)
{
    struct postgres_db *db = (struct postgres_db *)base;
    if (db->connection)
        db->lib.PQfinish(db->connection);
    if (db->lib.handle)
        dlclose(db->lib.handle);
    free(db);
}

static const struct db_ops ops = {
    .run = run,
    .begin = begin,
    .version = version,
    .set_version = set_version,
    .close = close_db,
};

// Notices ("relation exists, skipping") are for nobody.
static void ignore(void *owner, const char *message)
{
    (void)owner;
    (void)message;
}

int db_postgres_open(const char *url, struct db **out, struct error *err)
{
    struct postgres_db *db = calloc(1, sizeof(*db));
    if (!db)
        return error_set(err, -ENOMEM, "out of memory");
    db->base.ops = &ops;
    int code = load(&db->lib, err) ? 0 : -ENODEV;
    if (!code) {
        db->connection = db->lib.PQconnectdb(url);
        if (db->lib.PQstatus(db->connection) != CONNECTION_OK)
            code = fail(db, -ECONNREFUSED, err);
        else
            db->lib.PQsetNoticeProcessor(db->connection, ignore, NULL);
    }
    if (code) {
        close_db(&db->base);
        return code;
    }
    *out = &db->base;
    return 0;
}
