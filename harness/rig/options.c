// SPDX-License-Identifier: Apache-2.0
// See options.h.
#include "harness/rig/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MIB             UINT64_C(1048576)
#define CPUS_MAX        16
#define VMM_CPUS_MAX    254
#define TIMEOUT_S       120
#define EXACT_TIMEOUT_S 3600

const char options_help[] =
    "Usage: toyvmm-rig [options] [--] COMMAND [ARGS...]\n"
    "\n"
    "Runs COMMAND inside an emulated AMD-V machine in which /dev/kvm works,\n"
    "with this host's files at the same paths. Needs qemu-system-x86_64 and\n"
    "virtiofsd, no hardware virtualisation and no root.\n"
    "\n"
    "The working directory (unless it is /) and each --rw directory are\n"
    "shared read-write. Other files can be read; what is written to them is\n"
    "seen by COMMAND only and gone when it ends.\n"
    "\n"
    "  --memory SIZE    the rig's memory, 256M to 64G (default 1024M)\n"
    "  --cpus N         the rig's processors, 1 to 16 (default 1)\n"
    "  --rw DIR         share DIR read-write; may be given several times\n"
    "  --kernel FILE    vmlinuz or vmlinux of the rig, with --modules\n"
    "  --modules DIR    its lib/modules/VERSION tree\n"
    "  --append TEXT    more words for its command line\n"
    "  --qemu PATH      the qemu-system-x86_64 to use\n"
    "  --plain          no rig: a guest without /dev/kvm, all of whose files\n"
    "                   but those in --rw are read-only: what `toyvmm-test\n"
    "                   exec` starts\n"
    "  --vmm PATH       --plain, and this toyvmm-test is the machine, on the\n"
    "                   host's own /dev/kvm\n"
    "  --machine NAME   microvm (default) or q35\n"
    "  --timeout SECS   how long the rig may take to come up (default 120);\n"
    "                   with --exact: to end (default 3600)\n"
    "  --exact          run COMMAND so that every run is the same, down to "
    "its\n"
    "                   clock: no input, no files but those of --pack, output\n"
    "                   at the end\n"
    "  --pack FILE      a file that COMMAND finds with --exact; may be given\n"
    "                   several times\n"
    "  --as PATH        the path at which COMMAND finds the --pack before it\n"
    "  --out DIR        with --exact: gets the files that COMMAND made in\n"
    "                   /rig.out; those of its directory are lost then\n"
    "  --seed N         what is chance with --exact (default 1)\n"
    "  --verbose        show the rig's console and its times on stderr\n"
    "  --check          say whether the rig can run here, and run nothing\n"
    "  --help, --version\n"
    "\n"
    "The exit code is COMMAND's; 128+N when signal N ended it; 126 or 127\n"
    "when it can't be started; 2 for wrong options; 3 when the rig can't\n"
    "run, with the reason.\n"
    "\n"
    "Environment: TOYVMM_RIG_KERNEL and TOYVMM_RIG_MODULES name the kernel;\n"
    "else it is looked for in ${TOYVMM_CACHE:-~/.cache/toyvmm}, then in\n"
    "/boot. COMMAND sees TOYVMM_RIG=1.\n";

enum option_id {
    OPT_MEMORY = 1,
    OPT_CPUS,
    OPT_RW,
    OPT_KERNEL,
    OPT_MODULES,
    OPT_QEMU,
    OPT_PLAIN,
    OPT_VMM,
    OPT_APPEND,
    OPT_MACHINE,
    OPT_TIMEOUT,
    OPT_VERBOSE,
    OPT_EXACT,
    OPT_PACK,
    OPT_AS,
    OPT_SEED,
    OPT_OUT,
    OPT_CHECK,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option table[] = {
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"cpus", required_argument, NULL, OPT_CPUS},
    {"rw", required_argument, NULL, OPT_RW},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"modules", required_argument, NULL, OPT_MODULES},
    {"qemu", required_argument, NULL, OPT_QEMU},
    {"plain", no_argument, NULL, OPT_PLAIN},
    {"vmm", required_argument, NULL, OPT_VMM},
    {"append", required_argument, NULL, OPT_APPEND},
    {"machine", required_argument, NULL, OPT_MACHINE},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"exact", no_argument, NULL, OPT_EXACT},
    {"pack", required_argument, NULL, OPT_PACK},
    {"as", required_argument, NULL, OPT_AS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"out", required_argument, NULL, OPT_OUT},
    {"check", no_argument, NULL, OPT_CHECK},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

// A plain decimal number in min..max, followed by nothing but *rest.
static bool parse_number(const char *text, uint64_t min, uint64_t max,
                         uint64_t *value, const char **rest)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    *value = n;
    *rest = end;
    return errno == 0 && n >= min && n <= max;
}

static int parse_memory(uint64_t *bytes, const char *text, struct error *err)
{
    const char *unit;
    uint64_t n;
    bool fine = parse_number(text, 1, 65536, &n, &unit);
    if (fine && strcmp(unit, "G") == 0)
        n *= 1024;
    else if (!fine || strcmp(unit, "M") != 0)
        n = 0;
    if (n < 256 || n > 65536)
        return error_set(err, -EINVAL,
                         "--memory %s: give a size from 256M to 64G", text);
    *bytes = n * MIB;
    return 0;
}

