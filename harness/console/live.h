// SPDX-License-Identifier: Apache-2.0
// The two queues of the live backend: what the guest sends and what is typed.
// For harness/console (and its tests) only.
#pragma once

#include "harness/console/console.h"

#include <pthread.h>
#include <stdatomic.h>

// ---- What the guest sends --------------------------------------------------

// One byte or one event, in the order of the machine.
struct output_entry {
    uint64_t ns;
    uint8_t byte;
    uint8_t port;  // OUTPUT_EVENT for an event
    uint16_t slot; // of the event
};
#define OUTPUT_EVENT  0xff
#define OUTPUT_EVENTS 64

// What a waiting reader is to be woken for.
enum output_wait {
    WAIT_NOTHING, // it is not waiting
    WAIT_ANY,
    WAIT_EVENT, // bytes may gather for a moment
};

// The machine fills it, one thread empties it. Everything but fd and
// `interrupted` under the lock, which is held for microseconds.
//
// Memory: the ring grows as the reader falls behind. From `max` entries on the
// machine is told "enough": the guest waits, which costs it nothing but time,
// until half of that is read. What it has sent already is taken all the same;
// no thread ever waits here, so that who should read may as well stop the
// machine. A byte is lost, and counted, only when there is no memory for it.
// The event that ends the machine is never dropped.
struct output {
    pthread_mutex_t lock;
    struct output_entry *ring;
    size_t cap, head, count;
    size_t max;  // OUTPUT_MAX, less in tests
    bool enough; // the machine was told, and not yet that there is room
    uint64_t dropped;
    struct toyvmm_event events[OUTPUT_EVENTS];
    uint16_t events_put, events_taken; // as endless counters
    uint64_t quiet_ns;                 // the reader was told: nothing till then
    enum output_wait waiting;
    int fd; // an eventfd that wakes the reader
    atomic_bool interrupted;
};

#define OUTPUT_FIRST ((size_t)4096)
#define OUTPUT_MAX   ((size_t)1 << 20)
// How long bytes gather before the reader is given the first: a wake for each
// byte would cost the guest more than the byte.
#define OUTPUT_GATHER_NS (2 * UINT64_C(1000000))

int output_init(struct output *q, struct error *err);
void output_free(struct output *q);
// False: enough, the guest is to wait.
bool output_bytes(struct output *q, unsigned port, const uint8_t *bytes,
                  size_t n, uint64_t ns);
// True once there is room again after that: the machine is to be told.
bool output_has_room(struct output *q);
void output_event(struct output *q, const struct toyvmm_event *event);
int output_read(struct output *q, struct console_batch *out,
                uint64_t deadline_ns, struct error *err);
void output_interrupt(struct output *q); // async-signal-safe

// ---- What is typed ---------------------------------------------------------

#define INPUT_MAX    ((size_t)1 << 20)
#define INPUT_BREAKS 64

// Any thread; all under the lock, which is never held while calling out.
struct input {
    pthread_mutex_t lock;
    struct {
        uint8_t *ring; // grows up to INPUT_MAX
        size_t cap, head, count;
        uint64_t taken; // of all times
        // Before which byte of all times each break comes that waits.
        uint64_t breaks[INPUT_BREAKS];
        unsigned nbreaks;
    } port[TOYVMM_PORTS];
};

int input_init(struct input *in, struct error *err);
void input_free(struct input *in);
int input_put(struct input *in, unsigned port, const uint8_t *bytes, size_t len,
              struct error *err);
int input_put_break(struct input *in, unsigned port, struct error *err);
// TOYVMM_RX_BREAK: a break comes before the next byte, and is taken.
size_t input_take(struct input *in, unsigned port, uint8_t *bytes, size_t max);
size_t input_count(struct input *in, unsigned port);
void input_forget(struct input *in);

// ---- Both ------------------------------------------------------------------

struct live_console {
    struct console base; // first
    struct output output;
    struct input input;
    pthread_mutex_t attached; // held while these run: detaching waits for them
    struct live_calls {
        void (*ready)(void *machine, unsigned port); // there is input
        void (*room)(void *machine); // there is room for output again
    } calls;
    void *machine;
};

// What live_console_attach does, for any machine. NULL calls detach; either of
// them may be NULL.
void live_console_connect(struct live_console *lc,
                          const struct live_calls *calls, void *machine);
