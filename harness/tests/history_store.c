// SPDX-License-Identifier: Apache-2.0
// The history on a real database: an SQLite file, and, where
// TOYVMM_TEST_POSTGRES names one, a PostgreSQL server. What goes in comes out,
// under parallel writers and killed ones.
#include "harness/history/db.h"
#include "harness/history/history.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char postgres[] = "TOYVMM_TEST_POSTGRES";

// A fresh history: an SQLite file, or an empty schema of a server.
struct place {
    char url[512];
    bool server;
};

static struct place make_place(bool server)
{
    struct place p = {.server = server};
    if (server) {
        const char *url = getenv(postgres);
        if (!url)
            cr_skip_test("%s names no server", postgres);
        struct db *db;
        struct error err = {""};
        cr_assert_eq(db_open(url, &db, &err), 0, "%s", err.text);
        // Tests run side by side: each has a schema of its own.
        char sql[64];
        snprintf(sql, sizeof(sql), "CREATE SCHEMA t%d", getpid());
        cr_assert_eq(db_run(db, sql, NULL, 0, NULL, NULL, &err), 0, "%s",
                     err.text);
        snprintf(p.url, sizeof(p.url), "%s&options=-csearch_path%%3Dt%d", url,
                 getpid());
        db_close(db);
    } else {
        char dir[] = "/tmp/toyvmm-history-XXXXXX";
        cr_assert_not_null(mkdtemp(dir));
        snprintf(p.url, sizeof(p.url), "%s/h.db", dir);
    }
    return p;
}

static void remove_place(struct place *p)
{
    if (p->server)
        return;
    static const char *const tails[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s%s", p->url, tails[i]);
        unlink(path);
    }
    *strrchr(p->url, '/') = '\0';
    rmdir(p->url);
}

static struct history *open_at(const struct place *p)
{
    struct history *h = NULL;
    struct error err = {""};
    cr_assert_eq(history_open(p->url, &h, &err), 0, "%s", err.text);
    return h;
}

static const struct history_mark marks[] = {
    {"kernel_banner", 300000000, 200000000, 17},
    {"login_prompt", 2500000000, 2300000000, 512},
};

static struct history_run sample_run(const char *commit, uint64_t started)
{
    struct history_run r = {
        .session = "s",
        .scenario = "testcases/\"quoted\".tc",
        .guest = "alpine",
        .commit = commit,
        .started_unix_ns = started,
        .duration_ns = 3000000000,
        .verdict = "passed",
        .environment = {"AMD EPYC", NULL, "kvm", "1.0", 256 << 20, 1},
        .subject = {"aa", NULL, "console=ttyS0"},
        .nmarks = 2,
        .marks = marks,
    };
    history_new_id(r.id);
    return r;
}

struct seen {
    unsigned runs, marks;
    uint64_t last_started;
    char commits[200];
};

static int look(void *owner, const struct history_run *r, struct error *err)
{
    struct seen *s = owner;
    (void)err;
    s->runs++;
    s->marks += (unsigned)r->nmarks;
    cr_expect_geq(r->started_unix_ns, s->last_started, "oldest first");
    s->last_started = r->started_unix_ns;
    if (strlen(s->commits) < 150)
        strcat(strcat(s->commits, r->commit ? r->commit : "-"), " ");
    cr_expect_str_eq(r->scenario, "testcases/\"quoted\".tc");
    cr_expect_null(r->environment.microcode);
    cr_expect_null(r->subject.initrd_sha256);
    cr_expect_eq(r->environment.memory, 256 << 20);
    char id[65];
    history_environment_id(&r->environment, id);
    cr_expect_str_eq(r->environment_id, id);
    if (r->nmarks == 2) {
        cr_expect_str_eq(r->marks[1].name, "login_prompt");
        cr_expect_eq(r->marks[1].wall_ns, 2500000000);
        cr_expect_eq(r->marks[1].exits, 512);
    }
    return 0;
}

static struct seen read_all(struct history *h, const struct history_query *q)
{
    struct seen s = {0};
    struct error err = {""};
    cr_assert_eq(history_read(h, q, look, &s, &err), 0, "%s", err.text);
    return s;
}

