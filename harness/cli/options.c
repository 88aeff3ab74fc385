// SPDX-License-Identifier: Apache-2.0
// Reads the command line. See options.h.
#include "harness/cli/options.h"

#include "harness/runner/guest_conf.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
    OPT_JUNIT = 256,
    OPT_ACCEL,
    OPT_PROBE,
    OPT_FILTER,
    OPT_LIST,
    OPT_TAGS,
    OPT_SET,
    OPT_KERNEL,
    OPT_INITRD,
    OPT_CMDLINE,
    OPT_MEMORY,
    OPT_SCALE,
    OPT_CONSOLE,
    OPT_INTERACTIVE,
    OPT_CHECK,
    OPT_IN_PROCESS,
    OPT_VERSION,
};

static const struct option table[] = {
    {"junit", required_argument, NULL, OPT_JUNIT},
    {"accel", required_argument, NULL, OPT_ACCEL},
    {"probe", no_argument, NULL, OPT_PROBE},
    {"filter", required_argument, NULL, OPT_FILTER},
    {"list", no_argument, NULL, OPT_LIST},
    {"jobs", required_argument, NULL, 'j'},
    {"tags", required_argument, NULL, OPT_TAGS},
    {"set", required_argument, NULL, OPT_SET},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"initrd", required_argument, NULL, OPT_INITRD},
    {"cmdline", required_argument, NULL, OPT_CMDLINE},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"timeout-scale", required_argument, NULL, OPT_SCALE},
    {"console", no_argument, NULL, OPT_CONSOLE},
    {"interactive", no_argument, NULL, OPT_INTERACTIVE},
    {"check", no_argument, NULL, OPT_CHECK},
    {"in-process", no_argument, NULL, OPT_IN_PROCESS},
    {"verbose", no_argument, NULL, 'v'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int take_accelerator(struct options *o, const char *text,
                            struct error *err)
{
    static const char *const names[] = {
        [ACCEL_AUTO] = "auto", [ACCEL_KVM] = "kvm", [ACCEL_RIG] = "rig"};
    for (int i = 0; i < 3; i++) {
        if (!strcmp(text, names[i])) {
            o->accelerator = (enum accelerator)i;
            return 0;
        }
    }
    return error_set(err, -EINVAL, "--accel %s: give auto, kvm or rig", text);
}

static int take_set(struct options *o, char *text, struct error *err)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return error_set(err, -EINVAL, "--set %s: give NAME=VALUE", text);
    struct override *sets = reallocarray(o->sets, o->nsets + 1, sizeof(*sets));
    char *name = strndup(text, (size_t)(equals - text));
    if (sets)
        o->sets = sets;
    if (!sets || !name) {
        free(name);
        return error_set(err, -ENOMEM, "out of memory");
    }
    sets[o->nsets++] = (struct override){.name = name, .value = equals + 1};
    return 0;
}

static int take_jobs(struct options *o, const char *text, struct error *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > 256)
        return error_set(err, -EINVAL, "--jobs %s: give a number from 1 to 256",
                         text);
    o->jobs = (unsigned)n;
    return 0;
}

static int take_scale(struct options *o, const char *text, struct error *err)
{
    char *end;
    double n = strtod(text, &end);
    if (end == text || *end || !isfinite(n) || n < 0.01 || n > 1000)
        return error_set(err, -EINVAL,
                         "--timeout-scale %s: give a number from 0.01 to 1000",
                         text);
    o->timeout_scale = n;
    return 0;
}

static int take_memory(struct options *o, const char *text, struct error *err)
{
    if (guest_parse_size(text, &o->machine.memory) && o->machine.memory)
        return 0;
    return error_set(err, -EINVAL, "--memory %s: give a size like 256M or 1G",
                     text);
}

static int take(struct options *o, int id, char *value, struct error *err)
{
    switch (id) {
    case OPT_JUNIT:
        o->junit = value;
        return 0;
    case OPT_FILTER:
        o->filter = value;
        return 0;
    case OPT_TAGS:
        o->tags = value;
        return 0;
    case OPT_KERNEL:
        o->machine.kernel = value;
        return 0;
    case OPT_INITRD:
        o->machine.initrd = value;
        return 0;
    case OPT_CMDLINE:
        o->machine.cmdline = value;
        return 0;
    case OPT_ACCEL:
        return take_accelerator(o, value, err);
    case OPT_SET:
        return take_set(o, value, err);
    case OPT_MEMORY:
        return take_memory(o, value, err);
    case OPT_SCALE:
        return take_scale(o, value, err);
    case 'j':
        return take_jobs(o, value, err);
    case OPT_PROBE:
        o->action = ACTION_PROBE;
        return 0;
    case OPT_LIST:
        o->action = ACTION_LIST;
        return 0;
    case OPT_CHECK:
        o->action = ACTION_CHECK;
        return 0;
    case OPT_INTERACTIVE:
        o->action = ACTION_INTERACTIVE;
        return 0;
    case OPT_VERSION:
        o->action = ACTION_VERSION;
        return 0;
    case 'h':
        o->action = ACTION_HELP;
        return 0;
    case OPT_CONSOLE:
        o->show_console = true;
        return 0;
    case OPT_IN_PROCESS:
        o->in_process = true;
        return 0;
    case 'v':
        o->verbosity++;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    default:
        return -EINVAL;
    }
}

static int unknown(int id, char **argv, struct error *err)
{
    // The option at fault is the one before optind, or a letter of it.
    const char *what = argv[optind - 1];
    if (id == ':')
        return error_set(err, -EINVAL, "%s needs a value; see --help", what);
    return error_set(err, -EINVAL, "unknown option %s; see --help", what);
}

int options_parse(struct options *o, int argc, char **argv, struct error *err)
{
    *o = (struct options){.jobs = 1};
    int id;
    optind = 0;
    opterr = 0;
    while ((id = getopt_long(argc, argv, ":hj:vq", table, NULL)) != -1) {
        if (id == '?' || id == ':')
            return unknown(id, argv, err);
        int code = take(o, id, optarg, err);
        if (code)
            return code;
    }
    o->paths = argv + optind;
    o->npaths = (size_t)(argc - optind);
    bool needs_paths = o->action == ACTION_RUN || o->action == ACTION_LIST ||
                       o->action == ACTION_CHECK;
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
    return 0;
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
