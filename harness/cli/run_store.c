// SPDX-License-Identifier: Apache-2.0
// The last runs as files. See run_store.h.
//
//   toyvmm-run 1 | folder PATH | path PATH ... | FATE SUITE/NAME ... | end
//
// one in a line.
#include "harness/cli/run_store.h"

#include "harness/history/history.h"
#include "harness/report/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC    "toyvmm-run 1"
#define SUFFIX   ".run"
#define TIME_LEN 20 // digits of a time in a file's name

static const char *const fates[FATES] = {
    [FATE_PASSED] = "passed",
    [FATE_FAILED] = "failed",
    [FATE_UNRUN] = "unrun",
    [FATE_SKIPPED] = "skipped",
};

// ---- The folder -------------------------------------------------------------

// The folder and those above it.
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0700) && errno != EEXIST;
        *slash = '/';
        if (failed)
            return -errno;
    }
    return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int run_store_open(char out[RUN_STORE_PATH], struct error *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    // A relative path is none (XDG Base Directory Specification).
    bool given = state && *state == '/';
    if (!given && (!home || *home != '/'))
        return error_set(err, -ENOENT,
                         "neither XDG_STATE_HOME nor HOME is set: there is no "
                         "place for runs");
    int n = snprintf(out, RUN_STORE_PATH, "%s%s/toyvmm/runs",
                     given ? state : home, given ? "" : "/.local/state");
    int code = n < RUN_STORE_PATH ? make_folders(out) : -ENAMETOOLONG;
    if (!code && access(out, R_OK | W_OK | X_OK))
        code = -errno;
    return code ? error_errno(err, -code, "%s", out) : 0;
}

// ---- Its files --------------------------------------------------------------

static bool is_run(const char *name)
{
    size_t len = strlen(name), digits = strspn(name, "0123456789");
    return digits == TIME_LEN && name[digits] == '-' && len > strlen(SUFFIX) &&
           !strcmp(name + len - strlen(SUFFIX), SUFFIX);
}

static int is_wanted(const struct dirent *e)
{
    return is_run(e->d_name);
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

// What is there, newest first. The number, or a negative errno.
static int list(const char *store, struct dirent ***out)
{
    int n = scandir(store, out, is_wanted, newest_first);
    return n < 0 ? -errno : n;
}

static void free_list(struct dirent **found, int n)
{
    for (int i = 0; i < n; i++)
        free(found[i]);
    if (n >= 0)
        free(found);
}

// Another process may do the same: what it took is gone.
static void tidy_up(const char *store, uint64_t now_ns)
{
    struct dirent **found;
    int n = list(store, &found);
    int folder = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t bytes = 0;
    for (int i = 0; folder >= 0 && i < n; i++) {
        struct stat st = {0};
        uint64_t at_s = strtoull(found[i]->d_name, NULL, 10) / 1000000000;
        int64_t age_s = (int64_t)(now_ns / 1000000000) - (int64_t)at_s;
        if (!fstatat(folder, found[i]->d_name, &st, AT_SYMLINK_NOFOLLOW))
            bytes += (uint64_t)st.st_size;
        if (i && (i >= RUN_STORE_RUNS || bytes > RUN_STORE_BYTES ||
                  age_s > RUN_STORE_AGE_S))
            unlinkat(folder, found[i]->d_name, 0);
    }
    if (folder >= 0)
        close(folder);
    free_list(found, n);
}

// ---- Writing ----------------------------------------------------------------

static bool has_lines(const char *text)
{
    return strchr(text, '\n') != NULL;
}

static int write_run(FILE *f, const void *owner)
{
    const struct stored_run *run = owner;
    fprintf(f, MAGIC "\nfolder %s\n", run->folder);
    for (size_t i = 0; i < run->npaths; i++)
        fprintf(f, "path %s\n", run->paths[i]);
    for (size_t i = 0; i < run->count; i++)
        fprintf(f, "%s %s\n", fates[run->cases[i].fate], run->cases[i].name);
    fputs("end\n", f);
    return 0;
}

int run_store_add(const char *store, const struct stored_run *run,
                  uint64_t now_ns, struct error *err)
{
    char id[HISTORY_ID], path[RUN_STORE_PATH + 128];
    bool lines = has_lines(run->folder);
    for (size_t i = 0; i < run->npaths; i++)
        lines |= has_lines(run->paths[i]);
    for (size_t i = 0; i < run->count; i++)
        lines |= has_lines(run->cases[i].name);
    if (lines)
        return error_set(err, -EINVAL, "a name with a line break in it");
    history_new_id(id);
    snprintf(path, sizeof(path), "%s/%0*" PRIu64 "-%.32s" SUFFIX, store,
             TIME_LEN, now_ns, id);
    int code = output_write(path, write_run, run, err);
    if (!code)
        tidy_up(store, now_ns);
    return code;
}

// ---- Reading ----------------------------------------------------------------

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    char *text = NULL;
    bool fits = f && !fstat(fileno(f), &st) && S_ISREG(st.st_mode) &&
                (uint64_t)st.st_size <= RUN_STORE_BYTES;
    if (fits)
        text = calloc((size_t)st.st_size + 1, 1);
    if (text && fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
        free(text);
        text = NULL;
    }
    if (f)
        fclose(f);
    return text;
}

