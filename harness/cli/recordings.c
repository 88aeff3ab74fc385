// SPDX-License-Identifier: Apache-2.0
// Files of recordings. See recordings.h.
#include "harness/cli/recordings.h"

#include "harness/recording/replay.h"
#include "harness/recording/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool has_namesake(const struct selection *s, size_t index)
{
    for (size_t i = 0; i < s->count; i++) {
        if (i != index && !strcmp(s->list[i].name, s->list[index].name))
            return true;
    }
    return false;
}

// FOLDER/NAME.tvr, or with the suite before the name; NULL: out of memory.
static char *in_folder(const char *folder, const struct selected *one,
                       bool with_suite)
{
    char *suite = strdup(with_suite ? one->suite : "");
    char *path = NULL;
    for (char *p = suite; p && *p; p++) {
        if (*p == '/')
            *p = '.';
    }
    if (suite && asprintf(&path, "%s/%s%s%s.tvr", folder, suite,
                          with_suite ? "." : "", one->name) < 0)
        path = NULL;
    free(suite);
    return path;
}

static char *record_path(const struct recordings *r, const struct options *o,
                         const struct selection *s, size_t i)
{
    return r->many ? in_folder(o->record, &s->list[i], has_namesake(s, i))
                   : strdup(o->record);
}

static char *replay_path(const struct recordings *r, const struct options *o,
                         const struct selection *s, size_t i)
{
    if (!r->many)
        return strdup(o->replay);
    char *path = in_folder(o->replay, &s->list[i], true);
    if (path && !access(path, F_OK))
        return path;
    free(path);
    return in_folder(o->replay, &s->list[i], false);
}

static int make_folder(const char *path, struct error *err)
{
    if (!mkdir(path, 0777) || (errno == EEXIST && is_folder(path)))
        return 0;
    return error_errno(err, errno,
                       "--record %s: several scenarios are recorded in a "
                       "folder, and it can't be made",
                       path);
}

static int take_record(struct recordings *r, const struct options *o,
                       const struct selection *s, size_t i, struct error *err)
{
    r->record[i] = record_path(r, o, s, i);
    if (!r->record[i])
        return error_set(err, -ENOMEM, "out of memory");
    return recording_check(r->record[i], err);
}

static int take_replay(struct recordings *r, const struct options *o,
                       const struct selection *s, size_t i, struct error *err)
{
    r->replay[i] = replay_path(r, o, s, i);
    if (!r->replay[i])
        return error_set(err, -ENOMEM, "out of memory");
    double scale = replay_scale(r->replay[i], o->replay_speed, err);
    if (scale > r->scale)
        r->scale = scale;
    return scale > 0 ? 0 : -EINVAL;
}

int recordings_make(struct recordings *r, const struct options *o,
                    const struct selection *s, struct error *err)
{
    const char *named = o->record ? o->record : o->replay;
    *r = (struct recordings){.count = s->count,
                             .record = calloc(s->count + 1, sizeof(char *)),
                             .replay = calloc(s->count + 1, sizeof(char *)),
                             .many =
                                 named && (s->count > 1 || is_folder(named))};
    if (!r->record || !r->replay) {
        recordings_free(r);
        return error_set(err, -ENOMEM, "out of memory");
    }
    int code = o->record && r->many ? make_folder(o->record, err) : 0;
    for (size_t i = 0; !code && i < s->count; i++) {
        if (s->list[i].skip)
            continue;
        if (o->record)
            code = take_record(r, o, s, i, err);
        else if (o->replay)
            code = take_replay(r, o, s, i, err);
    }
    if (code)
        recordings_free(r);
    return code;
}

void recordings_free(struct recordings *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->record)
            free(r->record[i]);
        if (r->replay)
            free(r->replay[i]);
    }
    free(r->record);
    free(r->replay);
    *r = (struct recordings){0};
}

const char *recordings_output(const struct recordings *r,
                              const struct options *o, char out[4200])
{
    if (!o->record)
        return NULL;
    snprintf(out, 4200, "%s%s", o->record, r->many ? "/." : "");
    return out;
}

bool recordings_complain(const struct suite_run *run, FILE *log)
{
    bool failed = false;
    for (size_t i = 0; i < run->count; i++) {
        const struct result *r = &run->results[i];
        for (size_t k = 0; k < r->nproperties; k++) {
            if (strcmp(r->properties[k].name, RECORDING_ERROR) != 0)
                continue;
            fflush(stdout);
            fprintf(log, "toyvmm-test: %s\n", r->properties[k].value);
            failed = true;
        }
    }
    return failed;
}
