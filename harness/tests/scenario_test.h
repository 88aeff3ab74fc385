// SPDX-License-Identifier: Apache-2.0
// What the tests of the scenario reader share: parse a text, look at what is
// wrong with it.
#pragma once

#include "harness/scenario/scenario.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One text, parsed. Freed by parsed_free.
struct parsed_text {
    int code;
    struct scenario *sc;
    struct diagnostics diags;
    struct error err;
};

static inline struct parsed_text parse_bytes(const char *text, size_t len)
{
    struct parsed_text p = {0};
    p.code =
        scenario_parse("t.tc", text, len, NULL, 0, &p.sc, &p.diags, &p.err);
    cr_assert_eq(p.code == 0, p.sc != NULL);
    cr_assert_eq(p.code == -EINVAL, p.diags.errors > 0);
    return p;
}

static inline void parsed_free(struct parsed_text *p)
{
    scenario_free(p->sc);
    diagnostics_free(&p->diags);
}

// ---- Files in memory --------------------------------------------------------

struct memory_file {
    const char *path;
    const char *text;
};

// Gives the files of an array, which ends with a NULL path.
static inline int read_memory_file(void *owner, const char *path, bool used,
                                   size_t most, struct file_text *out,
                                   struct error *err)
{
    const struct memory_file *f = owner;
    (void)used;
    while (f->path && strcmp(f->path, path) != 0)
        f++;
    if (!f->path)
        return error_set(err, -ENOENT, "there is no such file");
    size_t len = strlen(f->text);
    out->len = len > most ? most + 1 : len;
    out->bytes = malloc(out->len + 1);
    cr_assert(out->bytes);
    memcpy(out->bytes, f->text, out->len);
    out->identity[0] = (uint64_t)(uintptr_t)f;
    return 0;
}

// Reads the first of the files.
static inline struct parsed_text parse_files(const struct memory_file *files)
{
    struct memory_file copy[64] = {0};
    for (size_t i = 0; files[i].path; i++) {
        cr_assert_lt(i, 63);
        copy[i] = files[i];
    }
    struct file_reader reader = {read_memory_file, copy};
    struct parsed_text p = {0};
    p.code =
        scenario_read(files[0].path, &reader, NULL, 0, &p.sc, &p.diags, &p.err);
    cr_assert_eq(p.code == 0, p.sc != NULL);
    return p;
}

// All diagnostics as they are shown, one heap string.
static inline char *format_all(const struct diagnostics *d)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    cr_assert(out);
    for (size_t i = 0; i < d->count; i++) {
        char *one = diagnostic_format(&d->list[i]);
        cr_assert(one);
        fputs(one, out);
        free(one);
    }
    fclose(out);
    return text;
}

// Must parse without errors or warnings.
static inline struct parsed_text parse_good(const char *text)
{
    struct parsed_text p = parse_bytes(text, strlen(text));
    if (p.code || p.diags.count) {
        char *all = format_all(&p.diags);
        cr_assert_fail("refused:\n%s\n%s", text, all);
    }
    return p;
}

// The one piece of a text that has no variables.
static inline const char *literal(const struct text *t)
{
    cr_assert_leq(t->npieces, 1);
    if (!t->npieces)
        return "";
    cr_assert_not(t->pieces[0].variable);
    return t->pieces[0].bytes;
}

// A whole file below the tests' folder, NUL-terminated.
static inline char *read_fixture_bytes(const char *name, size_t *len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/harness/tests/scenarios/%s",
             TEST_SOURCE_DIR, name);
    FILE *in = fopen(path, "rb");
    cr_assert(in, "%s: %s", path, strerror(errno));
    fseek(in, 0, SEEK_END);
    long size = ftell(in);
    cr_assert_geq(size, 0);
    rewind(in);
    char *text = malloc((size_t)size + 1);
    cr_assert(text);
    cr_assert_eq(fread(text, 1, (size_t)size, in), (size_t)size);
    text[size] = 0;
    *len = (size_t)size;
    fclose(in);
    return text;
}

static inline char *read_fixture(const char *name)
{
    size_t len;
    return read_fixture_bytes(name, &len);
}

// ---- Wrong texts, each with its one diagnostic ------------------------------

struct wrong {
    const char *text; // behind "guest g\n": its first line is line 2
    unsigned line, column;
    const char *message;
    const char *hint; // or NULL: not looked at
};

static inline void check_wrong(const struct wrong *w, const char *header)
{
    char *all = NULL;
    cr_assert_geq(asprintf(&all, "%s%s\n", header, w->text), 0);
    struct parsed_text p = parse_bytes(all, strlen(all));
    char *shown = format_all(&p.diags);
    cr_expect_eq(p.diags.count, 1, "%s\n%s", all, shown);
    if (p.diags.count == 1) {
        const struct diagnostic *d = &p.diags.list[0];
        cr_expect_eq(d->pos.line, w->line, "%s", shown);
        cr_expect_eq(d->pos.column, w->column, "%s", shown);
        cr_expect_str_eq(d->message, w->message, "%s", shown);
        if (w->hint)
            cr_expect(d->hint && !strcmp(d->hint, w->hint), "%s", shown);
        cr_expect_str_eq(d->pos.file, "t.tc");
    }
    free(shown);
    parsed_free(&p);
    free(all);
}

#define CHECK_ALL(table, header)                                               \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++)            \
    check_wrong(&(table)[i], header)
