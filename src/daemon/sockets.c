// SPDX-License-Identifier: Apache-2.0
// See sockets.h.
#include "src/daemon/sockets.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int sockets_make(const char *name, int *listening, int *connected,
                 struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(sa_family_t); // the kernel picks a name
    int type = SOCK_STREAM | SOCK_CLOEXEC;
    *listening = socket(AF_UNIX, type, 0);
    *connected = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    bool fine = *listening >= 0 && *connected >= 0 &&
                bind(*listening, (struct sockaddr *)&address, len) == 0;
    len = sizeof(address);
    // A backlog of 0 lets in one.
    if (fine &&
        getsockname(*listening, (struct sockaddr *)&address, &len) == 0 &&
        listen(*listening, 0) == 0 &&
        connect(*connected, (struct sockaddr *)&address, len) == 0)
        return 0;
    int cause = errno;
    if (*listening >= 0)
        close(*listening);
    if (*connected >= 0)
        close(*connected);
    return error_errno(err, cause, "making the socket of %s", name);
}
