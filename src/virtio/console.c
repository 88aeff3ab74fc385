// SPDX-License-Identifier: Apache-2.0
// The console. See console.h; sections are those of virtio 1.2.
//
// The driver waits for each of its buffers to come back (Linux turns with its
// interrupts off until then), so output is handed on where the notification
// arrives. When the peer has enough, or a notification brought a lot, a buffer
// stays half read: the vCPU that wrote it goes on with it before its guest does
// (virtio_console_goes_on), so the guest waits and nothing is lost.
#include "src/virtio/console.h"

#include "src/base/clock.h"

#include <string.h>

_Static_assert(sizeof(struct virtio_console_config) == 12, "5.3.4");

#define F_MULTIPORT (UINT64_C(1) << 1)

// 5.3.2: port 0 has the first two queues, control the next two, then come those
// of port 1, ...
enum { CONTROL_RECEIVE = 2, CONTROL_TRANSMIT = 3 };
#define QUEUES (2 + 2 * VIRTIO_CONSOLE_PORTS)
_Static_assert(QUEUES <= VIRTIO_QUEUES_MAX, "as many as a device may have");

enum { // 5.3.6.2
    EVENT_DEVICE_READY = 0,
    EVENT_PORT_ADD = 1,
    EVENT_PORT_READY = 3,
    EVENT_CONSOLE_PORT = 4,
    EVENT_PORT_OPEN = 6,
    EVENT_PORT_NAME = 7,
};

struct control {
    uint32_t id;
    uint16_t event, value;
};

enum told { // in this order
    TOLD_ADD = 1,
    TOLD_KIND = 2, // that it is the console, or its name
    TOLD_OPEN = 4, // somebody is at the other end
};

// Control messages that one notification may bring.
#define CONTROLS_MAX VIRTQ_SIZE_MAX

static unsigned receive_queue(unsigned port)
{
    return port ? 2 + 2 * port : 0;
}

static unsigned nports(const struct virtio_console *con)
{
    return con->multiport ? con->config.max_nr_ports : 1;
}

// ---- Output ----------------------------------------------------------------

// Takes the next buffer that a port sends. False when there is none.
static bool take(struct virtio_console *con, unsigned port)
{
    struct virtio_console_port *p = &con->ports[port];
    struct virtio_device *dev = &con->device;
    unsigned queue = receive_queue(port) + 1;
    struct virtq *q = &dev->queues[queue];
    int got;
    while ((got = virtio_pop(dev, queue, &p->out)) == 0) {
        if (!virtio_runs(dev) || !virtq_want_kicks(q, true))
            return false;
    }
    if (got > 0 && p->out.nwritable)
        virtio_refuse(dev, "output of a console that is to be written to");
    p->sends = got > 0 && !p->out.nwritable;
    p->sent = 0;
    return p->sends;
}

// Hands the buffer at work on, *left bytes at most. False when it stays.
static bool hand_on(struct virtio_console *con, unsigned port, uint32_t *left)
{
    struct virtio_console_port *p = &con->ports[port];
    uint8_t bytes[VIRTIO_CONSOLE_PIECE];
    while (p->sent < p->out.readable) {
        if (!*left || con->peer.is_full(con->peer.owner))
            return false;
        uint32_t n = *left < sizeof bytes ? *left : (uint32_t)sizeof bytes;
        n = virtq_read(&p->out, p->sent, bytes, n);
        con->peer.tx(con->peer.owner, port, bytes, n, clock_now_ns());
        p->sent += n;
        *left -= n;
    }
    virtio_push(&con->device, receive_queue(port) + 1, &p->out, 0);
    p->sends = false;
    return true;
}

// Whether there is nothing left to send.
static bool send(struct virtio_console *con, unsigned port, uint32_t *left)
{
    struct virtio_console_port *p = &con->ports[port];
    bool done = false;
    // A buffer costs a little even when there is nothing in it.
    for (unsigned n = 0; n < VIRTQ_SIZE_MAX; n++) {
        done = !p->sends && !take(con, port);
        if (done || !hand_on(con, port, left))
            break;
    }
    if (virtio_runs(&con->device))
        virtio_interrupt_queue(&con->device, receive_queue(port) + 1);
    return done;
}

// ---- Input -----------------------------------------------------------------