static void round_trip(bool server)
{
    struct place p = make_place(server);
    struct history *h = open_at(&p);
    struct history_run runs[4];
    for (int i = 0; i < 4; i++)
        runs[i] = sample_run(i < 2 ? "c1" : "c2", (uint64_t)(i + 1) * 1000);
    runs[2].warmup = true;
    runs[3].nmarks = 0;
    struct error err = {""};
    cr_assert_eq(history_add(h, runs, 4, &err), 0, "%s", err.text);
    cr_assert_eq(history_add(h, runs, 4, &err), 0, "again: %s", err.text);
    struct history_query q = {0};
    struct seen s = read_all(h, &q);
    cr_expect_eq(s.runs, 3);
    cr_expect_eq(s.marks, 4);
    cr_expect_str_eq(s.commits, "c1 c1 c2 ");
    q.commit = "c1";
    q.newest = 1;
    s = read_all(h, &q);
    cr_expect_eq(s.runs, 1);
    cr_expect_eq(s.last_started, 2000, "the newest one");
    q = (struct history_query){.since_unix_ns = 2000, .passed_only = true};
    cr_expect_eq(read_all(h, &q).runs, 2);
    q = (struct history_query){.scenario = "' OR 1=1 --"};
    cr_expect_eq(read_all(h, &q).runs, 0);
    history_close(h);
    h = open_at(&p);
    q = (struct history_query){0};
    cr_expect_eq(read_all(h, &q).runs, 3, "after it was closed");
    history_close(h);
    remove_place(&p);
}

Test(history, sqlite_gives_back_what_it_got)
{
    round_trip(false);
}

Test(history, postgresql_gives_back_what_it_got)
{
    round_trip(true);
}

#define WRITERS 6
#define EACH    25

// Each writer makes the history itself, so that migrations meet, too.
static void write_many(const struct place *p)
{
    struct history *h;
    struct error err = {""};
    if (history_open(p->url, &h, &err))
        _exit(1);
    for (uint64_t i = 0; i < EACH; i++) {
        struct history_run r = sample_run("c", i);
        if (history_add(h, &r, 1, &err))
            _exit(2);
    }
    history_close(h);
    _exit(0);
}

static void parallel(bool server)
{
    struct place p = make_place(server);
    pid_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (!writers[i])
            write_many(&p);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        cr_assert_eq(waitpid(writers[i], &status, 0), writers[i]);
        cr_expect_eq(status, 0, "writer %d: %#x", i, (unsigned)status);
    }
    struct history *h = open_at(&p);
    struct seen s = read_all(h, &(struct history_query){0});
    cr_expect_eq(s.runs, WRITERS * EACH);
    cr_expect_eq(s.marks, 2 * WRITERS * EACH);
    history_close(h);
    remove_place(&p);
}

Test(history, sqlite_takes_parallel_writers)
{
    parallel(false);
}

Test(history, postgresql_takes_parallel_writers)
{
    parallel(true);
}

