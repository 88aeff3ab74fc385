// SPDX-License-Identifier: Apache-2.0
// The commands: their names and what help says of them. See options.h.
#include "harness/cli/options.h"

#include <string.h>

static const struct command_about abouts[COMMANDS] = {
    [COMMAND_RUN] =
        {
            "run",
            "boot guests and run scenarios on their consoles",
            {
                "toyvmm-test [options] FILE.tc|FOLDER...",
                "toyvmm-test --check|--explain|--list FILE.tc|FOLDER...",
                "toyvmm-test --format [--write|--check] [FILE|FOLDER|-]...",
                "toyvmm-test --interactive [--learn NEW.tc] [FILE.tc]",
                "toyvmm-test --probe",
            },
            "Boots Linux guests in small KVM machines and runs scenarios on "
            "their consoles. Folders are searched for *.tc files; a folder "
            "below with a file `.toyvmm-skip` in it is left out unless it is "
            "named itself.",
        },
    [COMMAND_SHOW] =
        {
            "show",
            "print a recording",
            {"toyvmm-test show [options] RECORDING"},
            "Prints what --record wrote, a row for each line, with the seconds "
            "since the process started. Before the text stands what the row "
            "is: nothing for what the guest printed, > typed, * the machine, ! "
            "what was done to it, = a mark.",
        },
    [COMMAND_COMPARE] =
        {
            "compare",
            "is one kernel slower than another?",
            {
                "toyvmm-test compare [options] BASE HEAD FILE.tc",
                "toyvmm-test compare --history URL [options] BASE HEAD",
            },
            "Tells of each mark whether HEAD is slower than BASE, faster, the "
            "same, or how many boots would tell. Each is `kernel=FILE`, "
            "`initrd=FILE` or `cmdline=TEXT`, or several with commas between "
            "(cmdline last); both are booted by turns. Without FILE.tc they "
            "are two commits or branches of --history.",
        },
    [COMMAND_GATE] =
        {
            "gate",
            "the same, exit 1 if it is",
            {
                "toyvmm-test gate [options] BASE HEAD FILE.tc",
                "toyvmm-test gate --history URL [options] BASE HEAD",
            },
            "Exits with 1 if HEAD is slower than BASE, beyond the noise and "
            "beyond --min-effect. Each is `kernel=FILE`, `initrd=FILE` or "
            "`cmdline=TEXT`, or several with commas between (cmdline last); "
            "both are booted by turns. Without FILE.tc they are two commits or "
            "branches of --history.",
        },
    [COMMAND_BISECT] =
        {
            "bisect",
            "the first slow one of many kernels",
            {"toyvmm-test bisect [options] FILE.tc KERNELS..."},
            "Finds the first slow one of KERNELS (or `initrd=...`, "
            "`cmdline=...`; oldest first) by one mark.",
        },
    [COMMAND_TREND] =
        {
            "trend",
            "boot times over commits, with their changes",
            {"toyvmm-test trend --history URL [options]"},
            "Shows what --history kept: each commit's marks and where they "
            "changed, as a table or in files.",
        },
    [COMMAND_MERGE] =
        {
            "merge",
            "one report of several runs",
            {"toyvmm-test merge [options] RESULTS..."},
            "Makes the reports of one run out of the --results of several: of "
            "the shards of a suite, say.",
        },
    [COMMAND_INIT] =
        {
            "init",
            "a scenario and a CI file for what lies in a folder",
            {"toyvmm-test init [options] [DIR]"},
            "Looks through DIR (this folder) for a kernel tree, a kernel, an "
            "initrd and a disk image, by their content; boots once what it "
            "found and writes boot.tc, which waits for what was seen, and the "
            "files for a CI (GitHub, GitLab, Jenkins, or a script). What is "
            "missing the guest busybox lends. Exits with 1, and writes "
            "nothing, when the boot shows nothing to wait for; with 2 when a "
            "file is there already. Where guests can't run it writes what was "
            "not tried, and says so.",
        },
    [COMMAND_EXEC] =
        {
            "exec",
            "a command in a guest that has this host's files",
            {"toyvmm-test exec [options] [--] COMMAND [ARGS...]"},
            "Boots a guest that finds this host's files at the same paths and "
            "runs COMMAND there, in the same directory and with the same "
            "environment, streams and terminal; what it writes is gone when it "
            "ends, but for what lies in a --rw folder. The exit code is "
            "COMMAND's; 128+N when signal N ended it; 126 or 127 when it can't "
            "be started; 2 for wrong options; 3 when the guest can't run.",
        },
    [COMMAND_MANUAL] =
        {
            "manual",
            "man page and shell completions",
            {"toyvmm-test manual man|bash|zsh|fish|markdown|config"},
            "Prints the manual page, a shell's completions, or the tables of "
            "README or CONFIG.md, made of the table that reads the options.",
        },
};

const struct command_about *options_about(enum command command)
{
    return &abouts[command];
}

bool options_command(const char *word, enum command *command)
{
    for (unsigned i = 0; word && i < COMMANDS; i++) {
        if (strcmp(word, abouts[i].name) != 0)
            continue;
        *command = (enum command)i;
        return true;
    }
    *command = COMMAND_RUN;
    return false;
}

const char help_exit_codes[] =
    "0 all passed or were skipped; 1 one failed or was flaky; 2 wrong usage or "
    "scenario, "
    "nothing was booted; 3 guests can't run here; 130 interrupted.";

const struct help_variable help_variables[] = {
    {"TOYVMM_ACCEL", "the default of --accel"},
    {"TOYVMM_GUEST_NAME",
     "the guest.conf of the guest NAME, written in capitals"},
    {"TOYVMM_GUESTS", "a folder with definitions of guests of one's own"},
    {"TOYVMM_FIXTURES", "the folder with guest.sh"},
    {"TOYVMM_CACHE", "where guests and kernels are kept (~/.cache/toyvmm)"},
    {"XDG_STATE_HOME",
     "where the last runs are kept, for --rerun (~/.local/state)"},
    {"TOYVMM_RIG_KERNEL", "the rig's kernel; TOYVMM_RIG_MODULES its modules"},
    {NULL, NULL},
};
