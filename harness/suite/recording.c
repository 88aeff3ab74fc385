// SPDX-License-Identifier: Apache-2.0
// A case's recording. See recording.h.
#include "harness/suite/recording.h"

#include "harness/recording/cast.h"
#include "harness/suite/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void case_recording_begin(struct case_recording *c, struct run_options *run,
                          const struct result *about)
{
    if (c->path)
        c->recorder = recorder_begin(c->path, run, about, &c->error);
}

int case_recording_end(struct case_recording *c, struct result *result)
{
    bool begun = c->recorder != NULL;
    int failed = recorder_end(c->recorder, result, &c->error);
    c->recorder = NULL;
    if (begun && !failed)
        cast_files(c->path, &c->error);
    if (!*c->error.text)
        return 0;
    int code =
        result_add_note(result, false, result->duration_ns, NULL,
                        "the run was not recorded whole: %s", c->error.text);
    return code ? code
                : result_add_property(result, RECORDING_ERROR, c->error.text);
}

// ---- Attempts ---------------------------------------------------------------

#define SUFFIX ".tvr"

// Renames what in the folder is called NAME, or NAME and .cast behind it.
static void rename_all(DIR *folder, const char *name, const char *to)
{
    size_t len = strlen(name);
    for (struct dirent *e; (e = readdir(folder));) {
        const char *rest = e->d_name + len;
        char *target = NULL;
        if (strncmp(e->d_name, name, len) != 0)
            continue;
        const char *cast = strrchr(rest, '.');
        bool ours = !*rest || (*rest == '.' && !strcmp(cast, ".cast"));
        if (ours && asprintf(&target, "%s%s", to, rest) >= 0) {
            (void)!renameat(dirfd(folder), e->d_name, dirfd(folder), target);
            free(target);
        }
    }
}

void case_recording_put_aside(const char *path, unsigned attempt)
{
    if (!path)
        return;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t stem = strlen(name), suffix = strlen(SUFFIX);
    bool has = stem > suffix && !strcmp(name + stem - suffix, SUFFIX);
    stem -= has ? suffix : 0;
    char *where = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    char *to = NULL;
    DIR *folder = opendir(where ? where : ".");
    if (folder && asprintf(&to, "%.*s.attempt%u%s", (int)stem, name, attempt,
                           has ? SUFFIX : "") >= 0) {
        rename_all(folder, name, to);
        free(to);
    }
    if (folder)
        closedir(folder);
    free(where);
}
