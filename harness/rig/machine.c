// SPDX-License-Identifier: Apache-2.0
// See machine.h.
#include "harness/rig/machine.h"

#include "harness/rig/command_line.h"
#include "harness/rig/protocol.h"
#include "src/base/mix.h"
#include "src/daemon/process.h"
#include "src/daemon/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB UINT64_C(1048576)

// An instruction takes 2^1 ns of the exact rig's time, and a processor that
// waits takes none of the host's: its time goes on to what it waits for. The
// processor's counter runs at 1 GHz then.
//
// It is recorded, to nowhere, for the lock alone that QEMU's threads take in
// turns then. Without it (seen in 7.2) the main thread may find the processor
// halted whose last instructions are not counted yet, and move the clock on to
// the next timer; they come on top then. A boot on a busy host was off by some
// nanoseconds in one of twenty.
#define EXACT_ICOUNT  "shift=1,sleep=off,rr=record,rrfile=/dev/null"
#define EXACT_TSC_KHZ 1000000u

// Its clock starts at some second of a day.
#define DAY_S 86400u

// What differs between QEMU's machine types.
static const struct {
    const char *machine;
    const char *bus; // the ending of a virtio device's name
} types[] = {
    // No generated command line: ACPI names the devices.
    [RIG_MICROVM] = {"microvm,rtc=on,ioapic2=on,auto-kernel-cmdline=off",
                     "device"},
    [RIG_Q35] = {"q35", "pci"},
};

int machine_find_tools(struct machine_tools *tools,
                       const struct options *options, struct error *err)
{
    const char *qemu = options->qemu;
    *tools->qemu = '\0';
    if (!options->vmm && program_find(qemu ? qemu : "qemu-system-x86_64",
                                      tools->qemu, sizeof(tools->qemu)) < 0)
        return error_set(err, -ENOENT,
                         "%s is not installed: apt-get install "
                         "qemu-system-x86",
                         qemu ? qemu : "qemu-system-x86_64");
    return virtiofsd_find(tools->virtiofsd, sizeof(tools->virtiofsd), err);
}

bool machine_is_unprivileged(void)
{
    return geteuid() != 0;
}