static int parse_count(unsigned *count, const char *option, const char *text,
                       unsigned max, struct error *err)
{
    const char *rest;
    uint64_t n;
    if (!parse_number(text, 1, max, &n, &rest) || *rest)
        return error_set(err, -EINVAL, "--%s %s: give a number from 1 to %u",
                         option, text, max);
    *count = (unsigned)n;
    return 0;
}

static int parse_machine(enum rig_machine *machine, const char *text,
                         struct error *err)
{
    bool q35 = strcmp(text, "q35") == 0;
    if (!q35 && strcmp(text, "microvm") != 0)
        return error_set(err, -EINVAL, "--machine %s: give microvm or q35",
                         text);
    *machine = q35 ? RIG_Q35 : RIG_MICROVM;
    return 0;
}

static int parse_seed(uint64_t *seed, const char *text, struct error *err)
{
    const char *rest;
    if (!parse_number(text, 0, INT64_MAX, seed, &rest) || *rest)
        return error_set(err, -EINVAL,
                         "--seed %s: give a whole number below 2^63", text);
    return 0;
}

static int parse_pack(struct options *o, char *path)
{
    int rc = job_list_add(&o->pack, path);
    return rc < 0 ? rc : job_list_add(&o->as, path);
}

static int parse_as(struct options *o, char *path, struct error *err)
{
    if (*path != '/' || o->as.count == 0)
        return error_set(err, -EINVAL,
                         "--as %s: give an absolute path, after a --pack",
                         path);
    o->as.items[o->as.count - 1] = path;
    return 0;
}

static int take(struct options *o, enum option_id id, char *arg,
                struct error *err)
{
    switch (id) {
    case OPT_MEMORY:
        return parse_memory(&o->memory, arg, err);
    case OPT_CPUS:
        return parse_count(&o->cpus, "cpus", arg, VMM_CPUS_MAX, err);
    case OPT_TIMEOUT:
        return parse_count(&o->timeout_s, "timeout", arg, 86400, err);
    case OPT_MACHINE:
        return parse_machine(&o->machine, arg, err);
    case OPT_RW:
        return job_list_add(&o->rw, arg);
    case OPT_KERNEL:
        o->kernel = arg;
        return 0;
    case OPT_MODULES:
        o->modules = arg;
        return 0;
    case OPT_QEMU:
        o->qemu = arg;
        return 0;
    case OPT_PLAIN:
        o->plain = true;
        return 0;
    case OPT_VMM:
        o->plain = true;
        o->vmm = arg;
        return 0;
    case OPT_APPEND:
        o->append = arg;
        return 0;
    case OPT_VERBOSE:
        o->verbose = true;
        return 0;
    case OPT_EXACT:
        o->exact = true;
        return 0;
    case OPT_PACK:
        return parse_pack(o, arg);
    case OPT_AS:
        return parse_as(o, arg, err);
    case OPT_SEED:
        return parse_seed(&o->seed, arg, err);
    case OPT_OUT:
        o->out = arg;
        return 0;
    case OPT_CHECK:
        o->action = RIG_CHECK;
        return 0;
    case OPT_HELP:
        o->action = RIG_HELP;
        return 0;
    case OPT_VERSION:
        o->action = RIG_VERSION;
        return 0;
    }
    return 0;
}

// What options mean together.
static int settle(struct options *o, struct error *err)
{
    if (o->action == RIG_RUN && o->ncommand == 0)
        return error_set(err, -EINVAL, "no command given; see --help");
    if (o->exact && (o->cpus > 1 || o->machine != RIG_MICROVM))
        return error_set(err, -EINVAL,
                         "--exact has one processor and --machine microvm");
    if (!o->vmm && o->cpus > CPUS_MAX)
        return error_set(err, -EINVAL, "--cpus %u: give a number from 1 to %d",
                         o->cpus, CPUS_MAX);
    if (o->plain && o->exact)
        return error_set(err, -EINVAL, "--plain is not for --exact");
    if (o->vmm && (o->qemu || o->machine != RIG_MICROVM))
        return error_set(err, -EINVAL, "--vmm is not for --qemu and --machine");
    if (!o->exact && o->pack.count > 0)
        return error_set(err, -EINVAL, "--pack is for --exact");
    if (o->out && (!o->exact || o->rw.count > 0))
        return error_set(err, -EINVAL,
                         "--out is for --exact, and without --rw");
    if (!o->timeout_s)
        o->timeout_s = o->exact ? EXACT_TIMEOUT_S : TIMEOUT_S;
    return 0;
}

int options_parse(struct options *options, int argc, char **argv,
                  struct error *err)
{
    *options = (struct options){
        .action = RIG_RUN,
        .memory = 1024 * MIB,
        .cpus = 1,
        .seed = 1,
    };
    opterr = 0;
    optind = 1;
    int id;
    // '+': the command's own options are not ours. ':': we word the errors.
    while ((id = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (id == ':')
            return error_set(err, -EINVAL, "%s needs a value; see --help",
                             word);
        if (id == '?')
            return error_set(err, -EINVAL, "unknown option %s; see --help",
                             word);
        int rc = take(options, (enum option_id)id, optarg, err);
        if (rc < 0 || options->action == RIG_HELP ||
            options->action == RIG_VERSION)
            return rc;
    }
    options->command = argv + optind;
    options->ncommand = argc - optind;
    return settle(options, err);
}

void options_free(struct options *options)
{
    free(options->rw.items);
    free(options->pack.items);
    free(options->as.items);
    options->rw = options->pack = options->as = (struct job_list){NULL, 0};
}
