// SPDX-License-Identifier: Apache-2.0
// --format. See format.h.
#include "harness/cli/format.h"

#include "harness/cli/cli.h"
#include "harness/cli/diff.h"
#include "harness/cli/discover.h"
#include "harness/cli/tell.h"
#include "harness/report/output.h"
#include "harness/scenario/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Enough for scenario_format to see that a file is too large.
#define READ_MAX (((size_t)4 << 20) + 1)

struct formatter {
    const struct options *o;
    FILE *out, *log;
    size_t files, differ, failed;
};

// A file before and after.
struct layout {
    const char *path;
    char *before, *after;
    size_t len, after_len;
};

static int complain(const struct formatter *f, const struct error *err)
{
    fprintf(f->log, "toyvmm-test: %s\n", err->text);
    return -EINVAL;
}

// All of f, NUL-terminated; NULL with errno set.
static char *slurp(FILE *f, size_t *len)
{
    char *text = malloc(READ_MAX + 1);
    if (!text)
        return NULL;
    *len = fread(text, 1, READ_MAX, f);
    if (ferror(f)) {
        free(text);
        return NULL;
    }
    text[*len] = '\0';
    return text;
}

static int read_file(struct layout *l, struct error *err)
{
    bool standard = !strcmp(l->path, "-");
    FILE *f = standard ? stdin : fopen(l->path, "re");
    if (standard)
        l->path = "<stdin>";
    errno = 0;
    if (f)
        l->before = slurp(f, &l->len);
    int why = errno;
    if (f && !standard)
        fclose(f);
    return l->before ? 0 : error_errno(err, why, "%s", l->path);
}

static int write_after(FILE *f, const void *owner)
{
    const struct layout *l = owner;
    return fwrite(l->after, 1, l->after_len, f) == l->after_len ? 0 : -EIO;
}

// A link stays a link: what it leads to is rewritten.
static int rewrite(const struct formatter *f, const struct layout *l,
                   struct error *err)
{
    char *real = realpath(l->path, NULL);
    if (!real)
        return error_errno(err, errno, "%s", l->path);
    int code = output_write(real, write_after, l, err);
    free(real);
    if (!code && !f->o->quiet)
        fprintf(f->out, "%s\n", l->path);
    return code;
}

static int deliver(struct formatter *f, const struct layout *l,
                   struct error *err)
{
    bool same = l->len == l->after_len && !memcmp(l->before, l->after, l->len);
    f->differ += !same;
    if (f->o->format_check)
        return diff_print(f->out, l->path, "formatted", l->before, l->after,
                          err);
    if (!f->o->write)
        return write_after(f->out, l);
    return same ? 0 : rewrite(f, l, err);
}

static void format_file(struct formatter *f, const char *path)
{
    struct layout l = {.path = path};
    struct error err = {""};
    struct diagnostics diags = {0};
    int code = read_file(&l, &err);
    if (!code)
        code = scenario_format(l.path, l.before, l.len, &l.after, &l.after_len,
                               &diags, &err);
    if (diags.errors)
        tell_diagnostics(f->log, &diags);
    if (!code)
        code = deliver(f, &l, &err);
    if (code && !diags.errors)
        complain(f, &err);
    f->files++;
    f->failed += code != 0;
    diagnostics_free(&diags);
    free(l.before);
    free(l.after);
}

static int find_files(const struct options *o, struct path_list *found,
                      struct error *err)
{
    int code = 0;
    for (size_t i = 0; !code && i < o->npaths; i++) {
        bool standard = !strcmp(o->paths[i], "-");
        if (standard && o->write)
            code = error_set(err, -EINVAL,
                             "--write: standard input can't be rewritten");
        else if (standard)
            code = path_list_add(found, o->paths[i], err);
        else
            code = discover(found, o->paths[i], true, err);
    }
    if (!code && !found->count)
        code = error_set(err, -EINVAL, "there is no *.tc or *.tci file");
    return code;
}

static void summarize(const struct formatter *f)
{
    if (f->o->quiet || !f->o->format_check)
        return;
    fprintf(f->out, "%zu file%s, %zu to be formatted", f->files,
            f->files == 1 ? "" : "s", f->differ);
    fputs(f->differ ? ": toyvmm-test --format --write does it\n" : "\n",
          f->out);
}

int format_run(const struct options *o, FILE *out, FILE *log)
{
    struct formatter f = {.o = o, .out = out, .log = log};
    struct path_list found = {0};
    struct error err = {""};
    int code = 0;
    if (o->npaths)
        code = find_files(o, &found, &err);
    else if (o->write)
        code = error_set(&err, -EINVAL, "--write: name files or folders");
    else
        code = path_list_add(&found, "-", &err);
    if (code)
        complain(&f, &err);
    for (size_t i = 0; !code && i < found.count; i++)
        format_file(&f, found.paths[i]);
    if (!code)
        summarize(&f);
    path_list_free(&found);
    if (code || f.failed)
        return EXIT_WRONG;
    return o->format_check && f.differ ? EXIT_FAILED : EXIT_PASSED;
}
