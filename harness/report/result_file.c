// SPDX-License-Identifier: Apache-2.0
// The result record as a file: how a worker process hands it to the process
// that reports. Read back by the same program only, yet checked like foreign
// data, because a worker may die while it writes.
//
//   magic "TVMRES7\n" | fields in the order of visit() | magic again
#include "harness/report/codec.h"
#include "harness/report/output.h"
#include "harness/report/result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "TVMRES7\n";

static void codec_verdict(struct codec *c, enum verdict *value)
{
    uint64_t n = *value;
    codec_number(c, &n);
    if (n >= VERDICTS)
        c->failed = true;
    else
        *value = (enum verdict)n;
}

static void visit_shares(struct codec *c, struct result_mark *m)
{
    codec_list(c, (void **)&m->vcpus, &m->nvcpus, sizeof(*m->vcpus));
    for (size_t i = 0; i < m->nvcpus; i++) {
        codec_number(c, &m->vcpus[i].cpu_ns);
        codec_number(c, &m->vcpus[i].exits);
    }
}

static void visit_lists(struct codec *c, struct result *r)
{
    codec_list(c, (void **)&r->marks, &r->nmarks, sizeof(*r->marks));
    for (size_t i = 0; i < r->nmarks; i++) {
        codec_string(c, &r->marks[i].name);
        codec_number(c, &r->marks[i].wall_ns);
        codec_number(c, &r->marks[i].cpu_ns);
        codec_number(c, &r->marks[i].exits);
        for (unsigned k = 0; k < VMEXITS; k++)
            codec_number(c, &r->marks[i].exits_by[k]);
        visit_shares(c, &r->marks[i]);
    }
    codec_list(c, (void **)&r->readings, &r->nreadings, sizeof(*r->readings));
    for (size_t i = 0; i < r->nreadings; i++) {
        codec_string(c, &r->readings[i].name);
        codec_number(c, &r->readings[i].ns);
    }
    codec_list(c, (void **)&r->initcalls, &r->ninitcalls,
               sizeof(*r->initcalls));
    for (size_t i = 0; i < r->ninitcalls; i++) {
        uint64_t result = (uint64_t)r->initcalls[i].result;
        codec_string(c, &r->initcalls[i].name);
        codec_number(c, &r->initcalls[i].us);
        codec_number(c, &result);
        r->initcalls[i].result = (int64_t)result;
    }
    codec_number(c, &r->initcalls_seen);
    codec_number(c, &r->initcalls_us);
    codec_list(c, (void **)&r->notes, &r->nnotes, sizeof(*r->notes));
    for (size_t i = 0; i < r->nnotes; i++) {
        codec_flag(c, &r->notes[i].failed);
        codec_number(c, &r->notes[i].at_ns);
        codec_string(c, &r->notes[i].where);
        codec_string(c, &r->notes[i].text);
    }
    codec_list(c, (void **)&r->properties, &r->nproperties,
               sizeof(*r->properties));
    for (size_t i = 0; i < r->nproperties; i++) {
        codec_string(c, &r->properties[i].name);
        codec_string(c, &r->properties[i].value);
    }
}

// What came from the guest, and what was made of it.
static void visit_guest(struct codec *c, struct result *r)
{
    codec_list(c, (void **)&r->sections, &r->nsections, sizeof(*r->sections));
    for (size_t i = 0; i < r->nsections; i++) {
        codec_string(c, &r->sections[i].name);
        codec_string(c, &r->sections[i].text);
    }
    codec_list(c, (void **)&r->tests, &r->ntests, sizeof(*r->tests));
    for (size_t i = 0; i < r->ntests; i++) {
        codec_string(c, &r->tests[i].name);
        codec_verdict(c, &r->tests[i].verdict);
        codec_string(c, &r->tests[i].message);
        codec_string(c, &r->tests[i].details);
        codec_number(c, &r->tests[i].at_ns);
        codec_number(c, &r->tests[i].took_ns);
    }
    codec_list(c, (void **)&r->consoles, &r->nconsoles, sizeof(*r->consoles));
    for (size_t i = 0; i < r->nconsoles; i++) {
        struct result_console *one = &r->consoles[i];
        uint64_t port = one->port;
        codec_number(c, &port);
        one->port = (unsigned)port;
        codec_bytes(c, &one->bytes, &one->len);
        codec_number(c, &one->elided);
        codec_list(c, (void **)&one->lines, &one->nlines, sizeof(*one->lines));
        for (size_t k = 0; k < one->nlines; k++) {
            codec_number(c, &one->lines[k].offset);
            codec_number(c, &one->lines[k].at_ns);
            if (one->lines[k].offset >= one->len ||
                (k && one->lines[k].offset <= one->lines[k - 1].offset))
                c->failed = true;
        }
    }
}

static void visit_fields(struct codec *c, struct result *r)
{
    codec_verdict(c, &r->verdict);
    char **const texts[] = {&r->path,        &r->title,   &r->suite, &r->guest,
                            &r->guest_note,  &r->message, &r->where, &r->kind,
                            &r->accelerator, &r->series};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        codec_string(c, texts[i]);
    codec_number(c, &r->started_unix_ns);
    codec_number(c, &r->duration_ns);
    visit_lists(c, r);
    visit_guest(c, r);
}

void result_visit(struct codec *c, struct result *r)
{
    codec_seal(c, magic);
    visit_fields(c, r);
    codec_list(c, (void **)&r->attempts, &r->nattempts, sizeof(*r->attempts));
    for (size_t i = 0; i < r->nattempts; i++)
        visit_fields(c, &r->attempts[i]);
    codec_seal(c, magic);
}

static int write_result(FILE *f, const void *owner)
{
    // The visitor takes a writable record, and writes to it only to load.
    struct result copy = *(const struct result *)owner;
    struct codec c = {.f = f, .saving = true};
    result_visit(&c, &copy);
    return c.failed ? -EIO : 0;
}

int result_save(const struct result *r, const char *path, struct error *err)
{
    return output_write(path, write_result, r, err);
}

int result_load(struct result *r, const char *path, struct error *err)
{
    struct codec c;
    int code = codec_open(&c, path, err);
    if (code)
        return code;
    result_init(r);
    result_visit(&c, r);
    fclose(c.f);
    if (!c.failed)
        return 0;
    result_free(r);
    return error_set(err, -EINVAL, "%s: the result record is damaged", path);
}
