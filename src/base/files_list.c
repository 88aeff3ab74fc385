// SPDX-License-Identifier: Apache-2.0
// See files_list.h. Names and layouts that came after the first version of
// landlock are given here: headers of Linux 6.1 don't have them.
#include "src/base/files_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Since the third version, and the fourth.
#define TRUNCATE     (UINT64_C(1) << 14)
#define TRUNCATE_ABI 3
#define BIND_TCP     (UINT64_C(1) << 0)
#define CONNECT_TCP  (UINT64_C(1) << 1)
#define PORTS_ABI    4

struct ruleset { // landlock_ruleset_attr
    uint64_t files, ports;
};
#define RULESET_FILES sizeof(uint64_t)

enum { RULE_PORT = 2 }; // of enum landlock_rule_type
struct port_rule {
    uint64_t rights, port;
};

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MAKES (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
#define MEETS (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_SOCK)
// Nobody here has a use for these.
#define NEVER                                                                  \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR |            \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_FIFO |              \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

// Those that a rule for a file may have.
#define OF_FILES                                                               \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE)

int files_list_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
                           LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

static uint64_t writes(int version)
{
    return LANDLOCK_ACCESS_FS_WRITE_FILE |
           (version >= TRUNCATE_ABI ? TRUNCATE : 0);
}

int files_list_open(struct files_list *list, bool ports, struct error *err)
{
    *list = (struct files_list){.fd = -1, .version = files_list_version()};
    if (list->version < 1)
        return -EOPNOTSUPP;
    ports = ports && list->version >= PORTS_ABI;
    const struct ruleset attr = {
        .files = READS | MAKES | LANDLOCK_ACCESS_FS_MAKE_SOCK | NEVER |
                 writes(list->version),
        .ports = ports ? BIND_TCP | CONNECT_TCP : 0,
    };
    list->fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
                            ports ? sizeof(attr) : RULESET_FILES, 0);
    return list->fd < 0 ? error_errno(err, errno, "can't make a list of files")
                        : 0;
}

int files_list_add_open(const struct files_list *list, int fd, unsigned rights)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    uint64_t allowed = (rights & FILES_READ ? READS : 0) |
                       (rights & FILES_WRITE ? writes(list->version) : 0) |
                       (rights & FILES_MAKE ? MAKES : 0) |
                       (rights & FILES_MEET ? MEETS : 0);
    if (!S_ISDIR(st.st_mode))
        allowed &= OF_FILES;
    const struct landlock_path_beneath_attr rule = {
        .allowed_access = allowed,
        .parent_fd = fd,
    };
    return !allowed || syscall(SYS_landlock_add_rule, list->fd,
                               LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0
               ? 0
               : -errno;
}

int files_list_add(const struct files_list *list, const char *path,
                   unsigned rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0
                                                                      : -errno;
    int code = files_list_add_open(list, fd, rights);
    close(fd);
    return code;
}

int files_list_add_port(const struct files_list *list, enum files_port what,
                        uint16_t port)
{
    const struct port_rule rule = {
        .rights = what == FILES_BIND ? BIND_TCP : CONNECT_TCP,
        .port = port,
    };
    if (list->version < PORTS_ABI)
        return 0;
    return syscall(SYS_landlock_add_rule, list->fd, RULE_PORT, &rule, 0) < 0
               ? -errno
               : 0;
}

int files_list_enforce(const struct files_list *list)
{
    return syscall(SYS_landlock_restrict_self, list->fd, 0) < 0 ? -errno : 0;
}

void files_list_close(struct files_list *list)
{
    if (list->fd >= 0)
        close(list->fd);
    list->fd = -1;
}
