// SPDX-License-Identifier: Apache-2.0
// See job.h. The file is a sequence of records: kind, length, bytes; strings
// carry their terminating NUL.
#include "harness/rig/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum kind { KIND_STATE = 1, KIND_CWD, KIND_HOST, KIND_ARG, KIND_ENV, KIND_DIR };

struct record {
    uint32_t kind;
    uint32_t len;
};

int job_list_add(struct job_list *list, char *item)
{
    char **items =
        realloc(list->items, (list->count + 2) * sizeof(*list->items));
    if (!items)
        return -ENOMEM;
    items[list->count] = item;
    items[list->count + 1] = NULL;
    list->items = items;
    list->count++;
    return 0;
}

void job_free(struct job *job)
{
    free(job->args.items);
    free(job->env.items);
    free(job->shares.items);
    memset(job, 0, sizeof(*job));
}

static void put(FILE *out, enum kind kind, const void *bytes, size_t len)
{
    struct record r = {.kind = kind, .len = (uint32_t)len};
    fwrite(&r, sizeof(r), 1, out);
    fwrite(bytes, 1, len, out);
}

static void put_list(FILE *out, enum kind kind, const struct job_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        put(out, kind, list->items[i], strlen(list->items[i]) + 1);
}

int job_encode(const struct job *job, uint8_t **bytes, size_t *len,
               struct error *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (!out)
        return error_errno(err, errno, "writing the rig's job");
    put(out, KIND_STATE, &job->state, sizeof(job->state));
    put(out, KIND_CWD, job->cwd, strlen(job->cwd) + 1);
    put(out, KIND_HOST, job->hostname, strlen(job->hostname) + 1);
    put_list(out, KIND_ARG, &job->args);
    put_list(out, KIND_ENV, &job->env);
    put_list(out, KIND_DIR, &job->shares);
    bool failed = ferror(out) != 0;
    if (fclose(out) || failed) {
        free(text);
        return error_set(err, -ENOMEM, "no memory for the rig's job");
    }
    *bytes = (uint8_t *)text;
    return 0;
}

static int take(struct job *job, enum kind kind, char *bytes, size_t len)
{
    if (kind == KIND_STATE) {
        if (len != sizeof(job->state))
            return -EINVAL;
        memcpy(&job->state, bytes, len);
        return 0;
    }
    if (len == 0 || bytes[len - 1] != '\0')
        return -EINVAL;
    switch (kind) {
    case KIND_CWD:
        job->cwd = bytes;
        return 0;
    case KIND_HOST:
        job->hostname = bytes;
        return 0;
    case KIND_ARG:
        return job_list_add(&job->args, bytes);
    case KIND_ENV:
        return job_list_add(&job->env, bytes);
    case KIND_DIR:
        return job_list_add(&job->shares, bytes);
    case KIND_STATE:
        break;
    }
    return -EINVAL;
}

int job_decode(struct job *job, uint8_t *bytes, size_t len, struct error *err)
{
    memset(job, 0, sizeof(*job));
    struct record r;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && at < len) {
        if (len - at < sizeof(r))
            return error_set(err, -EINVAL, "the rig's job is cut short");
        memcpy(&r, bytes + at, sizeof(r));
        at += sizeof(r);
        if (r.len > len - at)
            return error_set(err, -EINVAL, "the rig's job is cut short");
        rc = take(job, (enum kind)r.kind, (char *)bytes + at, r.len);
        at += r.len;
    }
    if (rc < 0)
        return error_set(err, rc, "the rig's job can't be read");
    if (!job->cwd || !job->hostname || job->args.count == 0 ||
        job->env.count == 0)
        return error_set(err, -EINVAL, "the rig's job is incomplete");
    return 0;
}

void job_state_capture(struct job_state *state)
{
    mode_t mask = umask(0);
    umask(mask);
    state->umask = mask;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &state->limits[i]);
    state->ignored = 0;
    for (int sig = 1; sig < NSIG && sig < 64; sig++) {
        struct sigaction act;
        if (sigaction(sig, NULL, &act) == 0 && act.sa_handler == SIG_IGN)
            state->ignored |= UINT64_C(1) << sig;
    }
}

void job_state_apply(const struct job_state *state)
{
    umask((mode_t)state->umask);
    for (int i = 0; i < RLIM_NLIMITS && !state->exact; i++)
        setrlimit((__rlimit_resource_t)i, &state->limits[i]);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int sig = 1; sig < NSIG && sig < 64; sig++)
        signal(sig, state->ignored >> sig & 1 ? SIG_IGN : SIG_DFL);
}
