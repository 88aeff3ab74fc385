// SPDX-License-Identifier: Apache-2.0
// Reads the command line by the table of the options. See options.h.
#include "harness/cli/conf.h"
#include "harness/cli/options_internal.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Of --guard: longer than any boot.
#define GUARD_S 3600

// What getopt_long gives for a row without a letter: this and its index.
#define LONG_ONLY 256

// Room for all rows, and what getopt shall know.
struct names {
    const struct row *rows;
    size_t count;
    struct option *longs;
    char *letters;
};

static bool has(const struct row *row, enum command command)
{
    return row->commands & 1U << command;
}

// A row of this command, or of others when it has none of this name.
static bool is_first_of_name(const struct names *n, const struct row *row,
                             enum command command)
{
    for (const struct row *r = n->rows; r < n->rows + n->count; r++) {
        if (strcmp(r->name, row->name) != 0 || r == row)
            continue;
        if (has(r, command) > has(row, command) ||
            (has(r, command) == has(row, command) && r < row))
            return false;
    }
    return true;
}

static int make_getopt(struct names *n, enum command command, struct error *err)
{
    n->rows = options_rows(&n->count);
    n->longs = calloc(n->count + 1, sizeof(*n->longs));
    n->letters = calloc(2 * n->count + 3, 1);
    if (!n->longs || !n->letters)
        return error_set(err, -ENOMEM, "no memory for the options");
    size_t letters = 0, longs = 0;
    // The options of the command that exec runs are not ours.
    if (command == COMMAND_EXEC)
        n->letters[letters++] = '+';
    n->letters[letters++] = ':';
    for (size_t i = 0; i < n->count; i++) {
        const struct row *r = &n->rows[i];
        if (!is_first_of_name(n, r, command))
            continue;
        n->longs[longs++] = (struct option){
            r->name, r->metavar ? required_argument : no_argument, NULL,
            LONG_ONLY + (int)i};
        if (r->letter)
            n->letters[letters++] = (char)r->letter;
        if (r->letter && r->metavar)
            n->letters[letters++] = ':';
    }
    return 0;
}

static void free_getopt(struct names *n)
{
    free(n->longs);
    free(n->letters);
}

static const struct row *row_of(const struct names *n, int id,
                                enum command command)
{
    if (id >= LONG_ONLY)
        return &n->rows[id - LONG_ONLY];
    const struct row *r = n->rows;
    while (r->letter != id || !is_first_of_name(n, r, command))
        r++;
    return r;
}

static const char *name_of(enum command command)
{
    return options_about(command)->name;
}

static int unknown(const struct options *o, int id, char **argv,
                   struct error *err)
{
    // The option at fault is the one before optind, or a letter of it.
    const char *what = argv[optind - 1];
    char see[64] = "";
    if (o->command != COMMAND_RUN)
        snprintf(see, sizeof(see), "toyvmm-test %s ", name_of(o->command));
    return error_set(err, -EINVAL,
                     id == ':' ? "%s needs a value; see %s--help"
                               : "unknown option %s; see %s--help",
                     what, see);
}

// An option of another command: which ones have it.
static int misplaced(const struct options *o, const struct names *n,
                     const struct row *row, struct error *err)
{
    if (has(row, o->command))
        return 0;
    unsigned commands = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (!strcmp(n->rows[i].name, row->name))
            commands |= n->rows[i].commands;
    }
    char list[128] = "", here[32] = "a run of scenarios";
    size_t length = 0;
    if (o->command != COMMAND_RUN)
        snprintf(here, sizeof(here), "toyvmm-test %s", name_of(o->command));
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (commands & 1U << i)
            length += (size_t)snprintf(list + length, sizeof(list) - length,
                                       "%s%s", length ? ", " : "",
                                       i ? name_of((enum command)i)
                                         : "a run of scenarios");
    }
    return error_set(err, -EINVAL, "--%s is not for %s, it is for: %s",
                     row->name, here, list);
}

static const char *action_name(enum action action)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].take == take_action && rows[i].action == (int)action)
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
                         name_of(o->command));
    return name ? error_set(err, -EINVAL, "--%s is for --exact", name) : 0;
}

// Rounds look for a failure: nothing is measured, and the first one counts.
static int check_stress(const struct options *o, struct error *err)
{
    const struct {
        bool given;
        const char *name;
    } others[] = {
        {o->exact, "--exact: give --explore"},
        {o->repeat > 1, "--repeat"},
        {o->warmups > 0, "--warmup"},
        {o->stat, "--stat"},
        {o->history, "--history"},
        {o->retries, "--retries"},
    };
    if (!o->stress.rounds && !o->stress.ns)
        return 0;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].given)
            return error_set(err, -EINVAL, "--stress is not for %s",
                             others[i].name);
    }
    return 0;
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
        {o->fail_fast, "--fail-fast"},
        {o->output_dir, "--output-dir"},
        {o->known, "--known-failures"},
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
        {o->retries, "--retries: a seed's run is the same each time"},
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

