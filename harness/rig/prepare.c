// SPDX-License-Identifier: Apache-2.0
// See prepare.h.
#include "harness/rig/prepare.h"

#include "src/base/mix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Two ticks of a kernel with 250 of them in a second.
#define PHASE_NS 8000000u

// path is dir or lies below it.
static bool is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

// These belong to the rig's own kernel.
static bool is_of_kernel(const char *path)
{
    return is_within(path, "/proc") || is_within(path, "/sys") ||
           strcmp(path, "/dev") == 0 || strcmp(path, "/dev/shm") == 0 ||
           (is_within(path, "/dev") && !is_within(path, "/dev/shm"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Shares the real directory behind dir; owned by the list from here on.
static int add_share(struct job_list *shares, const char *dir,
                     struct error *err)
{
    char *real = realpath(dir, NULL);
    if (!real) {
        error_errno(err, errno, "--rw %s", dir);
        return -EINVAL;
    }
    struct stat st;
    int rc = 0;
    if (stat(real, &st) < 0 || !S_ISDIR(st.st_mode))
        rc = error_set(err, -EINVAL, "--rw %s: not a directory", dir);
    else if (strcmp(real, "/") == 0)
        rc = error_set(err, -EINVAL,
                       "--rw %s: the whole file system can't be shared "
                       "read-write; name the directories to write to",
                       dir);
    else if (is_of_kernel(real))
        rc =
            error_set(err, -EINVAL,
                      "--rw %s: the rig has its own /proc, /sys and /dev", dir);
    else
        rc = job_list_add(shares, real);
    if (rc < 0)
        free(real);
    return rc;
}

// Sorted, so that a parent is mounted before what lies in it, and without
// what a parent shares already.
static void reduce(struct job_list *shares)
{
    if (shares->count == 0)
        return;
    qsort(shares->items, shares->count, sizeof(*shares->items), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < shares->count; i++) {
        bool covered = false;
        for (size_t k = 0; k < kept && !covered; k++)
            covered = is_within(shares->items[i], shares->items[k]);
        if (covered)
            free(shares->items[i]);
        else
            shares->items[kept++] = shares->items[i];
    }
    shares->count = kept;
    shares->items[kept] = NULL;
}

// The command knows one name of it, wherever it is here: a name that changed
// from run to run would make each another one.
static int prepare_out(struct preparation *p, const char *dir,
                       struct error *err)
{
    int rc = add_share(&p->out, dir, err);
    char *inside = rc < 0 ? NULL : strdup(RIG_OUT);
    if (rc < 0)
        return rc;
    rc = inside ? job_list_add(&p->job.shares, inside) : -ENOMEM;
    if (rc < 0)
        free(inside);
    return rc;
}

static int prepare_shares(struct preparation *p, const struct options *options,
                          struct error *err)
{
    struct job_list *shares = &p->job.shares;
    int rc = 0;
    if (options->out)
        return prepare_out(p, options->out, err);
    if (!options->plain && strcmp(p->cwd, "/") != 0 && !is_of_kernel(p->cwd))
        rc = add_share(shares, p->cwd, err);
    for (size_t i = 0; rc == 0 && i < options->rw.count; i++)
        rc = add_share(shares, options->rw.items[i], err);
    reduce(shares);
    return rc;
}

static bool same_file(int a, int b)
{
    struct stat sa, sb;
    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino && sa.st_rdev == sb.st_rdev;
}

// stdout and stderr that lead to one place keep their order only as one.
static void prepare_fds(struct job_state *state)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat st;
        state->fds[fd] = JOB_FD_STREAM;
        if (fstat(fd, &st) < 0)
            state->fds[fd] = JOB_FD_CLOSED;
        else if (isatty(fd))
            state->fds[fd] = JOB_FD_TTY;
    }
    if (state->fds[1] == JOB_FD_STREAM && state->fds[2] == JOB_FD_STREAM &&
        same_file(1, 2))
        state->fds[2] = JOB_FD_AS_STDOUT;
}

// Nothing of where the exact rig's command was started may make a difference
// to it, but for its directory and these variables.
static bool is_brought_along(const char *variable)
{
    static const char *const names[] = {"HOME=", "LANG=",   "LC_",
                                        "PATH=", "TOYVMM_", "TZ="};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

// Where it was started, and what its streams lead to, must not make the
// difference of one instruction.
static void prepare_exact(struct preparation *p, uint64_t seed)
{
    p->job.state = (struct job_state){
        .exact = true,
        .umask = 022,
        .phase_ns = (uint32_t)(mix64(seed, SEED_PHASE) % PHASE_NS),
        .fds = {JOB_FD_CLOSED, JOB_FD_FILE, JOB_FD_FILE},
    };
    snprintf(p->hostname, sizeof(p->hostname), "rig");
}

// The pty does what the host's terminal did, unless that one still does it.
static void prepare_termios(struct job_state *state,
                            const struct terminal *terminal)
{
    state->termios = terminal->saved;
    if (state->fds[0] != JOB_FD_TTY)
        state->termios.c_oflag &= ~(tcflag_t)OPOST;
}

int prepare_job(struct preparation *p, const struct options *options,
                const struct terminal *terminal, struct error *err)
{
    struct job *job = &p->job;
    if (!getcwd(p->cwd, sizeof(p->cwd)) || p->cwd[0] != '/')
        return error_set(err, -ENOENT,
                         "the working directory doesn't exist any more");
    if (gethostname(p->hostname, sizeof(p->hostname) - 1) < 0)
        p->hostname[0] = '\0';
    job->cwd = p->cwd;
    job->hostname = p->hostname;
    job_state_capture(&job->state);
    p->ignored = job->state.ignored;
    prepare_fds(&job->state);
    prepare_termios(&job->state, terminal);
    job->state.plain = options->plain;
    if (options->exact)
        prepare_exact(p, options->seed);
    int rc = prepare_shares(p, options, err);
    for (int i = 0; rc == 0 && i < options->ncommand; i++)
        rc = job_list_add(&job->args, options->command[i]);
    static char mark[] = "TOYVMM_RIG=1", exact[] = "TOYVMM_RIG=exact";
    for (char **e = environ; rc == 0 && *e; e++)
        if (strncmp(*e, mark, strlen("TOYVMM_RIG=")) != 0 &&
            (!options->exact || is_brought_along(*e)))
            rc = job_list_add(&job->env, *e);
    if (rc == 0 && !options->plain)
        rc = job_list_add(&job->env, options->exact ? exact : mark);
    if (rc == 0 && options->exact)
        qsort(job->env.items, job->env.count, sizeof(*job->env.items), by_name);
    return rc == -ENOMEM ? error_set(err, rc, "no memory for the rig's job")
                         : rc;
}

void prepare_free(struct preparation *p)
{
    for (size_t i = 0; i < p->job.shares.count; i++)
        free(p->job.shares.items[i]);
    for (size_t i = 0; i < p->out.count; i++)
        free(p->out.items[i]);
    free(p->out.items);
    job_free(&p->job);
}
