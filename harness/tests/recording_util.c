// SPDX-License-Identifier: Apache-2.0
// See recording_util.h.
#include "harness/tests/recording_util.h"

#include "harness/recording/recorder.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static pid_t maker; // of dir

// What a test wrote is gone with its process.
static void remove_own_files(void)
{
    DIR *folder = maker == getpid() ? opendir(dir) : NULL;
    for (struct dirent *e; folder && (e = readdir(folder));)
        unlinkat(dirfd(folder), e->d_name, 0);
    if (!folder)
        return;
    closedir(folder);
    rmdir(dir);
}

const char *own_file(const char *name)
{
    static char path[256];
    if (!*dir) {
        snprintf(dir, sizeof(dir), "/tmp/toyvmm-recording-XXXXXX");
        cr_assert_not_null(mkdtemp(dir));
        maker = getpid();
        cr_assert_eq(atexit(remove_own_files), 0);
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(FILE *f, const char *name, const char *text)
{
    fprintf(f, "%s: %s\n", name, text ? text : "-");
}

char *result_text(const struct result *r, bool times)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cr_assert_not_null(f);
    put(f, "verdict", verdict_name(r->verdict));
    put(f, "kind", r->kind);
    put(f, "where", r->where);
    put(f, "message", r->message);
    for (size_t i = 0; i < r->nmarks; i++) {
        const struct result_mark *m = &r->marks[i];
        fprintf(f, "mark %s", m->name);
        if (times)
            fprintf(f, " %" PRIu64, m->wall_ns);
        fprintf(f, " cpu %" PRIu64 " exits %" PRIu64 " io %" PRIu64 "\n",
                m->cpu_ns, m->exits, m->exits_by[VMEXIT_IO]);
    }
    for (size_t i = 0; i < r->nnotes; i++) {
        const struct result_note *n = &r->notes[i];
        fprintf(f, "note %d %s", n->failed, n->where ? n->where : "-");
        if (times)
            fprintf(f, " %" PRIu64, n->at_ns);
        fprintf(f, " %s\n", n->text);
    }
    for (size_t i = 0; i < r->ntests; i++)
        fprintf(f, "test %s %s %s\n", r->tests[i].name,
                verdict_name(r->tests[i].verdict),
                r->tests[i].message ? r->tests[i].message : "-");
    for (size_t i = 0; times && i < r->nsections; i++)
        fprintf(f, "section %s\n%s\n", r->sections[i].name,
                r->sections[i].text);
    for (size_t i = 0; times && i < r->nconsoles; i++)
        fprintf(f, "console %u, %zu bytes, %" PRIu64 " elided\n%.*s\n",
                r->consoles[i].port, r->consoles[i].len, r->consoles[i].elided,
                (int)r->consoles[i].len, r->consoles[i].bytes);
    if (times)
        fprintf(f, "duration %" PRIu64 "\n", r->duration_ns);
    cr_assert_eq(fclose(f), 0);
    return text;
}

// ---- A recorded run of a scripted guest -------------------------------------

struct session {
    const char *path;
    struct recorder *recorder;
    const struct scenario *scenario;
    struct result about;
    uint64_t usages;
    struct run_machine machine;
    struct replayed out;
};

static bool fake_regs(void *owner, unsigned vcpu, struct toyvmm_regs *out)
{
    (void)vcpu;
    (void)owner;
    memset(out, 0, sizeof(*out));
    out->rip = UINT64_C(0xffffffff81000123);
    out->ss = 0x18;
    return true;
}

static void fake_usage(void *owner, uint64_t ns, struct toyvmm_usage *out,
                       struct toyvmm_share *each)
{
    (void)each;
    struct session *s = owner;
    (void)ns;
    s->usages++;
    *out = (struct toyvmm_usage){.cpu_ns = s->usages * 1001,
                                 .exits = s->usages * 7,
                                 .exits_by = {s->usages * 5, s->usages * 2}};
}

static void prepare(void *owner, struct run_options *run)
{
    struct session *s = owner;
    struct error err = {""};
    s->machine = (struct run_machine){
        .owner = s, .regs = fake_regs, .usage = fake_usage};
    run->machine = &s->machine;
    s->scenario = run->scenario;
    s->recorder = recorder_begin(s->path, run, &s->about, &err);
    cr_assert_not_null(s->recorder, "%s", err.text);
}

static char *replay(const struct session *s, size_t max_piece, bool times)
{
    struct result r;
    struct replay_options o = {.scenario = s->scenario,
                               .path = s->path,
                               .tape = {.max_piece = max_piece}};
    result_init(&r);
    cr_assert_eq(replay_run(&o, &r), 0);
    cr_assert_str_eq(r.accelerator, "replay");
    char *text = result_text(&r, times);
    result_free(&r);
    return text;
}

static void done(void *owner, const struct result *result)
{
    struct session *s = owner;
    struct error err = {""};
    cr_assert_eq(recorder_end(s->recorder, result, &err), 0, "%s", err.text);
    s->out.recorded = result_text(result, true);
    s->out.recorded_coarse = result_text(result, false);
    s->out.replayed = replay(s, 0, true);
    s->out.in_pieces = replay(s, 1, false);
}

struct replayed record_and_replay(const char *path, const char *scenario,
                                  const struct script_line *script, size_t n)
{
    struct session s = {.path = path};
    struct fake_options options = {
        .scale = 1, .prepare = prepare, .done = done, .owner = &s};
    struct result result;
    fake_run(scenario, script, n, &options, &result);
    result_free(&result);
    return s.out;
}

void replayed_free(struct replayed *r)
{
    free(r->recorded);
    free(r->recorded_coarse);
    free(r->replayed);
    free(r->in_pieces);
}

uint8_t *file_bytes(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(8 << 20);
    cr_assert(f && bytes, "%s", path);
    *len = fread(bytes, 1, 8 << 20, f);
    fclose(f);
    return bytes;
}

void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
}