static const char *behind(const char *line, const char *word)
{
    size_t len = strlen(word);
    return !strncmp(line, word, len) && line[len] == ' ' ? line + len + 1
                                                         : NULL;
}

static int take_line(struct stored_run *run, char *line)
{
    const char *value = behind(line, "folder");
    if (value) {
        run->folder = value;
        return 0;
    }
    if (behind(line, "path")) {
        run->paths[run->npaths++] = line + strlen("path ");
        return 0;
    }
    for (size_t i = 0; i < FATES; i++) {
        value = behind(line, fates[i]);
        if (!value)
            continue;
        run->cases[run->count++] =
            (struct stored_case){value, (enum run_fate)i};
        return 0;
    }
    return -EINVAL;
}

int run_store_read(const char *store, const char *file, struct stored_run *run,
                   struct error *err)
{
    char path[RUN_STORE_PATH + 256];
    snprintf(path, sizeof(path), "%s/%s", store, file);
    char *text = slurp(path);
    size_t lines = 1;
    for (char *at = text; at && *at; at++)
        lines += *at == '\n';
    struct stored_run one = {
        .memory = text,
        .paths = calloc(lines, sizeof(*one.paths)),
        .cases = calloc(lines, sizeof(*one.cases)),
    };
    bool whole = false;
    int code = text && one.paths && one.cases ? 0 : -EINVAL;
    char *save = NULL, *line = code ? NULL : strtok_r(text, "\n", &save);
    if (!line || strcmp(line, MAGIC) != 0)
        code = -EINVAL;
    while (!code && !whole && (line = strtok_r(NULL, "\n", &save))) {
        whole = !strcmp(line, "end");
        if (!whole)
            code = take_line(&one, line);
    }
    if (!code && whole && one.folder) {
        *run = one;
        return 0;
    }
    stored_run_free(&one);
    *run = one;
    return error_set(err, -EINVAL, "%s is damaged", path);
}

int run_store_last(const char *store, const char *folder,
                   struct stored_run *run, char **file, struct error *err)
{
    struct dirent **found;
    int n = list(store, &found);
    if (n < 0)
        return error_errno(err, -n, "%s", store);
    int code = -ENOENT;
    *file = NULL;
    *run = (struct stored_run){0};
    for (int i = 0; code && i < n; i++) {
        struct stored_run one;
        struct error ignored;
        if (run_store_read(store, found[i]->d_name, &one, &ignored))
            continue;
        if (!one.folder || strcmp(one.folder, folder) != 0) {
            stored_run_free(&one);
            continue;
        }
        *run = one;
        *file = strdup(found[i]->d_name);
        code = *file ? 0 : -ENOMEM;
        break;
    }
    free_list(found, n);
    if (!code)
        return 0;
    stored_run_free(run);
    return error_set(err, code, "no run in this folder is known (%s)", store);
}

void stored_run_free(struct stored_run *run)
{
    free(run->paths);
    free(run->cases);
    free(run->memory);
    *run = (struct stored_run){0};
}
