// SPDX-License-Identifier: Apache-2.0
// Writing runs to the history. See history.h; reading is in history_read.c.
#include "harness/history/history.h"

#include "harness/history/history_db.h"

#include <errno.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int history_open(const char *url, struct history **out, struct error *err)
{
    struct history *h = calloc(1, sizeof(*h));
    if (!h)
        return error_set(err, -ENOMEM, "out of memory");
    int code = db_open(url, &h->db, err);
    if (!code)
        code = history_migrate(h->db, err);
    if (code) {
        history_close(h);
        return code;
    }
    *out = h;
    return 0;
}

void history_close(struct history *h)
{
    if (!h)
        return;
    db_close(h->db);
    free(h);
}

void history_new_id(char out[HISTORY_ID])
{
    uint64_t random[2];
    size_t done = 0;
    while (done < sizeof(random)) {
        ssize_t n = getrandom((char *)random + done, sizeof(random) - done, 0);
        if (n > 0)
            done += (size_t)n;
    }
    snprintf(out, HISTORY_ID, "%016" PRIx64 "%016" PRIx64, random[0],
             random[1]);
}

// Fields are separated, so that "a" "bc" is not "ab" "c"; NULL is not "".
static void digest_text(SHA2_CTX *c, const char *text)
{
    if (text)
        SHA256Update(c, (const uint8_t *)text, strlen(text) + 1);
    else
        SHA256Update(c, (const uint8_t *)"\xff", 1);
}

static void digest_end(SHA2_CTX *c, char out[65])
{
    SHA256End(c, out);
}

void history_environment_id(const struct history_environment *e, char out[65])
{
    char numbers[64];
    snprintf(numbers, sizeof(numbers), "%" PRIu64 " %" PRIu64, e->memory,
             e->vcpus);
    SHA2_CTX c;
    SHA256Init(&c);
    digest_text(&c, e->host_cpu);
    digest_text(&c, e->microcode);
    digest_text(&c, e->accelerator);
    digest_text(&c, e->version);
    digest_text(&c, numbers);
    // The ids of those who have none are older than it.
    if (e->fingerprint)
        digest_text(&c, e->fingerprint);
    digest_end(&c, out);
}

static void subject_id(const struct history_subject *s, char out[65])
{
    SHA2_CTX c;
    SHA256Init(&c);
    digest_text(&c, s->kernel_sha256);
    digest_text(&c, s->initrd_sha256);
    digest_text(&c, s->cmdline);
    digest_end(&c, out);
}

static int run_sql(struct history *h, const char *sql,
                   const struct db_value *params, size_t n, struct error *err)
{
    return db_run(h->db, sql, params, n, NULL, NULL, err);
}

static int add_environment(struct history *h,
                           const struct history_environment *e, const char *id,
                           struct error *err)
{
    const struct db_value params[] = {
        db_text(id),
        db_text(e->host_cpu),
        db_text(e->microcode),
        db_text(e->accelerator),
        db_text(e->version),
        db_integer((int64_t)e->memory),
        db_integer((int64_t)e->vcpus),
        db_text(e->fingerprint),
    };
    return run_sql(h,
                   "INSERT INTO environment (id, host_cpu, microcode,"
                   " accelerator, version, memory, vcpus, fingerprint)"
                   " VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT DO NOTHING",
                   params, sizeof(params) / sizeof(params[0]), err);
}

static int add_subject(struct history *h, const struct history_subject *s,
                       const char *id, struct error *err)
{
    const struct db_value params[] = {
        db_text(id),
        db_text(s->kernel_sha256),
        db_text(s->initrd_sha256),
        db_text(s->cmdline),
    };
    return run_sql(h,
                   "INSERT INTO subject (id, kernel_sha256, initrd_sha256,"
                   " cmdline) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING",
                   params, sizeof(params) / sizeof(params[0]), err);
}

static int add_marks(struct history *h, const struct history_run *r,
                     struct error *err)
{
    int code = 0;
    for (size_t i = 0; !code && i < r->nmarks; i++) {
        const struct history_mark *m = &r->marks[i];
        const struct db_value params[] = {
            db_text(r->id),
            db_text(m->name),
            db_integer((int64_t)m->wall_ns),
            db_integer((int64_t)m->cpu_ns),
            db_integer((int64_t)m->exits),
        };
        // A mark that a loop stamps again keeps its first time.
        code = run_sql(h,
                       "INSERT INTO sample (run, mark, wall_ns, cpu_ns, exits)"
                       " VALUES ($1,$2,$3,$4,$5) ON CONFLICT DO NOTHING",
                       params, sizeof(params) / sizeof(params[0]), err);
    }
    return code;
}

static int add_run(struct history *h, const struct history_run *r,
                   struct error *err)
{
    char environment[65];
    char subject[65];
    history_environment_id(&r->environment, environment);
    subject_id(&r->subject, subject);
    int code = add_environment(h, &r->environment, environment, err);
    if (!code)
        code = add_subject(h, &r->subject, subject, err);
    if (code)
        return code;
    const struct db_value params[] = {
        db_text(r->id),
        db_text(r->session),
        db_integer((int64_t)r->position),
        db_integer(r->warmup),
        db_text(r->scenario),
        db_text(r->guest),
        db_text(r->commit),
        db_text(r->branch),
        db_text(r->job),
        db_integer((int64_t)r->started_unix_ns),
        db_integer((int64_t)r->duration_ns),
        db_text(r->verdict),
        db_text(environment),
        db_text(subject),
        r->seeded ? db_integer((int64_t)r->seed) : db_text(NULL),
    };
    code = run_sql(h,
                   "INSERT INTO run (id, session, position, warmup, scenario,"
                   " guest, commit_id, branch, job, started_unix_ns,"
                   " duration_ns, verdict, environment, subject, seed) VALUES"
                   " ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)"
                   " ON CONFLICT DO NOTHING",
                   params, sizeof(params) / sizeof(params[0]), err);
    return code ? code : add_marks(h, r, err);
}

int history_add(struct history *h, const struct history_run *runs, size_t n,
                struct error *err)
{
    int code = db_begin(h->db, err);
    if (code)
        return code;
    for (size_t i = 0; !code && i < n; i++)
        code = add_run(h, &runs[i], err);
    if (!code)
        code = db_commit(h->db, err);
    if (code)
        db_rollback(h->db);
    return code;
}
