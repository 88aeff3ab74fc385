// SPDX-License-Identifier: Apache-2.0
// toyvmm.conf: found, and taken. See conf.h.
#include "harness/cli/conf_internal.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Folders are not deeper.
#define LEVELS_MAX 256
#define PATH_ROOM  (3 * LEVELS_MAX + 16)

const char *conf_path(const struct conf *c)
{
    return c ? c->path : NULL;
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->nblocks; i++)
        options_free(&c->blocks[i].values);
    for (size_t i = 0; i < c->npaths; i++)
        free(c->paths[i]);
    conf_words_free(&c->words);
    free(c->paths);
    free(c->blocks);
    free(c->lines);
    free(c->path);
    free(c);
}

// ---- Where it is ------------------------------------------------------------

static bool is_root(const char *up)
{
    char here[PATH_ROOM], above[PATH_ROOM];
    struct stat a, b;
    snprintf(here, sizeof(here), "%s.", up);
    snprintf(above, sizeof(above), "%s..", up);
    return stat(here, &a) || stat(above, &b) ||
           (a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

// The nearest one as a path from here ("../" and so on). False: there is none.
static bool find(char path[PATH_ROOM])
{
    char up[PATH_ROOM] = "", git[PATH_ROOM];
    for (size_t level = 0; level < LEVELS_MAX; level++) {
        snprintf(path, PATH_ROOM, "%.*s" CONF_NAME, (int)(3 * level), up);
        snprintf(git, sizeof(git), "%.*s.git", (int)(3 * level), up);
        if (!access(path, F_OK))
            return true;
        if (!access(git, F_OK) || is_root(up))
            return false;
        memcpy(up + 3 * level, "../", 4);
    }
    return false;
}

// A file that somebody else has put into a folder above, /tmp say, is not the
// project's.
static int check_owner(const char *path, struct error *err)
{
    struct stat file, here;
    if (stat(path, &file) || stat(".", &here) || !file.st_uid ||
        file.st_uid == geteuid() || file.st_uid == here.st_uid)
        return 0;
    return error_set(err, -EINVAL,
                     "%s belongs to another user: name it with --config, or "
                     "give --no-config",
                     path);
}

static bool wants_it(const struct options *o)
{
    static const unsigned actions = 1U << ACTION_RUN | 1U << ACTION_LIST |
                                    1U << ACTION_CHECK | 1U << ACTION_EXPLAIN |
                                    1U << ACTION_INTERACTIVE;
    const char *rig = getenv("TOYVMM_RIG");
    // What runs in an exact rig is told there all that makes a difference.
    return o->command == COMMAND_RUN && actions & 1U << o->action &&
           !o->no_config && !(rig && !strcmp(rig, "exact"));
}

static int load(struct conf **out, const struct options *o, FILE *log,
                struct error *err)
{
    char path[PATH_ROOM];
    int code = 0;
    *out = NULL;
    if (!o->config && !find(path))
        return 0;
    // In the rig all belongs to others; it was looked at outside.
    if (!o->config && !getenv("TOYVMM_RIG"))
        code = check_owner(path, err);
    if (code)
        return code;
    struct conf *c = calloc(1, sizeof(*c));
    if (!c || !(c->path = strdup(o->config ? o->config : path))) {
        conf_free(c);
        return error_set(err, -ENOMEM, "out of memory");
    }
    code = conf_read(c, log, err);
    if (code)
        code = error_prefix(err, -EINVAL, "%s can't be read", c->path);
    else if (c->words.errors)
        code = error_set(err, -EINVAL, "%s has %zu error%s: nothing was run",
                         c->path, c->words.errors,
                         c->words.errors == 1 ? "" : "s");
    if (code)
        conf_free(c);
    else
        *out = c;
    return code;
}

// ---- Defaults ---------------------------------------------------------------

static bool is_set(const struct options *o, const char *value)
{
    size_t len = strcspn(value, "=");
    for (size_t i = 0; i < o->nsets_given; i++) {
        if (strlen(o->sets[i].name) == len &&
            !strncmp(o->sets[i].name, value, len))
            return true;
    }
    return false;
}

static int take_line(struct options *o, const struct conf_line *line,
                     struct error *err)
{
    const struct row *row = line->row;
    struct error ignored;
    if (row->take == take_set)
        return is_set(o, line->value) ? 0 : row->take(o, row, line->value, err);
    if (options_given(o, row) ||
        (row->take == take_accelerator && (o->accelerator_given || o->exact)))
        return 0;
    const struct options before = *o;
    int code = row->take(o, row, line->value, err);
    // Nobody asked for it this time: it gives way.
    if (!code && options_check(o, &ignored))
        *o = before;
    return code;
}

int conf_take(struct options *o, FILE *log, struct error *err)
{
    struct error ignored;
    // What is wrong without it is told first.
    if (!wants_it(o) || options_check(o, &ignored))
        return 0;
    int code = load(&o->conf, o, log, err);
    // Where it runs first: the seed is for --exact.
    for (unsigned round = 0; o->conf && round < 2; round++) {
        for (size_t i = 0; !code && i < o->conf->nlines; i++) {
            const struct conf_line *line = &o->conf->lines[i];
            if ((line->row->take == take_accelerator) == (round == 0))
                code = take_line(o, line, err);
        }
    }
    return code;
}

// ---- Scenarios --------------------------------------------------------------

// The scenario's folder as the file sees it, wherever the command is called; a
// heap string, or NULL. Of one that lies elsewhere: from the root.
static char *folder_seen(const struct conf *c, const char *path)
{
    char home[PATH_MAX], folder[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    conf_folder(c, home, sizeof(home));
    snprintf(folder, sizeof(folder), "%.*s/.", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    char *top = realpath(*home ? home : ".", NULL);
    bool there = top && realpath(folder, real);
    size_t len = there ? strlen(top) : 0;
    char *seen = NULL;
    if (there && !strcmp(top, real))
        seen = strdup(".");
    else if (there && !strncmp(top, real, len) && real[len] == '/')
        seen = strdup(real + len + 1);
    else if (there)
        seen = strdup(real);
    free(top);
    return seen;
}

static bool fits(const char *glob, const char *text)
{
    return !strcmp(glob, text) || !fnmatch(glob, text, 0);
}

static bool is_about(const struct conf_block *b, const struct selected *one)
{
    const char *slash = strrchr(one->path, '/');
    const char *file = slash ? slash + 1 : one->path;
    struct selected seen = *one;
    char path[2 * PATH_MAX];
    if (one->seen)
        seen.suite = one->seen;
    snprintf(path, sizeof(path), "%s/%s", seen.suite, file);
    return selected_matches(&seen, b->glob) || fits(b->glob, file) ||
           fits(b->glob, path) || fits(b->glob, one->what.title);
}

// The last block about a case that has this option, unless the command line has
// it; NULL: none.
static const struct options *block_with(const struct options *o,
                                        const struct selected *one,
                                        const char *name)
{
    const struct row *row = options_row(name);
    const struct conf *c = o->conf;
    for (size_t i = c && !options_given(o, row) ? c->nblocks : 0; i-- > 0;) {
        if (options_given(&c->blocks[i].values, row) &&
            is_about(&c->blocks[i], one))
            return &c->blocks[i].values;
    }
    return NULL;
}

static struct guest_overrides machine_of(const struct options *o,
                                         const struct selected *one)
{
    struct guest_overrides m = o->machine;
    const struct options *b;
    if ((b = block_with(o, one, "kernel")))
        m.kernel = b->machine.kernel;
    if ((b = block_with(o, one, "initrd")))
        m.initrd = b->machine.initrd;
    if ((b = block_with(o, one, "cmdline")))
        m.cmdline = b->machine.cmdline;
    if ((b = block_with(o, one, "cpus")))
        m.cpus = b->machine.cpus;
    if ((b = block_with(o, one, "memory"))) {
        m.memory = b->machine.memory;
        m.backing = b->machine.backing;
    }
    return m;
}

// How often it may run. An exact run and a round of --stress have one attempt.
static unsigned attempts_of(const struct options *o, const struct selected *one)
{
    const struct options *b = block_with(o, one, "retries");
    if (o->exact || o->stress.rounds || o->stress.ns)
        return 1;
    return (unsigned)(b ? b->retries : o->retries) + 1;
}

static bool has_retries(const struct conf *c)
{
    const struct row *row = options_row("retries");
    for (size_t i = 0; c && i < c->nblocks; i++) {
        if (options_given(&c->blocks[i].values, row))
            return true;
    }
    return false;
}

void conf_select(const struct options *o, struct selection *s)
{
    bool retries = has_retries(o->conf);
    for (size_t i = 0; i < s->count; i++) {
        struct selected *one = &s->list[i];
        one->seen = o->conf ? folder_seen(o->conf, one->path) : NULL;
        const struct options *b = block_with(o, one, "timeout");
        one->machine = machine_of(o, one);
        one->has_machine = o->conf != NULL;
        one->timeout_ns = b ? b->timeout_ns : o->timeout_ns;
        if (one->timeout_ns)
            one->what.scenario->timeout_ns = one->timeout_ns;
        one->attempts = retries ? attempts_of(o, one) : 0;
    }
}

void conf_tell(FILE *f, const struct conf *c, const struct selected *one)
{
    size_t count = 0;
    fputs(c->path, f);
    for (size_t i = 0; i < c->nblocks; i++) {
        if (is_about(&c->blocks[i], one))
            fprintf(f, "%s%u", count++ ? ", " : ", blocks of lines ",
                    c->blocks[i].line);
    }
}
