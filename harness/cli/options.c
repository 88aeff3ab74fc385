// SPDX-License-Identifier: Apache-2.0
// Reads the command line: a new option is a row of the table. See options.h.
#include "harness/cli/options_internal.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELD(name) offsetof(struct options, name)

// Of --guard: longer than any boot.
#define GUARD_S 3600

// Which commands have an option.
#define IN(command) (1U << COMMAND_##command)
#define RUNS        IN(RUN)
#define COMPARES    (IN(COMPARE) | IN(GATE))
#define JUDGES      (COMPARES | IN(BISECT))
#define BOOTS       (RUNS | JUDGES)
#define REPORTED    (RUNS | IN(MERGE))
#define EVERYWHERE  (BOOTS | IN(TREND) | IN(MERGE))

static const struct row rows[] = {
    {"junit", 0, true, take_text, FIELD(reports[REPORT_JUNIT]), 0, REPORTED},
    {"json", 0, true, take_text, FIELD(reports[REPORT_JSON]), 0,
     REPORTED | JUDGES},
    {"tap", 0, true, take_text, FIELD(reports[REPORT_TAP]), 0, REPORTED},
    {"html", 0, true, take_text, FIELD(reports[REPORT_HTML]), 0,
     REPORTED | IN(TREND)},
    {"summary", 0, true, take_text, FIELD(reports[REPORT_SUMMARY]), 0,
     REPORTED | COMPARES},
    {"results", 0, true, take_text, FIELD(results), 0, RUNS | COMPARES},
    {"history", 0, true, take_text, FIELD(history), 0,
     REPORTED | COMPARES | IN(TREND)},
    {"csv", 0, true, take_text, FIELD(csv), 0, IN(TREND)},
    {"openmetrics", 0, true, take_text, FIELD(openmetrics), 0, IN(TREND)},
    {"record", 0, true, take_text, FIELD(record), 0, 0},
    {"replay", 0, true, take_text, FIELD(replay), 0, 0},
    {"replay-speed", 0, true, take_speed, 0, 0, 0},
    {"filter", 0, true, take_text, FIELD(filter), 0, BOOTS},
    {"tags", 0, true, take_text, FIELD(tags), 0, 0},
    {"shard", 0, true, take_shard, 0, 0, 0},
    {"kernel", 0, true, take_text, FIELD(machine.kernel), 0, BOOTS},
    {"initrd", 0, true, take_text, FIELD(machine.initrd), 0, BOOTS},
    {"cmdline", 0, true, take_text, FIELD(machine.cmdline), 0, BOOTS},
    {"memory", 0, true, take_memory, 0, 0, BOOTS},
    {"cpus", 0, true, take_cpus, 0, 0, BOOTS},
    {"set", 0, true, take_set, 0, 0, BOOTS},
    {"accel", 0, true, take_accelerator, 0, 0, BOOTS},
    {"exact", 0, false, take_flag, FIELD(exact), 0, RUNS | JUDGES},
    {"seed", 0, true, take_seed, 0, 0, RUNS | JUDGES},
    {"seeds", 0, true, take_number, FIELD(seeds), 0, COMPARES},
    {"explore", 0, true, take_number, FIELD(explore), 0, 0},
    {"guard", 0, true, take_number, FIELD(guard_s), 0, RUNS | JUDGES},
    {"timeout-scale", 0, true, take_scale, 0, 0, BOOTS},
    {"jobs", 'j', true, take_number, FIELD(jobs), 0, RUNS | COMPARES},
    {"repeat", 0, true, take_number, FIELD(repeat), 0, 0},
    {"warmup", 0, true, take_number, FIELD(warmups), 0, BOOTS},
    {"pin", 0, true, take_pin, 0, 0, BOOTS},
    {"stat", 0, false, take_flag, FIELD(stat), 0, 0},
    {"bisect", 0, false, take_flag, FIELD(bisect), 0, RUNS | IN(GATE)},
    {"runs", 0, true, take_number, FIELD(runs), 0, COMPARES},
    {"max-runs", 0, true, take_number, FIELD(max_runs), 0, JUDGES},
    {"mark", 0, true, take_text, FIELD(marks), 0, JUDGES | IN(TREND)},
    {"cpu", 0, false, take_flag, FIELD(cpu), 0, JUDGES | IN(TREND)},
    {"alpha", 0, true, take_fraction, FIELD(alpha), 0, JUDGES},
    {"min-effect", 0, true, take_fraction, FIELD(min_effect), 0, JUDGES},
    {"target", 0, true, take_fraction, FIELD(target), 0, COMPARES},
    {"power", 0, true, take_fraction, FIELD(power), 0, COMPARES},
    {"scenario", 0, true, take_text, FIELD(scenario), 0, COMPARES | IN(TREND)},
    {"guest", 0, true, take_text, FIELD(guest), 0, COMPARES | IN(TREND)},
    {"branch", 0, true, take_text, FIELD(branch), 0, IN(TREND)},
    {"since", 0, true, take_text, FIELD(since), 0, IN(TREND)},
    {"newest", 0, true, take_number, FIELD(newest), 0, COMPARES | IN(TREND)},
    {"console", 0, false, take_flag, FIELD(show_console), 0, 0},
    {"in-process", 0, false, take_flag, FIELD(in_process), 0, 0},
    {"no-sandbox", 0, false, take_flag, FIELD(no_sandbox), 0, BOOTS},
    {"write", 0, false, take_flag, FIELD(write), 0, 0},
    {"quiet", 'q', false, take_flag, FIELD(quiet), 0, EVERYWHERE},
    {"verbose", 'v', false, take_more, FIELD(verbosity), 0, BOOTS},
    {"list", 0, false, take_action, 0, ACTION_LIST, 0},
    {"check", 0, false, take_action, 0, ACTION_CHECK, 0},
    {"format", 0, false, take_action, 0, ACTION_FORMAT, 0},
    {"explain", 0, false, take_action, 0, ACTION_EXPLAIN, 0},
    {"probe", 0, false, take_action, 0, ACTION_PROBE, 0},
    {"interactive", 0, false, take_action, 0, ACTION_INTERACTIVE, 0},
    {"help", 'h', false, take_action, 0, ACTION_HELP, EVERYWHERE},
    {"version", 0, false, take_action, 0, ACTION_VERSION, EVERYWHERE},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

// What getopt_long gives for a row without a letter: this and its index.
#define LONG_ONLY 256

static void make_getopt(struct option longs[ROWS + 1],
                        char letters[2 * ROWS + 2])
{
    size_t n = 0;
    letters[n++] = ':';
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        longs[i] = (struct option){r->name,
                                   r->valued ? required_argument : no_argument,
                                   NULL, LONG_ONLY + (int)i};
        if (r->letter)
            letters[n++] = (char)r->letter;
        if (r->letter && r->valued)
            letters[n++] = ':';
    }
    letters[n] = '\0';
    longs[ROWS] = (struct option){0};
}

