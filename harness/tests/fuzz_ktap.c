// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the KTAP reader: any lines give tests with names of
// their own, the same tests when the kernel talks in between. Built with
// -DTOYVMM_FUZZERS=ON; a corpus to begin with is fixtures/consoles/ktap.
#include "harness/ktap/ktap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char noise[] = "[    3.141592] random: crng init done";

// Reads the lines, with a kernel message after each if noisy.
static void read_lines(struct result *r, const char *text, size_t size,
                       bool noisy)
{
    struct ktap *k = ktap_new();
    if (!k)
        abort();
    for (size_t at = 0; at < size;) {
        const char *nl = memchr(text + at, '\n', size - at);
        size_t n = nl ? (size_t)(nl - text) - at : size - at;
        bool printed = n % 3 == 2;
        ktap_belongs(k, text + at, n, printed);
        ktap_line(k, text + at, n, printed, at);
        if (noisy)
            ktap_line(k, noise, sizeof(noise) - 1, false, at);
        at += n + 1;
    }
    enum ktap_state state = ktap_state(k);
    size_t results = ktap_results(k);
    result_init(r);
    if (ktap_finish(k, state == KTAP_OPEN ? "cut" : NULL, r))
        abort();
    // A result gives a test, or a group that holds some.
    if (results && !r->ntests)
        abort();
    ktap_free(k);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct result_test *)a)->name,
                  ((const struct result_test *)b)->name);
}

static bool differ(const char *a, const char *b)
{
    return !a != !b || (a && strcmp(a, b) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct result r, other;
    if (size > 65536)
        return 0;
    read_lines(&r, text, size, false);
    // The kernel's own documents may hold the message in a YAML block.
    if (!size || !memchr(text, '[', size)) {
        read_lines(&other, text, size, true);
        if (r.ntests != other.ntests)
            abort();
        for (size_t i = 0; i < r.ntests; i++) {
            if (r.tests[i].verdict != other.tests[i].verdict ||
                differ(r.tests[i].name, other.tests[i].name) ||
                differ(r.tests[i].message, other.tests[i].message) ||
                differ(r.tests[i].details, other.tests[i].details))
                abort();
        }
        result_free(&other);
    }
    if (r.ntests)
        qsort(r.tests, r.ntests, sizeof(*r.tests), by_name);
    for (size_t i = 1; i < r.ntests; i++) {
        if (!strcmp(r.tests[i - 1].name, r.tests[i].name))
            abort();
    }
    result_free(&r);
    return 0;
}
