// SPDX-License-Identifier: Apache-2.0
// The host's side of virtio_vsock_guest.h.
#include "src/tests/virtio_vsock_guest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 60 // then bytes are taken for lost

// ---- The host's programs ----------------------------------------------------

static struct sockaddr_un address_of(const struct guest_test *f,
                                     const char *behind)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s%s", f->path, behind);
    return a;
}

// Nothing is waited for without end.
static void be_patient(int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    cr_assert_eq(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
}

int host_listen(const struct guest_test *f, uint32_t port)
{
    char behind[16];
    snprintf(behind, sizeof behind, "_%u", port);
    const struct sockaddr_un a = address_of(f, behind);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(listen(fd, 512), 0);
    return fd;
}

int host_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(fd, 0);
    be_patient(fd);
    return fd;
}

int host_connect(const struct guest_test *f, const char *line)
{
    const struct sockaddr_un a = address_of(f, "");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    be_patient(fd);
    if (*line)
        host_write(fd, line, strlen(line));
    return fd;
}

void host_write(int fd, const void *bytes, size_t len)
{
    cr_assert_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void host_read(int fd, void *bytes, size_t len)
{
    cr_assert_eq(recv(fd, bytes, len, MSG_WAITALL), (ssize_t)len);
}

void host_expect_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    // Or with bytes of the program's that nobody read.
    cr_assert(n == 0 || (n < 0 && errno == ECONNRESET));
}

// ---- Connections ------------------------------------------------------------

int guest_connects(struct guest_test *f, uint32_t guest_port,
                   uint32_t host_port)
{
    char name[128];
    int listener = host_listen(f, host_port);
    guest_say(f, VSOCK_REQUEST, guest_port, host_port);
    guest_expect(f, VSOCK_RESPONSE);
    cr_assert_eq(f->h.src_port, host_port);
    cr_assert_eq(f->h.dst_port, guest_port);
    int fd = host_accept(listener);
    close(listener);
    snprintf(name, sizeof name, "%s_%u", f->path, host_port);
    unlink(name);
    return fd;
}

int host_connects(struct guest_test *f, uint32_t *host_port)
{
    char answer[32], expected[32];
    int fd = host_connect(f, "CONNECT 7\n");
    guest_expect(f, VSOCK_REQUEST);
    cr_assert_eq(f->h.dst_port, 7U);
    *host_port = f->h.src_port;
    guest_say(f, VSOCK_RESPONSE, 7, *host_port);
    snprintf(expected, sizeof expected, "OK %u\n", *host_port);
    host_read(fd, answer, strlen(expected));
    cr_assert_eq(memcmp(answer, expected, strlen(expected)), 0);
    return fd;
}