static const struct row *row_of(int id)
{
    if (id >= LONG_ONLY)
        return &rows[id - LONG_ONLY];
    const struct row *r = rows;
    while (r->letter != id)
        r++;
    return r;
}

static const char *const command_names[] = {
    [COMMAND_RUN] = "",        [COMMAND_COMPARE] = "compare",
    [COMMAND_GATE] = "gate",   [COMMAND_BISECT] = "bisect",
    [COMMAND_TREND] = "trend", [COMMAND_MERGE] = "merge",
};

static int unknown(int id, char **argv, struct error *err)
{
    // The option at fault is the one before optind, or a letter of it.
    const char *what = argv[optind - 1];
    if (id == ':')
        return error_set(err, -EINVAL, "%s needs a value; see --help", what);
    return error_set(err, -EINVAL, "unknown option %s; see --help", what);
}

// An option of another command: which ones have it.
static int misplaced(const struct options *o, const struct row *row,
                     struct error *err)
{
    unsigned commands = row->commands ? row->commands : RUNS;
    if (commands & 1U << o->command)
        return 0;
    char list[96] = "";
    size_t n = 0;
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (commands & 1U << i)
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                                  n ? ", " : "",
                                  i ? command_names[i] : "a run of scenarios");
    }
    return error_set(err, -EINVAL,
                     "--%s is not for toyvmm-test %s, it is for: %s", row->name,
                     command_names[o->command], list);
}

