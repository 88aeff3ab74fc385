// SPDX-License-Identifier: Apache-2.0
// See slirp.h.
#include "src/net/slirp.h"

#include <dlfcn.h>
#include <errno.h>

int slirp_library_load(struct slirp_library *lib, struct error *err)
{
    *lib = (struct slirp_library){
        .handle =
            dlopen("libslirp.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
    void *h = lib->handle;
    if (!h)
        return error_set(err, -ENODEV,
                         "`net user` needs libslirp: install the package "
                         "libslirp0 (%s)",
                         dlerror());
    lib->new = (__typeof__(&slirp_new))dlsym(h, "slirp_new");
    lib->cleanup = (__typeof__(&slirp_cleanup))dlsym(h, "slirp_cleanup");
    lib->fill = (__typeof__(&slirp_pollfds_fill))dlsym(h, "slirp_pollfds_fill");
    lib->poll = (__typeof__(&slirp_pollfds_poll))dlsym(h, "slirp_pollfds_poll");
    lib->input = (__typeof__(&slirp_input))dlsym(h, "slirp_input");
    lib->add_forward =
        (__typeof__(&slirp_add_hostfwd))dlsym(h, "slirp_add_hostfwd");
    if (lib->new && lib->cleanup && lib->fill && lib->poll && lib->input &&
        lib->add_forward)
        return 0;
    slirp_library_unload(lib);
    return error_set(err, -ENODEV,
                     "libslirp.so.0 is another one than `net user` needs: "
                     "install the package libslirp0, 4.1 or newer");
}

// It stays in memory, since glib, under it, can not be taken out again.
void slirp_library_unload(struct slirp_library *lib)
{
    if (lib->handle)
        dlclose(lib->handle);
    *lib = (struct slirp_library){.handle = NULL};
}
