// SPDX-License-Identifier: Apache-2.0
// The toyvmm-test command: from the command line to an exit code. See cli.h.
#include "harness/cli/cli.h"

#include "harness/cli/accel.h"
#include "harness/cli/bisect_exit.h"
#include "harness/cli/boot_all.h"
#include "harness/cli/check_files.h"
#include "harness/cli/commands.h"
#include "harness/cli/conf.h"
#include "harness/cli/exact_run.h"
#include "harness/cli/exec_machine.h"
#include "harness/cli/exit_of.h"
#include "harness/cli/explain.h"
#include "harness/cli/explore.h"
#include "harness/cli/format.h"
#include "harness/cli/guard.h"
#include "harness/cli/interactive.h"
#include "harness/cli/jobs.h"
#include "harness/cli/keep.h"
#include "harness/cli/known.h"
#include "harness/cli/launch.h"
#include "harness/cli/manual.h"
#include "harness/cli/needs.h"
#include "harness/cli/options.h"
#include "harness/cli/output_dir.h"
#include "harness/cli/recordings.h"
#include "harness/cli/report_files.h"
#include "harness/cli/rerun.h"
#include "harness/cli/selection.h"
#include "harness/cli/shard.h"
#include "harness/cli/stat_tell.h"
#include "harness/history/noise.h"
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

// Files that what ran is told in.
struct told_in {
    struct report_files reports;
    const struct output_dir *folders;
};

// The exit code of what ran, its reports written.
static int conclude(const struct options *o, const struct suite_run *run,
                    const struct plan *plan, const struct boots *boots,
                    struct told_in *files, uint64_t began_ns)
{
    uint64_t duration_ns = clock_now_ns() - began_ns;
    struct report_run told = {
        .results = {run->count, run->results},
        .version = TOYVMM_VERSION,
        .accelerator = plan->accelerator,
        .config = conf_path(o->conf),
        .started_unix_ns = unix_now_ns() - duration_ns,
        .duration_ns = duration_ns,
        .interrupted = run->interrupted,
        .flaky_ok = o->flaky_ok,
    };
    if (o->exact)
        exact_span(run, &told.started_unix_ns, &told.duration_ns);
    int exit_code = exit_of(run, o->bisect, o->flaky_ok);
    guard_exit(run->interrupted ? EXIT_INTERRUPTED : exit_code,
               stalled_ns(plan, began_ns));
    if (output_dir_write(files->folders, boots, &told, stderr))
        exit_code = EXIT_UNABLE;
    if (report_files_end(&files->reports, &told, stderr))
        exit_code = EXIT_UNABLE;
    if (recordings_complain(run, stderr))
        exit_code = EXIT_UNABLE;
    if (!o->quiet)
        terminal_summary(stdout, &told.results, duration_ns);
    return run->interrupted ? EXIT_INTERRUPTED : exit_code;
}

static int make_boots(const struct options *o, const struct selection *s,
                      const struct recordings *r, struct exploration *e)
{
    struct boot_order order = {
        .warmups = (unsigned)o->warmups,
        .runs = (unsigned)o->repeat,
        .nsides = 1,
        .sides = {{.machine = o->machine}},
    };
    *e = (struct exploration){0};
    return o->explore ? explore_make(e, o, s)
                      : boots_make(&e->boots, s, r, &order);
}

// What is run, and what becomes of it.
struct job {
    const struct options *options;
    const struct selection *selection;
    const struct recordings *recordings;
    const struct output_dir *folders;
    const struct rerun *rerun;
    struct keep *keep;
};

// Of --jobs auto; where nothing runs, one.
static int jobs_here(const struct options *o, const struct selection *s,
                     struct boots *b, const char *accelerator)
{
    static const struct jobs_host here = {.root = ""};
    struct jobs_room room;
    // Each exact rig is a machine of its own.
    bool rigs = o->exact && !accel_inside_rig();
    if (!o->jobs_auto || !accelerator)
        return o->jobs;
    jobs_look(&here, &room);
    unsigned least =
        jobs_settle(&room, s, b, rigs ? ACCEL_RIG_MEMORY : 0, o->replay);
    if (o->verbosity && !o->quiet)
        jobs_tell(stdout, &room, b);
    return (int)least;
}

