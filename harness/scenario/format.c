// SPDX-License-Identifier: Apache-2.0
// Has a text parsed, and the tokens that the parser took laid out anew. See
// format.h.
#include "harness/scenario/format.h"

#include "harness/scenario/format_internal.h"
#include "harness/scenario/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Tokens, items and lines of the largest scenario.
#define LAYOUT_MAX_BYTES ((size_t)1 << 30)

// The text laid out anew: a heap block, or NULL when the parser refused it or
// memory is out.
static char *lay_out(struct arena *arena, struct diag *d,
                     const struct file_text *file, size_t *len)
{
    struct scenario *sc = arena_alloc(arena, sizeof(*sc));
    struct list tape = {0};
    struct parser p = {.arena = arena, .diags = d, .sc = sc, .tape = &tape};
    sc->path = d->path;
    parse_scenario(&p, file);
    if (d->errors)
        return NULL;
    struct format_tokens tokens = {arena, p.source->text, tape.count,
                                   tape.items};
    struct format_block all = format_items(&tokens);
    struct list lines = format_lines(&tokens, &all);
    return format_print(arena, &lines, len);
}

// The arena of the diagnostics goes over to them.
static int format(struct arena *tree, struct arena *words, const char *path,
                  const struct file_text *file, char **out, size_t *out_len,
                  struct diagnostics *diags, struct error *err)
{
    struct diag d = {.arena = words, .path = arena_string(words, path)};
    *out = lay_out(tree, &d, file, out_len);
    diag_finish(&d, diags);
    if (*out)
        return 0;
    if (!diags->errors)
        return error_set(err, -ENOMEM, "%s: out of memory", path);
    return error_set(err, -EINVAL, "%s: %zu error%s", path, diags->errors,
                     diags->errors == 1 ? "" : "s");
}

int scenario_format(const char *path, const char *text, size_t len, char **out,
                    size_t *out_len, struct diagnostics *diags,
                    struct error *err)
{
    *out = NULL;
    memset(diags, 0, sizeof(*diags));
    if (len > SCENARIO_MAX_BYTES)
        return error_set(err, -EFBIG,
                         "%s: larger than %zu MiB: this is not a scenario",
                         path, SCENARIO_MAX_BYTES >> 20);
    // The parser copies the bytes before it looks at them.
    union {
        const char *borrowed;
        char *bytes;
    } source = {text};
    const struct file_text file = {.bytes = source.bytes, .len = len};
    // Both arenas jump back here when memory is out. Nothing that is changed
    // after setjmp and read after a jump is a local variable.
    jmp_buf on_failure;
    struct arena *tree = arena_new(LAYOUT_MAX_BYTES);
    struct arena *words = arena_new(LAYOUT_MAX_BYTES);
    if (!tree || !words || setjmp(on_failure)) {
        arena_free(tree);
        arena_free(words);
        free(*out);
        *out = NULL;
        return error_set(err, -ENOMEM,
                         "%s: out of memory, or too large a scenario", path);
    }
    arena_on_failure(tree, &on_failure);
    arena_on_failure(words, &on_failure);
    int code = format(tree, words, path, &file, out, out_len, diags, err);
    arena_free(tree);
    return code;
}
