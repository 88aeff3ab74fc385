// SPDX-License-Identifier: Apache-2.0
// `toyvmm-test exec`: a command in a guest that has this host's files. The
// launcher, the protocol and the guest's init are the rig's: where KVM works,
// what it starts in place of an emulator is our own machine (exec_machine.h).
#include "harness/cli/accel.h"
#include "harness/cli/commands.h"
#include "harness/cli/exec_machine.h"
#include "harness/cli/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MIN (UINT64_C(256) << 20)
#define MEMORY     (UINT64_C(512) << 20) // where it isn't said

// How long an emulated guest may take to come up, s: its host may be busy.
#define EMULATED_PATIENCE "600"

// ---- The kernel's modules --------------------------------------------------

static bool is_there(const char *folder)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/modules.builtin", folder);
    return access(path, R_OK) == 0;
}

// Where the modules of a kernel lie that --modules does not name: the tree that
// it was built in, as .../vmlinux or .../arch/x86/boot/bzImage, or what belongs
// to /boot/vmlinuz-VERSION.
static bool find_modules(const char *kernel, char folder[PATH_MAX])
{
    static const char *const ways[] = {".", "../../.."};
    char real[PATH_MAX];
    if (!realpath(kernel, real))
        return false;
    char *name = strrchr(real, '/');
    *name++ = '\0';
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        char path[PATH_MAX + 16];
        snprintf(path, sizeof(path), "%s/%s", real, ways[i]);
        if (is_there(path) && realpath(path, folder))
            return true;
    }
    const char *version = strchr(name, '-');
    if (version)
        snprintf(folder, PATH_MAX, "/lib/modules/%s", version + 1);
    return version && is_there(folder);
}

static int settle_modules(const struct options *o, char folder[PATH_MAX],
                          struct error *err)
{
    const char *kernel = o->machine.kernel;
    *folder = '\0';
    if (o->modules && !kernel)
        return error_set(err, -EINVAL, "--modules is for --kernel");
    if (!kernel)
        return 0;
    if (access(kernel, R_OK))
        return error_errno(err, errno, "the kernel %s", kernel);
    if (o->modules)
        snprintf(folder, PATH_MAX, "%s", o->modules);
    else if (!find_modules(kernel, folder))
        return error_set(err, -ENOENT,
                         "the modules of %s are neither beside it nor in "
                         "/lib/modules: give --modules DIR",
                         kernel);
    return 0;
}

// ---- The launcher ----------------------------------------------------------

// Words for execv, which stay until this process is another or ends.
struct words {
    char **list;
    size_t count, room;
    bool failed;
};

static void add(struct words *w, const char *word)
{
    char *copy = strdup(word);
    if (w->count + 1 >= w->room) {
        size_t room = w->room * 2 + 16;
        char **list = reallocarray(w->list, room, sizeof(*list));
        w->failed = w->failed || !list;
        w->list = list ? list : w->list;
        w->room = list ? room : w->room;
    }
    w->failed = w->failed || !copy;
    if (w->failed) {
        free(copy);
        return;
    }
    w->list[w->count++] = copy;
    w->list[w->count] = NULL;
}

static void add_option(struct words *w, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    add(w, name);
    add(w, value);
}

// The launcher's command line. Where KVM works the machine is ours; else it is
// the rig's emulator itself, in which a KVM of its own would be of no use. A
// kernel of the user's has PCI more often than virtio_mmio.
static void launcher(struct words *w, const struct options *o, const char *self,
                     const char *modules, bool kvm)
{
    char cpus[16], memory[32];
    uint64_t bytes = o->machine.memory ? o->machine.memory : MEMORY;
    snprintf(cpus, sizeof(cpus), "%u", o->machine.cpus ? o->machine.cpus : 1);
    snprintf(memory, sizeof(memory), "%" PRIu64 "M", bytes >> 20);
    // By this name it speaks.
    add(w, "toyvmm-test exec");
    if (kvm)
        add_option(w, "--vmm", self);
    else
        add(w, "--plain");
    if (!kvm && o->machine.kernel)
        add_option(w, "--machine", "q35");
    add_option(w, "--kernel", o->machine.kernel);
    add_option(w, "--modules", modules);
    add_option(w, "--append", o->machine.cmdline);
    add_option(w, "--memory", memory);
    add_option(w, "--cpus", cpus);
    for (size_t i = 0; i < o->nfolders; i++)
        add_option(w, "--rw", o->folders[i]);
    if (!kvm || accel_inside_rig())
        add_option(w, "--timeout", EMULATED_PATIENCE);
    if (o->verbosity)
        add(w, "--verbose");
    add(w, "--");
    for (size_t i = 0; i < o->npaths; i++)
        add(w, o->paths[i]);
}

static int check(const struct options *o, struct error *err)
{
    if (!o->npaths)
        return error_set(err, -EINVAL,
                         "no command given; see toyvmm-test exec --help");
    if (o->exact)
        return error_set(err, -EINVAL, "--accel exact is not for exec");
    if (o->machine.backing)
        return error_set(err, -EINVAL, "--memory of exec is a size alone");
    if (o->machine.memory && o->machine.memory < MEMORY_MIN)
        return error_set(err, -EINVAL,
                         "--memory: exec's guest has 256M at least");
    return 0;
}

int exec_main(const struct options *o, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct error err = {""};
    const char *accelerator;
    char rig[4200], self[PATH_MAX], modules[PATH_MAX];
    struct words w = {.list = NULL};
    if (check(o, &err))
        return complain(&err, EXIT_WRONG);
    int code = settle_modules(o, modules, &err);
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (!code && len < 0)
        code = error_errno(&err, errno, "finding this program");
    if (!code && !accel_find_rig(rig, sizeof(rig)))
        code = error_set(&err, -ENOENT,
                         "toyvmm-rig was not found: it lies beside "
                         "toyvmm-test, or in PATH");
    if (!code)
        code = accel_choose(o->accelerator, &accelerator, &err);
    if (code < 0)
        return complain(&err, exit_for(code));
    self[len] = '\0';
    launcher(&w, o, self, modules, code == 0);
    if (!w.failed) {
        fflush(NULL);
        execv(rig, w.list);
    }
    error_errno(&err, w.failed ? ENOMEM : errno, "%s can't be run", rig);
    return complain(&err, EXIT_UNABLE);
}
