// SPDX-License-Identifier: Apache-2.0
// The command line: what is understood, and what is refused in which words.
#include "harness/cli/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Parses a command line whose words stand apart by spaces. The words live as
// long as the test.
static int parse_for(struct options *o, enum command command, const char *line,
                     struct error *err)
{
    static char words[512];
    static char *argv[32];
    int argc = 0;
    snprintf(words, sizeof(words), "t %s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    argv[argc] = NULL;
    return options_parse(o, command, argc, argv, err);
}

static int parse(struct options *o, const char *line, struct error *err)
{
    return parse_for(o, COMMAND_RUN, line, err);
}

Test(options, everything_is_taken)
{
    struct options o;
    struct error err = {""};
    cr_assert_eq(
        parse(&o,
              "--junit x.xml -j 3 a.tc --accel=rig --memory 1G,huge --cpus 8 "
              "--timeout-scale 2.5 -vv --tags a,-b --json - --tap t --retries "
              "2 -x --flaky-ok b",
              &err),
        0, "%s", err.text);
    cr_expect_eq(o.action, ACTION_RUN);
    cr_expect_eq(o.accelerator, ACCEL_RIG);
    cr_expect_eq(o.jobs, 3U);
    cr_expect_eq(o.machine.memory, UINT64_C(1) << 30);
    cr_expect(o.machine.backing == TOYVMM_MEMORY_HUGE);
    cr_expect_eq(o.machine.cpus, 8);
    cr_expect_eq(o.timeout_scale, 2.5);
    cr_expect_eq(o.verbosity, 2U);
    cr_expect(o.retries == 2 && o.flaky_ok && o.fail_fast);
    cr_expect_str_eq(o.reports[REPORT_JUNIT], "x.xml");
    cr_expect_str_eq(o.reports[REPORT_JSON], "-");
    cr_expect_str_eq(o.reports[REPORT_TAP], "t");
    cr_expect_eq(o.npaths, 2);
    cr_expect_str_eq(o.paths[1], "b");
    options_free(&o);
}

Test(options, exact_is_a_rig_with_a_seed)
{
    struct options o;
    struct error err = {""};
    cr_assert_eq(parse(&o, "--exact a.tc", &err), 0, "%s", err.text);
    cr_expect(o.exact);
    cr_expect_eq(o.accelerator, ACCEL_RIG);
    cr_expect_eq(o.seed.value, 1);
    options_free(&o);
    cr_assert_eq(parse(&o, "--seed 126 --exact a.tc", &err), 0, "%s", err.text);
    cr_expect_eq(o.seed.value, 126);
    cr_expect_eq(o.jobs, 1);
    options_free(&o);
    cr_assert_eq(parse(&o, "--accel exact a.tc", &err), 0, "%s", err.text);
    cr_expect(o.exact);
    cr_expect_eq(o.accelerator, ACCEL_RIG);
    options_free(&o);
}

Test(options, an_exploration_takes_all_processors_unless_told)
{
    struct options o;
    struct error err = {""};
    cr_assert_eq(parse(&o, "--exact --explore 9 a.tc", &err), 0, "%s",
                 err.text);
    cr_expect_eq(o.explore, 9);
    cr_expect_eq(o.jobs, (int)sysconf(_SC_NPROCESSORS_ONLN));
    cr_expect_eq(o.repeat, 1);
    options_free(&o);
    cr_assert_eq(parse(&o, "--exact --explore 9 -j 3 a.tc", &err), 0, "%s",
                 err.text);
    cr_expect_eq(o.jobs, 3);
    options_free(&o);
}

Test(options, an_accelerator_for_all_that_name_none)
{
    static const struct {
        const char *variable, *line;
        enum accelerator accelerator;
        bool exact;
    } table[] = {
        {"rig", "a", ACCEL_RIG, false},
        {"rig", "--accel kvm a", ACCEL_KVM, false},
        {"", "a", ACCEL_AUTO, false},
        {"exact", "a", ACCEL_RIG, true},
        {"exact", "--accel auto a", ACCEL_AUTO, false},
        {"exact", "--replay r a", ACCEL_AUTO, false},
        {"exact", "--pin 1 a", ACCEL_AUTO, false},
        {"exact", "--retries 1 a", ACCEL_AUTO, false},
        {"exact", "--stress 5m a", ACCEL_AUTO, false},
        {"exact", "--interactive a", ACCEL_AUTO, false},
    };
    struct options o;
    struct error err = {""};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_assert_eq(setenv("TOYVMM_ACCEL", table[i].variable, 1), 0);
        cr_expect_eq(parse(&o, table[i].line, &err), 0, "%s", err.text);
        cr_expect_eq(o.accelerator, table[i].accelerator, "%zu", i);
        cr_expect_eq(o.exact, table[i].exact, "%zu", i);
        options_free(&o);
    }
    cr_assert_eq(setenv("TOYVMM_ACCEL", "tcg", 1), 0);
    cr_expect_eq(parse(&o, "a", &err), -EINVAL);
    cr_expect(strstr(err.text, "TOYVMM_ACCEL: --accel tcg"), "%s", err.text);
    options_free(&o);
}

