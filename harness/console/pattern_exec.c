// SPDX-License-Identifier: Apache-2.0
// Running a compiled pattern within limits (pattern_exec.h).
#include "harness/console/pattern_exec.h"

#include "harness/console/matcher.h"

#include <errno.h>

// More than a search of the default window needs that makes one step back for
// each of its bytes; a fraction of a second for one that explodes.
#define MATCH_STEPS     10000000
#define MATCH_HEAP_KIB  65536
#define JIT_STACK_FIRST ((size_t)64 << 10)
#define JIT_STACK_MAX   ((size_t)8 << 20)

int pattern_scratch_init(struct pattern_scratch *s, struct error *err)
{
    s->data = pcre2_match_data_create(MATCH_GROUPS, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->data || !s->context) {
        pattern_scratch_free(s);
        return error_set(err, -ENOMEM, "out of memory");
    }
    pcre2_set_match_limit(s->context, MATCH_STEPS);
    pcre2_set_depth_limit(s->context, MATCH_STEPS);
    pcre2_set_heap_limit(s->context, MATCH_HEAP_KIB);
    return 0;
}

void pattern_scratch_free(struct pattern_scratch *s)
{
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    *s = (struct pattern_scratch){0};
}

enum exec_result pattern_exec(const struct pattern *p,
                              struct pattern_scratch *s, const char *text,
                              size_t len, size_t from, uint32_t options,
                              bool check, int *code)
{
    options |= check ? 0 : PCRE2_NO_UTF_CHECK;
    // PCRE2 wants a subject even when it is empty.
    PCRE2_SPTR subject = (PCRE2_SPTR)(text ? text : "");
    int rc =
        pcre2_match(p->code, subject, len, from, options, s->data, s->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT && !s->stack) {
        s->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
        if (s->stack) {
            pcre2_jit_stack_assign(s->context, NULL, s->stack);
            rc = pcre2_match(p->code, subject, len, from, options, s->data,
                             s->context);
        }
    }
    *code = rc;
    if (rc >= 0) {
        // An attempt that begins at the very end (\K moves what is told, not
        // that) has seen no character; PCRE2 calls it a match where the next
        // character would still decide.
        bool unseen = pcre2_get_startchar(s->data) == len;
        return unseen && options & PCRE2_PARTIAL_HARD ? EXEC_PARTIAL
                                                      : EXEC_FULL;
    }
    if (rc == PCRE2_ERROR_NOMATCH) {
        return EXEC_NONE;
    }
    return rc == PCRE2_ERROR_PARTIAL ? EXEC_PARTIAL : EXEC_LIMIT;
}

int pattern_limit_error(const struct pattern *p, int code, uint64_t offset,
                        const char *what, struct error *err)
{
    PCRE2_UCHAR why[128];
    pcre2_get_error_message(code, why, sizeof why);
    return error_set(err, -ELOOP, "/%.200s/ at byte %llu of %s: %s", p->source,
                     (unsigned long long)offset, what, (const char *)why);
}