// Holds a buffer to receive into, so that no input is taken without one.
static bool hold(struct virtio_console *con, unsigned port)
{
    struct virtio_console_port *p = &con->ports[port];
    struct virtio_device *dev = &con->device;
    unsigned queue = receive_queue(port);
    struct virtq *q = &dev->queues[queue];
    int got = 0;
    while (!p->receives && (got = virtio_pop(dev, queue, &p->in)) == 0) {
        if (!virtio_runs(dev) || !virtq_want_kicks(q, true))
            return false;
    }
    if (p->receives)
        return true;
    if (got > 0 && (p->in.nreadable || !p->in.writable))
        virtio_refuse(dev, "a buffer for a console's input that can't be "
                           "written to");
    p->receives = got > 0 && !p->in.nreadable && p->in.writable;
    // There is one: of more the driver need not tell.
    if (p->receives)
        (void)virtq_want_kicks(q, false);
    return p->receives;
}

// Fills the held buffer with what waits; how many bytes that are.
static uint32_t fill(struct virtio_console *con, unsigned port)
{
    struct virtio_console_port *p = &con->ports[port];
    uint8_t bytes[16];
    uint32_t n = 0;
    while (n < p->in.writable) {
        uint32_t room = p->in.writable - n;
        size_t max = room < sizeof bytes ? room : sizeof bytes;
        size_t got = con->peer.rx(con->peer.owner, port, bytes, max);
        if (got == SIZE_MAX)
            continue;
        if (!got)
            break;
        n += virtq_write(&p->in, n, bytes, (uint32_t)(got < max ? got : max));
    }
    return n;
}

static void receive(struct virtio_console *con, unsigned port)
{
    struct virtio_console_port *p = &con->ports[port];
    uint32_t n;
    if (!virtio_runs(&con->device) || !p->open)
        return;
    while (hold(con, port) && (n = fill(con, port)) > 0) {
        virtio_push(&con->device, receive_queue(port), &p->in, n);
        p->receives = false;
    }
    if (virtio_runs(&con->device))
        virtio_interrupt_queue(&con->device, receive_queue(port));
}

// ---- Control ---------------------------------------------------------------

// Puts a message into the driver's next buffer. False when there is none.
static bool tell(struct virtio_console *con, const struct control *message,
                 const char *name)
{
    struct virtio_device *dev = &con->device;
    struct virtq *q = &dev->queues[CONTROL_RECEIVE];
    uint32_t len = name ? (uint32_t)strlen(name) : 0;
    int got;
    while ((got = virtio_pop(dev, CONTROL_RECEIVE, &con->control)) == 0) {
        if (!virtio_runs(dev) || !virtq_want_kicks(q, true))
            return false;
    }
    if (got < 0)
        return false;
    if (con->control.nreadable ||
        con->control.writable < sizeof *message + len) {
        virtio_refuse(dev, "a buffer for a console's control messages that is "
                           "too small");
        return false;
    }
    virtq_write(&con->control, 0, message, sizeof *message);
    virtq_write(&con->control, sizeof *message, name, len);
    virtio_push(dev, CONTROL_RECEIVE, &con->control,
                (uint32_t)sizeof *message + len);
    return true;
}

static bool tell_next(struct virtio_console *con, unsigned port)
{
    struct virtio_console_port *p = &con->ports[port];
    struct control message = {.id = port, .event = EVENT_PORT_ADD, .value = 1};
    const char *name = NULL;
    uint8_t which = TOLD_ADD;
    if (p->untold & TOLD_ADD) {
        message.event = EVENT_PORT_ADD;
    } else if (p->untold & TOLD_KIND) {
        which = TOLD_KIND;
        name = p->name;
        message.event = name ? EVENT_PORT_NAME : EVENT_CONSOLE_PORT;
    } else {
        which = TOLD_OPEN;
        message.event = EVENT_PORT_OPEN;
    }
    if (!tell(con, &message, name))
        return false;
    p->untold &= (uint8_t)~which;
    return true;
}

// Each message is kept as a bit until the driver has a buffer for it.
static void tell_all(struct virtio_console *con)
{
    bool room = virtio_runs(&con->device);
    for (unsigned i = 0; room && i < nports(con); i++)
        while (room && con->ports[i].untold)
            room = tell_next(con, i);
    if (virtio_runs(&con->device))
        virtio_interrupt_queue(&con->device, CONTROL_RECEIVE);
}

static void obey(struct virtio_console *con, const struct control *c)
{
    if (c->event == EVENT_DEVICE_READY) {
        for (unsigned i = 0; c->value && i < nports(con); i++)
            con->ports[i].untold |= TOLD_ADD;
        return;
    }
    if (c->id >= nports(con)) {
        virtio_refuse(&con->device, "a message about a console's port that "
                                    "isn't there");
        return;
    }
    struct virtio_console_port *p = &con->ports[c->id];
    if (c->event == EVENT_PORT_READY && c->value)
        p->untold |= TOLD_KIND | TOLD_OPEN;
    else if (c->event == EVENT_PORT_OPEN)
        p->open = c->value != 0;
    if (p->open)
        receive(con, c->id);
}

