// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the scenario reader: any bytes give a tree or errors.
// Built with -DTOYVMM_FUZZERS=ON; a corpus to begin with is tests/scenarios.
//
// The bytes are several files: a line "%%" stands between them. `use "1"` is
// the file behind the first such line, "2" the next; "0" the scenario itself.
#include "harness/scenario/scenario.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BETWEEN "\n%%\n"

struct files {
    const char *text;
    size_t len;
};

// File n and what is behind it; false when there are not so many.
static bool find_file(struct files *f, unsigned n)
{
    const size_t mark = sizeof(BETWEEN) - 1;
    while (n--) {
        const char *at = memmem(f->text, f->len, BETWEEN, mark);
        if (!at)
            return false;
        f->len -= (size_t)(at - f->text) + mark;
        f->text = at + mark;
    }
    return true;
}

static int read_file(void *owner, const char *path, bool used, size_t most,
                     struct file_text *out, struct error *err)
{
    struct files f = *(const struct files *)owner;
    size_t end = strlen(path);
    char last = end ? path[end - 1] : 0;
    unsigned n = used ? (unsigned)(last - '0') : 0;
    if (n > 9 || !find_file(&f, n))
        return error_set(err, -ENOENT, "there is no such file");
    const char *next = memmem(f.text, f.len, BETWEEN, sizeof(BETWEEN) - 1);
    if (next)
        f.len = (size_t)(next - f.text);
    out->len = f.len > most ? most + 1 : f.len;
    out->bytes = malloc(out->len + 1);
    if (!out->bytes)
        abort();
    memcpy(out->bytes, f.text, out->len);
    out->identity[0] = n;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct override overrides[] = {{"x", "[a-"}, {"mode", "b c"}};
    struct files files = {(const char *)data, size};
    struct file_reader reader = {read_file, &files};
    struct scenario *sc = NULL;
    struct diagnostics diags;
    struct error err;
    int code = scenario_read("fuzz.tc", &reader, overrides, size % 3, &sc,
                             &diags, &err);
    if ((code == 0) != (sc != NULL) || (sc && diags.errors))
        abort();
    for (size_t i = 0; i < diags.count; i++) {
        char *shown = diagnostic_format(&diags.list[i]);
        if (!shown)
            abort();
        free(shown);
    }
    diagnostics_free(&diags);
    scenario_free(sc);
    return 0;
}
