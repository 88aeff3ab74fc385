// SPDX-License-Identifier: Apache-2.0
// Every option there is, for the command line, --help, the manual page, the
// shells' completions and README: a new one is a row. See options_table.h.
#include "harness/cli/options_internal.h"

#include <stddef.h>
#include <string.h>

#define FIELD(name) .field = offsetof(struct options, name)

// Which commands have an option.
#define IN(command) (1U << COMMAND_##command)
#define RUNS        IN(RUN)
#define COMPARES    (IN(COMPARE) | IN(GATE))
#define JUDGES      (COMPARES | IN(BISECT))
#define BOOTS       (RUNS | JUDGES)
#define REPORTED    (RUNS | IN(MERGE))
#define MACHINES    (BOOTS | IN(EXEC))
#define EVERYWHERE  (~0U)

// In toyvmm.conf: a default, and for some scenarios another.
#define CONF_CASE (CONF_DEFAULT | CONF_BLOCK)

static const struct row rows[] = {
    // ---- Which scenarios
    {"filter", 0, .metavar = "GLOB", .take = take_text, FIELD(filter),
     .commands = BOOTS, .group = GROUP_WHICH,
     .help = "only those whose FOLDER/FILE or FILE matches, or is this name: "
             "`login[kernel=a,mode=b]` is a case of a `matrix`, `login` all "
             "its cases"},
    {"tags", 0, .metavar = "a,b,-c", .take = take_text, FIELD(tags),
     .commands = RUNS, .conf = CONF_DEFAULT, .group = GROUP_WHICH,
     .help = "only those with a tag a or b, and without c"},
    {"rerun", 0, .metavar = "failed|unrun|last", .take = take_rerun,
     .commands = RUNS, .group = GROUP_WHICH,
     .help = "only those that failed in the last run in this folder, or did "
             "not run in it, or all of it; without FILE those of that run"},
    {"shard", 0, .metavar = "I/N", .take = take_shard, .commands = RUNS,
     .group = GROUP_WHICH,
     .help = "part I of N, balanced by the times in --history"},
    {"jobs", 'j', .metavar = "N|auto", .take = take_jobs, FIELD(jobs),
     .commands = RUNS, .conf = CONF_DEFAULT, .group = GROUP_WHICH,
     .help = "so many guests at a time (1); auto: as many as processors and "
             "free memory allow"},
    {"jobs", 'j', .metavar = "N", .take = take_number, FIELD(jobs),
     .commands = COMPARES, .group = GROUP_JUDGE,
     .help = "of --exact: so many boots at a time (1)"},

    // ---- What they boot
    {"kernel", 0, .metavar = "FILE", .take = take_text, FIELD(machine.kernel),
     .commands = BOOTS, .conf = CONF_CASE | CONF_READ, .group = GROUP_MACHINE,
     .help = "vmlinux or bzImage, instead of the scenario's"},
    {"kernel", 0, .metavar = "FILE", .take = take_text, FIELD(machine.kernel),
     .commands = IN(EXEC), .group = GROUP_MACHINE,
     .help = "vmlinux or bzImage; else the rig's"},
    {"kernel", 0, .metavar = "FILE", .take = take_text, FIELD(machine.kernel),
     .commands = IN(INIT), .group = GROUP_MACHINE,
     .help = "vmlinux or bzImage; else the newest that is found"},
    {"initrd", 0, .metavar = "FILE", .take = take_text, FIELD(machine.initrd),
     .commands = IN(INIT), .group = GROUP_MACHINE,
     .help = "else the one of the kernel's version, or the newest"},
    {"disk", 0, .metavar = "FILE", .take = take_text, FIELD(disk),
     .commands = IN(INIT), .group = GROUP_MACHINE,
     .help = "a disk image; else the newest that is found"},
    {"modules", 0, .metavar = "DIR", .take = take_text, FIELD(modules),
     .commands = IN(EXEC), .group = GROUP_MACHINE,
     .help = "its modules: a `lib/modules/VERSION`, or the tree it was built "
             "in; not needed for a kernel that lies in one or in /boot"},
    {"rw", 0, .metavar = "DIR", .take = take_folder, .commands = IN(EXEC),
     .group = GROUP_MACHINE,
     .help = "the command may change this folder of the host's; may be given "
             "several times"},
    {"cmdline", 0, .metavar = "TEXT", .take = take_text, FIELD(machine.cmdline),
     .commands = IN(EXEC), .group = GROUP_MACHINE,
     .help = "more words for the kernel's command line"},
    {"initrd", 0, .metavar = "FILE", .take = take_text, FIELD(machine.initrd),
     .commands = BOOTS, .conf = CONF_CASE | CONF_READ, .group = GROUP_MACHINE,
     .help = "instead of the scenario's"},
    {"cmdline", 0, .metavar = "TEXT", .take = take_text, FIELD(machine.cmdline),
     .commands = BOOTS, .conf = CONF_CASE, .group = GROUP_MACHINE,
     .help = "instead of the scenario's; a text that begins with + is appended "
             "to that"},
    {"memory", 0, .metavar = "SIZE", .take = take_memory, .commands = BOOTS,
     .conf = CONF_CASE, .group = GROUP_MACHINE,
     .help = "256M, 1G, ...; behind it `,huge` or `,shared`"},
    {"memory", 0, .metavar = "SIZE", .take = take_memory, .commands = IN(EXEC),
     .group = GROUP_MACHINE, .help = "256M, 1G, ... (512M)"},
    {"cpus", 0, .metavar = "N", .take = take_cpus, .commands = MACHINES,
     .conf = CONF_CASE, .group = GROUP_MACHINE, .help = "processors, 1 to 254"},
    {"set", 0, .metavar = "NAME=VALUE", .take = take_set, .commands = BOOTS,
     .conf = CONF_DEFAULT, .group = GROUP_MACHINE,
     .help = "a variable of the scenarios; of a `matrix`, its one value"},

    // ---- Instead of running them
    {"list", 0, .take = take_action, .action = ACTION_LIST, .commands = RUNS,
     .group = GROUP_INSTEAD, .help = "print their names and titles"},
    {"check", 0, .take = take_action, .action = ACTION_CHECK, .commands = RUNS,
     .group = GROUP_INSTEAD,
     .help = "tell all that is wrong, and how much it is; a kernel, initrd, "
             "disk, network, share or vsock that isn't there is a warning"},
    {"explain", 0, .take = take_action, .action = ACTION_EXPLAIN,
     .commands = RUNS, .group = GROUP_INSTEAD,
     .help = "tell what would be done, resolved and in words: machine, "
             "deadlines, variables, cases, steps"},
    {"format", 0, .take = take_action, .action = ACTION_FORMAT,
     .commands = RUNS, .group = GROUP_INSTEAD,
     .help = "print them in the canonical layout; with --check show what "
             "differs, and exit 1"},
    {"write", 0, .take = take_flag, FIELD(write), .commands = RUNS,
     .group = GROUP_INSTEAD,
     .help = "of --format: rewrite the files that differ"},
    {"interactive", 0, .take = take_action, .action = ACTION_INTERACTIVE,
     .commands = RUNS, .group = GROUP_INSTEAD,
     .help = "boot, and connect this terminal to the console; Ctrl-A x quits, "
             "Ctrl-A 1 goes to the second serial port, Ctrl-A h helps"},
    {"learn", 0, .metavar = "FILE.tc", .take = take_text, FIELD(learn),
     .commands = RUNS, .group = GROUP_INSTEAD,
     .help = "of --interactive: what is typed becomes this scenario; Ctrl-A l "
             "makes it expect the last line that was printed"},
    {"no-run", 0, .take = take_flag, FIELD(no_run), .commands = IN(INIT),
     .group = GROUP_INSTEAD,
     .help = "don't boot: write what is likely to pass"},
    {"dry-run", 0, .take = take_flag, FIELD(dry_run), .commands = IN(INIT),
     .group = GROUP_INSTEAD, .help = "print the files instead of writing them"},
    {"force", 0, .take = take_flag, FIELD(force), .commands = IN(INIT),
     .group = GROUP_INSTEAD, .help = "replace files that are there"},
    {"probe", 0, .take = take_action, .action = ACTION_PROBE, .commands = RUNS,
     .group = GROUP_INSTEAD,
     .help = "tell where guests can run here, and why; exits 3 where the one "
             "that --accel names doesn't work"},

    // ---- Where
    {"accel", 0, .metavar = "auto|kvm|rig|exact", .take = take_accelerator,
     .commands = BOOTS, .conf = CONF_DEFAULT, .group = GROUP_WHERE,
     .help = "where guests run: this host's KVM if it works, else the rig "
             "(auto), or this one only; the default is TOYVMM_ACCEL's, else "
             "auto"},
    {"accel", 0, .metavar = "auto|kvm|rig", .take = take_accelerator,
     .commands = IN(EXEC) | IN(INIT), .group = GROUP_WHERE,
     .help = "where the guest runs: this host's KVM if it works, else the rig "
             "(auto), or this one only; the default is TOYVMM_ACCEL's, else "
             "auto"},
    {"exact", 0, .take = take_flag, FIELD(exact), .commands = RUNS,
     .group = GROUP_WHERE,
     .help = "or `--accel exact`: in rigs in which each run of a seed is the "
             "same run, to the nanosecond; times are counted in instructions, "
             "and judged; each case has a rig of its own"},
    {"exact", 0, .take = take_flag, FIELD(exact), .commands = JUDGES,
     .group = GROUP_WHERE,
     .help = "in the exact rig, once with each of the seeds: by CPU time, "
             "0.05%, no --runs"},
    {"seed", 0, .metavar = "N", .take = take_seed, .commands = RUNS | JUDGES,
     .conf = CONF_DEFAULT, .group = GROUP_WHERE,
     .help = "of --exact: what is left to chance there (1)"},
    {"seeds", 0, .metavar = "N", .take = take_number, FIELD(seeds),
     .commands = COMPARES, .group = GROUP_WHERE,
     .help = "of --exact: so many (4), from --seed on"},
    {"explore", 0, .metavar = "N", .take = take_number, FIELD(explore),
     .commands = RUNS, .group = GROUP_WHERE,
     .help = "of --exact: N seeds of each case from that one on, on all "
             "processors: which fail, by what they have in common, and how "
             "each is booted again"},
    {"guard", 0, .metavar = "SECONDS", .take = take_number, FIELD(guard_s),
     .commands = RUNS | JUDGES, .conf = CONF_DEFAULT, .group = GROUP_WHERE,
     .help = "of --exact: a rig that hasn't ended by this host's clock is "
             "ended and its case not judged (3600)"},
    {"replay", 0, .metavar = "FILE", .take = take_text, FIELD(replay),
     .commands = RUNS, .group = GROUP_WHERE,
     .help = "no machine: on a recording, at once; or on a folder of them, "
             "each scenario on its own"},
    {"replay", 0, .metavar = "FILE", .take = take_text, FIELD(replay),
     .commands = IN(INIT), .group = GROUP_WHERE,
     .help = "no boot: what this recording shows"},
    {"replay-speed", 0, .metavar = "X", .take = take_speed, .commands = RUNS,
     .group = GROUP_WHERE,
     .help = "as fast as it was recorded (1), or X times"},
    {"timeout", 0, .metavar = "TIME", .take = take_timeout, .commands = RUNS,
     .conf = CONF_CASE, .group = GROUP_WHERE,
     .help = "the deadline of each scenario, instead of its own: 90s, 2m, ..."},
    {"timeout-scale", 0, .metavar = "X", .take = take_scale, .commands = BOOTS,
     .conf = CONF_DEFAULT, .group = GROUP_WHERE,
     .help = "multiply every deadline (1, in the rig 4)"},
    {"in-process", 0, .take = take_flag, FIELD(in_process), .commands = RUNS,
     .group = GROUP_WHERE, .help = "no worker processes: for debuggers"},
    {"no-sandbox", 0, .take = take_flag, FIELD(no_sandbox), .commands = BOOTS,
     .conf = CONF_NEVER, .group = GROUP_WHERE,
     .help = "no lists of calls and files for what runs guests: for debuggers"},

    // ---- How often
    {"repeat", 0, .metavar = "N", .take = take_number, FIELD(repeat),
     .commands = RUNS, .group = GROUP_OFTEN,
     .help = "boot each scenario N times (as often as its `repeat` says)"},
    {"warmup", 0, .metavar = "N", .take = take_number, FIELD(warmups),
     .commands = BOOTS, .group = GROUP_OFTEN,
     .help = "and N times before that, not counted"},
    {"pin", 0, .metavar = "CPU", .take = take_pin, .commands = BOOTS,
     .group = GROUP_OFTEN,
     .help = "guests run on this CPU of the host alone: less noise"},
    {"retries", 0, .metavar = "N", .take = take_number, FIELD(retries),
     .commands = RUNS, .conf = CONF_CASE, .group = GROUP_OFTEN,
     .help = "run a scenario that fails again, up to N times; one that passes "
             "then is flaky, which fails the run"},
    {"flaky-ok", 0, .take = take_flag, FIELD(flaky_ok), .commands = REPORTED,
     .conf = CONF_DEFAULT, .group = GROUP_OFTEN,
     .help = "unless this is given"},
    {"fail-fast", 'x', .take = take_flag, FIELD(fail_fast), .commands = RUNS,
     .conf = CONF_DEFAULT, .group = GROUP_OFTEN,
     .help = "when a scenario has failed, none begins any more: the others are "
             "told as not run"},
    {"stress", 0, .metavar = "N|30s|5m|1h", .take = take_stress,
     .commands = RUNS, .group = GROUP_OFTEN,
     .help = "run all of them again and again until one fails, N rounds at "
             "most, or as long as no round begins after that time"},
    {"known-failures", 0, .metavar = "FILE", .take = take_text, FIELD(known),
     .commands = RUNS, .conf = CONF_DEFAULT | CONF_READ, .group = GROUP_OFTEN,
     .help = "scenarios that are expected to fail; a line for each: SCENARIO "
             "UNTIL OWNER REASON"},
    {"stat", 0, .take = take_flag, FIELD(stat), .commands = RUNS,
     .conf = CONF_DEFAULT, .group = GROUP_OFTEN,
     .help = "tell the distributions of the marks"},

    // ---- How sides are judged
    {"runs", 0, .metavar = "N", .take = take_number, FIELD(runs),
     .commands = COMPARES, .group = GROUP_JUDGE,
     .help = "boots of each side (10, then as many as the noise asks for)"},
    {"max-runs", 0, .metavar = "N", .take = take_number, FIELD(max_runs),
     .commands = JUDGES, .group = GROUP_JUDGE,
     .help = "of these at most N (60)"},
    {"mark", 0, .metavar = "a,b", .take = take_text, FIELD(marks),
     .commands = COMPARES, .group = GROUP_JUDGE, .help = "these marks only"},
    {"mark", 0, .metavar = "NAME", .take = take_text, FIELD(marks),
     .commands = IN(BISECT), .group = GROUP_JUDGE,
     .help = "the mark (login_prompt)"},
    {"cpu", 0, .take = take_flag, FIELD(cpu), .commands = JUDGES,
     .group = GROUP_JUDGE, .help = "the guest's CPU time, not the clock's"},
    {"alpha", 0, .metavar = "P", .take = take_fraction, FIELD(alpha),
     .commands = JUDGES, .group = GROUP_JUDGE,
     .help = "chance of a false alarm (0.01)"},
    {"min-effect", 0, .metavar = "P", .take = take_fraction, FIELD(min_effect),
     .commands = JUDGES, .group = GROUP_JUDGE,
     .help = "a smaller change is none (2%)"},
    {"acknowledged", 0, .metavar = "FILE", .take = take_text,
     FIELD(acknowledged), .commands = COMPARES | IN(TREND),
     .group = GROUP_JUDGE,
     .help = "slow-downs that are known and break no gate; a line for each: "
             "SCENARIO MARK COMMIT SIZE UNTIL OWNER REASON"},
    {"target", 0, .metavar = "P", .take = take_fraction, FIELD(target),
     .commands = COMPARES, .group = GROUP_JUDGE,
     .help = "what must be seen (5%)"},
    {"power", 0, .metavar = "P", .take = take_fraction, FIELD(power),
     .commands = COMPARES, .group = GROUP_JUDGE,
     .help = "and how surely (0.95)"},

    // ---- What was measured before
    {"history", 0, .metavar = "URL", .take = take_text, FIELD(history),
     .commands = REPORTED, .conf = CONF_DEFAULT | CONF_WRITTEN,
     .group = GROUP_PAST,
     .help = "keep the runs in this SQLite file, or on `postgresql://...`"},
    {"history", 0, .metavar = "URL", .take = take_text, FIELD(history),
     .commands = COMPARES | IN(TREND), .group = GROUP_PAST,
     .help = "where the runs are kept: an SQLite file or `postgresql://...`"},
    {"scenario", 0, .metavar = "NAME", .take = take_text, FIELD(scenario),
     .commands = COMPARES | IN(TREND), .group = GROUP_PAST,
     .help = "runs of this scenario"},
    {"guest", 0, .metavar = "NAME", .take = take_text, FIELD(guest),
     .commands = COMPARES | IN(TREND), .group = GROUP_PAST,
     .help = "of this guest"},
    {"branch", 0, .metavar = "NAME", .take = take_text, FIELD(branch),
     .commands = IN(TREND), .group = GROUP_PAST, .help = "of this branch"},
    {"since", 0, .metavar = "30d|DATE", .take = take_text, FIELD(since),
     .commands = IN(TREND), .group = GROUP_PAST, .help = "not older than that"},
    {"newest", 0, .metavar = "N", .take = take_number, FIELD(newest),
     .commands = COMPARES | IN(TREND), .group = GROUP_PAST,
     .help = "the newest N of them"},
    {"mark", 0, .metavar = "a,b", .take = take_text, FIELD(marks),
     .commands = IN(TREND), .group = GROUP_PAST, .help = "these marks only"},
    {"cpu", 0, .take = take_flag, FIELD(cpu), .commands = IN(TREND),
     .group = GROUP_PAST, .help = "the guest's CPU time, not the clock's"},
    {"results", 0, .metavar = "FILE", .take = take_text, FIELD(results),
     .commands = RUNS | COMPARES, .conf = CONF_DEFAULT | CONF_WRITTEN,
     .group = GROUP_PAST, .help = "all of a run in one file, for `merge`"},

    // ---- What is told
    {"junit", 0, .metavar = "FILE", .take = take_text,
     FIELD(reports[REPORT_JUNIT]), .commands = REPORTED,
     .conf = CONF_DEFAULT | CONF_WRITTEN, .group = GROUP_TOLD,
     .help = "write a JUnit XML report"},
    {"json", 0, .metavar = "FILE", .take = take_text,
     FIELD(reports[REPORT_JSON]), .commands = REPORTED | JUDGES,
     .conf = CONF_DEFAULT | CONF_WRITTEN, .group = GROUP_TOLD,
     .help = "write a report as JSON lines, for programs"},
    {"json", 0, .metavar = "FILE", .take = take_text,
     FIELD(reports[REPORT_JSON]), .commands = IN(TREND), .group = GROUP_TOLD,
     .help = "points, changes and what grew as JSON lines, for programs"},
    {"tap", 0, .metavar = "FILE", .take = take_text, FIELD(reports[REPORT_TAP]),
     .commands = REPORTED, .conf = CONF_DEFAULT | CONF_WRITTEN,
     .group = GROUP_TOLD,
     .help = "write a report as TAP 14; FILE `-` is standard output, for one "
             "report, and all other words go to standard error"},
    {"html", 0, .metavar = "FILE", .take = take_text,
     FIELD(reports[REPORT_HTML]), .commands = REPORTED,
     .conf = CONF_DEFAULT | CONF_WRITTEN, .group = GROUP_TOLD,
     .help = "write one page with each boot as a timeline, console lines with "
             "their times; no script, no network"},
    {"html", 0, .metavar = "FILE", .take = take_text,
     FIELD(reports[REPORT_HTML]), .commands = IN(TREND), .group = GROUP_TOLD,
     .help = "a page of graphs instead of the table"},
    {"summary", 0, .metavar = "FILE", .take = take_text,
     FIELD(reports[REPORT_SUMMARY]), .commands = REPORTED | COMPARES,
     .conf = CONF_DEFAULT | CONF_WRITTEN, .group = GROUP_TOLD,
     .help = "add Markdown to FILE, as for $GITHUB_STEP_SUMMARY"},
    {"csv", 0, .metavar = "FILE", .take = take_text, FIELD(csv),
     .commands = IN(TREND), .group = GROUP_TOLD, .help = "each boot as a line"},
    {"openmetrics", 0, .metavar = "FILE", .take = take_text, FIELD(openmetrics),
     .commands = IN(TREND), .group = GROUP_TOLD,
     .help = "the newest boot of each, for Prometheus"},
    {"bencher", 0, .metavar = "FILE", .take = take_text, FIELD(bencher),
     .commands = IN(TREND), .group = GROUP_TOLD,
     .help = "the newest boot of each, for Bencher (BMF JSON)"},
    {"otava", 0, .metavar = "DIR", .take = take_text, FIELD(otava),
     .commands = IN(TREND), .group = GROUP_TOLD,
     .help = "for Apache Otava: a CSV file for each scenario, guest and "
             "environment, and `otava.yaml`, which names them"},
    {"record", 0, .metavar = "FILE", .take = take_text, FIELD(record),
     .commands = RUNS, .group = GROUP_TOLD,
     .help = "record the run in FILE, and FILE.cast for asciinema; of several "
             "scenarios FILE is a folder with a NAME.tvr for each"},
    {"output-dir", 0, .metavar = "DIR", .take = take_text, FIELD(output_dir),
     .commands = RUNS, .conf = CONF_DEFAULT | CONF_WRITTEN, .group = GROUP_TOLD,
     .help = "a folder in DIR for each scenario: its console, reports and "
             "recording"},
    {"console", 0, .take = take_flag, FIELD(show_console), .commands = RUNS,
     .conf = CONF_DEFAULT, .group = GROUP_TOLD,
     .help = "copy what guests print to standard error"},
    {"verbose", 'v', .take = take_more, FIELD(verbosity), .commands = BOOTS,
     .group = GROUP_TOLD, .help = "marks of passed scenarios; -vv: each step"},
    {"verbose", 'v', .take = take_more, FIELD(verbosity), .commands = IN(EXEC),
     .group = GROUP_TOLD,
     .help = "the kernel's log, and where the time goes, on standard error"},
    {"quiet", 'q', .take = take_flag, FIELD(quiet),
     .commands = BOOTS | IN(TREND) | IN(MERGE), .conf = CONF_DEFAULT,
     .group = GROUP_TOLD, .help = "results only, no summary"},
    {"bisect", 0, .take = take_flag, FIELD(bisect), .commands = RUNS | IN(GATE),
     .group = GROUP_TOLD,
     .help = "exit as `git bisect run` wants it: 0 good, 1 bad, 125 can't be "
             "judged, 129 wrong usage"},

    // ---- Of show
    {"since-last", 0, .take = take_flag, FIELD(show.since_last),
     .commands = IN(SHOW), .group = GROUP_TOLD,
     .help = "how long after the row before; then the longest gaps"},
    {"port", 0, .metavar = "N", .take = take_port, .commands = IN(SHOW),
     .group = GROUP_TOLD, .help = "one port alone: 0 is ttyS0, 4 hvc0"},
    {"raw", 0, .take = take_show, .action = SHOW_RAW, .commands = IN(SHOW),
     .group = GROUP_TOLD,
     .help = "the bytes of one port (ttyS0), as they came"},
    {"json", 0, .take = take_show, .action = SHOW_JSON, .commands = IN(SHOW),
     .group = GROUP_TOLD, .help = "a JSON object for each record"},
    {"cast", 0, .take = take_show, .action = SHOW_CAST, .commands = IN(SHOW),
     .group = GROUP_TOLD, .help = "an asciicast v2 of one port (ttyS0)"},

    // ---- Others
    {"config", 0, .metavar = "FILE", .take = take_text, FIELD(config),
     .commands = RUNS, .group = GROUP_OTHERS,
     .help = "defaults from this file, not from the nearest `toyvmm.conf`"},
    {"no-config", 0, .take = take_flag, FIELD(no_config), .commands = RUNS,
     .group = GROUP_OTHERS, .help = "no defaults from a file"},
    {"help", 'h', .take = take_action, .action = ACTION_HELP,
     .commands = EVERYWHERE, .group = GROUP_OTHERS,
     .help = "this; `toyvmm-test COMMAND --help` for a command"},
    {"version", 0, .take = take_action, .action = ACTION_VERSION,
     .commands = EVERYWHERE, .group = GROUP_OTHERS, .help = "print it"},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= OPTIONS_MOST,
               "a bit for each of them");

const struct row *options_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const struct row *options_row(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].commands & RUNS && !strcmp(rows[i].name, name))
            return &rows[i];
    }
    return NULL;
}

bool options_given(const struct options *o, const struct row *row)
{
    size_t i = (size_t)(row - rows);
    return o->given[i / 64] & UINT64_C(1) << i % 64;
}

void options_set_given(struct options *o, const struct row *row)
{
    size_t i = (size_t)(row - rows);
    o->given[i / 64] |= UINT64_C(1) << i % 64;
}

const char *options_group_title(enum option_group group)
{
    static const char *const titles[] = {
        [GROUP_WHICH] = "Which scenarios",
        [GROUP_MACHINE] = "What they boot",
        [GROUP_INSTEAD] = "Instead of running them",
        [GROUP_WHERE] = "Where",
        [GROUP_OFTEN] = "How often",
        [GROUP_JUDGE] = "How it is judged",
        [GROUP_PAST] = "What was measured before",
        [GROUP_TOLD] = "What is told",
        [GROUP_OTHERS] = "Others",
    };
    return titles[group];
}
