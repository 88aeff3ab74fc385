// SPDX-License-Identifier: Apache-2.0
// The history in an SQLite file: write-ahead logging, so that readers never
// wait and a process that is killed in the middle loses its own transaction
// and nothing else. See db.h.
#include "harness/history/db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS     30000
#define MAX_COLUMNS 32

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
};

static int code_of(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
        return -ENOENT;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return -EINVAL;
    default:
        return -EIO;
    }
}

static int fail(struct sqlite_db *db, const char *what, struct error *err)
{
    int code = code_of(sqlite3_extended_errcode(db->handle));
    const char *file = sqlite3_db_filename(db->handle, "main");
    return error_set(err, code, "%s: %s%s%s", file ? file : "history",
                     what ? what : "", what ? ": " : "",
                     sqlite3_errmsg(db->handle));
}

static int bind(sqlite3_stmt *statement, int at, const struct db_value *v)
{
    switch (v->type) {
    case DB_INTEGER:
        return sqlite3_bind_int64(statement, at, v->integer);
    case DB_REAL:
        return sqlite3_bind_double(statement, at, v->real);
    case DB_TEXT:
        return sqlite3_bind_text(statement, at, v->text, -1, SQLITE_STATIC);
    case DB_NULL:
        break;
    }
    return sqlite3_bind_null(statement, at);
}

static struct db_value column(sqlite3_stmt *statement, int at)
{
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
        return db_integer(sqlite3_column_int64(statement, at));
    case SQLITE_FLOAT:
        return db_real(sqlite3_column_double(statement, at));
    case SQLITE_NULL:
        return db_text(NULL);
    default:
        return db_text((const char *)sqlite3_column_text(statement, at));
    }
}

static int give_row(sqlite3_stmt *statement, db_row *row, void *owner,
                    struct error *err)
{
    struct db_value columns[MAX_COLUMNS] = {0};
    int n = sqlite3_column_count(statement);
    if (n > MAX_COLUMNS)
        n = MAX_COLUMNS;
    for (int i = 0; i < n; i++)
        columns[i] = column(statement, i);
    return row(owner, columns, (size_t)n, err);
}

static int run(struct db *base, const char *sql, const struct db_value *params,
               size_t nparams, db_row *row, void *owner, struct error *err)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(db, NULL, err);
    int status = SQLITE_OK;
    for (size_t i = 0; status == SQLITE_OK && i < nparams; i++)
        status = bind(statement, (int)i + 1, &params[i]);
    int code = status == SQLITE_OK ? 0 : fail(db, NULL, err);
    while (!code && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        if (row)
            code = give_row(statement, row, owner, err);
    }
    if (!code && status != SQLITE_DONE)
        code = fail(db, NULL, err);
    sqlite3_finalize(statement);
    return code;
}

static int begin(struct db *db, struct error *err)
{
    // A transaction that begins as a reader can't become a writer when another
    // one was faster.
    return run(db, "BEGIN IMMEDIATE", NULL, 0, NULL, NULL, err);
}

static int version(struct db *db, int64_t *out, struct error *err)
{
    *out = 0;
    return run(db, "PRAGMA user_version", NULL, 0, db_take_integer, out, err);
}

static int set_version(struct db *db, int64_t value, struct error *err)
{
    char sql[64];
    sqlite3_snprintf(sizeof(sql), sql, "PRAGMA user_version=%lld",
                     (long long)value);
    return run(db, sql, NULL, 0, NULL, NULL, err);
}

static void close_db(struct db *base)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    sqlite3_close(db->handle);
    free(db);
}

static const struct db_ops ops = {
    .run = run,
    .begin = begin,
    .version = version,
    .set_version = set_version,
    .close = close_db,
};

static int prepare(struct sqlite_db *db, struct error *err)
{
    static const char *const settings[] = {
        // Readers and a writer do not wait for each other.
        "PRAGMA journal_mode=WAL",
        // With WAL a killed process harms nothing; a power cut may lose the
        // last runs, and never the file.
        "PRAGMA synchronous=NORMAL",
        "PRAGMA foreign_keys=ON",
    };
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    int code = 0;
    for (size_t i = 0; !code && i < sizeof(settings) / sizeof(settings[0]); i++)
        code = run(&db->base, settings[i], NULL, 0, NULL, NULL, err);
    return code;
}

// Processes that turn one new file to WAL at the same time would each hold a
// shared lock and want an exclusive one; SQLite then says "busy" at once, for
// waiting could not help. So they take turns, on the folder: a lock on the file
// itself would be SQLite's own. -1 where a folder can't be locked.
static int take_turn(const char *path)
{
    char *copy = strdup(path);
    int fd =
        copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(copy);
    while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
        ;
    return fd;
}

int db_sqlite_open(const char *path, struct db **out, struct error *err)
{
    struct stat st;
    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        return error_set(err, -EISDIR, "%s: is a directory", path);
    struct sqlite_db *db = calloc(1, sizeof(*db));
    if (!db)
        return error_set(err, -ENOMEM, "out of memory");
    db->base.ops = &ops;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = 0;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK)
        code = error_set(err, code_of(sqlite3_errcode(db->handle)), "%s: %s",
                         path, sqlite3_errmsg(db->handle));
    if (!code) {
        int turn = take_turn(path);
        code = prepare(db, err);
        if (turn >= 0)
            close(turn);
    }
    if (code) {
        close_db(&db->base);
        return code;
    }
    *out = &db->base;
    return 0;
}
