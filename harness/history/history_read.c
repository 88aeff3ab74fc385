// SPDX-License-Identifier: Apache-2.0
// Reading runs from the history. See history.h.
#include "harness/history/history_db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The columns, in the order of the query.
enum column {
    C_ID,
    C_SESSION,
    C_POSITION,
    C_SCENARIO,
    C_GUEST,
    C_COMMIT,
    C_BRANCH,
    C_JOB,
    C_STARTED,
    C_DURATION,
    C_VERDICT,
    C_ENVIRONMENT,
    C_CPU,
    C_MICROCODE,
    C_ACCELERATOR,
    C_VERSION,
    C_MEMORY,
    C_VCPUS,
    C_FINGERPRINT,
    C_SEED, // NULL: not in the exact rig
    C_KERNEL,
    C_INITRD,
    C_CMDLINE,
    C_MARK, // NULL: the run has none
    C_WALL,
    C_MARK_CPU,
    C_EXITS,
    COLUMNS,
};

static const char query_text[] =
    "SELECT r.id, r.session, r.position, r.scenario, r.guest, r.commit_id,"
    " r.branch, r.job, r.started_unix_ns, r.duration_ns, r.verdict,"
    " r.environment, e.host_cpu, e.microcode, e.accelerator, e.version,"
    " e.memory, e.vcpus, e.fingerprint, r.seed, s.kernel_sha256, "
    "s.initrd_sha256, s.cmdline,"
    " m.mark, m.wall_ns, m.cpu_ns, m.exits"
    " FROM (SELECT * FROM run WHERE warmup = 0"
    "  AND (CAST($1 AS TEXT) IS NULL OR scenario = $1)"
    "  AND (CAST($2 AS TEXT) IS NULL OR guest = $2)"
    "  AND (CAST($3 AS TEXT) IS NULL OR commit_id = $3)"
    "  AND (CAST($4 AS TEXT) IS NULL OR branch = $4)"
    "  AND (CAST($5 AS TEXT) IS NULL OR environment = $5)"
    "  AND (CAST($6 AS TEXT) IS NULL OR session = $6)"
    "  AND (CAST($7 AS TEXT) IS NULL OR verdict = $7)"
    "  AND started_unix_ns >= $8"
    "  ORDER BY started_unix_ns DESC, id DESC LIMIT $9) r"
    " JOIN environment e ON e.id = r.environment"
    " JOIN subject s ON s.id = r.subject"
    " LEFT JOIN sample m ON m.run = r.id"
    " ORDER BY r.started_unix_ns, r.id, m.wall_ns, m.mark";

// One run while its rows come. Its strings are copies, given back together.
struct gather {
    int (*give)(void *owner, const struct history_run *run, struct error *err);
    void *owner;
    bool open; // run holds one
    struct history_run run;
    size_t capacity;
    struct history_mark *marks;
    size_t ncopies, copy_capacity;
    char **copies;
    bool failed;
};

static const char *keep(struct gather *g, const struct db_value *v)
{
    if (v->type != DB_TEXT)
        return NULL;
    if (g->ncopies == g->copy_capacity) {
        size_t capacity = g->copy_capacity ? g->copy_capacity * 2 : 32;
        char **copies = reallocarray(g->copies, capacity, sizeof(*copies));
        if (!copies) {
            g->failed = true;
            return NULL;
        }
        g->copies = copies;
        g->copy_capacity = capacity;
    }
    char *copy = strdup(v->text);
    g->failed = g->failed || !copy;
    if (copy)
        g->copies[g->ncopies++] = copy;
    return copy;
}

static void forget(struct gather *g)
{
    for (size_t i = 0; i < g->ncopies; i++)
        free(g->copies[i]);
    g->ncopies = 0;
    g->open = false;
}

static int hand_over(struct gather *g, struct error *err)
{
    if (!g->open)
        return 0;
    g->run.marks = g->marks;
    int code = g->give(g->owner, &g->run, err);
    forget(g);
    return code;
}