int machine_can_share(struct error *err)
{
    int result[2];
    if (pipe2(result, O_CLOEXEC) < 0)
        return error_errno(err, errno, "checking the rig");
    pid_t pid = fork();
    if (pid == 0) {
        struct error why = {{0}};
        int rc = virtiofsd_privileges(&why);
        ssize_t n = rc < 0 ? write(result[1], &why, sizeof(why)) : 0;
        _exit(n < 0);
    }
    close(result[1]);
    struct error why;
    ssize_t n = pid < 0 ? 0 : read(result[0], &why, sizeof(why));
    close(result[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return n > 0 ? error_set(err, -EPERM, "%s", why.text) : 0;
}

static void add_device(struct command_line *line, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add_device(struct command_line *line, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    command_add(line, "-device");
    command_add(line, "%s", text);
}

static void add_socket(struct command_line *line, const char *id, int fd)
{
    command_add(line, "-chardev");
    command_add(line, "socket,id=%s,fd=%d", id, fd);
}

// The rig's kernel parameters. tsc_early_khz spares it the calibration
// against the PIT, which an emulated machine on a busy host fails at times.
static void add_kernel(struct command_line *line,
                       const struct machine_plan *plan)
{
    command_add(line, "-kernel");
    command_add(line, "%s", plan->kernel->image);
    command_add(line, "-initrd");
    command_add(line, "/proc/self/fd/%d", plan->initramfs);
    command_add(line, "-append");
    command_add(
        line,
        "console=ttyS0 %s tsc=reliable tsc_early_khz=%u mitigations=off "
        "nokaslr random.trust_cpu=on cryptomgr.notests oops=panic panic=-1 "
        "reboot=t%s%s",
        plan->options->verbose ? "loglevel=7" : "quiet loglevel=3",
        plan->options->exact ? EXACT_TSC_KHZ : plan->tsc_khz,
        plan->options->append ? " " : "",
        plan->options->append ? plan->options->append : "");
}

// What turns chance and the host's clock into the seed.
static void add_exact(struct command_line *line, uint64_t seed)
{
    command_add(line, "-icount");
    command_add(line, EXACT_ICOUNT);
    command_add(line, "-seed");
    command_add(line, "%" PRIu64, seed);
    unsigned s = (unsigned)(mix64(seed, SEED_CLOCK) % DAY_S);
    command_add(line, "-rtc");
    command_add(line, "base=2026-01-01T%02u:%02u:%02u,clock=vm", s / 3600,
                s / 60 % 60, s % 60);
}

static void build_command(struct command_line *line,
                          const struct machine_plan *plan, const int *fs,
                          size_t nfs, int port, int console)
{
    const struct options *o = plan->options;
    const char *bus = types[o->machine].bus;
    unsigned long long mib = o->memory / MIB;
    // Without XSAVE nothing that needs it: QEMU does not say so by itself, and
    // a guest's kernel that sees AVX uses it.
    static const char *const fixed[] = {
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-cpu",
        "EPYC,+svm,-xsave,-avx,-avx2,-fma,-f16c,check=off",
        "-global",
        "virtio-mmio.force-legacy=false",
    };
    command_add(line, "%s", plan->tools->qemu);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        command_add(line, "%s", fixed[i]);
    command_add(line, "-accel");
    command_add(line, "tcg,thread=%s", o->exact ? "single" : "multi");
    if (o->exact)
        add_exact(line, o->seed);
    command_add(line, "-M");
    // Without option ROMs another firmware starts the kernel (qboot): that is
    // what the exact rig's times are of. Debian 13's hangs.
    bool qboot = o->exact && o->machine == RIG_MICROVM;
    command_add(line, "%s%s,memory-backend=ram", types[o->machine].machine,
                qboot ? ",x-option-roms=off" : "");
    command_add(line, "-m");
    command_add(line, "%lluM", mib);
    command_add(line, "-object");
    command_add(line, "memory-backend-memfd,id=ram,size=%lluM,share=on", mib);
    command_add(line, "-smp");
    command_add(line, "%u", o->cpus);
    add_kernel(line, plan);
    add_socket(line, "console", console);
    command_add(line, "-serial");
    command_add(line, "chardev:console");
    add_socket(line, "port", port);
    add_device(line, "virtio-serial-%s", bus);
    add_device(line, "virtserialport,chardev=port,name=%s", RIG_PORT_NAME);
    for (size_t i = 0; i < nfs; i++) {
        char id[32];
        // The exact rig brings its own root along.
        snprintf(id, sizeof(id), "fs%zu", o->exact ? i + 1 : i);
        add_socket(line, id, fs[i]);
        add_device(line, "vhost-user-fs-%s,chardev=%s,tag=%s,queue-size=1024",
                   bus, id, id);
    }
}

// The words that make our own machine: harness/cli/exec_machine.h.
static void build_vmm_command(struct command_line *line,
                              const struct machine_plan *plan, int port,
                              int console)
{
    const struct options *o = plan->options;
    const char *more = o->append ? o->append : "";
    command_add(line, "%s", o->vmm);
    command_add(line, "exec-machine");
    command_add(line, "%d", port);
    command_add(line, "%d", console);
    command_add(line, "%s", RIG_PORT_NAME);
    command_add(line, "%s", plan->kernel->image);
    command_add(line, "/proc/self/fd/%d", plan->initramfs);
    command_add(line, "console=ttyS0 %s oops=panic panic=-1 reboot=k%s%s",
                o->verbose ? "loglevel=7" : "quiet loglevel=3",
                *more ? " " : "", more);
    command_add(line, "%" PRIu64, o->memory);
    command_add(line, "%u", o->cpus);
    for (size_t i = 0; i < plan->shares->count; i++)
        command_add(line, "%s", plan->shares->items[i]);
}

static int start_emulator(struct machine *machine,
                          const struct machine_plan *plan, const int *fs,
                          int port, int console, int log, struct error *err)
{
    struct command_line *line = calloc(1, sizeof(*line));
    if (!line)
        return error_set(err, -ENOMEM, "no memory to start the rig");
    if (machine->is_vmm)
        build_vmm_command(line, plan, port, console);
    else
        build_command(line, plan, fs, machine->nshares, port, console);
    int keep[SHARES_MAX + 3] = {plan->initramfs, port, console};
    memcpy(keep + 3, fs, machine->nshares * sizeof(*fs));
    struct process_spec spec = {
        .argv = line->argv,
        .out = log,
        .err = log,
        .keep = keep,
        .nkeep = 3 + machine->nshares,
    };
    int rc = 0;
    if (line->full)
        rc = error_set(err, -E2BIG, "the rig's command line is too long");
    else if ((machine->qemu = process_spawn(&spec, err)) < 0)
        rc = machine->qemu;
    free(line);
    return rc;
}

static int start_shares(struct machine *machine,
                        const struct machine_plan *plan, int *fs, int log,
                        struct error *err)
{
    size_t roots = plan->options->exact ? 0 : 1;
    size_t count = plan->shares->count + roots;
    if (count > SHARES_MAX)
        return error_set(err, -E2BIG,
                         "the rig shares at most %d directories read-write",
                         SHARES_MAX - 1);
    for (size_t i = 0; i < count; i++) {
        bool writable = i >= roots;
        const char *dir = writable ? plan->shares->items[i - roots] : "/";
        const struct virtiofsd_spec spec = {
            .program = plan->tools->virtiofsd,
            .dir = dir,
            .writable = writable,
            .follows = writable,
            .log = log,
        };
        pid_t pid = virtiofsd_start(&spec, &fs[i], err);
        if (pid < 0)
            return pid;
        machine->virtiofsd[machine->nshares++] = pid;
    }
    return 0;
}

// Ours is non-blocking; the other goes to a child.
static int make_pair(int *ours, int *theirs, struct error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_errno(err, errno, "making the rig's sockets");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *ours = ends[0];
    *theirs = ends[1];
    return 0;
}

int machine_start(struct machine *machine, const struct machine_plan *plan,
                  struct error *err)
{
    *machine = (struct machine){.is_vmm = plan->options->vmm,
                                .port = -1,
                                .console = -1,
                                .messages = -1};
    int fs[SHARES_MAX] = {0};
    int port = -1, console = -1, log = -1;
    int rc = make_pair(&machine->port, &port, err);
    if (rc == 0)
        rc = make_pair(&machine->console, &console, err);
    if (rc == 0)
        rc = make_pair(&machine->messages, &log, err);
    if (rc == 0 && !machine->is_vmm)
        rc = start_shares(machine, plan, fs, log, err);
    if (rc == 0)
        rc = start_emulator(machine, plan, fs, port, console, log, err);
    for (size_t i = 0; i < machine->nshares; i++)
        close(fs[i]);
    int theirs[] = {port, console, log};
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
        if (theirs[i] >= 0)
            close(theirs[i]);
    if (rc < 0)
        machine_stop(machine);
    return rc;
}

void machine_stop(struct machine *machine)
{
    process_kill(&machine->qemu);
    for (size_t i = 0; i < machine->nshares; i++)
        process_kill(&machine->virtiofsd[i]);
    int *fds[] = {&machine->port, &machine->console, &machine->messages};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static bool has_ended(pid_t *pid)
{
    if (*pid <= 0 || waitpid(*pid, NULL, WNOHANG) != *pid)
        return false;
    *pid = 0;
    return true;
}

// QEMU's end makes virtiofsd end, and may be seen a moment later.
static bool qemu_ends_soon(struct machine *machine)
{
    for (int i = 0; i < 20; i++) {
        if (has_ended(&machine->qemu))
            return true;
        struct timespec rest = {.tv_nsec = 10000000};
        nanosleep(&rest, NULL);
    }
    return false;
}

int machine_ended(const struct machine *machine, struct error *err)
{
    return error_set(err, -ECHILD, "%s",
                     machine->is_vmm ? "the guest's machine ended"
                                     : "the rig's QEMU ended");
}

int machine_reap(struct machine *machine, struct error *err)
{
    bool qemu = has_ended(&machine->qemu), share = false;
    for (size_t i = 0; i < machine->nshares; i++)
        share = has_ended(&machine->virtiofsd[i]) || share;
    if (qemu || (share && qemu_ends_soon(machine)))
        return machine_ended(machine, err);
    if (share)
        return error_set(err, -ECHILD,
                         "the rig lost its files: virtiofsd ended");
    return 0;
}
