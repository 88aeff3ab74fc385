// SPDX-License-Identifier: Apache-2.0
// Puts the values of variables into texts and patterns. For harness/scenario
// only.
#include "harness/scenario/pattern_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A backslash before each character that is no ASCII letter or digit makes it
// literal in PCRE2, with any options and in a class: x ignores blanks that are
// not ASCII, too. A NUL can't be escaped so.
static void put_quoted(FILE *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (!c) {
            fputs("\\x00", out);
            continue;
        }
        bool begins = c < 0x80 ? !isalnum(c) : c >= 0xc0;
        if (begins)
            fputc('\\', out);
        fputc(c, out);
    }
}

// 0, or a negative errno with err filled.
static int put_pieces(FILE *out, const struct text *t, bool quoted,
                      lookup_fn *lookup, void *owner, struct error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < t->npieces; i++) {
        const struct text_piece *piece = &t->pieces[i];
        const char *bytes = piece->bytes;
        size_t n = piece->len;
        if (piece->variable)
            bytes = lookup ? lookup(owner, piece->bytes, &n) : NULL;
        if (!bytes)
            return error_set(err, -ENOENT, "the variable `%s` has no value",
                             piece->bytes);
        total += n;
        if (piece->variable && total > TEXT_MAX_BYTES)
            return error_set(err, -E2BIG,
                             "longer than %zu MiB with the values of its "
                             "variables",
                             TEXT_MAX_BYTES >> 20);
        if (piece->variable && quoted)
            put_quoted(out, bytes, n);
        else
            fwrite(bytes, 1, n, out);
    }
    return 0;
}

static int join(const struct text *t, bool quoted, lookup_fn *lookup,
                void *owner, char **joined, size_t *len, struct error *err)
{
    *joined = NULL;
    FILE *out = open_memstream(joined, len);
    if (!out)
        return error_set(err, -ENOMEM, "out of memory");
    int code = put_pieces(out, t, quoted, lookup, owner, err);
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (failed && !code)
        code = error_set(err, -ENOMEM, "out of memory");
    if (code) {
        free(*joined);
        *joined = NULL;
    }
    return code;
}

int text_join(const struct text *t, lookup_fn *lookup, void *owner,
              char **joined, size_t *len, struct error *err)
{
    return join(t, false, lookup, owner, joined, len, err);
}

struct pattern *pattern_node_compile(const struct pattern_node *node,
                                     lookup_fn *lookup, void *owner,
                                     struct error *err)
{
    char *source;
    size_t len, offset = 0;
    if (join(&node->source, true, lookup, owner, &source, &len, err))
        return NULL;
    struct pattern *p = pattern_compile(source, len, node->flags, &offset, err);
    free(source);
    return p;
}
