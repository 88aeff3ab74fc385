// SPDX-License-Identifier: Apache-2.0
// What a row of the option table is, and how values are read. Shared by
// options*.c, conf*.c and what tells of them.
#pragma once

#include "harness/cli/options.h"

enum option_group {
    GROUP_WHICH,
    GROUP_MACHINE,
    GROUP_INSTEAD,
    GROUP_WHERE,
    GROUP_OFTEN,
    GROUP_JUDGE,
    GROUP_PAST,
    GROUP_TOLD,
    GROUP_OTHERS,
    OPTION_GROUPS,
};

// What of an option may stand in toyvmm.conf.
enum {
    CONF_DEFAULT = 1, // a default for all scenarios
    CONF_BLOCK = 2,   // for some of them
    CONF_READ = 4,    // its value is a path, seen from the file
    CONF_WRITTEN = 8, // the same, and it is written: below the file's folder
    CONF_NEVER = 16,  // it undoes what protects who runs it
};

// One option of some commands; another row may have the same name for others.
// take gets the row and, where the option has one, its value.
struct row {
    const char *name;
    int letter; // 0: it has none
    enum option_group group;
    const char *metavar; // what its value is; NULL: it has none
    int (*take)(struct options *o, const struct row *row, char *value,
                struct error *err);
    size_t field;      // of take_text, take_flag, take_more: where it goes
    int action;        // of take_action, take_show: which
    unsigned commands; // a bit for each enum command that has it
    unsigned conf;     // of the above
    const char *help;  // may have words in backquotes
};

// All of them, in the order in which help shows them.
const struct row *options_rows(size_t *count);
const char *options_group_title(enum option_group group);

// Of `run`: was it given? And: it is.
bool options_given(const struct options *o, const struct row *row);
void options_set_given(struct options *o, const struct row *row);
// The row of `run` with this name, or NULL.
const struct row *options_row(const char *name);

// Each puts its value where it belongs, or says in one sentence what it should
// have been (-EINVAL).
typedef int option_take(struct options *o, const struct row *row, char *value,
                        struct error *err);

// A text that is kept as it is.
option_take take_text;
option_take take_flag;
// A flag that counts how often it is given.
option_take take_more;
// One of enum action: several may be asked for.
option_take take_action;
option_take take_accelerator;
// What TOYVMM_ACCEL says, where the command line says nothing.
int take_default_accelerator(struct options *o, struct error *err);
option_take take_set, take_folder;
option_take take_rerun;
option_take take_stress;
option_take take_seed;
// Whole numbers, each with its bounds.
option_take take_number;
option_take take_pin;
// "1%" and "0.01" are one.
option_take take_fraction;
option_take take_scale;
option_take take_jobs, take_timeout;
option_take take_speed;
option_take take_memory, take_cpus;
option_take take_shard;
option_take take_port, take_show; // of show
