// SPDX-License-Identifier: Apache-2.0
// Both ends of a stream, for e2e_vsock.sh, which builds it: in the guest on
// vsock, on the host on Unix sockets.
//
//   stream connect ADDRESS   its input goes there, what comes is its output
//   stream listen ADDRESS    the same with the first one that connects
//   stream echo ADDRESS      sends each one that connects what it has sent
//
// An ADDRESS is CID:PORT or a path. Ends when the other one has ended.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

union address {
    struct sockaddr any;
    struct sockaddr_vm vm;
    struct sockaddr_un un;
};

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

static socklen_t read_address(const char *text, union address *a)
{
    char *end;
    unsigned long cid = strtoul(text, &end, 10);
    memset(a, 0, sizeof(*a));
    if (*end == ':') {
        a->vm.svm_family = AF_VSOCK;
        a->vm.svm_cid = (unsigned)cid;
        a->vm.svm_port = (unsigned)strtoul(end + 1, NULL, 10);
        return sizeof(a->vm);
    }
    a->un.sun_family = AF_UNIX;
    snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", text);
    return sizeof(a->un);
}

static void write_all(int fd, const char *bytes, ssize_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, (size_t)n);
        must(done > 0, "write");
        bytes += done;
        n -= done;
    }
}

// Copies from one to the other what there is; 0 at its end.
static ssize_t copy(int from, int to)
{
    static char bytes[30000];
    ssize_t n = read(from, bytes, sizeof(bytes));
    must(n >= 0, "read");
    write_all(to, bytes, n);
    return n;
}

// A child writes, so that neither direction waits for the other one.
static void talk(int fd)
{
    pid_t child = fork();
    must(child >= 0, "fork");
    if (!child) {
        while (copy(0, fd) > 0)
            ;
        shutdown(fd, SHUT_WR);
        _exit(0);
    }
    while (copy(fd, 1) > 0)
        ;
}

static void echo(int fd)
{
    while (copy(fd, fd) > 0)
        ;
    close(fd);
}

int main(int argc, char **argv)
{
    union address a;
    if (argc != 3) {
        fputs("usage: stream connect|listen|echo ADDRESS\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    socklen_t len = read_address(argv[2], &a);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0);
    must(fd >= 0, "socket");
    if (!strcmp(argv[1], "connect")) {
        must(connect(fd, &a.any, len) == 0, argv[2]);
        talk(fd);
        return 0;
    }
    must(bind(fd, &a.any, len) == 0 && listen(fd, 16) == 0, argv[2]);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        must(one >= 0, "accept");
        if (!strcmp(argv[1], "listen")) {
            talk(one);
            return 0;
        }
        if (!fork()) {
            echo(one);
            _exit(0);
        }
        close(one);
    }
}
