// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a guest with any bytes in its rings and buffers sends and
// receives on a network card whose network is the gateway's own services and
// the filter; frames come at any time.
#include "src/net/filter.h"
#include "src/net/services.h"
#include "src/virtio/net.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[NET_MAC_LEN] = {2, 1, 2, 3, 4, 5};

// All of it happens on one thread.
struct machine {
    struct guest_memory memory;
    struct virtio_net net;
};

static void on_send(void *owner, const uint8_t *frame, size_t len)
{
    struct machine *m = owner;
    const struct net_filter filter = {.nreach = 1, .reach = {80}};
    uint8_t reply[NET_FRAME_MAX];
    size_t n = net_services_answer(frame, len, reply);
    if (n)
        net_wire_deliver(&m->net.wire, reply, n);
    else if (net_filter_judge(&filter, frame, len) == NET_REFUSED)
        net_wire_deliver(&m->net.wire, reply, net_filter_refuse(frame, reply));
    else
        net_wire_deliver(&m->net.wire, frame, len);
}

static void on_interrupt(void *owner, unsigned queue)
{
    (void)owner, (void)queue;
}

static void on_config(void *owner)
{
    (void)owner;
}

static void start(struct machine *m, uint8_t how)
{
    struct virtio_device *dev = &m->net.device;
    pthread_mutex_lock(&dev->lock);
    virtio_set_status(dev, 0);
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, how & 1 ? UINT32_MAX : 0);
    virtio_set_features(dev, 0, (uint32_t)dev->offered & dev->features);
    virtio_set_features(dev, 1, how & 2 ? 5 : 1);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    for (unsigned q = 0; q < 2; q++) {
        dev->setups[q].size = 8;
        dev->setups[q].descriptors = 0x1000 * (q + UINT64_C(1));
        dev->setups[q].driver = 0x1000 * (q + UINT64_C(1)) + 0x100;
        dev->setups[q].device = 0x1000 * (q + UINT64_C(1)) + 0x200;
        virtio_enable_queue(dev, q);
    }
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    pthread_mutex_unlock(&dev->lock);
}

// Eight bytes are a step: what, and where.
static void step(struct machine *m, const uint8_t *d)
{
    uint8_t frame[NET_FRAME_MAX];
    uint64_t place = (d[1] | (uint64_t)d[2] << 8) % 0x4000;
    switch (d[0] & 7) {
    case 0:
        start(m, d[1]);
        break;
    case 1:
    case 2: // what a kick does on the loop
        m->net.kicked.happened(m->net.kicked.owner);
        break;
    case 3:
        memset(frame, d[3], sizeof frame);
        net_wire_deliver(&m->net.wire, frame, place % sizeof frame);
        break;
    case 4:
        net_wire_delivered(&m->net.wire);
        break;
    default:
        guest_memory_write(&m->memory, place, d + 3, 5);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine m;
    static struct loop *loop;
    struct error err = {""};
    if (!loop)
        loop = loop_new(NULL, &err);
    if (!loop || guest_memory_map(&m.memory, MEMORY, &err) ||
        virtio_net_init(&m.net, mac, loop, &m.memory, &err))
        abort();
    // Nothing of it runs on another thread.
    loop_event_remove(loop, &m.net.kicked);
    m.net.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, &m};
    m.net.wire.network = (struct net_network){.owner = &m, .send = on_send};
    size_t rings = size < 0x1000 ? size / 2 : 0x800;
    guest_memory_write(&m.memory, 0x1000, data, rings);
    guest_memory_write(&m.memory, 0x2000, data, rings);
    guest_memory_write(&m.memory, 0x3000, data, rings);
    start(&m, size ? data[0] : 0);
    for (size_t at = rings; at + 8 <= size; at += 8)
        step(&m, data + at);
    virtio_net_destroy(&m.net);
    guest_memory_unmap(&m.memory);
    return 0;
}
