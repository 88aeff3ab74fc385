// SPDX-License-Identifier: Apache-2.0
// The network card. See net.h; sections are those of virtio 1.2.
//
// The guest's memory is touched with the device's lock held, by the loop's
// thread alone, and not longer than a copy takes. So a reset need not wait for
// anything. The wire is called without the lock: what the network answers at
// once comes back through deliver.
#include "src/virtio/net.h"

#include <string.h>

#define F_MAC       (UINT64_C(1) << 5)
#define F_MRG_RXBUF (UINT64_C(1) << 15)
#define F_STATUS    (UINT64_C(1) << 16)

enum { RECEIVE = 0, TRANSMIT = 1, QUEUES = 2 };
enum { STATUS_LINK_UP = 1 };
enum { HEADER_NUM_BUFFERS = 10 }; // an offset

// Frames sent in one go, so that the loop's others come to their turn.
#define SENDS_MAX 256

_Static_assert(sizeof(struct virtio_net_config) == 8, "5.1.4");

// ---- Receiving: the lock is held -------------------------------------------

enum outcome {
    RECEIVED,
    NO_BUFFERS, // for now
    REFUSED,    // the driver broke the rules
};

// Takes one more buffer from the queue.
static enum outcome hold(struct virtio_net *net)
{
    struct virtq_chain *chain = &net->held[net->nheld];
    int got = virtio_pop(&net->device, RECEIVE, chain);
    if (got == 0)
        return NO_BUFFERS;
    if (got > 0 && chain->nreadable == 0 &&
        chain->writable >= VIRTIO_NET_HEADER) {
        net->nheld++;
        return RECEIVED;
    }
    if (got > 0)
        virtio_refuse(&net->device, "a receive buffer without room for the "
                                    "header of a packet");
    return REFUSED;
}

// Holds enough for a header and len bytes.
static enum outcome hold_enough(struct virtio_net *net, size_t len)
{
    unsigned most = net->merges ? VIRTIO_NET_BUFFERS : 1;
    size_t room = 0, need = VIRTIO_NET_HEADER + len;
    for (unsigned i = 0; i < net->nheld; i++)
        room += net->held[i].writable;
    while (room < need && net->nheld < most) {
        enum outcome outcome = hold(net);
        if (outcome != RECEIVED)
            return outcome;
        room += net->held[net->nheld - 1].writable;
    }
    if (room >= need)
        return RECEIVED;
    virtio_refuse(&net->device, "receive buffers that are too small for a "
                                "packet");
    return REFUSED;
}

// How many of the held buffers a frame fills.
static uint16_t buffers_for(const struct virtio_net *net, size_t len)
{
    size_t room = net->held[0].writable;
    uint16_t n = 1;
    while (room < VIRTIO_NET_HEADER + len)
        room += net->held[n++].writable;
    return n;
}

static enum outcome receive(struct virtio_net *net, const uint8_t *frame,
                            size_t len)
{
    enum outcome outcome = hold_enough(net, len);
    if (outcome != RECEIVED)
        return outcome;
    uint8_t header[VIRTIO_NET_HEADER] = {0};
    uint16_t n = buffers_for(net, len);
    memcpy(header + HEADER_NUM_BUFFERS, &n, sizeof n);
    size_t done = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct virtq_chain *chain = &net->held[i];
        uint32_t at = 0;
        if (i == 0)
            at = virtq_write(chain, 0, header, sizeof header);
        uint32_t part =
            virtq_write(chain, at, frame + done, (uint32_t)(len - done));
        done += part;
        virtio_push(&net->device, RECEIVE, chain, at + part);
    }
    net->nheld -= n;
    memmove(net->held, net->held + n, net->nheld * sizeof *net->held);
    net->counts.received++;
    return RECEIVED;
}

static void wait_for_buffers(struct virtio_net *net, const uint8_t *frame,
                             size_t len)
{
    if (net->nwaiting == VIRTIO_NET_WAITING) {
        net->counts.dropped++;
        return;
    }
    unsigned at = (net->first_waiting + net->nwaiting) % VIRTIO_NET_WAITING;
    net->waiting[at].len = (uint16_t)len;
    memcpy(net->waiting[at].bytes, frame, len);
    net->nwaiting++;
}

static void receive_waiting(struct virtio_net *net)
{
    while (net->nwaiting) {
        const struct virtio_net_frame *f = &net->waiting[net->first_waiting];
        if (receive(net, f->bytes, f->len) != RECEIVED)
            break;
        net->first_waiting = (net->first_waiting + 1) % VIRTIO_NET_WAITING;
        net->nwaiting--;
    }
}

// The driver is asked to tell of new buffers only while frames wait for them.
static void ask_for_buffers(struct virtio_net *net)
{
    struct virtq *q = &net->device.queues[RECEIVE];
    while (virtq_want_kicks(q, net->nwaiting > 0)) {
        unsigned before = net->nwaiting;
        receive_waiting(net);
        // What came is not enough for one.
        if (net->nwaiting == before)
            break;
    }
}

// ---- The wire's end --------------------------------------------------------