static void begin_run(struct gather *g, const struct db_value *c)
{
    struct history_run *r = &g->run;
    *r = (struct history_run){
        .session = keep(g, &c[C_SESSION]),
        .position = (uint64_t)c[C_POSITION].integer,
        .scenario = keep(g, &c[C_SCENARIO]),
        .guest = keep(g, &c[C_GUEST]),
        .commit = keep(g, &c[C_COMMIT]),
        .branch = keep(g, &c[C_BRANCH]),
        .job = keep(g, &c[C_JOB]),
        .started_unix_ns = (uint64_t)c[C_STARTED].integer,
        .duration_ns = (uint64_t)c[C_DURATION].integer,
        .verdict = keep(g, &c[C_VERDICT]),
        .seeded = c[C_SEED].type == DB_INTEGER,
        .seed = (uint64_t)c[C_SEED].integer,
        .environment = {.host_cpu = keep(g, &c[C_CPU]),
                        .microcode = keep(g, &c[C_MICROCODE]),
                        .accelerator = keep(g, &c[C_ACCELERATOR]),
                        .version = keep(g, &c[C_VERSION]),
                        .memory = (uint64_t)c[C_MEMORY].integer,
                        .vcpus = (uint64_t)c[C_VCPUS].integer,
                        .fingerprint = keep(g, &c[C_FINGERPRINT])},
        .subject = {.kernel_sha256 = keep(g, &c[C_KERNEL]),
                    .initrd_sha256 = keep(g, &c[C_INITRD]),
                    .cmdline = keep(g, &c[C_CMDLINE])},
    };
    snprintf(r->id, sizeof(r->id), "%s", c[C_ID].text);
    snprintf(r->environment_id, sizeof(r->environment_id), "%s",
             c[C_ENVIRONMENT].text);
    g->open = true;
}

static void add_mark(struct gather *g, const struct db_value *c)
{
    if (g->run.nmarks == g->capacity) {
        size_t capacity = g->capacity ? g->capacity * 2 : 32;
        struct history_mark *marks =
            reallocarray(g->marks, capacity, sizeof(*marks));
        if (!marks) {
            g->failed = true;
            return;
        }
        g->marks = marks;
        g->capacity = capacity;
    }
    g->marks[g->run.nmarks++] = (struct history_mark){
        .name = keep(g, &c[C_MARK]),
        .wall_ns = (uint64_t)c[C_WALL].integer,
        .cpu_ns = (uint64_t)c[C_MARK_CPU].integer,
        .exits = (uint64_t)c[C_EXITS].integer,
    };
}

static int take_row(void *owner, const struct db_value *c, size_t n,
                    struct error *err)
{
    struct gather *g = owner;
    if (n != COLUMNS || c[C_ID].type != DB_TEXT ||
        c[C_ENVIRONMENT].type != DB_TEXT)
        return error_set(err, -EINVAL, "the history's tables are damaged");
    int code = 0;
    if (!g->open || strcmp(g->run.id, c[C_ID].text) != 0) {
        code = hand_over(g, err);
        if (!code)
            begin_run(g, c);
    }
    if (!code && c[C_MARK].type == DB_TEXT)
        add_mark(g, c);
    if (!code && g->failed)
        code = error_set(err, -ENOMEM, "out of memory");
    return code;
}

int history_read(struct history *h, const struct history_query *query,
                 int (*run)(void *owner, const struct history_run *run,
                            struct error *err),
                 void *owner, struct error *err)
{
    const struct db_value params[] = {
        db_text(query->scenario),
        db_text(query->guest),
        db_text(query->commit),
        db_text(query->branch),
        db_text(query->environment_id),
        db_text(query->session),
        db_text(query->passed_only ? "passed" : NULL),
        db_integer((int64_t)query->since_unix_ns),
        db_integer(query->newest ? (int64_t)query->newest : INT64_MAX),
    };
    struct gather g = {.give = run, .owner = owner};
    int code = db_run(h->db, query_text, params,
                      sizeof(params) / sizeof(params[0]), take_row, &g, err);
    if (!code)
        code = hand_over(&g, err);
    forget(&g);
    free(g.copies);
    free(g.marks);
    return code;
}
