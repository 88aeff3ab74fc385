// SPDX-License-Identifier: Apache-2.0
// The conversation with a back end. See front.h.
#include "src/vhost/front.h"

#include "src/base/clock.h"
#include "src/vhost/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Bits of GET_FEATURES: virtio's, and one of the protocol's.
#define F_VERSION_1 (UINT64_C(1) << 32)
#define F_PROTOCOL  (UINT64_C(1) << 30)

// Bits of GET_PROTOCOL_FEATURES, those that are of use here.
#define PROTOCOL_MQ        (UINT64_C(1) << 0)
#define PROTOCOL_REPLY_ACK (UINT64_C(1) << 3)
#define PROTOCOL_CONFIG    (UINT64_C(1) << 9)

// No back end of a disk or a folder has more.
#define BASE_MAX UINT16_MAX

static uint64_t deadline_of(const struct vhost_front *f)
{
    return clock_after(clock_now_ns(), f->wait_ns);
}

// Ends the conversation. Who holds the guest's memory sees it, too.
static int fail(struct vhost_front *f, int code, struct error *err)
{
    if (f->code)
        return f->code;
    f->code = code;
    if (err)
        f->ended = *err;
    if (f->socket >= 0)
        shutdown(f->socket, SHUT_RDWR);
    return code;
}

// The conversation still goes on; else what ended it.
static int goes_on(const struct vhost_front *f, struct error *err)
{
    return f->code ? error_set(err, f->code, "%s", f->ended.text) : 0;
}

// Sends, and waits for the confirmation where that was agreed upon.
static int tell(struct vhost_front *f, const struct vhost_message *m,
                struct error *err)
{
    struct error own;
    struct vhost_message answer;
    bool acks = f->protocol & PROTOCOL_REPLY_ACK;
    uint64_t deadline = deadline_of(f);
    int code = goes_on(f, err);
    if (code < 0)
        return code;
    code = vhost_send(f->socket, m, acks, deadline, &own);
    if (code == 0 && acks)
        code = vhost_receive(f->socket, m->request, sizeof(uint64_t), &answer,
                             deadline, &own);
    if (code == 0 && acks && answer.payload.number)
        code = error_set(&own, -EPROTO, "refused %s",
                         vhost_request_name(m->request));
    if (code == 0)
        return 0;
    fail(f, code, &own);
    return goes_on(f, err);
}

// Sends what has an answer of its own, which has size bytes.
static int ask(struct vhost_front *f, struct vhost_message *m, uint32_t size,
               struct error *err)
{
    struct error own;
    enum vhost_request request = m->request;
    uint64_t deadline = deadline_of(f);
    int code = goes_on(f, err);
    if (code < 0)
        return code;
    code = vhost_send(f->socket, m, 0, deadline, &own);
    if (code == 0)
        code = vhost_receive(f->socket, request, size, m, deadline, &own);
    if (code == 0)
        return 0;
    fail(f, code, &own);
    return goes_on(f, err);
}

static int ask_number(struct vhost_front *f, enum vhost_request request,
                      uint64_t *out, struct error *err)
{
    struct vhost_message m = {.request = request};
    int code = ask(f, &m, sizeof(uint64_t), err);
    *out = code < 0 ? 0 : m.payload.number;
    return code;
}

static int tell_number(struct vhost_front *f, enum vhost_request request,
                       uint64_t number, struct error *err)
{
    const struct vhost_message m = {
        .request = request,
        .size = sizeof number,
        .payload.number = number,
    };
    return tell(f, &m, err);
}

static int tell_state(struct vhost_front *f, enum vhost_request request,
                      unsigned index, uint32_t num, struct error *err)
{
    const struct vhost_message m = {
        .request = request,
        .size = sizeof(struct vhost_state),
        .payload.state = {index, num},
    };
    return tell(f, &m, err);
}

static int tell_event(struct vhost_front *f, enum vhost_request request,
                      unsigned index, int fd, struct error *err)
{
    const struct vhost_message m = {
        .request = request,
        .size = sizeof(uint64_t),
        .payload.number = index,
        .nfds = 1,
        .fds = {fd},
    };
    return tell(f, &m, err);
}

