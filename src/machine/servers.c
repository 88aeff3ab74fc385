// SPDX-License-Identifier: Apache-2.0
// See servers.h, and toyvmm.h.
#include "src/machine/servers.h"

#include "src/base/clock.h"
#include "src/daemon/virtiofsd.h"
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

// The conversation with a virtiofsd that was started begins: now it may turn
// out that it can't do its work.
static int greet(struct vhost_backend *b, const struct toyvmm_folder *folder,
                 int socket, struct error *err)
{
    struct error why = {""};
    char text[256];
    int code =
        vhost_front_open(&b->front, socket, VIRTIO_FS_QUEUES, WAIT_NS, &why);
    if (code == 0)
        return 0;
    // First it ends, then all that it said is there.
    vhost_backend_kill(b);
    vhost_backend_explain(b, &why, text, sizeof text);
    return error_set(err, code, "can't share %s: %s", folder->path, text);
}

static int start(struct vhost_backend *b, const struct toyvmm_folder *folder,
                 struct error *err)
{
    char program[PATH_MAX];
    int log[2], socket;
    int code = virtiofsd_find(program, sizeof program, err);
    if (code < 0)
        return code;
    if (pipe2(log, O_CLOEXEC) < 0)
        return error_errno(err, errno, "can't share %s", folder->path);
    // Our end only: the program may well wait for a reader.
    fcntl(log[0], F_SETFL, O_NONBLOCK);
    b->log = log[0];
    const struct virtiofsd_spec spec = {
        .program = program,
        .dir = folder->path,
        .writable = folder->writable,
        .strict = true,
        .follows = true,
        .log = log[1],
    };
    pid_t pid = virtiofsd_start(&spec, &socket, err);
    close(log[1]);
    if (pid < 0)
        return pid;
    b->pid = pid;
    return greet(b, folder, socket, err);
}

struct toyvmm_servers *toyvmm_serve(const struct toyvmm_config *config,
                                    int *code, struct error *err)
{
    struct toyvmm_servers *servers = calloc(1, sizeof *servers);
    int result = servers ? 0 : error_set(err, -ENOMEM, "out of memory");
    if (result == 0 && config->nfolders > TOYVMM_FOLDERS_MAX)
        result =
            error_set(err, -EINVAL, "%zu folders: a machine shares at most %d",
                      config->nfolders, TOYVMM_FOLDERS_MAX);
    for (size_t i = 0; servers && result == 0 && i < config->nfolders; i++) {
        struct vhost_backend *b = &servers->backends[servers->count++];
        *b = (struct vhost_backend){
            .name = "virtiofsd",
            .front.socket = -1,
            .log = -1,
        };
        result = start(b, &config->folders[i], err);
    }
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
    free(servers);
}
