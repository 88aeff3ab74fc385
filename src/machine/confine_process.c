// SPDX-License-Identifier: Apache-2.0
// A process that has nothing but machines to run (toyvmm.h): its calls, and the
// files and ports that are opened after it was confined, since a machine is
// made anew after each reset.
#include "src/base/files_list.h"
#include "src/machine/confine.h"
#include "src/machine/pci_board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Of the system: libraries, how much memory and which processors there are.
static const char *const system_files[] = {
    "/usr",          "/lib",
    "/lib64",        "/etc/localtime",
    "/dev/urandom",  "/etc/ld.so.cache",
    "/proc/meminfo", "/sys/devices/system/cpu",
};

static int add_system(const struct files_list *list)
{
    int code = 0;
    size_t n = sizeof system_files / sizeof *system_files;
    for (size_t i = 0; !code && i < n; i++)
        code = files_list_add(list, system_files[i], FILES_READ);
    if (!code)
        code = files_list_add(list, "/dev/null", FILES_READ | FILES_WRITE);
    return code ? code
                : files_list_add(list, "/dev/kvm", FILES_READ | FILES_WRITE);
}

static int add_images(const struct files_list *list,
                      const struct toyvmm_config *config)
{
    const char *const images[] = {config->kernel, config->initrd};
    int code = 0;
    for (size_t i = 0; !code && i < 2; i++)
        if (images[i])
            code = files_list_add(list, images[i], FILES_READ);
    return code;
}

// Disks that are open already stay so. Others are opened with each machine, and
// what is to be dropped then lies in a file that has no name for long.
static int add_disks(const struct files_list *list,
                     const struct toyvmm_config *config)
{
    const char *dir = getenv("TMPDIR");
    int code = 0;
    for (size_t i = 0; !code && i < config->ndisks; i++) {
        const struct toyvmm_disk *disk = &config->disks[i];
        bool writable = disk->mode == TOYVMM_DISK_WRITABLE;
        if (config->kept && disk_image_is_open(&config->kept->disks[i]))
            continue;
        code = files_list_add(list, disk->path,
                              FILES_READ | (writable ? FILES_WRITE : 0U));
        if (!code && disk->mode == TOYVMM_DISK_DROPS)
            code = files_list_add(list, dir && *dir ? dir : "/tmp",
                                  FILES_READ | FILES_WRITE | FILES_MAKE);
    }
    return code;
}

// A capture is begun anew with each machine. So that its folder need not be
// writable it is made now; who can't be told so then.
static int add_capture(const struct files_list *list, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                  0666);
    if (fd >= 0)
        close(fd);
    return files_list_add(list, path, FILES_READ | FILES_WRITE);
}

static int add_net(const struct files_list *list, const struct toyvmm_net *net)
{
    int code = net->pcap ? add_capture(list, net->pcap) : 0;
    if (net->kind == TOYVMM_NET_TAP && !code)
        code = files_list_add(list, "/dev/net/tun", FILES_READ | FILES_WRITE);
    if (net->kind != TOYVMM_NET_USER)
        return code;
    for (size_t i = 0; !code && i < net->nforwards; i++)
        code = files_list_add_port(list, FILES_BIND, net->forwards[i].host);
    for (size_t i = 0; !code && i < net->nreach; i++)
        code = files_list_add_port(list, FILES_CONNECT, net->reach[i]);
    return code;
}

// The socket is made with each machine and removed at its end. To connect to
// one asks for no right here.
static int add_vsock(const struct files_list *list,
                     const struct toyvmm_vsock *vsock)
{
    const char *slash = vsock->path ? strrchr(vsock->path, '/') : NULL;
    if (!vsock->path)
        return 0;
    char *folder = slash
                       ? strndup(vsock->path, (size_t)(slash - vsock->path) + 1)
                       : strdup(".");
    int code = folder ? files_list_add(list, folder, FILES_MEET) : -ENOMEM;
    free(folder);
    return code;
}

static int add_more(const struct files_list *list,
                    const struct toyvmm_paths *more)
{
    int code = 0;
    for (size_t i = 0; !code && i < more->nread; i++)
        code = files_list_add(list, more->read[i], FILES_READ);
    for (size_t i = 0; !code && i < more->nwritten; i++)
        code = files_list_add(list, more->written[i],
                              FILES_READ | FILES_WRITE | FILES_MAKE);
    return code;
}

int toyvmm_confine(struct error *err)
{
    return sandbox_is_offered() ? sandbox_confine_process(err) : 0;
}

bool toyvmm_confines_files(void)
{
    return files_list_version() > 0;
}

int toyvmm_confine_files(const struct toyvmm_config *config,
                         const struct toyvmm_paths *more, struct error *err)
{
    struct files_list list;
    if (!sandbox_is_offered() || !toyvmm_confines_files())
        return 0;
    int code = files_list_open(&list, true, err);
    if (code < 0)
        return code;
    code = add_system(&list);
    if (!code)
        code = add_images(&list, config);
    if (!code)
        code = add_disks(&list, config);
    if (!code)
        code = add_net(&list, &config->net);
    if (!code)
        code = add_vsock(&list, &config->vsock);
    if (!code)
        code = add_more(&list, more);
    if (!code)
        code = files_list_enforce(&list);
    files_list_close(&list);
    return code ? error_errno(err, -code,
                              "this process can't be kept from files "
                              "(--no-sandbox runs without that)")
                : 0;
}
