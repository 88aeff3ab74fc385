// SPDX-License-Identifier: Apache-2.0
// The values of options. See options_internal.h.
#include "harness/cli/options_internal.h"

#include "harness/guests/guest.h"
#include "src/base/clock.h"
#include "src/toyvmm.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of --stress, in any unit.
#define STRESS_MOST 1000000

// As a scenario's `timeout`.
#define TIMEOUT_MAX_NS (UINT64_C(7) * 24 * 3600 * NS_PER_S)

static void *field_of(struct options *o, const struct row *row)
{
    return (char *)o + row->field;
}

// A text that is kept as it is.
int take_text(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)err;
    const char **text = field_of(o, row);
    *text = value;
    return 0;
}

int take_flag(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)value;
    (void)err;
    bool *flag = field_of(o, row);
    *flag = true;
    return 0;
}

// A flag that counts how often it is given.
int take_more(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)value;
    (void)err;
    unsigned *count = field_of(o, row);
    ++*count;
    return 0;
}

int take_action(struct options *o, const struct row *row, char *value,
                struct error *err)
{
    (void)value;
    (void)err;
    o->asked |= 1U << (unsigned)row->action;
    return 0;
}

int take_accelerator(struct options *o, const struct row *row, char *value,
                     struct error *err)
{
    (void)row;
    static const struct {
        const char *name;
        enum accelerator accelerator;
        bool exact;
    } names[] = {
        {"auto", ACCEL_AUTO, false},
        {"kvm", ACCEL_KVM, false},
        {"rig", ACCEL_RIG, false},
        {"exact", ACCEL_RIG, true},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i].name) != 0)
            continue;
        o->accelerator = names[i].accelerator;
        o->exact |= names[i].exact;
        o->accelerator_given = true;
        return 0;
    }
    return error_set(err, -EINVAL, "--accel %s: give auto, kvm, rig or exact",
                     value);
}

// A default is for what it can be used for: nobody asked for it this time.
int take_default_accelerator(struct options *o, struct error *err)
{
    char *value = getenv("TOYVMM_ACCEL");
    if (o->accelerator_given || o->exact || !value || !*value)
        return 0;
    bool exact = !strcmp(value, "exact");
    if (exact &&
        (o->command != COMMAND_RUN || o->action == ACTION_INTERACTIVE ||
         o->replay || o->history || o->pin.set || o->in_process || o->retries ||
         o->stress.rounds || o->stress.ns))
        return 0;
    int code = take_accelerator(o, NULL, value, err);
    return code ? error_prefix(err, code, "TOYVMM_ACCEL") : 0;
}

int take_seed(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)row;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || n > INT64_MAX)
        return error_set(err, -EINVAL,
                         "--seed %s: give a whole number below 2^63", value);
    o->seed.given = true;
    o->seed.value = n;
    o->seed.text = value;
    return 0;
}

int take_set(struct options *o, const struct row *row, char *value,
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

int take_folder(struct options *o, const struct row *row, char *value,
                struct error *err)
{
    (void)row;
    char **folders =
        reallocarray(o->folders, o->nfolders + 1, sizeof(*folders));
    if (!folders)
        return error_set(err, -ENOMEM, "out of memory");
    o->folders = folders;
    folders[o->nfolders++] = value;
    return 0;
}

// Whole numbers, each with its bounds.
int take_number(struct options *o, const struct row *row, char *value,
                struct error *err)
{
    static const struct {
        const char *name;
        long least, most;
    } bounds[] = {
        {"jobs", 1, 256},    {"repeat", 1, 100000},  {"warmup", 0, 1000},
        {"runs", 2, 10000},  {"max-runs", 2, 10000}, {"newest", 1, 1000000},
        {"seeds", 2, 1000},  {"explore", 1, 100000}, {"guard", 1, 86400},
        {"retries", 0, 100},
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

int take_jobs(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    o->jobs_auto = !strcmp(value, "auto");
    o->jobs = o->jobs_auto ? 1 : o->jobs;
    if (o->jobs_auto || !take_number(o, row, value, err))
        return 0;
    return error_set(err, -EINVAL,
                     "--jobs %s: give a number from 1 to 256, or auto", value);
}

// "90s", "2m", "1500ms".
int take_timeout(struct options *o, const struct row *row, char *value,
                 struct error *err)
{
    (void)row;
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ms", NS_PER_S / 1000},
                 {"s", NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"h", 3600 * NS_PER_S}};
    char *end;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) != 0 || errno || *value < '0' ||
            *value > '9' || !n || n > TIMEOUT_MAX_NS / units[i].ns)
            continue;
        o->timeout_ns = n * units[i].ns;
        return 0;
    }
    return error_set(err, -EINVAL,
                     "--timeout %s: give a time like 1500ms, 90s, 2m or 1h; at "
                     "most a week",
                     value);
}