// ---- The beginning ---------------------------------------------------------

static int agree(struct vhost_front *f, unsigned queues, struct error *err)
{
    uint64_t features = 0, protocol = 0, number = 1;
    const struct vhost_message owner = {.request = VHOST_SET_OWNER};
    int code = ask_number(f, VHOST_GET_FEATURES, &features, err);
    if (code == 0)
        code = tell(f, &owner, err);
    if (code < 0)
        return code;
    if (!(features & F_VERSION_1) || !(features & F_PROTOCOL))
        return error_set(err, -ENOTSUP,
                         "speaks an older virtio or vhost-user (features "
                         "0x%llx)",
                         (unsigned long long)features);
    code = ask_number(f, VHOST_GET_PROTOCOL_FEATURES, &protocol, err);
    protocol &= PROTOCOL_MQ | PROTOCOL_REPLY_ACK | PROTOCOL_CONFIG;
    if (code == 0)
        code = tell_number(f, VHOST_SET_PROTOCOL_FEATURES, protocol, err);
    // Confirmed from the next one on.
    f->protocol = protocol;
    f->features = features & ~F_PROTOCOL;
    if (code == 0 && protocol & PROTOCOL_MQ)
        code = ask_number(f, VHOST_GET_QUEUE_NUM, &number, err);
    else
        number = queues; // those that its kind of device has
    if (code < 0)
        return code;
    if (number < queues)
        return error_set(err, -ENOTSUP, "serves %llu queues, and %u are needed",
                         (unsigned long long)number, queues);
    f->queues = number > VHOST_QUEUES_MAX ? VHOST_QUEUES_MAX : (unsigned)number;
    return 0;
}

int vhost_front_open(struct vhost_front *f, int socket, unsigned queues,
                     uint64_t wait_ns, struct error *err)
{
    *f = (struct vhost_front){.socket = socket, .wait_ns = wait_ns};
    struct error own = {""};
    int code = agree(f, queues, &own);
    if (code < 0) {
        fail(f, code, &own);
        return goes_on(f, err);
    }
    return 0;
}

void vhost_front_close(struct vhost_front *f)
{
    if (f->socket >= 0)
        close(f->socket);
    f->socket = -1;
    if (!f->code)
        f->code = error_set(&f->ended, -EPIPE, "is not talked to any more");
}

int vhost_front_config(struct vhost_front *f, void *to, size_t len,
                       struct error *err)
{
    if (!(f->protocol & PROTOCOL_CONFIG) || len > VHOST_CONFIG_MAX)
        return error_set(err, -ENOTSUP, "keeps no configuration");
    const uint32_t size =
        (uint32_t)(offsetof(struct vhost_config, bytes) + len);
    struct vhost_message m = {
        .request = VHOST_GET_CONFIG,
        .size = size,
        .payload.config = {.size = (uint32_t)len},
    };
    int code = ask(f, &m, size, err);
    if (code < 0)
        return code;
    if (m.payload.config.offset != 0 || m.payload.config.size != len) {
        struct error own;
        fail(f,
             error_set(&own, -EPROTO, "answered GET_CONFIG of another place"),
             &own);
        return goes_on(f, err);
    }
    memcpy(to, m.payload.config.bytes, len);
    return 0;
}

// ---- Rings -----------------------------------------------------------------

// Addresses of ours are names to it, which it looks up among the regions that
// it was told of. So that a place in the guest has one name for each machine
// that a back end serves, wherever the memory of that lies here, it is the
// guest's address: a libvhost-user that is given another machine's memory looks
// its last rings up anew, and panics when they are gone.
#define NAMES UINT64_C(0x100000000000)

static uint64_t name_of(const struct guest_memory *memory, const void *at)
{
    const uint8_t *byte = at;
    for (size_t i = 0; i < memory->nregions; i++) {
        const struct guest_region *r = &memory->regions[i];
        if (byte >= r->hva && byte < r->hva + r->size)
            return NAMES + r->gpa + (uint64_t)(byte - r->hva);
    }
    return 0;
}

