// SPDX-License-Identifier: Apache-2.0
// See kernel.h. Where the rig's kernel is found.
#include "harness/rig/kernel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static bool readable(char path[PATH_MAX],
                                                           const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path, PATH_MAX, fmt, args);
    va_end(args);
    return n > 0 && n < PATH_MAX && access(path, R_OK) == 0;
}

// In a directory of the cache; the unpacked image boots half a second sooner.
static bool find_in(struct kernel *kernel, const char *dir)
{
    return readable(kernel->modules, "%s/modules", dir) &&
           (readable(kernel->image, "%s/vmlinux", dir) ||
            readable(kernel->image, "%s/vmlinuz", dir));
}

static bool find_in_cache(struct kernel *kernel)
{
    char cache[PATH_MAX];
    const char *ours = getenv("TOYVMM_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    bool found = false;
    if (ours && *ours)
        found = readable(cache, "%s/kernels/debian-cloud", ours);
    else if (xdg && *xdg)
        found = readable(cache, "%s/toyvmm/kernels/debian-cloud", xdg);
    else if (home && *home)
        found = readable(cache, "%s/.cache/toyvmm/kernels/debian-cloud", home);
    char current[PATH_MAX];
    return found && ((readable(current, "%s/current", cache) &&
                      find_in(kernel, current)) ||
                     find_in(kernel, cache));
}

static bool find_on_host(struct kernel *kernel)
{
    struct utsname host;
    char amd[PATH_MAX];
    if (uname(&host) < 0 ||
        !readable(kernel->image, "/boot/vmlinuz-%s", host.release) ||
        !readable(kernel->modules, "/lib/modules/%s", host.release))
        return false;
    static const char *const packings[] = {"", ".xz", ".zst", ".gz"};
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
        if (readable(amd, "%s/kernel/arch/x86/kvm/kvm-amd.ko%s",
                     kernel->modules, packings[i]))
            return true;
    return false;
}

int kernel_find(struct kernel *kernel, const char *image, const char *modules,
                struct error *err)
{
    if (!image && !modules) {
        image = getenv("TOYVMM_RIG_KERNEL");
        modules = getenv("TOYVMM_RIG_MODULES");
    }
    if (image || modules) {
        if (!image || !modules)
            return error_set(err, -ENOENT,
                             "the rig's kernel needs both an image and its "
                             "modules: give --kernel FILE and --modules DIR");
        if (!readable(kernel->image, "%s", image))
            return error_errno(err, errno, "the rig's kernel %s", image);
        if (!readable(kernel->modules, "%s", modules))
            return error_errno(err, errno, "the rig's modules %s", modules);
        return 0;
    }
    if (find_in_cache(kernel) || find_on_host(kernel))
        return 0;
    return error_set(err, -ENOENT,
                     "the rig has no kernel: run "
                     "fixtures/kernel/debian-cloud.sh, which fetches "
                     "Debian's, or give --kernel FILE and --modules DIR");
}
