// SPDX-License-Identifier: Apache-2.0
// See files_lock.h.
#include "src/daemon/files_lock.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Since the third version of landlock, which headers of Linux 6.1 don't have.
#define TRUNCATE     (UINT64_C(1) << 14)
#define TRUNCATE_ABI 3

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MAKES                                                                  \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |          \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |              \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |              \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |            \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

// Lets in what is beneath an open path: of these rights those that there are
// for its kind.
static bool allow_open(int list, int path, uint64_t rights)
{
    struct stat st;
    if (fstat(path, &st) < 0)
        return false;
    if (!S_ISDIR(st.st_mode))
        rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
    const struct landlock_path_beneath_attr rule = {
        .allowed_access = rights,
        .parent_fd = path,
    };
    return syscall(SYS_landlock_add_rule, list, LANDLOCK_RULE_PATH_BENEATH,
                   &rule, 0) == 0;
}

// A path that isn't there needs no rule.
static bool allow(int list, const char *name, uint64_t rights)
{
    int path = open(name, O_PATH | O_CLOEXEC);
    if (path < 0)
        return true;
    bool fine = allow_open(list, path, rights);
    close(path);
    return fine;
}

// The first folder of the program's path: what it needs may lie beside it.
static bool allow_program(int list, const char *program)
{
    char real[PATH_MAX];
    if (!realpath(program, real))
        return true;
    real[1 + strcspn(real + 1, "/")] = '\0';
    return allow(list, real, READS);
}

static bool fill(int list, const char *program, int file, uint64_t writes)
{
    static const char *const folders[] = {"/usr",    "/lib", "/lib32", "/lib64",
                                          "/libx32", "/etc", "/proc",  "/sys"};
    bool fine = allow_program(list, program);
    for (size_t i = 0; fine && i < sizeof(folders) / sizeof(*folders); i++)
        fine = allow(list, folders[i], READS);
    // Whether there are locks is tried out on it.
    if (fine)
        fine =
            allow(list, "/dev/null", READS | LANDLOCK_ACCESS_FS_WRITE_FILE) &&
            allow(list, "/dev/urandom", READS) &&
            allow_open(list, file, READS | writes);
    return fine;
}

bool files_lock(const char *program, int file, bool writable)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
                           LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return false;
    uint64_t writes = LANDLOCK_ACCESS_FS_WRITE_FILE |
                      (version >= TRUNCATE_ABI ? TRUNCATE : 0);
    const struct landlock_ruleset_attr attr = {
        .handled_access_fs = READS | MAKES | writes,
    };
    int list =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (list < 0)
        return false;
    bool fine = fill(list, program, file, writable ? writes : 0) &&
                syscall(SYS_landlock_restrict_self, list, 0) == 0;
    close(list);
    return fine;
}