static int execute(const struct job *job, const char *accelerator)
{
    struct options with_jobs = *job->options;
    const struct options *o = &with_jobs;
    const struct selection *s = job->selection;
    const struct recordings *r = job->recordings;
    struct error err = {""};
    struct told_in files = {.folders = job->folders};
    uint64_t began_ns = clock_now_ns();
    if (report_files_begin(&files.reports, o, &err))
        return complain(&err, EXIT_UNABLE);
    struct exploration explored;
    if (make_boots(o, s, r, &explored))
        return EXIT_UNABLE;
    const struct boots *boots = &explored.boots;
    with_jobs.jobs = jobs_here(o, s, &explored.boots, accelerator);
    bool differs = false;
    struct plan plan = launch_plan(o, boots, r, accelerator);
    guard_pipes();
    launch_announce(o, &plan);
    struct suite_run run;
    struct noise_look before;
    noise_look("", &before);
    int code =
        boot_all(o, s, boots, explored.seeds, &plan, &run, &differs, &err);
    int exit_code = conclude(o, &run, &plan, boots, &files, began_ns);
    if (differs && exit_code != EXIT_INTERRUPTED)
        exit_code = EXIT_UNABLE;
    rerun_keep(job->rerun, o, s, boots, &run, unix_now_ns());
    if (keep_boots(job->keep, boots, &run) || keep_end(job->keep, stderr))
        exit_code = run.interrupted ? EXIT_INTERRUPTED : EXIT_UNABLE;
    if (o->stat && stat_tell(s, boots, &run, &before, accelerator, &err))
        exit_code = complain(&err, EXIT_UNABLE);
    if (code)
        exit_code = complain(&err, exit_code ? exit_code : EXIT_FAILED);
    suite_run_free(&run);
    explore_free(&explored);
    return exit_code;
}

// PATH/., or NULL where there is no path: what the rig must be able to write.
static const char *inside_of(const char *path, char out[4200])
{
    if (!path || !*path)
        return NULL;
    snprintf(out, 4200, "%.4190s/.", path);
    return out;
}

static int run_recorded(const struct job *job, int argc, char **argv,
                        const char *accelerator)
{
    const struct options *o = job->options;
    const struct selection *s = job->selection;
    struct error err = {""};
    char record[4200], folders[4200], store[4200];
    int exit_code = EXIT_UNABLE;
    if (keep_begin(job->keep, o, &err))
        return complain(&err, EXIT_UNABLE);
    if (launch_all_skipped(s))
        return execute(job, NULL);
    if (o->replay)
        return execute(job, "replay");
    const char *outputs[] = {recordings_output(job->recordings, o, record),
                             inside_of(job->folders->path, folders),
                             inside_of(job->rerun->store, store)};
    struct launch launch = {o, argc, argv, 0, outputs, 3, s};
    int code = launch_check_guests(s, &o->machine, &launch.memory, &err);
    if (code)
        return complain(&err, exit_for(code));
    if (o->exact && !accel_inside_rig())
        return execute(job, "exact");
    if (rerun_hand_over(job->rerun))
        return EXIT_UNABLE;
    code = launch_kept(&launch, job->keep, &accelerator, &exit_code, &err);
    if (code)
        return code > 0 ? exit_code : complain(&err, EXIT_UNABLE);
    return execute(job, accelerator);
}

static bool is_measured(const struct options *o, const struct selection *s)
{
    if (o->repeat > 1 || o->warmups)
        return true;
    for (size_t i = 0; !o->repeat && i < s->count; i++) {
        if (s->list[i].what.scenario->repeats > 1)
            return true;
    }
    return false;
}

static int run(const struct options *o, struct selection *s,
               const struct rerun *rerun, const char *split, int argc,
               char **argv)
{
    struct error err = {""};
    const char *accelerator = NULL;
    struct keep keep = {.split = split};
    int code = 0;
    if ((o->record || o->replay) && is_measured(o, s))
        return complain(&(struct error){"--record and --replay are for one "
                                        "boot of each scenario, not for "
                                        "--repeat and `repeat`"},
                        EXIT_WRONG);
    // A report that can't be written is told before anything is booted.
    if (report_files_check(o, &err))
        return complain(&err, EXIT_WRONG);
    // A recording was made where the needs held.
    if (!o->replay && needs_check(o, s, &accelerator, &err))
        return complain(&err, EXIT_UNABLE);
    struct recordings recordings;
    if (recordings_make(&recordings, o, s, &err))
        return complain(&err, EXIT_WRONG);
    struct output_dir folders = {0};
    if (o->output_dir)
        code = output_dir_make(&folders, o->output_dir, s,
                               is_measured(o, s) ? NULL : &recordings, &err);
    const struct job job = {o, s, &recordings, &folders, rerun, &keep};
    int exit_code = code ? complain(&err, EXIT_WRONG)
                         : run_recorded(&job, argc, argv, accelerator);
    output_dir_free(&folders);
    keep_free(&keep);
    recordings_free(&recordings);
    return exit_code;
}

