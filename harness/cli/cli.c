// SPDX-License-Identifier: Apache-2.0
// The toyvmm-test command: from the command line to an exit code. See cli.h.
#include "harness/cli/cli.h"

#include "harness/cli/accel.h"
#include "harness/cli/explain.h"
#include "harness/cli/format.h"
#include "harness/cli/guard.h"
#include "harness/cli/interactive.h"
#include "harness/cli/needs.h"
#include "harness/cli/options.h"
#include "harness/cli/recordings.h"
#include "harness/cli/report_files.h"
#include "harness/cli/selection.h"
#include "harness/cli/show.h"
#include "harness/report/outlet.h"
#include "harness/report/terminal.h"
#include "harness/suite/suite.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int complain(const struct error *err, int code)
{
    fflush(stdout);
    if (*err->text)
        fprintf(stderr, "toyvmm-test: %s\n", err->text);
    return code;
}

// -EINVAL is the user's mistake, everything else the environment's.
static int exit_for(int code)
{
    return code == -EINVAL ? EXIT_WRONG : EXIT_UNABLE;
}

// Finds and checks what each scenario boots that isn't skipped, before anything
// is booted. The definitions found stay in the environment for the processes
// that boot.
static int check_guests(const struct options *o, const struct selection *s,
                        uint64_t *largest, struct error *err)
{
    *largest = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct guest guest;
        if (s->list[i].skip)
            continue;
        int code =
            guest_make(&guest, s->list[i].what.scenario, &o->machine, err);
        if (!code)
            code = guest_check(&guest, err);
        if (code)
            return error_prefix(err, code, "%s", s->list[i].path);
        if (guest.memory > *largest)
            *largest = guest.memory;
        guest_free(&guest);
    }
    return 0;
}

// Chooses where to run; does not return when that is the rig.
static int settle(const struct options *o, int argc, char **argv,
                  uint64_t memory, const char *recording,
                  const char **accelerator, struct error *err)
{
    int code = accel_choose(o->accelerator, accelerator, err);
    if (code <= 0)
        return code;
    _Static_assert(RIG_OUTPUTS > REPORTS, "the reports and a recording");
    struct rig_needs needs = {memory * o->jobs, {recording}};
    memcpy(&needs.outputs[1], o->reports, sizeof(o->reports));
    return accel_enter_rig(argc, argv, &needs, err);
}

static struct plan make_plan(const struct options *o, const struct selection *s,
                             const struct recordings *r,
                             const char *accelerator, struct plan_case *cases)
{
    bool rig = accelerator && !strcmp(accelerator, "rig");
    for (size_t i = 0; i < s->count; i++) {
        const struct selected *one = &s->list[i];
        cases[i] = (struct plan_case){
            .path = one->path,
            .suite = one->suite,
            .name = one->name,
            .title = one->what.title,
            .nsets = one->what.nsets,
            .sets = one->what.sets,
            .record = r->record[i],
            .replay = r->replay[i],
            .skip = one->skip,
            .skip_where = one->skip_where,
            .timeout_ns = one->what.scenario->timeout_ns,
        };
    }
    return (struct plan){
        .machine = o->machine,
        .nsets = o->nsets,
        .sets = o->sets,
        .timeout_scale =
            o->replay ? r->scale : accel_timeout_scale(o, accelerator),
        .replay_speed = o->replay_speed,
        .accelerator = accelerator,
        .judge_marks = !rig,
        .show_console = o->show_console,
        .verbosity = o->verbosity,
        .ncases = s->count,
        .cases = cases,
    };
}

