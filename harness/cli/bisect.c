// SPDX-License-Identifier: Apache-2.0
// `bisect`: the first slow one of an ordered list of images. See commands.h.
#include "harness/history/bisect.h"

#include "harness/cli/cli.h"
#include "harness/cli/commands.h"
#include "harness/cli/exact_run.h"
#include "harness/cli/guard.h"
#include "harness/cli/launch.h"
#include "harness/cli/series.h"
#include "harness/cli/side_spec.h"
#include "harness/history/exact_compare.h"
#include "harness/report/json.h"
#include "harness/report/output.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MARK "login_prompt"

struct answer {
    size_t image;
    int slow; // 1, 0, or -1: no answer
    double ratio;
};

struct bisection {
    const struct options *o;
    struct options of_boots; // the same, but each is booted once
    const char *mark;
    size_t count; // of images
    struct side_spec *images;
    struct selection selection;
    const char *accelerator;
    size_t boots; // so far
    bool interrupted;
    size_t nanswers;
    struct answer *answers;
    char missed[160]; // why a boot was of no use, the last one
};

// ---- Boots ------------------------------------------------------------------

static double value_of(struct bisection *b, const struct result *r)
{
    const struct result_mark *m =
        r->verdict == VERDICT_PASSED ? result_mark(r, b->mark) : NULL;
    if (m)
        return (double)(b->o->cpu || b->o->exact ? m->cpu_ns : m->wall_ns);
    snprintf(b->missed, sizeof(b->missed), "%.150s",
             r->message ? r->message : "it passed without that mark");
    return NAN;
}

static int boot(void *owner, size_t index, double *value, struct error *err)
{
    struct bisection *b = owner;
    struct boot_order order = {
        .runs = 1,
        .first = (unsigned)++b->boots,
        .nsides = 1,
        .sides = {{NULL, b->images[index].machine}},
    };
    struct boots boots;
    struct suite_run run;
    if (boots_make(&boots, &b->selection, NULL, &order))
        return error_set(err, -ENOMEM, "out of memory");
    struct plan plan = launch_plan(b->o, &boots, NULL, b->accelerator);
    plan.quiet_passed = !b->o->verbosity;
    const struct exact_suite exact = {
        .options = &b->of_boots,
        .selection = &b->selection,
        .boots = &boots,
        .plan = &plan,
        .alike = true,
        .untold = plan.quiet_passed,
    };
    int code = b->o->exact ? exact_suite_run(&exact, &run, err)
                           : suite_run(&plan, 1, false, &run, err);
    // A guest that fails is an answer, not an error.
    if (run.results && !run.interrupted) {
        *value = value_of(b, &run.results[0]);
        code = 0;
    }
    b->interrupted |= run.interrupted;
    if (run.interrupted)
        code = error_set(err, -EINTR, "interrupted");
    const char *kind = !code && run.results ? run.results[0].kind : NULL;
    // That the rig failed is none.
    if (kind && !strcmp(kind, EXACT_UNJUDGED))
        code = error_set(err, -ENODEV, "%s was not judged: %.300s",
                         b->images[index].text, b->missed);
    suite_run_free(&run);
    boots_free(&boots);
    return code;
}

// Behind the point of a percentage.
static int digits(const struct bisection *b)
{
    return b->o->exact ? 3 : 1;
}

static void answered(void *owner, size_t index, int slow, double ratio,
                     size_t boots)
{
    struct bisection *b = owner;
    struct answer *list =
        reallocarray(b->answers, b->nanswers + 1, sizeof(*list));
    if (list) {
        b->answers = list;
        list[b->nanswers++] = (struct answer){index, slow, ratio};
    }
    if (b->o->quiet)
        return;
    // Not settled, or the image can't be judged.
    if (slow < 0)
        printf("%s: no answer (%zu boots so far)\n", b->images[index].text,
               boots);
    else
        printf("%s: %s (%+.*f %%, %zu boots so far)\n", b->images[index].text,
               slow ? "slow" : "good", digits(b), 100 * (ratio - 1), boots);
    fflush(stdout);
}

// ---- What came out ----------------------------------------------------------

static const char *const status_names[] = {
    [BISECT_FOUND] = "found",
    [BISECT_SAME] = "same",
    [BISECT_UNSURE] = "unsure",
    [BISECT_ABSENT] = "absent",
};

// The last image was found to be slow: there is something between.
static bool is_narrowed(const struct bisect_result *r)
{
    return r->status == BISECT_FOUND ||
           (r->status == BISECT_UNSURE && r->narrowed);
}

struct outcome {
    const struct bisection *b;
    const struct bisect_result *r;
};

static int write_json(FILE *f, const void *owner)
{
    const struct outcome *o = owner;
    const struct bisection *b = o->b;
    const struct bisect_result *r = o->r;
    bool narrowed = is_narrowed(r);
    struct json j = {.f = f};
    json_open(&j, NULL, '{');
    json_number(&j, "bisection", 1);
    json_text(&j, "mark", b->mark);
    json_text(&j, "status", status_names[r->status]);
    json_text(&j, "last_good", narrowed ? b->images[r->last_good].text : NULL);
    json_text(&j, "first_slow",
              narrowed ? b->images[r->first_slow].text : NULL);
    json_real(&j, "ratio", r->status == BISECT_ABSENT ? NAN : r->ratio);
    json_number(&j, "boots", r->boots);
    json_open(&j, "answers", '[');
    for (size_t i = 0; i < b->nanswers; i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "image", b->images[b->answers[i].image].text);
        if (b->answers[i].slow < 0)
            json_text(&j, "slow", NULL);
        else
            json_bool(&j, "slow", b->answers[i].slow);
        json_real(&j, "ratio", b->answers[i].ratio);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    fputc('\n', f);
    return 0;
}

