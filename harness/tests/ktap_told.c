// SPDX-License-Identifier: Apache-2.0
// What the KTAP reader makes of a text. See ktap_told.h.
#include "harness/tests/ktap_told.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ktap_told_result(const char *text, size_t len, const char *cut,
                       struct result *r)
{
    static const char *const states[] = {
        [KTAP_NOTHING] = "nothing",
        [KTAP_OPEN] = "open",
        [KTAP_PLANLESS] = "planless",
        [KTAP_COMPLETE] = "complete",
    };
    struct ktap *k = ktap_new();
    cr_assert_not_null(k);
    uint64_t ns = 0;
    for (size_t at = 0; at < len; ns += NS_PER_MS) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - text) - at : len - at;
        ktap_line(k, text + at, n, false, ns);
        at += n + 1;
    }
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    cr_assert_not_null(f);
    fprintf(f, "%s\n", states[ktap_state(k)]);
    cr_assert_eq(ktap_finish(k, cut, r), 0);
    for (size_t i = 0; i < r->ntests; i++) {
        const struct result_test *t = &r->tests[i];
        fprintf(f, "%c %s%s%s\n", "PFES"[t->verdict], t -> name,
                t -> message ? ": " : "", t->message ? t->message : "");
    }
    fclose(f);
    ktap_free(k);
    return out;
}

char *ktap_told(const char *text, size_t len, const char *cut)
{
    struct result r;
    result_init(&r);
    char *out = ktap_told_result(text, len, cut, &r);
    result_free(&r);
    return out;
}

static void check(const char *name, const char *text, const char *cut,
                  const char *expected)
{
    char *told = ktap_told(text, strlen(text), cut);
    cr_expect_str_eq(told, expected, "%s:\n%s---- gave\n%s---- not\n%s", name,
                     text, told, expected);
    free(told);
}

void ktap_check_examples(const struct ktap_example *list, size_t n,
                         const char *cut)
{
    for (size_t i = 0; i < n; i++)
        check(list[i].name, list[i].text, cut, list[i].told);
}
