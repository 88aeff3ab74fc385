// SPDX-License-Identifier: Apache-2.0
// Cases as Criterion tests, registered at run time. Criterion schedules them
// and sees their verdicts; it prints nothing, because workers and supervisor
// do. Private to the suite.
#include "harness/suite/process.h"

#include <criterion/criterion.h>
#include <criterion/options.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What Criterion's hooks need, which have no argument for it. Written before
// the run, in the process that runs Criterion and nothing else.
static const char *run_dir;
static const struct plan *run_plan;

const char *suite_path(char out[SUITE_PATH], const char *dir, const char *name)
{
    snprintf(out, SUITE_PATH, "%s/%s", dir, name);
    return out;
}

const char *suite_file(char out[SUITE_PATH], const char *dir, size_t index,
                       const char *kind)
{
    snprintf(out, SUITE_PATH, "%s/%zu.%s", dir, index, kind);
    return out;
}

void suite_stop(const struct plan *plan, const char *dir)
{
    char path[SUITE_PATH];
    if (!plan->fail_fast)
        return;
    int fd = open(suite_path(path, dir, SUITE_STOP),
                  O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

bool suite_stopped(const struct plan *plan, const char *dir)
{
    char path[SUITE_PATH];
    return plan->fail_fast && !access(suite_path(path, dir, SUITE_STOP), F_OK);
}

static void note_death(struct criterion_test_stats *stats)
{
    char path[SUITE_PATH];
    suite_stop(run_plan, run_dir);
    size_t index =
        plan_find(run_plan, stats->test->category, stats->test->name);
    FILE *f = fopen(suite_file(path, run_dir, index, "death"), "we");
    if (!f)
        return;
    fprintf(f, "%d %d %d\n", stats->signal, stats->exit_code, stats->timed_out);
    fclose(f);
}

static void note_timeout(struct criterion_test_stats *stats)
{
    stats->timed_out = true;
    note_death(stats);
}

// Every hook that is missing here is left out by Criterion.
static struct criterion_logger quiet_logger = {
    .log_test_crash = note_death,
    .log_abnormal_exit = note_death,
    .log_test_timeout = note_timeout,
};

static bool register_case(struct criterion_test_set *set,
                          const struct plan *plan, size_t index,
                          double backstop_s)
{
    const struct plan_case *c = &plan->cases[index];
    struct criterion_test *test = calloc(1, sizeof(*test));
    struct criterion_test_extra_data *extra = calloc(1, sizeof(*extra));
    char *identifier = NULL;
    if (!test || !extra ||
        asprintf(&identifier, "%s/%s", c->suite, c->name) < 0) {
        free(test);
        free(extra);
        return false;
    }
    *extra = (struct criterion_test_extra_data){
        .lang_ = CR_LANG_C,
        .kind_ = CR_TEST_NORMAL,
        .identifier_ = identifier,
        .file_ = c->path,
        .line_ = 1,
        .timeout = backstop_s,
    };
    // Criterion keeps all of it until this process ends.
    *test = (struct criterion_test){c->name, c->suite, worker_main, extra};
    criterion_register_test(set, test);
    return true;
}

bool criterion_run_plan(const struct plan *plan, unsigned jobs,
                        double backstop_s, const char *dir)
{
    run_dir = dir;
    run_plan = plan;
    char pid[32];
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv(SUITE_DIR_VARIABLE, dir, 1);
    setenv(SUITE_PARENT_VARIABLE, pid, 1);
    struct criterion_test_set *set = criterion_initialize();
    for (size_t i = 0; i < plan->ncases; i++) {
        if (!plan->cases[i].skip && !register_case(set, plan, i, backstop_s))
            return false;
    }
    criterion_options.logger = &quiet_logger;
    criterion_options.jobs = jobs;
    criterion_options.color = false;
    bool ok = criterion_run_all_tests(set);
    criterion_finalize(set);
    return ok;
}
