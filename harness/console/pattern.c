// SPDX-License-Identifier: Apache-2.0
// Compiling patterns, and searching finished text (pattern.h).
#include "harness/console/matcher.h"
#include "harness/console/pattern_exec.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Options that every pattern has:
// - `$` without m is the very end of the text, never before a last newline;
// - `^` with m holds after a newline that is the last character so far: whether
//   it does must not depend on what follows;
// - \C would match half a character.
#define BASE_OPTIONS                                                           \
    (PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX |                 \
     PCRE2_NEVER_BACKSLASH_C)

static uint32_t compile_options(unsigned flags)
{
    static const struct {
        unsigned flag;
        uint32_t option;
    } table[] = {
        {PATTERN_CASELESS, PCRE2_CASELESS},
        {PATTERN_MULTILINE, PCRE2_MULTILINE},
        {PATTERN_DOTALL, PCRE2_DOTALL},
        {PATTERN_EXTENDED, PCRE2_EXTENDED},
    };
    uint32_t options = BASE_OPTIONS;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        options |= flags & table[i].flag ? table[i].option : 0;
    }
    return options;
}

static pcre2_code *compile(const char *source, size_t len, unsigned flags,
                           size_t *error_offset, int *number, struct error *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    // The text has "\n" for a line end; a lone "\r" starts a line anew.
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *compiled = pcre2_compile(
        (PCRE2_SPTR)source, len, compile_options(flags), &code, &at, context);
    pcre2_compile_context_free(context);
    if (!compiled) {
        PCRE2_UCHAR why[256];
        pcre2_get_error_message(code, why, sizeof why);
        error_set(err, -EINVAL, "%s", (const char *)why);
        *error_offset = at;
        *number = code;
    }
    return compiled;
}

static bool has(const char *source, size_t len, const char *what)
{
    return memmem(source, len, what, strlen(what)) != NULL;
}

// Fills what can be learned from the compiled code and the source.
static int learn(struct pattern *p, size_t len, unsigned flags,
                 struct error *err)
{
    uint32_t groups = 0;
    uint32_t all = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups >= MATCH_GROUPS) {
        return error_set(err, -EINVAL,
                         "%u capture groups; at most %d are supported: make "
                         "some of them (?:...)",
                         groups, MATCH_GROUPS - 1);
    }
    pcre2_pattern_info(p->code, PCRE2_INFO_ALLOPTIONS, &all);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &p->names);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &p->name_size);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &p->name_table);
    p->multiline = (all & PCRE2_MULTILINE) != 0 || has(p->source, len, "(?m");
    p->whole = has(p->source, len, "(*") || has(p->source, len, "\\G") ||
               has(p->source, len, "\\K");
    literals_of(&p->literals, p->source, len, (flags & PATTERN_CASELESS) != 0,
                (flags & PATTERN_EXTENDED) != 0);
    return 0;
}

struct pattern *pattern_compile(const char *source, size_t len, unsigned flags,
                                size_t *error_offset, struct error *err)
{
    size_t unused;
    int number;
    return pattern_compile_numbered(source, len, flags,
                                    error_offset ? error_offset : &unused,
                                    &number, err);
}

struct pattern *pattern_compile_numbered(const char *source, size_t len,
                                         unsigned flags, size_t *error_offset,
                                         int *number, struct error *err)
{
    *error_offset = 0;
    *number = 0;
    struct pattern *p = calloc(1, sizeof *p);
    if (p) {
        p->source = malloc(len + 1);
    }
    if (!p || !p->source) {
        pattern_free(p);
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    memcpy(p->source, source, len);
    p->source[len] = '\0';
    p->born_ns = clock_now_ns();
    p->code = compile(source, len, flags, error_offset, number, err);
    if (!p->code || learn(p, len, flags, err) < 0) {
        pattern_free(p);
        return NULL;
    }
    // Where the host forbids it, the interpreter does the same, more slowly.
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
    return p;
}

void pattern_free(struct pattern *p)
{
    if (p) {
        pcre2_code_free(p->code);
        free(p->source);
        free(p);
    }
}

const char *pattern_source(const struct pattern *p)
{
    return p->source;
}

size_t pattern_names(const struct pattern *p)
{
    return p->names;
}

const char *pattern_name(const struct pattern *p, size_t index, unsigned *group)
{
    // An entry: the group's number, two bytes, then the name and a NUL.
    PCRE2_SPTR entry = p->name_table + index * p->name_size;
    *group = (unsigned)(entry[0] << 8 | entry[1]);
    return (const char *)entry + 2;
}

int pattern_search(const struct pattern *p, const char *text, size_t len,
                   size_t from, size_t *start, size_t *end, struct error *err)
{
    struct pattern_scratch s = {0};
    int code = pattern_scratch_init(&s, err);
    if (code < 0) {
        return code;
    }
    int found = 0;
    switch (pattern_exec(p, &s, text, len, from, 0, from == 0, &code)) {
    case EXEC_NONE:
    case EXEC_PARTIAL:
        break;
    case EXEC_FULL: {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s.data);
        // Text that ends in a newline has no empty line after it.
        found = !(at[0] == len && at[1] == len && len && text[len - 1] == '\n');
        *start = at[0];
        *end = at[1];
        break;
    }
    case EXEC_LIMIT:
        found = pattern_limit_error(p, code, from, "the text", err);
        break;
    }
    pattern_scratch_free(&s);
    return found;
}