Test(options, stress_is_rounds_or_a_time)
{
    static const struct {
        const char *line;
        uint64_t rounds, seconds;
    } table[] = {
        {"--stress 20 a", 20, 0},           {"--stress 30s a", 0, 30},
        {"--stress 5m a", 0, 300},          {"--stress 1h a", 0, 3600},
        {"--stress 9 --stress 2s a", 0, 2},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct options o;
        struct error err = {""};
        cr_assert_eq(parse(&o, table[i].line, &err), 0, "%s", err.text);
        cr_expect_eq(o.stress.rounds, table[i].rounds);
        cr_expect_eq(o.stress.ns, table[i].seconds * 1000000000);
        options_free(&o);
    }
}

Test(options, sets)
{
    struct options o;
    struct error err = {""};
    cr_assert_eq(parse(&o, "--set name=a=b a.tc", &err), 0, "%s", err.text);
    cr_expect_eq(o.nsets, 1);
    cr_expect_str_eq(o.sets[0].name, "name");
    cr_expect_str_eq(o.sets[0].value, "a=b");
    options_free(&o);
}

Test(options, refusals)
{
    static const struct {
        const char *line;
        const char *says;
    } table[] = {
        {"--nonsense a", "unknown option --nonsense"},
        {"-Z a", "unknown option -Z"},
        {"a --junit", "--junit needs a value"},
        {"--accel tcg a", "--accel tcg: give auto, kvm, rig or exact"},
        {"--jobs 0 a", "--jobs 0"},
        {"--jobs 2x a", "--jobs 2x"},
        {"--record r --output-dir d a",
         "--record and --output-dir: give one of them"},
        {"--rerun all a", "--rerun all: give failed, unrun or last"},
        {"--rerun last --format a", "--rerun is for scenarios that run"},
        {"--stress 0 a", "--stress 0: give a number of rounds"},
        {"--stress 5d a", "--stress 5d"},
        {"--stress -1 a", "--stress -1"},
        {"--stress 1000001s a", "--stress 1000001s"},
        {"--stress 2 --stat a", "--stress is not for --stat"},
        {"--stress 2 --exact a", "--stress is not for --exact: give --explore"},
        {"--stress 2m --history h a", "--stress is not for --history"},
        {"--retries 101 a", "--retries 101: give a number from 0 to 100"},
        {"--exact --retries 1 a", "--exact is not for --retries"},
        {"--memory 0 a", "--memory 0"},
        {"--memory lots a", "--memory lots"},
        {"--memory 1G,thin a", "behind the size stands ,huge or ,shared"},
        {"--cpus 0 a", "--cpus 0: a machine has 1 to 254 processors"},
        {"--cpus 255 a", "--cpus 255: a machine has 1 to 254 processors"},
        {"--cpus -1 a", "--cpus -1"},
        {"--cpus 2x a", "--cpus 2x"},
        {"--timeout-scale nan a", "--timeout-scale nan"},
        {"--set =x a", "--set =x"},
        {"--list", "no scenario given"},
        {"--interactive", "needs a scenario or --kernel"},
        {"--interactive a b", "one scenario at most"},
        {"--learn n.tc a", "--learn is for --interactive"},
        {"--interactive --learn n a", "--learn n: give the name of a scenario"},
        {"--interactive --learn d/.tc a", "--learn d/.tc: give the name"},
        {"--explain", "no scenario given"},
        {"--list --explain a", "--list and --explain: give one of them"},
        {"--check --list --format a", "--list and --check: give one of them"},
        {"--write a", "--write is for --format"},
        {"--write --format --check a", "--write and --check"},
        {"--exact --accel kvm a", "--exact is not for --accel kvm"},
        {"--accel kvm --exact a", "--exact is not for --accel kvm"},
        {"--exact --replay r a", "--exact is not for --replay"},
        {"--accel exact --pin 1 a", "--exact is not for --pin"},
        {"--seed 1 a", "--seed is for --exact"},
        {"--explore 2 a", "--explore is for --exact"},
        {"--guard 2 a", "--guard is for --exact"},
        {"--exact --explore 0 a", "--explore 0: give a number from 1"},
        {"--exact --explore 2 --record r a", "--explore is not for --record"},
        {"--exact --explore 2 --repeat 2 a", "--explore is not for --repeat"},
        {"--exact --seed 9223372036854775807 --explore 2 a",
         "there are not so many seeds"},
        {"--seeds 3 a", "--seeds is not for"},
        {"--exact --seed -1 a", "--seed -1: give a whole number"},
        {"--exact --seed 9223372036854775808 a", "--seed 9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct options o;
        struct error err = {""};
        cr_expect_eq(parse(&o, table[i].line, &err), -EINVAL, "%s",
                     table[i].says);
        cr_expect(strstr(err.text, table[i].says), "%s", err.text);
        options_free(&o);
    }
}

// What stands behind the command that exec runs is that command's.
Test(options, exec_takes_a_command)
{
    struct options o;
    struct error err = {""};
    cr_assert_eq(parse_for(&o, COMMAND_EXEC,
                           "--rw a --memory 1G --rw b ls --color -j x", &err),
                 0, "%s", err.text);
    cr_expect_eq(o.nfolders, 2);
    cr_expect_str_eq(o.folders[1], "b");
    cr_expect_eq(o.machine.memory, UINT64_C(1) << 30);
    cr_assert_eq(o.npaths, 4);
    cr_expect_str_eq(o.paths[0], "ls");
    cr_expect_str_eq(o.paths[1], "--color");
    options_free(&o);
    cr_assert_eq(parse_for(&o, COMMAND_EXEC, "-- --color", &err), 0, "%s",
                 err.text);
    cr_assert_eq(o.npaths, 1);
    options_free(&o);
    cr_assert_eq(parse_for(&o, COMMAND_EXEC, "--junit x ls", &err), -EINVAL);
    cr_expect(strstr(err.text, "--junit is not for toyvmm-test exec"), "%s",
              err.text);
    options_free(&o);
}

Test(options, actions)
{
    static const struct {
        const char *line;
        enum action action;
        bool check;
    } table[] = {
        {"a", ACTION_RUN, false},
        {"--check a", ACTION_CHECK, false},
        {"--check --check a", ACTION_CHECK, false},
        {"--format", ACTION_FORMAT, false},
        {"--format -", ACTION_FORMAT, false},
        {"--format --check a", ACTION_FORMAT, true},
        {"--check --format a", ACTION_FORMAT, true},
        {"--explain a", ACTION_EXPLAIN, false},
        {"--list --help --explain", ACTION_HELP, false},
        {"--version --probe", ACTION_VERSION, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct options o;
        struct error err = {""};
        cr_expect_eq(parse(&o, table[i].line, &err), 0, "%s: %s", table[i].line,
                     err.text);
        cr_expect_eq(o.action, table[i].action, "%s", table[i].line);
        cr_expect_eq(o.format_check, table[i].check, "%s", table[i].line);
        options_free(&o);
    }
}

Test(options, exact_comparisons)
{
    static const struct {
        enum command command;
        const char *line;
        const char *says; // NULL: it is fine
    } table[] = {
        {COMMAND_COMPARE, "--exact --seeds 3 --seed 7 -j 2 a b c.tc", NULL},
        {COMMAND_GATE, "--exact --bisect --history h a b c.tc", NULL},
        {COMMAND_BISECT, "--exact --seed 3 c.tc a b", NULL},
        {COMMAND_COMPARE, "--seeds 3 a b c.tc", "--seeds is for --exact"},
        {COMMAND_COMPARE, "--exact --seeds 1 a b c.tc", "--seeds 1"},
        {COMMAND_GATE, "-j 2 a b c.tc", "--jobs of gate is for --exact"},
        {COMMAND_COMPARE, "--exact --runs 9 a b c.tc", "give --seeds"},
        {COMMAND_BISECT, "--exact --max-runs 9 c.tc a b", "give --seeds"},
        {COMMAND_COMPARE, "--exact --warmup 1 a b c.tc", "not for --warmup"},
        {COMMAND_COMPARE, "--exact --pin 1 a b c.tc", "not for --pin"},
        {COMMAND_BISECT, "--exact --seeds 2 c.tc a b", "--seeds is not for"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct options o;
        struct error err = {""};
        int code = parse_for(&o, table[i].command, table[i].line, &err);
        if (table[i].says) {
            cr_expect_eq(code, -EINVAL, "%s", table[i].line);
            cr_expect(strstr(err.text, table[i].says), "%s", err.text);
        } else {
            cr_expect_eq(code, 0, "%s: %s", table[i].line, err.text);
            cr_expect_eq(o.accelerator, ACCEL_RIG);
        }
        options_free(&o);
    }
}