static void deliver(void *owner, const uint8_t *frame, size_t len)
{
    struct virtio_net *net = owner;
    pthread_mutex_lock(&net->device.lock);
    // A card that nobody has set up is a cable that is not plugged in.
    if (virtio_runs(&net->device)) {
        if (net->nwaiting || receive(net, frame, len) == NO_BUFFERS)
            wait_for_buffers(net, frame, len);
    }
    pthread_mutex_unlock(&net->device.lock);
}

static void settle(void *owner)
{
    struct virtio_net *net = owner;
    pthread_mutex_lock(&net->device.lock);
    if (virtio_runs(&net->device)) {
        receive_waiting(net);
        ask_for_buffers(net);
        virtio_interrupt_queue(&net->device, RECEIVE);
    }
    pthread_mutex_unlock(&net->device.lock);
}

// ---- Sending ---------------------------------------------------------------

// Takes the next packet out of the guest's memory. False when there is none.
static bool take(struct virtio_net *net)
{
    struct virtq_chain *chain = &net->chain;
    if (virtio_pop(&net->device, TRANSMIT, chain) <= 0)
        return false;
    if (chain->readable < VIRTIO_NET_HEADER || chain->nwritable) {
        virtio_refuse(&net->device,
                      "a packet without its header, or to be written to");
        return false;
    }
    uint32_t len = chain->readable - VIRTIO_NET_HEADER;
    bool fits = len >= NET_FRAME_MIN && len <= NET_FRAME_MAX;
    net->frame.len = fits ? (uint16_t)len : 0;
    // Nothing was offered that the header could ask for (5.1.6.2).
    virtq_read(chain, VIRTIO_NET_HEADER, net->frame.bytes, net->frame.len);
    net->counts.sent += fits;
    net->counts.refused += !fits;
    virtio_push(&net->device, TRANSMIT, chain, 0);
    return true;
}

// Sends up to SENDS_MAX packets; whether there may be more.
static bool send_some(struct virtio_net *net)
{
    struct virtio_device *dev = &net->device;
    bool more = false;
    pthread_mutex_lock(&dev->lock);
    (void)virtq_want_kicks(&dev->queues[TRANSMIT], false);
    for (unsigned n = 0; n < SENDS_MAX; n++) {
        if (!take(net)) {
            more = virtio_runs(dev) &&
                   virtq_want_kicks(&dev->queues[TRANSMIT], true);
            if (!more)
                break;
            continue;
        }
        more = true;
        pthread_mutex_unlock(&dev->lock);
        if (net->frame.len)
            net_wire_send(&net->wire, net->frame.bytes, net->frame.len);
        pthread_mutex_lock(&dev->lock);
    }
    if (virtio_runs(dev))
        virtio_interrupt_queue(dev, TRANSMIT);
    pthread_mutex_unlock(&dev->lock);
    return more;
}

static void kicked(void *owner)
{
    struct virtio_net *net = owner;
    bool more = send_some(net);
    net_wire_sent(&net->wire);
    settle(net);
    if (more)
        loop_event_signal(&net->kicked);
}

// ---- The device ------------------------------------------------------------

static const void *config(void *owner)
{
    struct virtio_net *net = owner;
    return &net->config;
}

static void start(void *owner, uint64_t features)
{
    struct virtio_net *net = owner;
    net->merges = features & F_MRG_RXBUF;
    (void)virtq_want_kicks(&net->device.queues[RECEIVE], false);
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_net *net = owner;
    (void)queue;
    loop_event_signal(&net->kicked);
}

static void stop(void *owner)
{
    struct virtio_net *net = owner;
    net->nheld = 0;
    net->nwaiting = 0;
}

static const struct virtio_ops ops = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .nqueues = QUEUES,
    .config_len = sizeof(struct virtio_net_config),
    .config = config,
    .start = start,
    .kick = kick,
    .stop = stop,
};

int virtio_net_init(struct virtio_net *net, const uint8_t mac[NET_MAC_LEN],
                    struct loop *loop, const struct guest_memory *memory,
                    struct error *err)
{
    *net = (struct virtio_net){
        .config = {.status = STATUS_LINK_UP},
        .loop = loop,
        .wire.card = {.owner = net, .deliver = deliver, .settle = settle},
    };
    memcpy(net->config.mac, mac, NET_MAC_LEN);
    virtio_init(&net->device, &ops, net, memory,
                F_MAC | F_STATUS | F_MRG_RXBUF);
    return loop_event_add(loop, &net->kicked, kicked, net, err);
}

void virtio_net_destroy(struct virtio_net *net)
{
    // First nobody sends any more, then nobody delivers.
    loop_event_remove(net->loop, &net->kicked);
    net_wire_close(&net->wire);
    net_capture_close(net->wire.capture);
    virtio_destroy(&net->device);
}

bool virtio_net_is_used(struct virtio_net *net)
{
    pthread_mutex_lock(&net->device.lock);
    bool used = virtio_runs(&net->device);
    pthread_mutex_unlock(&net->device.lock);
    return used;
}

void virtio_net_count(struct virtio_net *net, struct virtio_net_counts *out)
{
    pthread_mutex_lock(&net->device.lock);
    *out = net->counts;
    out->cut = net->wire.capture && net_capture_is_cut(net->wire.capture);
    pthread_mutex_unlock(&net->device.lock);
}
