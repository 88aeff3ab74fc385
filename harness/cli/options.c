// SPDX-License-Identifier: Apache-2.0
// Reads the command line: a new option is a row of the table. See options.h.
#include "harness/cli/options.h"

#include "harness/runner/guest_conf.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One option. take gets the row and, where the option has one, its value.
struct row {
    const char *name;
    int letter; // 0: it has none
    bool valued;
    int (*take)(struct options *o, const struct row *row, char *value,
                struct error *err);
    size_t field;       // of take_text, take_flag, take_more: where it goes
    enum action action; // of take_action
    unsigned commands;  // a bit for each enum command that has it; 0: run only
};

static void *field_of(struct options *o, const struct row *row)
{
    return (char *)o + row->field;
}

// A text that is kept as it is.
static int take_text(struct options *o, const struct row *row, char *value,
                     struct error *err)
{
    (void)err;
    const char **text = field_of(o, row);
    *text = value;
    return 0;
}

static int take_flag(struct options *o, const struct row *row, char *value,
                     struct error *err)
{
    (void)value;
    (void)err;
    bool *flag = field_of(o, row);
    *flag = true;
    return 0;
}

// A flag that counts how often it is given.
static int take_more(struct options *o, const struct row *row, char *value,
                     struct error *err)
{
    (void)value;
    (void)err;
    unsigned *count = field_of(o, row);
    ++*count;
    return 0;
}

static int take_action(struct options *o, const struct row *row, char *value,
                       struct error *err)
{
    (void)value;
    (void)err;
    o->asked |= 1U << row->action;
    return 0;
}

static int take_accelerator(struct options *o, const struct row *row,
                            char *value, struct error *err)
{
    (void)row;
    static const char *const names[] = {
        [ACCEL_AUTO] = "auto", [ACCEL_KVM] = "kvm", [ACCEL_RIG] = "rig"};
    for (int i = 0; i < 3; i++) {
        if (!strcmp(value, names[i])) {
            o->accelerator = (enum accelerator)i;
            return 0;
        }
    }
    return error_set(err, -EINVAL, "--accel %s: give auto, kvm or rig", value);
}

static int take_set(struct options *o, const struct row *row, char *value,
                    struct error *err)
{
    (void)row;
    char *equals = strchr(value, '=');
    if (!equals || equals == value)
        return error_set(err, -EINVAL, "--set %s: give NAME=VALUE", value);
    struct override *sets = reallocarray(o->sets, o->nsets + 1, sizeof(*sets));
    char *name = strndup(value, (size_t)(equals - value));
    if (sets)
        o->sets = sets;
    if (!sets || !name) {
        free(name);
        return error_set(err, -ENOMEM, "out of memory");
    }
    sets[o->nsets++] = (struct override){.name = name, .value = equals + 1};
    return 0;
}

// Whole numbers, each with its bounds.
static int take_number(struct options *o, const struct row *row, char *value,
                       struct error *err)
{
    static const struct {
        const char *name;
        long least, most;
    } bounds[] = {
        {"jobs", 1, 256},   {"repeat", 1, 100000},  {"warmup", 0, 1000},
        {"runs", 2, 10000}, {"max-runs", 2, 10000},
    };
    size_t i = 0;
    while (strcmp(bounds[i].name, row->name) != 0)
        i++;
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (end == value || *end || errno || n < bounds[i].least ||
        n > bounds[i].most)
        return error_set(err, -EINVAL, "--%s %s: give a number from %ld to %ld",
                         row->name, value, bounds[i].least, bounds[i].most);
    int *number = field_of(o, row);
    *number = (int)n;
    return 0;
}

// "1%" and "0.01" are one.
static int take_fraction(struct options *o, const struct row *row, char *value,
                         struct error *err)
{
    char *end;
    double n = strtod(value, &end);
    if (end != value && *end == '%') {
        n /= 100;
        end++;
    }
    if (end == value || *end || !(n > 0) || !(n < 1))
        return error_set(err, -EINVAL,
                         "--%s %s: give a fraction above 0 and below 1, like "
                         "0.05 or 5%%",
                         row->name, value);
    double *fraction = field_of(o, row);
    *fraction = n;
    return 0;
}

static int take_factor(const char *option, const char *value, double *out,
                       struct error *err)
{
    char *end;
    double n = strtod(value, &end);
    if (end == value || *end || !isfinite(n) || n < 0.01 || n > 1000)
        return error_set(err, -EINVAL, "%s %s: give a number from 0.01 to 1000",
                         option, value);
    *out = n;
    return 0;
}

