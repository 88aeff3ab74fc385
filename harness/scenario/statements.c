// SPDX-License-Identifier: Apache-2.0
// The table of all statements: where each may stand, who parses it, and
// whether this version runs it. For harness/scenario only.
#include "harness/scenario/parser.h"

#include <string.h>

#define REFUSED false
#define RUNS    true

// A word with two meanings has two rows: its parse function says which it was.
const struct statement statements[] = {
    // word, place, once, runs, function, called
    {"test", IN_HEADER, true, RUNS, parse_test, NULL},
    {"guest", IN_HEADER, true, RUNS, parse_guest, NULL},
    {"kernel", IN_HEADER, true, RUNS, parse_kernel, NULL},
    {"initrd", IN_HEADER, true, RUNS, parse_initrd, NULL},
    {"cmdline", IN_HEADER, false, RUNS, parse_cmdline, NULL},
    {"memory", IN_HEADER, true, RUNS, parse_memory, NULL},
    {"cpus", IN_HEADER, true, RUNS, parse_cpus, NULL},
    {"disk", IN_HEADER, false, RUNS, parse_disk, NULL},
    {"net", IN_HEADER, true, RUNS, parse_net, NULL},
    {"vsock", IN_HEADER, true, RUNS, parse_vsock, NULL},
    {"share", IN_HEADER, false, RUNS, parse_share, NULL},
    {"serial", IN_HEADER, true, RUNS, parse_serial, NULL},
    {"machine", IN_HEADER, true, RUNS, parse_machine, NULL},
    {"port", IN_HEADER, false, RUNS, parse_named_port, NULL},
    {"symbols", IN_HEADER, true, RUNS, parse_symbols, NULL},
    {"timeout", IN_HEADER, true, RUNS, parse_timeout, NULL},
    {"step-timeout", IN_HEADER, true, RUNS, parse_step_timeout, NULL},
    {"tags", IN_HEADER, false, RUNS, parse_tags, NULL},
    {"set", IN_HEADER, false, RUNS, parse_set, NULL},
    {"use", ANYWHERE, false, RUNS, parse_use, NULL},
    {"matrix", IN_HEADER, false, RUNS, parse_matrix, NULL},
    {"repeat", IN_HEADER, true, RUNS, parse_repeat, NULL},
    {"needs", IN_HEADER, false, RUNS, parse_needs, NULL},
    {"from", IN_HEADER, true, REFUSED, parse_from, NULL},
    {"fail", IN_HEADER, false, RUNS, parse_fail, NULL},
    {"allow", IN_HEADER, false, RUNS, parse_allow, NULL},

    {"expect", IN_STEPS, false, RUNS, parse_expect, NULL},
    {"send", IN_STEPS, false, RUNS, parse_send, NULL},
    {"type", IN_STEPS, false, RUNS, parse_type, NULL},
    {"key", IN_STEPS, false, RUNS, parse_key, NULL},
    {"login", IN_STEPS, false, RUNS, parse_login, NULL},
    {"run", IN_STEPS, false, RUNS, parse_run, NULL},
    {"ktap", IN_STEPS, false, RUNS, parse_ktap, NULL},
    {"check", IN_STEPS, false, RUNS, parse_check, NULL},
    {"mark", IN_STEPS, false, RUNS, parse_mark, NULL},
    {"metric", IN_STEPS, false, RUNS, parse_metric, NULL},
    {"log", IN_STEPS, false, RUNS, parse_log, NULL},
    {"repeat", IN_STEPS, false, RUNS, parse_repeat, NULL},
    {"if", IN_STEPS, false, RUNS, parse_if, NULL},
    {"else", IN_STEPS, false, RUNS, parse_else, NULL},
    {"group", IN_STEPS, false, RUNS, parse_group, NULL},
    {"never", IN_STEPS, false, RUNS, parse_never, NULL},
    {"allow", IN_STEPS, false, RUNS, parse_allow, NULL},
    {"snapshot", IN_STEPS, false, REFUSED, parse_snapshot, NULL},
    {"reset", IN_STEPS, false, RUNS, parse_reset, NULL},
    {"poweroff", IN_STEPS, false, RUNS, parse_poweroff, NULL},
    {"nmi", IN_STEPS, false, RUNS, parse_nmi, NULL},
    {"power", IN_STEPS, false, RUNS, parse_power, NULL},
    {"console", IN_STEPS, false, RUNS, parse_console, NULL},
    {NULL, IN_STEPS, false, REFUSED, NULL, NULL},
};

size_t statement_count(void)
{
    return sizeof(statements) / sizeof(statements[0]) - 1;
}

const struct statement *statement_find(const char *word, size_t len)
{
    for (const struct statement *s = statements; s->word; s++)
        if (strlen(s->word) == len && !memcmp(s->word, word, len))
            return s;
    return NULL;
}

const struct statement *statement_at(const char *word, enum place place)
{
    for (const struct statement *s = statements; s->word; s++)
        if (!strcmp(s->word, word) &&
            (s->place == place || s->place == ANYWHERE))
            return s;
    return NULL;
}