// Killed in the middle of a transaction: whole runs or none are there, and the
// next writer goes on.
static void killed(bool server)
{
    struct place p = make_place(server);
    struct history *h = open_at(&p);
    for (int round = 0; round < 10; round++) {
        int ready[2];
        cr_assert_eq(pipe(ready), 0);
        pid_t pid = fork();
        if (!pid) {
            struct history *mine;
            struct error err = {""};
            history_open(p.url, &mine, &err);
            for (uint64_t i = 0;; i++) {
                struct history_run r = sample_run("k", i);
                history_add(mine, &r, 1, &err);
                if (write(ready[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        char some[8];
        cr_assert_geq(read(ready[0], some, sizeof(some)), 1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(ready[0]);
        close(ready[1]);
        struct history_run r = sample_run("after", 1);
        struct error err = {""};
        cr_assert_eq(history_add(h, &r, 1, &err), 0, "%s", err.text);
    }
    struct seen s = read_all(h, &(struct history_query){0});
    cr_expect_geq(s.runs, 20);
    cr_expect_eq(s.marks, 2 * s.runs, "no run without its marks");
    history_close(h);
    remove_place(&p);
}

Test(history, sqlite_survives_killed_writers)
{
    killed(false);
}

Test(history, postgresql_survives_killed_writers)
{
    killed(true);
}

static void newer(bool server)
{
    struct place p = make_place(server);
    history_close(open_at(&p));
    struct db *db;
    struct error err = {""};
    cr_assert_eq(db_open(p.url, &db, &err), 0);
    cr_assert_eq(db->ops->set_version(db, 1000, &err), 0, "%s", err.text);
    db_close(db);
    struct history *h;
    cr_expect_eq(history_open(p.url, &h, &err), -EPROTO);
    cr_expect(strstr(err.text, "use a newer toyvmm-test"), "%s", err.text);
    remove_place(&p);
}

Test(history, a_newer_schema_is_left_alone)
{
    newer(false);
}

Test(history, a_newer_schema_on_a_server_is_left_alone)
{
    newer(true);
}

Test(history, what_is_no_history_is_refused)
{
    struct history *h;
    struct error err = {""};
    cr_expect_eq(history_open("/no/such/folder/h.db", &h, &err), -ENOENT);
    cr_expect(strstr(err.text, "/no/such/folder/h.db"), "%s", err.text);
    cr_expect_eq(history_open("/tmp", &h, &err), -EISDIR);
    struct place p = make_place(false);
    FILE *f = fopen(p.url, "we");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", f);
    fclose(f);
    cr_expect_eq(history_open(p.url, &h, &err), -EINVAL);
    cr_expect_eq(history_open("postgresql://127.0.0.1:1/none?connect_timeout=2",
                              &h, &err),
                 -ECONNREFUSED);
    cr_expect(strstr(err.text, "PostgreSQL"), "%s", err.text);
    remove_place(&p);
}

Test(history, environments_differ_by_each_field)
{
    const struct history_environment base = {"cpu", "1", "kvm", "v",
                                             1,     1,   NULL};
    struct history_environment others[] = {
        base, base, base, base, base, base, base,
    };
    others[0].host_cpu = "cpv";
    others[1].microcode = NULL;
    others[2].accelerator = "rig";
    others[3].version = "w";
    others[4].memory = 2;
    others[5].vcpus = 2;
    others[6].host_cpu = "cpu1";
    others[6].microcode = "";
    char id[65];
    char other[65];
    history_environment_id(&base, id);
    cr_expect_eq(strlen(id), 64);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        history_environment_id(&others[i], other);
        cr_expect_str_neq(id, other, "%zu", i);
    }
}

static int look_at_exact(void *owner, const struct history_run *r,
                         struct error *err)
{
    (void)err;
    unsigned *seen = owner;
    if (!strcmp(r->commit, "new")) {
        cr_expect(r->seeded);
        cr_expect_eq(r->seed, INT64_MAX);
        cr_expect_str_eq(r->environment.fingerprint, "f1");
    } else {
        cr_expect(!r->seeded);
        cr_expect_null(r->environment.fingerprint);
    }
    ++*seen;
    return 0;
}

// A history of before the exact rig: its runs stay what they were.
static void older(bool server)
{
    static const char *const back[] = {
        "ALTER TABLE environment DROP COLUMN fingerprint",
        "ALTER TABLE run DROP COLUMN seed"};
    struct place p = make_place(server);
    struct history *h = open_at(&p);
    struct history_run r = sample_run("old", 1);
    struct error err = {""};
    struct db *db;
    unsigned seen = 0;
    cr_assert_eq(history_add(h, &r, 1, &err), 0, "%s", err.text);
    history_close(h);
    cr_assert_eq(db_open(p.url, &db, &err), 0);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(db_run(db, back[i], NULL, 0, NULL, NULL, &err), 0, "%s",
                     err.text);
    cr_assert_eq(db->ops->set_version(db, 1, &err), 0, "%s", err.text);
    db_close(db);
    h = open_at(&p);
    r = sample_run("new", 2);
    r.seeded = true;
    r.seed = INT64_MAX;
    r.environment.fingerprint = "f1";
    cr_assert_eq(history_add(h, &r, 1, &err), 0, "%s", err.text);
    cr_assert_eq(
        history_read(h, &(struct history_query){0}, look_at_exact, &seen, &err),
        0, "%s", err.text);
    cr_expect_eq(seen, 2);
    history_close(h);
    remove_place(&p);
}

Test(history, an_older_schema_is_migrated)
{
    older(false);
}

Test(history, an_older_schema_on_a_server_is_migrated)
{
    older(true);
}

// Old runs and new ones of one environment have one id.
Test(history, an_environment_without_a_fingerprint_keeps_its_id)
{
    struct history_environment e = {"cpu", "1", "kvm", "v", 1, 1, NULL};
    char id[65], other[65];
    history_environment_id(&e, id);
    cr_expect_str_eq(id, "d6995d8058d1a19bcbf2493093a79ddf"
                         "742e4d80600f16545901b1f96d62ca29");
    e.fingerprint = "";
    history_environment_id(&e, other);
    cr_expect_str_neq(id, other);
}