static void announce(const struct options *o, const struct plan *p)
{
    char line[128];
    char scale[64] = "";
    if (o->quiet || !p->accelerator)
        return;
    if (!o->replay && (p->timeout_scale > 1 || p->timeout_scale < 1))
        snprintf(scale, sizeof(scale), ", deadlines multiplied by %g",
                 p->timeout_scale);
    int n = snprintf(
        line, sizeof(line), "accelerator: %s%s%s\n", p->accelerator, scale,
        o->replay || p->judge_marks ? "" : ", times are not the hardware's");
    // Nobody may read it: the run matters more.
    fflush(stdout);
    outlet_write(STDOUT_FILENO, line, (size_t)n,
                 clock_after(clock_now_ns(), NS_PER_S / 4));
}

static uint64_t unix_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

// Until when a reader of our output may take its time: as long as a scenario
// may, and half a second in any case.
static uint64_t stalled_ns(const struct plan *plan, uint64_t began_ns)
{
    uint64_t end = clock_after(began_ns, plan_longest_ns(plan));
    uint64_t now = clock_now_ns();
    return clock_after(end > now ? end : now, NS_PER_S / 2);
}

// The exit code of what ran, its reports written.
static int conclude(const struct options *o, const struct suite_run *run,
                    const struct plan *plan, struct report_files *files,
                    uint64_t began_ns)
{
    uint64_t duration_ns = clock_now_ns() - began_ns;
    struct report_run told = {
        .results = {run->count, run->results},
        .version = TOYVMM_VERSION,
        .accelerator = plan->accelerator,
        .started_unix_ns = unix_now_ns() - duration_ns,
        .duration_ns = duration_ns,
        .interrupted = run->interrupted,
    };
    int exit_code = EXIT_PASSED;
    for (size_t i = 0; i < run->count; i++) {
        if (run->results[i].verdict == VERDICT_FAILED ||
            run->results[i].verdict == VERDICT_ERROR)
            exit_code = EXIT_FAILED;
    }
    guard_exit(run->interrupted ? EXIT_INTERRUPTED : exit_code,
               stalled_ns(plan, began_ns));
    if (report_files_end(files, &told, stderr))
        exit_code = EXIT_UNABLE;
    if (recordings_complain(run, stderr))
        exit_code = EXIT_UNABLE;
    if (!o->quiet)
        terminal_summary(stdout, &told.results, duration_ns);
    return run->interrupted ? EXIT_INTERRUPTED : exit_code;
}

static int execute(const struct options *o, const struct selection *s,
                   const struct recordings *r, const char *accelerator)
{
    struct error err = {""};
    struct report_files files;
    uint64_t began_ns = clock_now_ns();
    if (report_files_begin(&files, o, &err))
        return complain(&err, EXIT_UNABLE);
    struct plan_case *cases = calloc(s->count + 1, sizeof(*cases));
    if (!cases)
        return EXIT_UNABLE;
    struct plan plan = make_plan(o, s, r, accelerator, cases);
    guard_pipes();
    announce(o, &plan);
    struct suite_run run;
    int code = suite_run(&plan, o->jobs, o->in_process, &run, &err);
    int exit_code = conclude(o, &run, &plan, &files, began_ns);
    if (code)
        exit_code = complain(&err, exit_code ? exit_code : EXIT_FAILED);
    suite_run_free(&run);
    free(cases);
    return exit_code;
}

static bool all_skipped(const struct selection *s)
{
    size_t i = 0;
    while (i < s->count && s->list[i].skip)
        i++;
    return i == s->count;
}

static int run_recorded(const struct options *o, const struct selection *s,
                        const struct recordings *r, int argc, char **argv,
                        const char *accelerator)
{
    struct error err = {""};
    char output[4200];
    uint64_t memory;
    if (all_skipped(s))
        return execute(o, s, r, NULL);
    if (o->replay)
        return execute(o, s, r, "replay");
    int code = check_guests(o, s, &memory, &err);
    if (code)
        return complain(&err, exit_for(code));
    if (settle(o, argc, argv, memory, recordings_output(r, o, output),
               &accelerator, &err))
        return complain(&err, EXIT_UNABLE);
    return execute(o, s, r, accelerator);
}