static void take_control(struct virtio_console *con)
{
    struct virtio_device *dev = &con->device;
    struct virtq *q = &dev->queues[CONTROL_TRANSMIT];
    unsigned n = 0;
    do {
        while (n++ < CONTROLS_MAX &&
               virtio_pop(dev, CONTROL_TRANSMIT, &con->control) > 0) {
            struct control message;
            if (virtq_read(&con->control, 0, &message, sizeof message) !=
                    sizeof message ||
                con->control.nwritable) {
                virtio_refuse(dev, "a control message to a console that is too "
                                   "short");
                return;
            }
            virtio_push(dev, CONTROL_TRANSMIT, &con->control, 0);
            obey(con, &message);
        }
    } while (n < CONTROLS_MAX && virtio_runs(dev) && virtq_want_kicks(q, true));
    if (virtio_runs(dev))
        virtio_interrupt_queue(dev, CONTROL_TRANSMIT);
    tell_all(con);
}

// ---- The device: with the lock held ----------------------------------------

static const void *config(void *owner)
{
    struct virtio_console *con = owner;
    return &con->config;
}

static void start(void *owner, uint64_t features)
{
    struct virtio_console *con = owner;
    con->multiport = features & F_MULTIPORT;
    // Without control messages there is one port, and it is open.
    con->ports[0].open = !con->multiport;
    receive(con, 0);
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_console *con = owner;
    unsigned port = queue < 2 ? 0 : queue / 2 - 1;
    uint32_t left = VIRTIO_CONSOLE_ROUND;
    if (queue == CONTROL_TRANSMIT && con->multiport)
        take_control(con);
    else if (queue == CONTROL_RECEIVE && con->multiport)
        tell_all(con);
    else if (port >= nports(con) || queue / 2 == 1)
        return;
    else if (queue % 2 == 0)
        receive(con, port);
    else if (!send(con, port, &left))
        atomic_store(&con->more, true);
}

static void stop(void *owner)
{
    struct virtio_console *con = owner;
    atomic_store(&con->more, false);
    con->multiport = false;
    for (unsigned i = 0; i < VIRTIO_CONSOLE_PORTS; i++) {
        struct virtio_console_port *p = &con->ports[i];
        p->open = p->sends = p->receives = false;
        p->untold = 0;
    }
}

static const struct virtio_ops ops = {
    .name = "virtio-console",
    .id = VIRTIO_ID_CONSOLE,
    .nqueues = QUEUES,
    .config_len = sizeof(struct virtio_console_config),
    .config = config,
    .start = start,
    .kick = kick,
    .stop = stop,
};

void virtio_console_init(struct virtio_console *con, const char *const *names,
                         size_t nnames, const struct virtio_console_peer *peer,
                         const struct guest_memory *memory)
{
    size_t n = nnames < PORT_NAMES ? nnames : PORT_NAMES;
    *con = (struct virtio_console){
        .peer = *peer,
        .config = {.max_nr_ports = 1 + (uint32_t)n},
    };
    for (size_t i = 0; i < n; i++)
        con->ports[1 + i].name = names[i];
    virtio_init(&con->device, &ops, con, memory, F_MULTIPORT);
}

void virtio_console_destroy(struct virtio_console *con)
{
    virtio_destroy(&con->device);
}

// ---- From outside ----------------------------------------------------------

void virtio_console_input_ready(struct virtio_console *con, unsigned port)
{
    if (port >= VIRTIO_CONSOLE_PORTS)
        return;
    pthread_mutex_lock(&con->device.lock);
    receive(con, port);
    pthread_mutex_unlock(&con->device.lock);
}

bool virtio_console_goes_on(struct virtio_console *con)
{
    if (!atomic_load(&con->more))
        return false;
    uint32_t left = VIRTIO_CONSOLE_ROUND;
    bool all = true;
    pthread_mutex_lock(&con->device.lock);
    for (unsigned i = 0; virtio_runs(&con->device) && i < nports(con); i++)
        all &= send(con, i, &left);
    atomic_store(&con->more, !all && virtio_runs(&con->device));
    pthread_mutex_unlock(&con->device.lock);
    return true;
}

bool virtio_console_is_open(struct virtio_console *con, unsigned port)
{
    if (port >= VIRTIO_CONSOLE_PORTS)
        return false;
    pthread_mutex_lock(&con->device.lock);
    bool open = virtio_runs(&con->device) && con->ports[port].open;
    pthread_mutex_unlock(&con->device.lock);
    return open;
}