static int tell(const struct bisection *b, const struct bisect_result *r,
                struct error *err)
{
    const char *good = b->images[r->last_good].text;
    const char *slow = b->images[r->first_slow].text;
    switch (r->status) {
    case BISECT_FOUND:
        printf("%s is the first slow one: %s %+.*f %%; the last good one is "
               "%s; %zu boots\n",
               slow, b->mark, digits(b), 100 * (r->ratio - 1), good, r->boots);
        for (size_t i = r->last_good + 1; i < r->first_slow; i++)
            printf("  %s, between them, could not be judged: %s\n",
                   b->images[i].text, b->missed);
        break;
    case BISECT_SAME:
        printf("the last one is not slower than the first: %s %+.*f %%; %zu "
               "boots\n",
               b->mark, digits(b), 100 * (r->ratio - 1), r->boots);
        break;
    case BISECT_UNSURE:
        if (!is_narrowed(r)) {
            printf("the noise hides whether %s is slower than %s: give "
                   "--max-runs more, or a quieter host; %zu boots\n",
                   slow, good, r->boots);
            break;
        }
        printf("it lies between %s (good) and %s (slow), but the noise hides "
               "it: give --max-runs more, or a quieter host; %zu boots\n",
               good, slow, r->boots);
        break;
    case BISECT_ABSENT:
        printf("the first or the last one does not reach the mark %s: %s\n",
               b->mark, b->missed);
        break;
    }
    const char *path = b->o->reports[REPORT_JSON];
    const struct outcome outcome = {b, r};
    int code = path ? output_write(path, write_json, &outcome, err) : 0;
    if (code)
        return code;
    return r->status == BISECT_FOUND || r->status == BISECT_SAME ? 0 : 1;
}

// ---- The command line -------------------------------------------------------

static bool is_scenario(const char *word)
{
    size_t len = strlen(word);
    return len > 3 && !strcmp(word + len - 3, ".tc");
}

static int prepare(struct bisection *b, struct error *err)
{
    const struct options *o = b->o;
    char *scenario = NULL;
    int code = 0;
    b->images = calloc(o->npaths + 1, sizeof(*b->images));
    if (!b->images)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; !code && i < o->npaths; i++) {
        if (is_scenario(o->paths[i]) && !scenario)
            scenario = o->paths[i];
        else
            code = side_spec_parse(&b->images[b->count++], o->paths[i],
                                   &o->machine, err);
    }
    if (code)
        return code;
    if (!scenario || b->count < 2)
        return error_set(err, -EINVAL,
                         "bisect takes FILE.tc and two kernels or more, oldest "
                         "first; see --help");
    if (o->marks && strchr(o->marks, ','))
        return error_set(err, -EINVAL, "bisect takes one --mark");
    if (o->reports[REPORT_JSON])
        code = output_check(o->reports[REPORT_JSON], err);
    struct options files = *o;
    files.paths = &scenario;
    files.npaths = 1;
    if (!code)
        code = selection_make(&b->selection, &files, stderr, err);
    if (!code && b->selection.count != 1)
        code = error_set(err, -EINVAL,
                         "%s has %zu cases: choose one with --filter or --set",
                         scenario, b->selection.count);
    return code;
}

static int search(struct bisection *b, struct error *err)
{
    const struct options *o = b->o;
    const struct bisect_boots boots = {b, boot, answered};
    struct bisect_options how = bisect_defaults;
    how.exact = o->exact;
    if (how.exact)
        how.min_effect = exact_defaults.min_effect;
    struct bisect_result result;
    double ignored;
    if (o->alpha > 0)
        how.alpha = o->alpha;
    if (o->min_effect > 0)
        how.min_effect = o->min_effect;
    if (o->max_runs)
        how.most_runs = (size_t)o->max_runs;
    int code = 0;
    for (int i = 0; !code && i < o->warmups; i++)
        code = boot(b, 0, &ignored, err);
    if (!code)
        code = bisect_search(b->count, &boots, &how, &result, err);
    return code ? code : tell(b, &result, err);
}

static int run(struct bisection *b, int argc, char **argv)
{
    struct error err = {""};
    uint64_t memory = 0;
    int code = 0;
    for (size_t i = 0; !code && i < b->count; i++)
        code = launch_check_guests(&b->selection, &b->images[i].machine,
                                   &memory, &err);
    if (code)
        return complain(&err, exit_for(code));
    b->accelerator = "exact";
    if (b->o->exact && exact_can_run(&err))
        return complain(&err, EXIT_UNABLE);
    if (!b->o->exact &&
        launch_settle(b->o, argc, argv, memory, NULL, 0, &b->accelerator, &err))
        return complain(&err, EXIT_UNABLE);
    guard_pipes();
    code = search(b, &err);
    if (b->interrupted)
        return complain(&err, EXIT_INTERRUPTED);
    if (code > 0)
        return EXIT_UNABLE;
    return code ? complain(&err, EXIT_UNABLE) : EXIT_PASSED;
}

int bisect_main(const struct options *o, int argc, char **argv)
{
    struct error err = {""};
    struct bisection b = {
        .o = o, .of_boots = *o, .mark = o->marks ? o->marks : DEFAULT_MARK};
    b.of_boots.repeat = 1;
    int code =
        prepare(&b, &err) ? complain(&err, EXIT_WRONG) : run(&b, argc, argv);
    selection_free(&b.selection);
    for (size_t i = 0; i < b.count; i++)
        side_spec_free(&b.images[i]);
    free(b.images);
    free(b.answers);
    return code;
}