int take_rerun(struct options *o, const struct row *row, char *value,
               struct error *err)
{
    (void)row;
    static const char *const words[] = {[RERUN_FAILED] = "failed",
                                        [RERUN_UNRUN] = "unrun",
                                        [RERUN_LAST] = "last"};
    for (int i = RERUN_FAILED; i <= RERUN_LAST; i++) {
        if (strcmp(value, words[i]) != 0)
            continue;
        o->rerun = (enum rerun_what)i;
        return 0;
    }
    return error_set(err, -EINVAL, "--rerun %s: give failed, unrun or last",
                     value);
}

// "20": rounds; "30s", "5m", "1h": so long.
int take_stress(struct options *o, const struct row *row, char *value,
                struct error *err)
{
    (void)row;
    static const struct {
        const char *name;
        unsigned long seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}};
    char *end;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    bool good =
        *value >= '0' && *value <= '9' && !errno && n >= 1 && n <= STRESS_MOST;
    if (good && !*end) {
        o->stress.rounds = n;
        o->stress.ns = 0;
        return 0;
    }
    for (size_t i = 0; good && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) != 0)
            continue;
        o->stress.rounds = 0;
        o->stress.ns = (uint64_t)n * units[i].seconds * NS_PER_S;
        return 0;
    }
    return error_set(err, -EINVAL,
                     "--stress %s: give a number of rounds, like 20, or how "
                     "long, like 30s, 5m or 1h; at most %d",
                     value, STRESS_MOST);
}

int take_pin(struct options *o, const struct row *row, char *value,
             struct error *err)
{
    (void)row;
    char *end;
    errno = 0;
    unsigned long cpu = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || cpu >= UINT_MAX)
        return error_set(err, -EINVAL,
                         "--pin %s: give the number of a CPU, like 1", value);
    o->pin = (struct toyvmm_pin){true, (unsigned)cpu};
    return 0;
}

// "1%" and "0.01" are one.
int take_fraction(struct options *o, const struct row *row, char *value,
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

int take_scale(struct options *o, const struct row *row, char *value,
               struct error *err)
{
    (void)row;
    return take_factor("--timeout-scale", value, &o->timeout_scale, err);
}

int take_speed(struct options *o, const struct row *row, char *value,
               struct error *err)
{
    (void)row;
    return take_factor("--replay-speed", value, &o->replay_speed, err);
}

int take_memory(struct options *o, const struct row *row, char *value,
                struct error *err)
{
    (void)row;
    char size[32];
    struct guest_overrides *m = &o->machine;
    size_t len = strcspn(value, ",");
    m->backing = TOYVMM_MEMORY_PRIVATE;
    if (!strcmp(value + len, ",huge"))
        m->backing = TOYVMM_MEMORY_HUGE;
    else if (!strcmp(value + len, ",shared"))
        m->backing = TOYVMM_MEMORY_SHARED;
    else if (value[len])
        return error_set(err, -EINVAL,
                         "--memory %s: behind the size stands ,huge or ,shared",
                         value);
    snprintf(size, sizeof(size), "%.*s", (int)(len < 31 ? len : 31), value);
    if (guest_parse_size(size, &m->memory) && m->memory)
        return 0;
    return error_set(err, -EINVAL, "--memory %s: give a size like 256M or 1G",
                     value);
}

int take_cpus(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)row;
    char *end;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    if (errno || *end || end == value || *value == '-' || n < 1 ||
        n > TOYVMM_CPUS)
        return error_set(err, -EINVAL,
                         "--cpus %s: a machine has 1 to %d processors", value,
                         TOYVMM_CPUS);
    o->machine.cpus = (unsigned)n;
    return 0;
}

int take_shard(struct options *o, const struct row *row, char *value,
               struct error *err)
{
    (void)row;
    char *slash, *end;
    errno = 0;
    long index = strtol(value, &slash, 10);
    long count = *slash == '/' ? strtol(slash + 1, &end, 10) : 0;
    if (errno || *slash != '/' || *end || index < 1 || index > count ||
        count > 10000)
        return error_set(err, -EINVAL,
                         "--shard %s: give I/N, the part I of N, like 2/5",
                         value);
    o->shard.index = (unsigned)index;
    o->shard.count = (unsigned)count;
    return 0;
}

// ---- Of show ---------------------------------------------------------------

int take_show(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)value;
    (void)err;
    o->show.format = (enum show_format)row->action;
    return 0;
}

int take_port(struct options *o, const struct row *row, char *value,
              struct error *err)
{
    (void)row;
    char *end;
    long n = strtol(value, &end, 10);
    if (end == value || *end || n < 0 || n >= TOYVMM_PORTS)
        return error_set(err, -EINVAL, "--port %s: give a number from 0 to %d",
                         value, TOYVMM_PORTS - 1);
    o->show.port = (int)n;
    return 0;
}
