// SPDX-License-Identifier: Apache-2.0
// See vhost_end.h.
#include "src/tests/vhost_end.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FEATURES      (UINT64_C(1) << 32 | UINT64_C(1) << 30 | UINT64_C(1) << 28)
#define PROTOCOL_MQ   1U
#define PROTOCOL_ACK  8U
#define PROTOCOL_CONF 0x200U

struct note { // a message as it is on the wire
    uint32_t request, flags, size;
    uint8_t payload[sizeof(((struct vhost_message *)0)->payload)];
};

#define HEADER offsetof(struct note, payload)

// ---- The ring, one descriptor to each buffer -------------------------------

void *end_at(const struct end *end, uint64_t address)
{
    cr_assert(address >= end->address && address - end->address < end->size);
    return end->memory + (address - end->address);
}

// Writes "served" into each buffer that waits.
static bool serve(struct end *end, struct end_ring *r)
{
    uint64_t count;
    uint16_t index, head;
    (void)!read(r->kick, &count, sizeof count);
    if (end->kind)
        return end->kind->serve(end, r);
    uint8_t *driver = end_at(end, r->at.available),
            *used = end_at(end, r->at.used);
    index = __atomic_load_n((uint16_t *)(driver + 2), __ATOMIC_ACQUIRE);
    for (; r->next != index; r->next++) {
        uint64_t gpa;
        memcpy(&head, driver + 4 + 2 * (r->next % r->number), 2);
        memcpy(&gpa, (uint8_t *)end_at(end, r->at.descriptors) + 16 * head, 8);
        memcpy(end->memory + gpa, "served", 7);
        const uint32_t element[2] = {head, 7};
        memcpy(used + 4 + 8 * (r->next % r->number), element, 8);
        uint16_t done = (uint16_t)(r->next + 1);
        __atomic_store_n((uint16_t *)(used + 2), done, __ATOMIC_RELEASE);
    }
    count = 1;
    (void)!write(r->call, &count, sizeof count);
    return true;
}

// ---- Answers ---------------------------------------------------------------

static void send_with(int socket, const void *bytes, size_t len, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec iov;
    memcpy(&iov.iov_base, &(const void *){bytes}, sizeof iov.iov_base);
    iov.iov_len = len;
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    (void)!sendmsg(socket, &msg, MSG_NOSIGNAL);
}

// A byte each 20 ms, until nobody listens.
static void trickle(int socket)
{
    struct pollfd gone = {.fd = socket, .events = POLLRDHUP};
    while (send(socket, "", 1, MSG_NOSIGNAL) == 1 && poll(&gone, 1, 20) == 0)
        ;
}

// False: it says no more.
static bool answer(struct end *end, struct note *n, const void *payload,
                   uint32_t size)
{
    bool lies = n->request == (uint32_t)end->at;
    size_t len = HEADER + size;
    n->flags = 1 | 4;
    n->size = size;
    memcpy(n->payload, payload, size);
    switch (lies ? end->lie : HONEST) {
    case CLOSES:
        return false;
    case SILENT:
        return true;
    case TRICKLES:
        trickle(end->socket);
        return false;
    case SHORT_HEADER:
        (void)!send(end->socket, n, 6, MSG_NOSIGNAL);
        return false;
    case TOO_SHORT:
        n->size = 3;
        len = HEADER + 3;
        break;
    case TOO_LONG:
        n->size = UINT32_C(1) << 31;
        break;
    case OTHER_REQUEST:
        n->request = 99;
        break;
    case NO_REPLY:
        n->flags = 1;
        break;
    case OTHER_VERSION:
        n->flags = 2 | 4;
        break;
    case SENDS_DESCRIPTOR:
        send_with(end->socket, n, len, end->socket);
        return true;
    case REFUSES:
        memset(n->payload, 0xff, size);
        break;
    case OTHER_RING:
    case OTHER_PLACE: // the first word of either
        n->payload[0]++;
        break;
    case HONEST:
    case NO_VERSION_1:
    case NO_PROTOCOL:
    case ONE_QUEUE:
    case NO_ACKS:
    case LIES:
        break;
    }
    return send(end->socket, n, len, MSG_NOSIGNAL) == (ssize_t)len;
}

// ---- Requests --------------------------------------------------------------

static void take_memory(struct end *end, const struct note *n, const int *fds,
                        size_t nfds)
{
    struct vhost_memory table;
    memcpy(&table, n->payload, n->size);
    cr_assert(table.count == 1 && nfds == 1);
    const struct vhost_region *r = &table.regions[0];
    if (end->memory)
        munmap(end->memory, end->size);
    end->size = r->size;
    end->address = r->address;
    end->memory = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                       fds[0], (off_t)r->offset);
    cr_assert_neq((void *)end->memory, MAP_FAILED);
    close(fds[0]);
}

