// SPDX-License-Identifier: Apache-2.0
// The room's door: has a scenario read, parsed and checked.
#include "harness/scenario/check.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A tree is at most this large: some hundred times the text it is made of.
#define TREE_MAX_BYTES ((size_t)512 << 20)

#define DEFAULT_TIMEOUT_NS      (120 * NS_PER_S)
#define DEFAULT_STEP_TIMEOUT_NS (30 * NS_PER_S)

static bool is_shared(const char *path)
{
    size_t len = strlen(path);
    return len >= 4 && !strcmp(path + len - 4, ".tci");
}

// Reads the scenario's own file; 0 means that there is something in it.
static int read_main(const char *path, const struct file_reader *reader,
                     struct file_text *out, struct error *err)
{
    struct error why = {""};
    if (is_shared(path))
        return error_set(err, -ENOEXEC,
                         "%s: a .tci is not run by itself: a scenario takes it "
                         "in with `use`",
                         path);
    int code =
        reader->read(reader->owner, path, false, SCENARIO_MAX_BYTES, out, &why);
    if (code)
        return error_set(err, code, "%s: can't read the scenario: %s", path,
                         why.text);
    if (out->len > SCENARIO_MAX_BYTES)
        return error_set(err, -EFBIG,
                         "%s: larger than %zu MiB: this is not a scenario",
                         path, SCENARIO_MAX_BYTES >> 20);
    if (!out->len)
        return error_set(err, -ENODATA, "%s: the file is empty", path);
    return 0;
}

static void parse(struct scenario *sc, struct diag *d,
                  const struct file_text *file,
                  const struct file_reader *reader,
                  const struct override *overrides, size_t noverrides)
{
    struct parser p = {
        .arena = sc->arena,
        .diags = d,
        .sc = sc,
        .reader = reader,
    };
    parse_scenario(&p, file);
    if (!diag_full(d) && !p.no_text)
        check_scenario(&p, overrides, noverrides);
}

static int make_tree(const char *path, const struct file_text *file,
                     const struct file_reader *reader,
                     const struct override *overrides, size_t noverrides,
                     struct scenario **out, struct diagnostics *diags,
                     struct error *err)
{
    // Both arenas jump back here when memory is out. Nothing that is changed
    // after setjmp and read after a jump is a local variable.
    jmp_buf on_failure;
    struct arena *tree = arena_new(TREE_MAX_BYTES);
    struct arena *words = arena_new(TREE_MAX_BYTES);
    if (!tree || !words || setjmp(on_failure)) {
        arena_free(tree);
        arena_free(words);
        return error_set(err, -ENOMEM,
                         "%s: out of memory, or too large a scenario", path);
    }
    arena_on_failure(tree, &on_failure);
    arena_on_failure(words, &on_failure);

    struct scenario *sc = arena_alloc(tree, sizeof(*sc));
    sc->arena = tree;
    sc->path = arena_string(tree, path);
    sc->timeout_ns = DEFAULT_TIMEOUT_NS;
    sc->step_timeout_ns = DEFAULT_STEP_TIMEOUT_NS;
    struct diag d = {.arena = words, .path = sc->path};
    parse(sc, &d, file, reader, overrides, noverrides);
    diag_finish(&d, diags);

    if (diags->errors) {
        arena_free(tree);
        return error_set(err, -EINVAL, "%s: %zu error%s", path, diags->errors,
                         diags->errors == 1 ? "" : "s");
    }
    *out = sc;
    return 0;
}

int scenario_read(const char *path, const struct file_reader *reader,
                  const struct override *overrides, size_t noverrides,
                  struct scenario **out, struct diagnostics *diags,
                  struct error *err)
{
    struct file_text file = {0};
    *out = NULL;
    memset(diags, 0, sizeof(*diags));
    int code = read_main(path, reader, &file, err);
    if (!code)
        code = make_tree(path, &file, reader, overrides, noverrides, out, diags,
                         err);
    free(file.bytes);
    return code;
}

int scenario_parse(const char *path, const char *text, size_t len,
                   const struct override *overrides, size_t noverrides,
                   struct scenario **out, struct diagnostics *diags,
                   struct error *err)
{
    struct text_in_memory memory = {text, len};
    struct file_reader reader = {memory_read, &memory};
    return scenario_read(path, &reader, overrides, noverrides, out, diags, err);
}

int scenario_load(const char *path, const struct override *overrides,
                  size_t noverrides, struct scenario **out,
                  struct diagnostics *diags, struct error *err)
{
    static const struct file_reader disk = {disk_read, NULL};
    return scenario_read(path, &disk, overrides, noverrides, out, diags, err);
}

void scenario_free(struct scenario *s)
{
    if (s)
        arena_free(s->arena);
}
