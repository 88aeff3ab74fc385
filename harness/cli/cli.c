// SPDX-License-Identifier: Apache-2.0
// The toyvmm-test command: from the command line to an exit code. See cli.h.
#include "harness/cli/cli.h"

#include "harness/cli/accel.h"
#include "harness/cli/interactive.h"
#include "harness/cli/options.h"
#include "harness/cli/selection.h"
#include "harness/report/output.h"
#include "harness/report/terminal.h"
#include "harness/suite/suite.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Deadlines are written for hardware; an emulated one is slower.
#define RIG_TIMEOUT_SCALE 4.0

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

// Finds and checks what each scenario boots, before anything is booted. The
// definitions found stay in the environment for the processes that boot.
static int check_guests(const struct options *o, const struct selection *s,
                        uint64_t *largest, struct error *err)
{
    *largest = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct guest guest;
        int code = guest_make(&guest, s->list[i].scenario, &o->machine, err);
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
                  uint64_t memory, const char **accelerator, struct error *err)
{
    int code = accel_choose(o->accelerator, accelerator, err);
    if (code <= 0)
        return code;
    struct rig_needs needs = {memory * o->jobs, o->junit};
    return accel_enter_rig(argc, argv, &needs, err);
}

static struct plan make_plan(const struct options *o, const struct selection *s,
                             const char *accelerator, struct plan_case *cases)
{
    bool rig = !strcmp(accelerator, "rig");
    for (size_t i = 0; i < s->count; i++)
        cases[i] = (struct plan_case){.path = s->list[i].path,
                                      .suite = s->list[i].suite,
                                      .name = s->list[i].name};
    double scale = rig ? RIG_TIMEOUT_SCALE : 1;
    return (struct plan){
        .machine = o->machine,
        .nsets = o->nsets,
        .sets = o->sets,
        .timeout_scale = o->timeout_scale > 0 ? o->timeout_scale : scale,
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
    if (o->quiet)
        return;
    printf("accelerator: %s", p->accelerator);
    if (p->timeout_scale > 1 || p->timeout_scale < 1)
        printf(", deadlines multiplied by %g", p->timeout_scale);
    if (!p->judge_marks)
        printf(", times are not the hardware's");
    printf("\n");
    fflush(stdout);
}

// The exit code of what ran, its report written.
static int conclude(const struct options *o, const struct suite_run *run,
                    uint64_t began_ns)
{
    struct error err = {""};
    struct result_list all = {run->count, run->results};
    int exit_code = EXIT_PASSED;
    for (size_t i = 0; i < run->count; i++) {
        if (run->results[i].verdict == VERDICT_FAILED ||
            run->results[i].verdict == VERDICT_ERROR)
            exit_code = EXIT_FAILED;
    }
    if (o->junit && junit_write(o->junit, &all, &err))
        exit_code = complain(&err, EXIT_UNABLE);
    if (!o->quiet)
        terminal_summary(stdout, &all, clock_now_ns() - began_ns);
    return run->interrupted ? EXIT_INTERRUPTED : exit_code;
}

static int execute(const struct options *o, const struct selection *s,
                   const char *accelerator)
{
    struct error err = {""};
    uint64_t began_ns = clock_now_ns();
    struct plan_case *cases = calloc(s->count + 1, sizeof(*cases));
    if (!cases)
        return EXIT_UNABLE;
    struct plan plan = make_plan(o, s, accelerator, cases);
    announce(o, &plan);
    struct suite_run run;
    int code = suite_run(&plan, o->jobs, o->in_process, &run, &err);
    int exit_code = conclude(o, &run, began_ns);
    if (code)
        exit_code = complain(&err, exit_code ? exit_code : EXIT_FAILED);
    suite_run_free(&run);
    free(cases);
    return exit_code;
}

static int run(const struct options *o, const struct selection *s, int argc,
               char **argv)
{
    struct error err = {""};
    const char *accelerator;
    uint64_t memory;
    // A report that can't be written is told before anything is booted.
    if (o->junit && output_check(o->junit, &err))
        return complain(&err, EXIT_WRONG);
    int code = check_guests(o, s, &memory, &err);
    if (code)
        return complain(&err, exit_for(code));
    if (settle(o, argc, argv, memory, &accelerator, &err))
        return complain(&err, EXIT_UNABLE);
    return execute(o, s, accelerator);
}

static int interact(const struct options *o, const struct selection *s,
                    int argc, char **argv)
{
    struct error err = {""};
    const char *accelerator;
    struct guest guest;
    int code = guest_make(&guest, s->count ? s->list[0].scenario : NULL,
                          &o->machine, &err);
    if (!code)
        code = guest_check(&guest, &err);
    if (code) {
        guest_free(&guest);
        return complain(&err, exit_for(code));
    }
    int exit_code = EXIT_UNABLE;
    if (!settle(o, argc, argv, guest.memory, &accelerator, &err))
        exit_code = interactive_run(&guest, accelerator, &err);
    guest_free(&guest);
    return complain(&err, exit_code);
}

static void list(const struct selection *s)
{
    for (size_t i = 0; i < s->count; i++)
        printf("%s/%s  %s\n", s->list[i].suite, s->list[i].name,
               s->list[i].scenario->title);
}

static int with_scenarios(const struct options *o, int argc, char **argv)
{
    struct error err = {""};
    struct selection s = {0};
    if (o->npaths && selection_make(&s, o, stderr, &err))
        return complain(&err, EXIT_WRONG);
    int code = EXIT_PASSED;
    if (o->action == ACTION_LIST)
        list(&s);
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
    if (options_parse(&o, argc, argv, &err))
        code = complain(&err, EXIT_WRONG);
    else if (o.action == ACTION_HELP)
        code = fputs(help_text, stdout) < 0;
    else if (o.action == ACTION_VERSION)
        code = printf("toyvmm-test %s\n", TOYVMM_VERSION) < 0;
    else if (o.action == ACTION_PROBE)
        code = accel_probe(o.accelerator, stdout) ? EXIT_UNABLE : EXIT_PASSED;
    else
        code = with_scenarios(&o, argc, argv);
    options_free(&o);
    return code;
}
