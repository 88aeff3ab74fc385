// SPDX-License-Identifier: Apache-2.0
// See cpio.h.
#include "harness/rig/cpio.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void pad(FILE *out, size_t written)
{
    static const char zeros[4];
    fwrite(zeros, 1, (4 - written % 4) % 4, out);
}

void cpio_add(struct cpio *cpio, const char *path, mode_t mode, dev_t device,
              const void *bytes, size_t len)
{
    size_t name = strlen(path) + 1;
    uint32_t inode = ++cpio->next_inode;
    // Magic, inode, mode, uid, gid, nlink, mtime, size, device of the file,
    // device that it is, length of its name, checksum.
    int header = fprintf(cpio->out,
                         "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x"
                         "%08x%08x%08x%08x",
                         inode, mode, 0, 0, 1, 0, (unsigned)len, 0, 0,
                         major(device), minor(device), (unsigned)name, 0);
    fwrite(path, 1, name, cpio->out);
    pad(cpio->out, (size_t)(header < 0 ? 0 : header) + name);
    fwrite(bytes, 1, len, cpio->out);
    pad(cpio->out, len);
}

int cpio_end(struct cpio *cpio, struct error *err)
{
    cpio_add(cpio, "TRAILER!!!", 0, 0, "", 0);
    if (fflush(cpio->out) || ferror(cpio->out))
        return error_errno(err, errno ? errno : EIO,
                           "writing the rig's initramfs");
    return 0;
}