static bool is_scenario(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t n = strlen(name);
    return n > 3 && !strcmp(name + n - 3, ".tc");
}

// What options mean together.
static int check_together(const struct options *o, struct error *err)
{
    bool needs_paths = o->action == ACTION_RUN || o->action == ACTION_LIST ||
                       o->action == ACTION_CHECK || o->action == ACTION_EXPLAIN;
    if (needs_paths && !o->npaths && !o->rerun)
        return error_set(err, -EINVAL,
                         "no scenario given: name files or folders; "
                         "see --help");
    if (o->rerun && !needs_paths)
        return error_set(err, -EINVAL, "--rerun is for scenarios that run");
    if (o->action == ACTION_INTERACTIVE && o->npaths > 1)
        return error_set(err, -EINVAL,
                         "--interactive takes one scenario at most");
    if (o->action == ACTION_INTERACTIVE && !o->npaths && !o->machine.kernel)
        return error_set(err, -EINVAL,
                         "--interactive needs a scenario or --kernel");
    if (o->learn && o->action != ACTION_INTERACTIVE)
        return error_set(err, -EINVAL, "--learn is for --interactive");
    if (o->learn && !is_scenario(o->learn))
        return error_set(err, -EINVAL,
                         "--learn %s: give the name of a scenario, FILE.tc",
                         o->learn);
    if (o->record && o->replay)
        return error_set(err, -EINVAL,
                         "--record and --replay: give one of them");
    if (o->record && o->output_dir)
        return error_set(err, -EINVAL,
                         "--record and --output-dir: give one of them; "
                         "--output-dir records, too");
    if (o->replay_speed > 0 && !o->replay)
        return error_set(err, -EINVAL, "--replay-speed is for --replay");
    if ((o->record || o->replay) && o->action == ACTION_INTERACTIVE)
        return error_set(err, -EINVAL,
                         "--record and --replay are for scenarios that run");
    if (o->config && o->no_config)
        return error_set(err, -EINVAL,
                         "--config and --no-config: give one of them");
    if (o->pin.set && (o->jobs > 1 || o->jobs_auto))
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
    int code = check_stress(o, err);
    return code ? code : check_exact(o, err);
}

static bool is_given(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], word))
            return true;
    }
    return false;
}

static int take_all(struct options *o, const struct names *n, int argc,
                    char **argv, struct error *err)
{
    int id, code = 0;
    optind = 0;
    opterr = 0;
    while (!code &&
           (id = getopt_long(argc, argv, n->letters, n->longs, NULL)) != -1) {
        if (id == '?' || id == ':')
            return unknown(o, id, argv, err);
        const struct row *row = row_of(n, id, o->command);
        code = misplaced(o, n, row, err);
        options_set_given(o, row);
        if (!code)
            code = row->take(o, row, optarg, err);
    }
    return code;
}

int options_read(struct options *o, enum command command, int argc, char **argv,
                 struct error *err)
{
    struct names names = {0};
    *o = (struct options){
        .command = command,
        .seed = {.value = 1, .text = "1"},
        .show = {.port = -1},
        // Known even when the rest can't be read: it says how to exit.
        .bisect = is_given(argc, argv, "--bisect"),
    };
    int code = make_getopt(&names, command, err);
    if (!code)
        code = take_all(o, &names, argc, argv, err);
    free_getopt(&names);
    if (code)
        return code;
    o->nsets_given = o->nsets;
    o->paths = argv + optind;
    o->npaths = (size_t)(argc - optind);
    code = choose_action(o, err);
    return code ? code : take_default_accelerator(o, err);
}

int options_check(const struct options *o, struct error *err)
{
    // What the words of the other commands mean, they say themselves.
    if (o->command == COMMAND_RUN)
        return check_together(o, err);
    if (o->command == COMMAND_SHOW || o->command == COMMAND_MANUAL)
        return 0;
    return check_exact(o, err);
}

int options_settle(struct options *o, struct error *err)
{
    int code = options_check(o, err);
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

int options_parse(struct options *o, enum command command, int argc,
                  char **argv, struct error *err)
{
    int code = options_read(o, command, argc, argv, err);
    return code ? code : options_settle(o, err);
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
    free(o->folders);
    free(o->sets);
    conf_free(o->conf);
}