static int take_scale(struct options *o, const struct row *row, char *value,
                      struct error *err)
{
    (void)row;
    return take_factor("--timeout-scale", value, &o->timeout_scale, err);
}

static int take_speed(struct options *o, const struct row *row, char *value,
                      struct error *err)
{
    (void)row;
    return take_factor("--replay-speed", value, &o->replay_speed, err);
}

static int take_memory(struct options *o, const struct row *row, char *value,
                       struct error *err)
{
    (void)row;
    if (guest_parse_size(value, &o->machine.memory) && o->machine.memory)
        return 0;
    return error_set(err, -EINVAL, "--memory %s: give a size like 256M or 1G",
                     value);
}

#define FIELD(name) offsetof(struct options, name)

// Which commands have an option.
#define IN(command) (1U << COMMAND_##command)
#define RUNS        IN(RUN)
#define COMPARES    (IN(COMPARE) | IN(GATE))
#define BOOTS       (RUNS | COMPARES)
#define EVERYWHERE  BOOTS

static const struct row rows[] = {
    {"junit", 0, true, take_text, FIELD(reports[REPORT_JUNIT]), 0, RUNS},
    {"json", 0, true, take_text, FIELD(reports[REPORT_JSON]), 0,
     RUNS | COMPARES},
    {"tap", 0, true, take_text, FIELD(reports[REPORT_TAP]), 0, RUNS},
    {"summary", 0, true, take_text, FIELD(summary), 0, COMPARES},
    {"record", 0, true, take_text, FIELD(record), 0, 0},
    {"replay", 0, true, take_text, FIELD(replay), 0, 0},
    {"replay-speed", 0, true, take_speed, 0, 0, 0},
    {"filter", 0, true, take_text, FIELD(filter), 0, BOOTS},
    {"tags", 0, true, take_text, FIELD(tags), 0, 0},
    {"kernel", 0, true, take_text, FIELD(machine.kernel), 0, BOOTS},
    {"initrd", 0, true, take_text, FIELD(machine.initrd), 0, BOOTS},
    {"cmdline", 0, true, take_text, FIELD(machine.cmdline), 0, BOOTS},
    {"memory", 0, true, take_memory, 0, 0, BOOTS},
    {"set", 0, true, take_set, 0, 0, BOOTS},
    {"accel", 0, true, take_accelerator, 0, 0, BOOTS},
    {"timeout-scale", 0, true, take_scale, 0, 0, BOOTS},
    {"jobs", 'j', true, take_number, FIELD(jobs), 0, 0},
    {"repeat", 0, true, take_number, FIELD(repeat), 0, 0},
    {"warmup", 0, true, take_number, FIELD(warmups), 0, BOOTS},
    {"stat", 0, false, take_flag, FIELD(stat), 0, 0},
    {"runs", 0, true, take_number, FIELD(runs), 0, COMPARES},
    {"max-runs", 0, true, take_number, FIELD(max_runs), 0, COMPARES},
    {"mark", 0, true, take_text, FIELD(marks), 0, COMPARES},
    {"cpu", 0, false, take_flag, FIELD(cpu), 0, COMPARES},
    {"alpha", 0, true, take_fraction, FIELD(alpha), 0, COMPARES},
    {"min-effect", 0, true, take_fraction, FIELD(min_effect), 0, COMPARES},
    {"target", 0, true, take_fraction, FIELD(target), 0, COMPARES},
    {"power", 0, true, take_fraction, FIELD(power), 0, COMPARES},
    {"console", 0, false, take_flag, FIELD(show_console), 0, 0},
    {"in-process", 0, false, take_flag, FIELD(in_process), 0, 0},
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
    [COMMAND_RUN] = "",
    [COMMAND_COMPARE] = "compare",
    [COMMAND_GATE] = "gate",
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
    if (o->write && o->action != ACTION_FORMAT)
        return error_set(err, -EINVAL, "--write is for --format");
    if (o->write && o->format_check)
        return error_set(err, -EINVAL, "--write and --check: give one of them");
    return 0;
}

enum command options_command(const char *word)
{
    for (unsigned i = COMMAND_RUN + 1; word && i < COMMANDS; i++) {
        if (!strcmp(word, command_names[i]))
            return (enum command)i;
    }
    return COMMAND_RUN;
}

int options_parse(struct options *o, enum command command, int argc,
                  char **argv, struct error *err)
{
    struct option longs[ROWS + 1];
    char letters[2 * ROWS + 2];
    make_getopt(longs, letters);
    *o = (struct options){
        .command = command,
        .jobs = 1,
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
    // What the words of the other commands mean, they say themselves.
    return code || command != COMMAND_RUN ? code : check_together(o, err);
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