static const char *action_name(enum action action)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].take == take_action && rows[i].action == action)
            return rows[i].name;
    }
    return "";
}

// Makes one action of those that were asked for.
static int choose_action(struct options *o, struct error *err)
{
    const unsigned check = 1U << ACTION_CHECK;
    const unsigned format = 1U << ACTION_FORMAT;
    if (o->asked & 1U << ACTION_HELP)
        o->asked = 1U << ACTION_HELP;
    else if (o->asked & 1U << ACTION_VERSION)
        o->asked = 1U << ACTION_VERSION;
    if (o->asked == (check | format)) {
        o->format_check = true;
        o->asked = format;
    }
    o->action = ACTION_RUN;
    for (unsigned i = ACTION_RUN + 1; i <= ACTION_VERSION; i++) {
        if (!(o->asked & 1U << i))
            continue;
        if (o->action != ACTION_RUN)
            return error_set(err, -EINVAL, "--%s and --%s: give one of them",
                             action_name(o->action),
                             action_name((enum action)i));
        o->action = (enum action)i;
    }
    return 0;
}

static int check_inexact(const struct options *o, struct error *err)
{
    const char *name = o->seed.given ? "seed"
                       : o->seeds    ? "seeds"
                       : o->explore  ? "explore"
                       : o->guard_s  ? "guard"
                                     : NULL;
    if (!name && o->command != COMMAND_RUN && o->jobs > 1)
        return error_set(err, -EINVAL,
                         "--jobs of %s is for --exact: boots beside each other "
                         "are not measured",
                         command_names[o->command]);
    return name ? error_set(err, -EINVAL, "--%s is for --exact", name) : 0;
}

// An exploration boots each case once a seed.
static int check_explore(const struct options *o, struct error *err)
{
    const struct {
        bool given;
        const char *name;
    } others[] = {
        {o->repeat > 1, "--repeat"},
        {o->warmups > 0, "--warmup"},
        {o->stat, "--stat"},
        {o->record, "--record"},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].given)
            return error_set(err, -EINVAL, "--explore is not for %s",
                             others[i].name);
    }
    if (o->seed.value > (uint64_t)INT64_MAX - (unsigned)o->explore)
        return error_set(err, -EINVAL,
                         "--explore: there are not so many seeds");
    return 0;
}

// The exact rig brings along what the selected scenarios need and hands out
// files at its end, nothing else.
static int check_exact(const struct options *o, struct error *err)
{
    bool judges = o->command != COMMAND_RUN;
    if (!o->exact)
        return check_inexact(o, err);
    const struct {
        bool given;
        const char *name;
    } others[] = {
        {o->accelerator == ACCEL_KVM, "--accel kvm"},
        {o->replay, "--replay"},
        {o->pin.set, "--pin"},
        {o->runs, "--runs: give --seeds"},
        {judges && o->max_runs, "--max-runs: give --seeds"},
        {judges && o->warmups, "--warmup"},
        {o->action == ACTION_INTERACTIVE, "--interactive"},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].given)
            return error_set(err, -EINVAL, "--exact is not for %s",
                             others[i].name);
    }
    return o->explore ? check_explore(o, err) : 0;
}

