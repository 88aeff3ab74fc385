// SPDX-License-Identifier: Apache-2.0
// The result record as a file: how a worker process hands it to the process
// that reports. Read back by the same program only, yet checked like foreign
// data, because a worker may die while it writes.
//
//   magic "TVMRES3\n" | fields in the order of visit() | magic again
//
// Integers are 8 bytes, little endian; a text is its length (UINT64_MAX: NULL)
// and its bytes.
#include "harness/report/output.h"
#include "harness/report/result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "TVMRES3\n";

// A longer text than this is a damaged file.
#define TEXT_MAX (UINT64_C(64) << 20)
#define LIST_MAX (UINT64_C(1) << 20)

// One direction of the visit: a writer has saving set. failed sticks.
struct codec {
    FILE *f;
    bool saving;
    bool failed;
};

static void raw(struct codec *c, void *bytes, size_t len)
{
    size_t done = 0;
    if (!c->failed && len)
        done = c->saving ? fwrite(bytes, 1, len, c->f)
                         : fread(bytes, 1, len, c->f);
    if (done != len)
        c->failed = true;
}

static void number(struct codec *c, uint64_t *value)
{
    uint8_t b[8] = {0};
    if (c->saving) {
        for (unsigned i = 0; i < 8; i++)
            b[i] = (uint8_t)(*value >> (8 * i));
    }
    raw(c, b, sizeof(b));
    if (!c->saving) {
        *value = 0;
        for (unsigned i = 0; i < 8 && !c->failed; i++)
            *value |= (uint64_t)b[i] << (8 * i);
    }
}

static void length(struct codec *c, size_t *value, uint64_t max)
{
    uint64_t n = *value;
    number(c, &n);
    if (n > max)
        c->failed = true;
    *value = c->failed && !c->saving ? 0 : (size_t)n;
}

// A text of known length; NULL is kept apart from "".
static void bytes_field(struct codec *c, char **text, size_t *len)
{
    uint64_t n = *text ? *len : UINT64_MAX;
    number(c, &n);
    if (c->saving) {
        if (*text)
            raw(c, *text, *len);
        return;
    }
    *text = NULL;
    *len = 0;
    if (c->failed || n == UINT64_MAX)
        return;
    char *copy = n <= TEXT_MAX ? malloc((size_t)n + 1) : NULL;
    if (!copy) {
        c->failed = true;
        return;
    }
    raw(c, copy, (size_t)n);
    copy[n] = '\0';
    *text = copy;
    *len = (size_t)n;
}

static void string(struct codec *c, char **text)
{
    size_t len = *text ? strlen(*text) : 0;
    bytes_field(c, text, &len);
}

// A list's length, and when loading its memory.
static void list(struct codec *c, void **items, size_t *n, size_t size)
{
    length(c, n, LIST_MAX);
    if (c->saving)
        return;
    // The add functions grow a vector at powers of two.
    size_t capacity = 1;
    while (capacity < *n)
        capacity *= 2;
    *items = *n ? calloc(capacity, size) : NULL;
    if (*n && !*items) {
        *n = 0;
        c->failed = true;
    }
}

static void flag(struct codec *c, bool *value)
{
    uint64_t n = *value;
    number(c, &n);
    *value = n != 0;
}

static void verdict(struct codec *c, enum verdict *value)
{
    uint64_t n = *value;
    number(c, &n);
    if (n > VERDICT_SKIPPED)
        c->failed = true;
    else
        *value = (enum verdict)n;
}

static void visit_lists(struct codec *c, struct result *r)
{
    list(c, (void **)&r->marks, &r->nmarks, sizeof(*r->marks));
    for (size_t i = 0; i < r->nmarks; i++) {
        string(c, &r->marks[i].name);
        number(c, &r->marks[i].wall_ns);
        number(c, &r->marks[i].cpu_ns);
        number(c, &r->marks[i].exits);
    }
    list(c, (void **)&r->notes, &r->nnotes, sizeof(*r->notes));
    for (size_t i = 0; i < r->nnotes; i++) {
        flag(c, &r->notes[i].failed);
        number(c, &r->notes[i].at_ns);
        string(c, &r->notes[i].where);
        string(c, &r->notes[i].text);
    }
    list(c, (void **)&r->properties, &r->nproperties, sizeof(*r->properties));
    for (size_t i = 0; i < r->nproperties; i++) {
        string(c, &r->properties[i].name);
        string(c, &r->properties[i].value);
    }
}

// What came from the guest, and what was made of it.
static void visit_guest(struct codec *c, struct result *r)
{
    list(c, (void **)&r->sections, &r->nsections, sizeof(*r->sections));
    for (size_t i = 0; i < r->nsections; i++) {
        string(c, &r->sections[i].name);
        string(c, &r->sections[i].text);
    }
    list(c, (void **)&r->tests, &r->ntests, sizeof(*r->tests));
    for (size_t i = 0; i < r->ntests; i++) {
        string(c, &r->tests[i].name);
        verdict(c, &r->tests[i].verdict);
        string(c, &r->tests[i].message);
        string(c, &r->tests[i].details);
        number(c, &r->tests[i].at_ns);
        number(c, &r->tests[i].took_ns);
    }
    list(c, (void **)&r->consoles, &r->nconsoles, sizeof(*r->consoles));
    for (size_t i = 0; i < r->nconsoles; i++) {
        struct result_console *one = &r->consoles[i];
        uint64_t port = one->port;
        number(c, &port);
        one->port = (unsigned)port;
        bytes_field(c, &one->bytes, &one->len);
        number(c, &one->elided);
    }
}

static void seal(struct codec *c)
{
    char found[sizeof(magic)];
    memcpy(found, magic, sizeof(magic));
    raw(c, found, sizeof(found));
    if (memcmp(found, magic, sizeof(magic)) != 0)
        c->failed = true;
}

static void visit(struct codec *c, struct result *r)
{
    seal(c);
    verdict(c, &r->verdict);
    char **const texts[] = {&r->path,  &r->title,      &r->suite,
                            &r->guest, &r->guest_note, &r->message,
                            &r->where, &r->kind,       &r->accelerator};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        string(c, texts[i]);
    number(c, &r->started_unix_ns);
    number(c, &r->duration_ns);
    visit_lists(c, r);
    visit_guest(c, r);
    seal(c);
}

static int write_result(FILE *f, const void *owner)
{
    // The visitor takes a writable record, and writes to it only to load.
    struct result copy = *(const struct result *)owner;
    struct codec c = {.f = f, .saving = true};
    visit(&c, &copy);
    return c.failed ? -EIO : 0;
}

int result_save(const struct result *r, const char *path, struct error *err)
{
    return output_write(path, write_result, r, err);
}

int result_load(struct result *r, const char *path, struct error *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return error_errno(err, errno, "%s", path);
    result_init(r);
    struct codec c = {.f = f};
    visit(&c, r);
    fclose(f);
    if (!c.failed)
        return 0;
    result_free(r);
    return error_set(err, -EINVAL, "%s: the result record is damaged", path);
}
