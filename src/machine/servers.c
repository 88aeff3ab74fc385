// SPDX-License-Identifier: Apache-2.0
// See servers.h, and toyvmm.h.
#include "src/machine/servers.h"

#include "src/base/clock.h"
#include "src/daemon/process.h"
#include "src/daemon/storage.h"
#include "src/daemon/virtiofsd.h"
#include "src/virtio/disk_image.h"
#include "src/virtio/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(TOYVMM_TAG_MAX == VIRTIO_FS_TAG_MAX, "as long as there is room");

// How long a program that begins may take for each of its answers.
#define WAIT_NS (10 * NS_PER_S)

// And one that is to end.
#define END_WAIT_NS (10 * NS_PER_S)

int toyvmm_check_folder(const struct toyvmm_folder *folder, struct error *err)
{
    struct stat st;
    char program[PATH_MAX];
    size_t len = strlen(folder->tag);
    if (len < 1 || len > TOYVMM_TAG_MAX)
        return error_set(err, -EINVAL, "sharing %s: a tag has 1 to %d bytes",
                         folder->path, TOYVMM_TAG_MAX);
    if (stat(folder->path, &st) < 0)
        return error_errno(err, errno, "can't share %s", folder->path);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, -ENOTDIR, "can't share %s: it is no folder",
                         folder->path);
    if (access(folder->path,
               folder->writable ? R_OK | W_OK | X_OK : R_OK | X_OK) < 0)
        return error_errno(err, errno, "can't share %s", folder->path);
    return virtiofsd_find(program, sizeof program, err);
}

// What a program that is to be started prints comes to the back end.
static int open_log(struct vhost_backend *b, int *its_end, struct error *err)
{
    int log[2];
    if (pipe2(log, O_CLOEXEC) < 0)
        return error_errno(err, errno, "can't start %s", b->name);
    // Our end only: the program may well wait for a reader.
    fcntl(log[0], F_SETFL, O_NONBLOCK);
    b->log = log[0];
    *its_end = log[1];
    return 0;
}

// The conversation with a program that was started begins: now it may turn out
// that it can't do its work. what begins the sentence.
static int greet(struct vhost_backend *b, unsigned queues, int socket,
                 const char *what, const char *path, struct error *err)
{
    struct error why = {""};
    char text[256];
    int code = vhost_front_open(&b->front, socket, queues, WAIT_NS, &why);
    if (code == 0)
        return 0;
    // First it ends, then all that it said is there.
    vhost_backend_kill(b);
    vhost_backend_explain(b, &why, text, sizeof text);
    return error_set(err, code, "%s %s: %s", what, path, text);
}

static struct vhost_backend new_backend(const char *name)
{
    return (struct vhost_backend){
        .name = name,
        .front.socket = -1,
        .log = -1,
    };
}

// ---- Folders ---------------------------------------------------------------

static int start_folder(struct vhost_backend *b,
                        const struct toyvmm_folder *folder, struct error *err)
{
    char program[PATH_MAX];
    int log = -1, socket;
    *b = new_backend("virtiofsd");
    int code = virtiofsd_find(program, sizeof program, err);
    if (code == 0)
        code = open_log(b, &log, err);
    if (code < 0)
        return code;
    const struct virtiofsd_spec spec = {
        .program = program,
        .dir = folder->path,
        .writable = folder->writable,
        .strict = true,
        .follows = true,
        .log = log,
    };
    pid_t pid = virtiofsd_start(&spec, &socket, err);
    close(log);
    if (pid < 0)
        return pid;
    vhost_backend_own(b, pid);
    return greet(b, VIRTIO_FS_QUEUES, socket, "can't share", folder->path, err);
}

// ---- Disks -----------------------------------------------------------------

enum disk_mode servers_mode_of(enum toyvmm_disk_mode mode)
{
    switch (mode) {
    case TOYVMM_DISK_DROPS:
        return DISK_CHANGES_DROPPED;
    case TOYVMM_DISK_READONLY:
        return DISK_READONLY;
    case TOYVMM_DISK_WRITABLE:
        return DISK_WRITABLE;
    }
    return DISK_READONLY;
}

int toyvmm_check_disk(const struct toyvmm_disk *disk, struct error *err)
{
    char program[PATH_MAX];
    enum disk_format format;
    int code =
        disk_image_check(disk->path, servers_mode_of(disk->mode), &format, err);
    if (code < 0 || format == DISK_RAW)
        return code;
    code = storage_find(program, sizeof program, err);
    return code < 0 ? error_prefix(err, code, "%s is a %s image", disk->path,
                                   disk_format_name(format))
                    : 0;
}