// What options mean together.
static int check_together(const struct options *o, struct error *err)
{
    bool needs_paths = o->action == ACTION_RUN || o->action == ACTION_LIST ||
                       o->action == ACTION_CHECK || o->action == ACTION_EXPLAIN;
    if (needs_paths && !o->npaths)
        return error_set(err, -EINVAL,
                         "no scenario given: name files or folders; "
                         "see --help");
    if (o->action == ACTION_INTERACTIVE && o->npaths > 1)
        return error_set(err, -EINVAL,
                         "--interactive takes one scenario at most");
    if (o->action == ACTION_INTERACTIVE && !o->npaths && !o->machine.kernel)
        return error_set(err, -EINVAL,
                         "--interactive needs a scenario or --kernel");
    if (o->record && o->replay)
        return error_set(err, -EINVAL,
                         "--record and --replay: give one of them");
    if (o->replay_speed > 0 && !o->replay)
        return error_set(err, -EINVAL, "--replay-speed is for --replay");
    if ((o->record || o->replay) && o->action == ACTION_INTERACTIVE)
        return error_set(err, -EINVAL,
                         "--record and --replay are for scenarios that run");
    if (o->pin.set && o->jobs > 1)
        return error_set(err, -EINVAL,
                         "--pin puts all guests on one CPU: not with --jobs");
    if (o->pin.set && o->action == ACTION_INTERACTIVE)
        return error_set(err, -EINVAL, "--pin is for scenarios that run");
    if (o->replay && o->history)
        return error_set(err, -EINVAL,
                         "--history is for boots: a replay measures nothing");
    if (o->write && o->action != ACTION_FORMAT)
        return error_set(err, -EINVAL, "--write is for --format");
    if (o->write && o->format_check)
        return error_set(err, -EINVAL, "--write and --check: give one of them");
    return check_exact(o, err);
}

enum command options_command(const char *word)
{
    for (unsigned i = COMMAND_RUN + 1; word && i < COMMANDS; i++) {
        if (!strcmp(word, command_names[i]))
            return (enum command)i;
    }
    return COMMAND_RUN;
}

static bool is_given(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], word))
            return true;
    }
    return false;
}

int options_parse(struct options *o, enum command command, int argc,
                  char **argv, struct error *err)
{
    struct option longs[ROWS + 1];
    char letters[2 * ROWS + 2];
    make_getopt(longs, letters);
    *o = (struct options){
        .command = command,
        .seed = {.value = 1, .text = "1"},
        // Known even when the rest can't be read: it says how to exit.
        .bisect = is_given(argc, argv, "--bisect"),
    };
    int id;
    optind = 0;
    opterr = 0;
    while ((id = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (id == '?' || id == ':')
            return unknown(id, argv, err);
        const struct row *row = row_of(id);
        int code = misplaced(o, row, err);
        if (!code)
            code = row->take(o, row, optarg, err);
        if (code)
            return code;
    }
    o->paths = argv + optind;
    o->npaths = (size_t)(argc - optind);
    int code = choose_action(o, err);
    if (!code)
        code = take_default_accelerator(o, err);
    // What the words of the other commands mean, they say themselves.
    if (!code && command == COMMAND_RUN)
        code = check_together(o, err);
    else if (!code)
        code = check_exact(o, err);
    if (o->exact)
        o->accelerator = ACCEL_RIG;
    // Seeds have nothing to do with each other: as many at a time as there are
    // processors.
    if (o->explore) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        o->repeat = 1;
        if (!o->jobs)
            o->jobs = cpus > 1 ? (int)cpus : 1;
    }
    if (!o->jobs)
        o->jobs = 1;
    if (!o->guard_s)
        o->guard_s = GUARD_S;
    return code;
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->nsets; i++) {
        // take_set made the copy.
        union {
            const char *borrowed;
            char *owned;
        } name = {o->sets[i].name};
        free(name.owned);
    }
    free(o->sets);
}
