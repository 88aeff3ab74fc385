// SPDX-License-Identifier: Apache-2.0
// See files_lock.h.
#include "src/daemon/files_lock.h"

#include "src/base/files_list.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

// The first folder of the program's path: what it needs may lie beside it.
static int add_program(const struct files_list *list, const char *program)
{
    char real[PATH_MAX];
    if (!realpath(program, real))
        return 0;
    real[1 + strcspn(real + 1, "/")] = '\0';
    return files_list_add(list, real, FILES_READ);
}

static int fill(const struct files_list *list, const char *program, int file,
                bool writable)
{
    static const char *const folders[] = {"/usr",   "/lib",    "/lib32",
                                          "/lib64", "/libx32", "/etc",
                                          "/proc",  "/sys",    "/dev/urandom"};
    int code = add_program(list, program);
    for (size_t i = 0; !code && i < sizeof(folders) / sizeof(*folders); i++)
        code = files_list_add(list, folders[i], FILES_READ);
    // Whether there are locks is tried out on it.
    if (!code)
        code = files_list_add(list, "/dev/null", FILES_READ | FILES_WRITE);
    return code ? code
                : files_list_add_open(
                      list, file, FILES_READ | (writable ? FILES_WRITE : 0U));
}

bool files_lock(const char *program, int file, bool writable)
{
    struct files_list list;
    if (files_list_open(&list, false, NULL) < 0)
        return false;
    bool fine = fill(&list, program, file, writable) == 0 &&
                files_list_enforce(&list) == 0;
    files_list_close(&list);
    return fine;
}