const char *toyvmm_disk_format(const char *path)
{
    enum disk_format format;
    return disk_image_format(path, &format, NULL) < 0
               ? NULL
               : disk_format_name(format);
}

bool servers_are_needed(const struct toyvmm_config *config)
{
    bool needed = config->nfolders > 0;
    for (size_t i = 0; i < config->ndisks && !needed; i++) {
        const char *format = toyvmm_disk_format(config->disks[i].path);
        needed = format && strcmp(format, disk_format_name(DISK_RAW)) != 0;
    }
    return needed;
}

static int start_storage(struct disk_server *d, enum disk_format format,
                         const struct toyvmm_disk *disk, struct error *err)
{
    char program[PATH_MAX];
    int log = -1, socket;
    struct vhost_backend *b = &d->backend;
    int code = storage_find(program, sizeof program, err);
    if (code < 0)
        return error_prefix(err, code, "%s is a %s image", disk->path,
                            disk_format_name(format));
    code = open_log(b, &log, err);
    if (code < 0)
        return code;
    const struct storage_spec spec = {
        .program = program,
        .image = d->image,
        .format = disk_format_name(format),
        .writable = disk->mode == TOYVMM_DISK_WRITABLE,
        .log = log,
    };
    pid_t pid = storage_start(&spec, &socket, err);
    close(log);
    if (pid < 0)
        return pid;
    vhost_backend_own(b, pid);
    return greet(b, 1, socket, "can't use the disk", disk->path, err);
}

static int start_disk(struct disk_server *d, const struct toyvmm_disk *disk,
                      struct error *err)
{
    enum disk_format format;
    *d = (struct disk_server){
        .image = -1,
        .backend = new_backend("qemu-storage-daemon"),
    };
    int code = disk_image_claim(disk->path, servers_mode_of(disk->mode),
                                &d->image, &format, err);
    if (code < 0 || format == DISK_RAW)
        return code;
    return start_storage(d, format, disk, err);
}

struct vhost_backend *servers_of_disk(struct toyvmm_servers *servers, size_t i)
{
    return servers && i < servers->ndisks && servers->disks[i].image >= 0
               ? &servers->disks[i].backend
               : NULL;
}

// ---- All of them -----------------------------------------------------------

static int start_all(struct toyvmm_servers *servers,
                     const struct toyvmm_config *config, struct error *err)
{
    int code = 0;
    if (config->nfolders > TOYVMM_FOLDERS_MAX)
        return error_set(err, -EINVAL,
                         "%zu folders: a machine shares at most %d",
                         config->nfolders, TOYVMM_FOLDERS_MAX);
    if (config->ndisks > TOYVMM_DISKS_MAX)
        return error_set(err, -EINVAL, "%zu disks: a machine has at most %d",
                         config->ndisks, TOYVMM_DISKS_MAX);
    for (size_t i = 0; code == 0 && i < config->nfolders; i++)
        code = start_folder(&servers->backends[servers->count++],
                            &config->folders[i], err);
    for (size_t i = 0; code == 0 && i < config->ndisks; i++)
        code = start_disk(&servers->disks[servers->ndisks++], &config->disks[i],
                          err);
    return code;
}

struct toyvmm_servers *toyvmm_serve(const struct toyvmm_config *config,
                                    int *code, struct error *err)
{
    struct toyvmm_servers *servers = calloc(1, sizeof *servers);
    int result = servers ? start_all(servers, config, err)
                         : error_set(err, -ENOMEM, "out of memory");
    if (code)
        *code = result;
    if (result == 0)
        return servers;
    toyvmm_servers_end(servers);
    return NULL;
}

void toyvmm_servers_end(struct toyvmm_servers *servers)
{
    for (unsigned i = 0; servers && i < servers->count; i++)
        vhost_backend_end(&servers->backends[i]);
    for (unsigned i = 0; servers && i < servers->ndisks; i++) {
        struct disk_server *d = &servers->disks[i];
        // It may have something to write yet.
        process_end(&d->backend.pid, END_WAIT_NS);
        vhost_backend_end(&d->backend);
        if (d->image >= 0)
            close(d->image);
    }
    free(servers);
}