static int run(const struct options *o, struct selection *s, int argc,
               char **argv)
{
    struct error err = {""};
    const char *accelerator = NULL;
    // A report that can't be written is told before anything is booted.
    if (report_files_check(o, &err))
        return complain(&err, EXIT_WRONG);
    // A recording was made where the needs held.
    if (!o->replay && needs_check(o, s, &accelerator, &err))
        return complain(&err, EXIT_UNABLE);
    struct recordings recordings;
    if (recordings_make(&recordings, o, s, &err))
        return complain(&err, EXIT_WRONG);
    int exit_code = run_recorded(o, s, &recordings, argc, argv, accelerator);
    recordings_free(&recordings);
    return exit_code;
}

static int interact(const struct options *o, const struct selection *s,
                    int argc, char **argv)
{
    struct error err = {""};
    const char *accelerator;
    struct guest guest;
    int code = guest_make(&guest, s->count ? s->list[0].what.scenario : NULL,
                          &o->machine, &err);
    if (!code)
        code = guest_check(&guest, &err);
    if (code) {
        guest_free(&guest);
        return complain(&err, exit_for(code));
    }
    int exit_code = EXIT_UNABLE;
    if (!settle(o, argc, argv, guest.memory, NULL, &accelerator, &err))
        exit_code = interactive_run(&guest, accelerator, &err);
    guest_free(&guest);
    return complain(&err, exit_code);
}

static void list(const struct selection *s)
{
    for (size_t i = 0; i < s->count; i++)
        printf("%s/%s  %s\n", s->list[i].suite, s->list[i].name,
               s->list[i].what.title);
}

// What --check found, after all errors.
static void tell_check(const struct options *o, const struct selection *s)
{
    if (o->quiet)
        return;
    printf("%zu file%s, %zu error%s, %zu warning%s\n", s->files,
           s->files == 1 ? "" : "s", s->tally.errors,
           s->tally.errors == 1 ? "" : "s", s->tally.warnings,
           s->tally.warnings == 1 ? "" : "s");
    fflush(stdout);
}

static int with_scenarios(const struct options *o, int argc, char **argv)
{
    struct error err = {""};
    struct selection s = {0};
    int failed = o->npaths ? selection_make(&s, o, stderr, &err) : 0;
    if (o->action == ACTION_CHECK && s.files)
        tell_check(o, &s);
    if (o->action == ACTION_CHECK && s.tally.errors)
        return EXIT_WRONG;
    if (failed)
        return complain(&err, EXIT_WRONG);
    int code = EXIT_PASSED;
    if (o->action == ACTION_LIST)
        list(&s);
    else if (o->action == ACTION_EXPLAIN)
        code = explain_run(o, &s, stdout);
    else if (o->action == ACTION_INTERACTIVE)
        code = interact(o, &s, argc, argv);
    else if (o->action == ACTION_RUN)
        code = run(o, &s, argc, argv);
    selection_free(&s);
    return code;
}

int cli_main(int argc, char **argv)
{
    struct options o;
    struct error err = {""};
    int code;
    guard_streams();
    if (argc > 1 && !strcmp(argv[1], "show"))
        return show_main(argc - 1, argv + 1);
    if (options_parse(&o, argc, argv, &err))
        code = complain(&err, EXIT_WRONG);
    else if (o.action == ACTION_HELP)
        code = fputs(help_text, stdout) < 0;
    else if (o.action == ACTION_VERSION)
        code = printf("toyvmm-test %s\n", TOYVMM_VERSION) < 0;
    else if (o.action == ACTION_PROBE)
        code = accel_probe(o.accelerator, stdout) ? EXIT_UNABLE : EXIT_PASSED;
    else if (o.action == ACTION_FORMAT)
        code = format_run(&o, stdout, stderr);
    else
        code = with_scenarios(&o, argc, argv);
    options_free(&o);
    return code;
}
