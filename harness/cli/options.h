// SPDX-License-Identifier: Apache-2.0
// The command line of toyvmm-test. Private to the command.
#pragma once

#include "harness/guests/guest.h"
#include "harness/recording/show.h"
#include "harness/report/reports.h"
#include "harness/scenario/scenario.h"

enum action {
    ACTION_RUN,
    ACTION_LIST,
    ACTION_CHECK,
    ACTION_FORMAT,
    ACTION_EXPLAIN,
    ACTION_PROBE,
    ACTION_INTERACTIVE,
    ACTION_HELP,
    ACTION_VERSION,
};

// The first word of the command line; none of them: run scenarios.
enum command {
    COMMAND_RUN,
    COMMAND_SHOW,
    COMMAND_COMPARE,
    COMMAND_GATE,
    COMMAND_BISECT,
    COMMAND_TREND,
    COMMAND_MERGE,
    COMMAND_INIT,
    COMMAND_EXEC,
    COMMAND_MANUAL,
    COMMANDS,
};

enum accelerator { ACCEL_AUTO, ACCEL_KVM, ACCEL_RIG };

// Of the last run in this folder.
enum rerun_what { RERUN_NOTHING, RERUN_FAILED, RERUN_UNRUN, RERUN_LAST };

// So many rows the table of the options has at most.
#define OPTIONS_MOST 128

struct conf;

// Strings point into argv or into conf; the lists are owned.
struct options {
    enum command command;
    uint64_t given[OPTIONS_MOST / 64]; // a bit for each row, by argv
    const char *config;                // of --config, or NULL
    struct conf *conf;                 // the project's file, or NULL; owned
    enum action action;
    unsigned asked; // a bit for each action that was given
    enum accelerator accelerator;
    bool accelerator_given;
    bool no_config;
    bool no_run, dry_run;         // of init
    const char *reports[REPORTS]; // a file for each kind, or NULL
    const char *output_dir;       // a folder for each scenario, or NULL
    const char *record;           // file or folder, or NULL
    const char *replay;           // file or folder, or NULL
    const char *learn;            // of --interactive: the scenario, or NULL
    double replay_speed;          // 0: without waiting
    const char *filter;           // glob on scenario names, or NULL
    const char *tags;             // "smoke,-slow", or NULL
    struct guest_overrides machine;
    struct toyvmm_pin pin;
    bool exact; // in the rig that is the same each time; accelerator is
                // ACCEL_RIG then
    struct {
        bool given;
        uint64_t value; // 0..2^63-1; 1 where it isn't given
        const char *text;
    } seed;      // of exact
    int explore; // so many seeds of each case, from that one on; 0: one
    int guard_s; // an exact rig ends after so much of the host's time
    // Of exec: the kernel's modules, and folders that the command may write to.
    const char *modules;
    size_t nfolders;
    char **folders;   // owned
    const char *disk; // of init: an image
    size_t nsets;
    struct override *sets;
    size_t nsets_given;   // of these by argv; the others by conf
    double timeout_scale; // 0: by accelerator
    uint64_t timeout_ns;  // of each scenario; 0: its own
    int jobs;             // at least 1
    int repeat;           // boots of each case; 0: as its scenario says
    int warmups;          // boots before them
    enum rerun_what rerun;
    int retries;    // of a case that fails
    bool stat;      // tell the distributions of the marks
    bool fail_fast; // when one did not pass, none begins any more
    bool flaky_ok;  // a flaky one doesn't fail the run
    bool bisect;    // exit as `git bisect run` wants it
    bool jobs_auto; // as many as this machine has room for
    bool force;     // of init: replace files
    struct {
        unsigned index, count; // from 1 on; 0, 0: all of them
    } shard;
    struct {
        uint64_t rounds, ns; // 0, 0: once
    } stress;
    const char *known;   // the file of known failures, or NULL
    const char *results; // a file for `merge`, or NULL
    const char *history; // a file or postgresql:// URI, or NULL

    // Of compare, gate, bisect and trend; 0 and NULL: not given.
    int runs, max_runs;
    const char *marks; // names, by commas
    bool cpu;          // the guest's CPU time instead of the clock's
    double alpha, min_effect, target, power;
    const char *scenario, *guest, *branch, *since;
    int newest;
    int seeds;                // of exact; 0: not given
    const char *acknowledged; // the file of known slow-downs, or NULL
    const char *csv, *openmetrics, *bencher;
    const char *otava; // a folder, or NULL
    struct show_options show;

    bool in_process;
    bool no_sandbox;
    bool show_console;
    unsigned verbosity; // 0, 1 marks of passed scenarios, 2 each step
    bool quiet;         // no summary, no line on the accelerator
    bool write;         // of --format: rewrite the files
    bool format_check;  // of --format: --check was given too
    size_t npaths;
    char **paths; // files and directories
};

// Whether a command line's first argument (may be NULL) names a command, and
// which; COMMAND_RUN where it doesn't.
bool options_command(const char *word, enum command *command);

// Reads the command line; of a command without the word that names it, argv[0]
// being anything. -EINVAL and a sentence when it can't be obeyed.
int options_parse(struct options *o, enum command command, int argc,
                  char **argv, struct error *err);
// Its two halves, between which other defaults can be taken: what argv says;
// and what it means together.
int options_read(struct options *o, enum command command, int argc, char **argv,
                 struct error *err);
int options_settle(struct options *o, struct error *err);
// Whether what was read so far goes together: 0 or -EINVAL and a sentence.
int options_check(const struct options *o, struct error *err);
void options_free(struct options *o);

// ---- What help says --------------------------------------------------------

// Words in backquotes are typed as they are.
struct command_about {
    const char *name, *summary;
    const char *usage[6]; // until NULL
    const char *text;
};
const struct command_about *options_about(enum command command);

struct help_variable {
    const char *name, *help;
};
extern const struct help_variable help_variables[]; // until a NULL name
extern const char help_exit_codes[];