static int selected_by(const struct options *o, const struct rerun *rerun,
                       int argc, char **argv)
{
    struct error err = {""};
    struct selection s = {0};
    int failed = o->npaths ? selection_make(&s, o, stderr, &err) : 0;
    conf_select(o, &s);
    if (o->action == ACTION_CHECK && !failed)
        failed = check_files(o, &s, stderr, &err);
    if (o->action == ACTION_CHECK && s.files && !o->quiet)
        selection_tally(stdout, &s);
    if (o->action == ACTION_CHECK && s.tally.errors) {
        selection_free(&s);
        return EXIT_WRONG;
    }
    if (!failed)
        failed = known_take(o->known, (int64_t)(unix_now_ns() / NS_PER_S), &s,
                            stderr, &err);
    char *split = NULL;
    if (!failed)
        rerun_select(rerun, o, &s);
    size_t cases = s.count;
    if (failed || shard_apply(o, &s, &split, &err)) {
        selection_free(&s);
        return complain(&err, failed ? EXIT_WRONG : EXIT_UNABLE);
    }
    if (split && !o->quiet && o->action == ACTION_RUN)
        printf("shard %u/%u: %zu of %zu cases\n", o->shard.index,
               o->shard.count, s.count, cases);
    int code = EXIT_PASSED;
    if (o->rerun && !cases)
        code = puts("nothing of the last run is to be run again") < 0;
    else if (o->action == ACTION_LIST)
        selection_list(stdout, &s);
    else if (o->action == ACTION_EXPLAIN)
        code = explain_run(o, &s, stdout);
    else if (o->action == ACTION_INTERACTIVE)
        code = interactive_main(o, &s, argc, argv);
    else if (o->action == ACTION_RUN)
        code = run(o, &s, rerun, split, argc, argv);
    free(split);
    selection_free(&s);
    return code;
}

static int with_scenarios(const struct options *given, int argc, char **argv)
{
    // --rerun may bring files along.
    struct options o = *given;
    struct rerun rerun = {.file = NULL};
    struct error err = {""};
    if ((o.action == ACTION_RUN || o.rerun) && rerun_begin(&rerun, &o, &err))
        return complain(&err, EXIT_WRONG);
    int code = selected_by(&o, &rerun, argc, argv);
    rerun_free(&rerun);
    return code;
}

static int run_command(const struct options *o, int argc, char **argv)
{
    static int (*const mains[COMMANDS])(const struct options *o, int argc,
                                        char **argv) = {
        [COMMAND_RUN] = with_scenarios, [COMMAND_COMPARE] = compare_main,
        [COMMAND_GATE] = compare_main,  [COMMAND_BISECT] = bisect_main,
        [COMMAND_TREND] = trend_main,   [COMMAND_MERGE] = merge_main,
        [COMMAND_SHOW] = show_main,     [COMMAND_INIT] = init_main,
        [COMMAND_EXEC] = exec_main,     [COMMAND_MANUAL] = manual_main,
    };
    return mains[o->command](o, argc, argv);
}

int cli_main(int argc, char **argv)
{
    struct options o;
    struct error err = {""};
    int code;
    guard_streams();
    if (argc > 1 && !strcmp(argv[1], EXEC_MACHINE))
        return exec_machine_main(argc, argv);
    enum command command;
    int skip = options_command(argc > 1 ? argv[1] : NULL, &command);
    if (options_read(&o, command, argc - skip, argv + skip, &err) ||
        conf_take(&o, stderr, &err) || options_settle(&o, &err))
        code = complain(&err, EXIT_WRONG);
    else if (o.action == ACTION_HELP)
        code = manual_help(stdout, command);
    else if (o.action == ACTION_VERSION)
        code = printf("toyvmm-test %s\n", TOYVMM_VERSION) < 0;
    else if (o.action == ACTION_PROBE)
        code = accel_probe(o.accelerator, stdout) ? EXIT_UNABLE : EXIT_PASSED;
    else if (o.action == ACTION_FORMAT)
        code = format_run(&o, stdout, stderr);
    else
        code = run_command(&o, argc, argv);
    if (o.bisect)
        code = bisect_exit(code);
    options_free(&o);
    return code;
}