static void take_ring(struct end *end, const struct note *n, const int *fds)
{
    struct vhost_state state;
    struct vhost_addresses place;
    memcpy(&state, n->payload, sizeof state);
    memcpy(&place, n->payload, sizeof place);
    cr_assert_lt(state.index, 2U);
    struct end_ring *r = &end->rings[state.index];
    switch (n->request) {
    case VHOST_SET_VRING_NUM:
        r->number = (uint16_t)state.num;
        break;
    case VHOST_SET_VRING_BASE:
        r->next = (uint16_t)state.num;
        break;
    case VHOST_SET_VRING_ADDR:
        r->at = place;
        break;
    case VHOST_SET_VRING_CALL:
        r->call = fds[0];
        break;
    case VHOST_SET_VRING_KICK:
        r->kick = fds[0];
        break;
    case VHOST_SET_VRING_ENABLE:
        atomic_fetch_or(&end->serving, 1U << state.index);
        atomic_fetch_add(&end->starts, 1);
        break;
    default:
        break;
    }
}

static bool give_back(struct end *end, struct note *n)
{
    struct vhost_state state;
    memcpy(&state, n->payload, sizeof state);
    struct end_ring *r = &end->rings[state.index];
    close(r->kick);
    close(r->call);
    r->kick = r->call = -1;
    state.num = r->next;
    atomic_fetch_and(&end->serving, ~(1U << state.index));
    return answer(end, n, &state, sizeof state);
}

static uint64_t number_for(const struct end *end, uint32_t request)
{
    switch (request) {
    case VHOST_GET_FEATURES:
        return (end->kind ? end->kind->features : 0) |
               (end->lie == NO_VERSION_1  ? FEATURES & UINT32_MAX
                : end->lie == NO_PROTOCOL ? FEATURES & ~(UINT64_C(1) << 30)
                                          : FEATURES);
    case VHOST_GET_PROTOCOL_FEATURES:
        return PROTOCOL_MQ | PROTOCOL_CONF |
               (end->lie == NO_ACKS ? 0 : PROTOCOL_ACK);
    default: // how many queues
        return end->lie == ONE_QUEUE ? 1 : 2;
    }
}

static bool obey(struct end *end, struct note *n, const int *fds, size_t nfds)
{
    const uint64_t good = 0;
    uint64_t number = number_for(end, n->request);
    bool confirms = n->flags & 8;
    switch (n->request) {
    case VHOST_GET_FEATURES:
    case VHOST_GET_PROTOCOL_FEATURES:
    case VHOST_GET_QUEUE_NUM:
        return answer(end, n, &number, sizeof number);
    case VHOST_GET_VRING_BASE:
        return give_back(end, n);
    case VHOST_GET_CONFIG:
        memset(n->payload + 12, 'c', n->size - 12);
        if (end->kind)
            end->kind->config(end, n->payload + 12, n->size - 12);
        return answer(end, n, n->payload, n->size);
    case VHOST_SET_FEATURES:
        memcpy(&end->features, n->payload, sizeof end->features);
        break;
    case VHOST_SET_MEM_TABLE:
        take_memory(end, n, fds, nfds);
        break;
    case VHOST_SET_OWNER:
    case VHOST_SET_PROTOCOL_FEATURES:
        break;
    default:
        take_ring(end, n, fds);
        break;
    }
    return !confirms || answer(end, n, &good, sizeof good);
}

static bool hear(struct end *end)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
    } control;
    struct note n = {.size = 0};
    struct iovec iov = {&n, HEADER};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    int fds[VHOST_FDS_MAX];
    size_t nfds = 0;
    if (recvmsg(end->socket, &msg, MSG_WAITALL) != (ssize_t)HEADER)
        return false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), nfds * sizeof(int));
    }
    cr_assert_leq(n.size, sizeof n.payload);
    if (n.size &&
        recv(end->socket, n.payload, n.size, MSG_WAITALL) != (ssize_t)n.size)
        return false;
    return obey(end, &n, fds, nfds);
}

static void *run(void *arg)
{
    struct end *end = arg;
    bool goes_on = true;
    while (goes_on) {
        struct pollfd waits[3] = {{.fd = end->socket, .events = POLLIN}};
        for (unsigned i = 0; i < 2; i++)
            waits[1 + i] = (struct pollfd){
                .fd = atomic_load(&end->serving) >> i & 1 ? end->rings[i].kick
                                                          : -1,
                .events = POLLIN,
            };
        poll(waits, 3, -1);
        for (unsigned i = 0; i < 2; i++)
            if (waits[1 + i].revents)
                goes_on &= serve(end, &end->rings[i]);
        if (goes_on && waits[0].revents)
            goes_on = hear(end);
    }
    // Closed by end_join: a test may be using it.
    shutdown(end->socket, SHUT_RDWR);
    return NULL;
}

void end_start(struct end *end, enum lie lie, enum vhost_request request,
               int *socket)
{
    end_start_as(end, NULL, lie, request, socket);
}

void end_start_as(struct end *end, const struct end_kind *kind, enum lie lie,
                  enum vhost_request request, int *socket)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *end = (struct end){
        .kind = kind, .lie = lie, .at = request, .socket = pair[1]};
    for (unsigned i = 0; i < 2; i++)
        end->rings[i].kick = end->rings[i].call = -1;
    *socket = pair[0];
    cr_assert_eq(pthread_create(&end->thread, NULL, run, end), 0);
}

void end_join(struct end *end)
{
    pthread_join(end->thread, NULL);
    close(end->socket);
    for (unsigned i = 0; i < 2; i++) {
        if (end->rings[i].kick >= 0)
            close(end->rings[i].kick);
        if (end->rings[i].call >= 0)
            close(end->rings[i].call);
    }
    if (end->memory)
        munmap(end->memory, end->size);
}
