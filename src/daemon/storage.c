// SPDX-License-Identifier: Apache-2.0
// See storage.h.
#include "src/daemon/storage.h"

#include "src/daemon/files_lock.h"
#include "src/daemon/process.h"
#include "src/daemon/sockets.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int storage_find(char *path, size_t size, struct error *err)
{
    if (program_find("qemu-storage-daemon", path, size) == 0)
        return 0;
    return error_set(err, -ENOENT,
                     "qemu-storage-daemon is not installed: apt-get install "
                     "qemu-system-common (Debian 12), or qemu-utils (later "
                     "ones)");
}

static int prepare(void *arg, struct error *err)
{
    const struct storage_spec *spec = arg;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(err, errno, "preparing qemu-storage-daemon");
    // The image is all that it needs. Where this can't be had it still opens
    // nothing that the image names.
    (void)unshare((geteuid() ? CLONE_NEWUSER : 0) | CLONE_NEWNET |
                  CLONE_NEWIPC);
    (void)files_lock(spec->program, spec->image, spec->writable);
    return 0;
}

pid_t storage_start(const struct storage_spec *spec, int *socket,
                    struct error *err)
{
    static const char *const flag[] = {"false", "true"};
    int listening, connected;
    int rc = sockets_make("qemu-storage-daemon", &listening, &connected, err);
    if (rc < 0)
        return rc;
    char file[256], disk[256], export[256];
    const char *readonly = flag[!spec->writable];
    snprintf(file, sizeof(file),
             "{\"driver\":\"file\",\"node-name\":\"file\",\"filename\":"
             "\"/proc/self/fd/%d\",\"read-only\":%s,\"discard\":\"unmap\"}",
             spec->image, readonly);
    // What a header may name as the image behind it is not looked at: "backing"
    // is of formats that have one.
    snprintf(disk, sizeof(disk),
             "{\"driver\":\"%s\",\"node-name\":\"disk\",\"file\":\"file\","
             "%s\"read-only\":%s,\"discard\":\"unmap\"}",
             spec->format,
             strcmp(spec->format, "vhdx") != 0 ? "\"backing\":null," : "",
             readonly);
    snprintf(export, sizeof(export),
             "{\"type\":\"vhost-user-blk\",\"id\":\"export\",\"node-name\":"
             "\"disk\",\"writable\":%s,\"addr\":{\"type\":\"fd\",\"str\":"
             "\"%d\"}}",
             flag[spec->writable], listening);
    const char *argv[] = {spec->program, "--blockdev", file,   "--blockdev",
                          disk,          "--export",   export, NULL};
    struct storage_spec own = *spec;
    const int keep[] = {listening, spec->image};
    struct process_spec process = {
        .argv = argv,
        .out = spec->log,
        .err = spec->log,
        .keep = keep,
        .nkeep = 2,
        .setup = prepare,
        .setup_arg = &own,
    };
    pid_t pid = process_spawn(&process, err);
    close(listening);
    if (pid < 0)
        close(connected);
    else
        *socket = connected;
    return pid;
}
