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
