// SPDX-License-Identifier: Apache-2.0
// Messages. See message.h.
#include "src/vhost/message.h"

#include "src/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { // of a header's flags
    VERSION = 1,
    VERSION_MASK = 3,
    REPLY = 4,
    NEED_REPLY = 8,
};

struct header {
    uint32_t request, flags, size;
};

_Static_assert(sizeof(struct header) == 12, "vhost-user, \"Header\"");
_Static_assert(sizeof(struct vhost_addresses) == 40, "its ring addresses");
_Static_assert(sizeof(struct vhost_region) == 32, "its memory regions");

const char *vhost_request_name(enum vhost_request request)
{
    switch (request) {
    case VHOST_GET_FEATURES:
        return "GET_FEATURES";
    case VHOST_SET_FEATURES:
        return "SET_FEATURES";
    case VHOST_SET_OWNER:
        return "SET_OWNER";
    case VHOST_SET_MEM_TABLE:
        return "SET_MEM_TABLE";
    case VHOST_SET_VRING_NUM:
        return "SET_VRING_NUM";
    case VHOST_SET_VRING_ADDR:
        return "SET_VRING_ADDR";
    case VHOST_SET_VRING_BASE:
        return "SET_VRING_BASE";
    case VHOST_GET_VRING_BASE:
        return "GET_VRING_BASE";
    case VHOST_SET_VRING_KICK:
        return "SET_VRING_KICK";
    case VHOST_SET_VRING_CALL:
        return "SET_VRING_CALL";
    case VHOST_GET_PROTOCOL_FEATURES:
        return "GET_PROTOCOL_FEATURES";
    case VHOST_SET_PROTOCOL_FEATURES:
        return "SET_PROTOCOL_FEATURES";
    case VHOST_GET_QUEUE_NUM:
        return "GET_QUEUE_NUM";
    case VHOST_SET_VRING_ENABLE:
        return "SET_VRING_ENABLE";
    case VHOST_GET_CONFIG:
        return "GET_CONFIG";
    }
    return "a request";
}

// Waits for events until the deadline.
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now = clock_now_ns();
        if (now >= deadline_ns)
            return -ETIMEDOUT;
        uint64_t ms = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
        struct pollfd waits = {.fd = fd, .events = events};
        int n = poll(&waits, 1, ms > 60000 ? 60000 : (int)ms);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int explain(int code, enum vhost_request request, struct error *err)
{
    const char *name = vhost_request_name(request);
    if (code == -ETIMEDOUT)
        return error_set(err, code, "did not answer in time (%s)", name);
    if (code == -EPIPE || code == -ECONNRESET)
        return error_set(err, -EPIPE, "closed the connection (%s)", name);
    return error_errno(err, -code, "can't be talked to (%s)", name);
}

// ---- Sending ---------------------------------------------------------------

// Sends a part; returns how much, which may be less.
static ssize_t send_part(int fd, const struct iovec *iov, size_t niov,
                         const int *fds, size_t nfds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
    } control;
    struct iovec parts[2];
    memcpy(parts, iov, niov * sizeof *iov);
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = niov};
    if (nfds) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(nfds * sizeof *fds);
        memset(control.bytes, 0, sizeof control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof *fds);
        memcpy(CMSG_DATA(c), fds, nfds * sizeof *fds);
    }
    ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

int vhost_send(int fd, const struct vhost_message *m, int wants_ack,
               uint64_t deadline_ns, struct error *err)
{
    struct header header = {
        .request = m->request,
        .flags = VERSION | (wants_ack ? (uint32_t)NEED_REPLY : 0U),
        .size = m->size,
    };
    uint8_t bytes[sizeof header + sizeof m->payload];
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, &m->payload, m->size);
    size_t len = sizeof header + m->size, done = 0;
    while (done < len) {
        const struct iovec rest = {bytes + done, len - done};
        // The descriptors go with the first byte.
        ssize_t n = send_part(fd, &rest, 1, m->fds, done ? 0 : m->nfds);
        int code = 0;
        if (n == -EAGAIN)
            code = wait_for(fd, POLLOUT, deadline_ns);
        else if (n < 0 && n != -EINTR)
            code = (int)n;
        else if (n > 0)
            done += (size_t)n;
        if (code < 0)
            return explain(code, m->request, err);
    }
    return 0;
}

// ---- Receiving -------------------------------------------------------------

// Closes what came along; how many there were.
static size_t close_descriptors(struct msghdr *msg)
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            close(fd);
        }
        count += n;
    }
    return count + (msg->msg_flags & MSG_CTRUNC ? 1 : 0);
}

static int receive_all(int fd, void *to, size_t len, enum vhost_request request,
                       uint64_t deadline_ns, struct error *err)
{
    size_t done = 0;
    while (done < len) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
        } control;
        struct iovec rest = {(uint8_t *)to + done, len - done};
        struct msghdr msg = {
            .msg_iov = &rest,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof control.bytes,
        };
        ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int code = 0;
        if (n >= 0 && close_descriptors(&msg))
            return error_set(err, -EPROTO,
                             "sent descriptors that nobody asked for (%s)",
                             vhost_request_name(request));
        if (n == 0)
            code = -EPIPE;
        else if (n < 0 && errno == EAGAIN)
            code = wait_for(fd, POLLIN, deadline_ns);
        else if (n < 0 && errno != EINTR)
            code = -errno;
        else if (n > 0)
            done += (size_t)n;
        // One who sends a byte now and then does not answer either.
        if (code == 0 && done < len && clock_now_ns() >= deadline_ns)
            code = -ETIMEDOUT;
        if (code < 0)
            return explain(code, request, err);
    }
    return 0;
}

int vhost_receive(int fd, enum vhost_request request, uint32_t size,
                  struct vhost_message *out, uint64_t deadline_ns,
                  struct error *err)
{
    struct header header;
    const char *name = vhost_request_name(request);
    int code =
        receive_all(fd, &header, sizeof header, request, deadline_ns, err);
    if (code < 0)
        return code;
    if (header.request != (uint32_t)request)
        return error_set(err, -EPROTO, "answered %s with request %u", name,
                         header.request);
    if ((header.flags & VERSION_MASK) != VERSION || !(header.flags & REPLY))
        return error_set(err, -EPROTO,
                         "answered %s with what is no answer (flags 0x%x)",
                         name, header.flags);
    // Before a byte of it is read: the length is the other end's word.
    if (header.size != size || size > sizeof out->payload)
        return error_set(err, -EPROTO,
                         "answered %s with %u bytes instead of %u", name,
                         header.size, size);
    *out = (struct vhost_message){.request = request, .size = size};
    return receive_all(fd, &out->payload, size, request, deadline_ns, err);
}