static int tell_memory(struct vhost_front *f, const struct guest_memory *memory,
                       struct error *err)
{
    struct vhost_message m = {.request = VHOST_SET_MEM_TABLE};
    uint64_t offset = 0;
    if (memory->fd < 0)
        return error_set(err, -EINVAL,
                         "can't be given memory that is not shared");
    for (size_t i = 0; i < memory->nregions; i++) {
        const struct guest_region *r = &memory->regions[i];
        m.payload.memory.regions[i] = (struct vhost_region){
            .gpa = r->gpa,
            .size = r->size,
            .address = NAMES + r->gpa,
            .offset = offset,
        };
        m.fds[m.nfds++] = memory->fd;
        offset += r->size;
    }
    m.payload.memory.count = (uint32_t)memory->nregions;
    m.size = (uint32_t)(offsetof(struct vhost_memory, regions) +
                        memory->nregions * sizeof(struct vhost_region));
    return tell(f, &m, err);
}

static int start_ring(struct vhost_front *f, const struct guest_memory *memory,
                      unsigned index, const struct vhost_ring *ring,
                      struct error *err)
{
    const struct vhost_message place = {
        .request = VHOST_SET_VRING_ADDR,
        .size = sizeof(struct vhost_addresses),
        .payload.addresses =
            {
                .index = index,
                .descriptors = name_of(memory, ring->descriptors),
                .available = name_of(memory, ring->driver),
                .used = name_of(memory, ring->device),
            },
    };
    int code = tell_state(f, VHOST_SET_VRING_NUM, index, ring->size, err);
    if (code == 0)
        code = tell_state(f, VHOST_SET_VRING_BASE, index, 0, err);
    if (code == 0)
        code = tell(f, &place, err);
    if (code == 0)
        code = tell_event(f, VHOST_SET_VRING_CALL, index, ring->call, err);
    // With this it begins.
    if (code == 0) {
        f->started |= 1U << index;
        code = tell_event(f, VHOST_SET_VRING_KICK, index, ring->kick, err);
    }
    return code < 0 ? code
                    : tell_state(f, VHOST_SET_VRING_ENABLE, index, 1, err);
}

int vhost_front_start(struct vhost_front *f, uint64_t features,
                      const struct guest_memory *memory,
                      const struct vhost_ring *rings, unsigned n,
                      struct error *err)
{
    int code = tell_number(f, VHOST_SET_FEATURES,
                           (features & f->features) | F_PROTOCOL, err);
    if (code == 0)
        code = tell_memory(f, memory, err);
    for (unsigned i = 0; code == 0 && i < n; i++)
        if (rings[i].used)
            code = start_ring(f, memory, i, &rings[i], err);
    return code;
}

static int stop_ring(struct vhost_front *f, unsigned index, struct error *err)
{
    struct vhost_message m = {
        .request = VHOST_GET_VRING_BASE,
        .size = sizeof(struct vhost_state),
        .payload.state.index = index,
    };
    int code = ask(f, &m, sizeof(struct vhost_state), err);
    if (code < 0)
        return code;
    if (m.payload.state.index == index && m.payload.state.num <= BASE_MAX)
        return 0;
    struct error own;
    fail(f, error_set(&own, -EPROTO, "answered GET_VRING_BASE of another ring"),
         &own);
    return goes_on(f, err);
}

int vhost_front_stop(struct vhost_front *f, struct error *err)
{
    int code = goes_on(f, err);
    for (unsigned i = 0; code == 0 && i < VHOST_QUEUES_MAX; i++) {
        if (!(f->started >> i & 1))
            continue;
        code = stop_ring(f, i, err);
        if (code == 0)
            f->started &= ~(1U << i);
    }
    return code;
}

int vhost_front_look(struct vhost_front *f, struct error *err)
{
    char byte;
    struct error own;
    int code = goes_on(f, err);
    if (code < 0)
        return code;
    ssize_t n = recv(f->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n > 0)
        code = error_set(&own, -EPROTO, "said something that nobody asked for");
    else
        code = error_set(&own, -EPIPE, "closed the connection");
    fail(f, code, &own);
    return goes_on(f, err);
}
