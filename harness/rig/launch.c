// SPDX-License-Identifier: Apache-2.0
// See launch.h. The loop that lives from QEMU's start to the command's end.
#include "harness/rig/launch.h"

#include "harness/rig/initramfs.h"
#include "harness/rig/machine.h"
#include "harness/rig/prepare.h"
#include "harness/rig/report.h"
#include "harness/rig/streams.h"
#include "harness/rig/tsc.h"
#include "src/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// `timeout` and shells send one signal twice, to the process and its group.
#define SAME_SIGNAL_NS (250 * NS_PER_MS)
#define ACK_NS         (10 * NS_PER_S)
// QEMU's emulation of SVM can lose the interrupt request of the rig's timer
// while a guest runs: the processor then sits halted for ever with the timer's
// interrupt pending in its APIC. Any other interrupt makes QEMU look there
// again. So the launcher raises one now and then, on the rig's port.
#define TICK_NS (100 * NS_PER_MS)

// One run. Lives on launch()'s heap block, one thread.
struct launch {
    const struct options *options;
    struct preparation prep;
    struct terminal terminal;
    struct machine machine;
    struct relay *relay;
    struct report report;
    struct tsc_sample tsc; // of the start
    int signals;           // signalfd
    uint64_t next_tick;
    uint64_t deadline;    // for the command's start, then for a signal's ACK
    bool started;         // the command runs
    bool ended;           // EXIT came
    int status;           // exit code, when ended
    int killed;           // the signal that ends the rig itself
    uint32_t asked;       // the last signal that asked for an end
    uint64_t last_signal; // when the first such was forwarded
};

static int open_signals(struct launch *l, struct error *err)
{
    static const int wanted[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT, SIGUSR1,
                                 SIGUSR2, SIGCHLD, SIGWINCH, SIGCONT};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (wanted[i] == SIGCHLD || !(l->prep.ignored >> wanted[i] & 1))
            sigaddset(&set, wanted[i]);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (l->signals < 0)
        return error_errno(err, errno, "preparing the rig's signals");
    return 0;
}

static void send_winsize(struct launch *l)
{
    if (l->terminal.fd < 0)
        return;
    struct frame_winsize size = terminal_size(&l->terminal);
    // One that finds no room is followed by the next change.
    link_send(&l->relay->link, FRAME_WINSIZE, 0, &size, sizeof(size));
}

static int greet(struct launch *l, const struct frame *frame, struct error *err)
{
    uint32_t version;
    memcpy(&version, frame->payload, sizeof(version));
    if (version != PROTOCOL_VERSION)
        return error_set(err, -EPROTO, "the rig speaks protocol %u, not %u",
                         version, PROTOCOL_VERSION);
    report_step(&l->report, "the port is open");
    send_winsize(l);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct frame_time t = {.sec = now.tv_sec, .nsec = now.tv_nsec};
    return link_send(&l->relay->link, FRAME_TIME, 0, &t, sizeof(t));
}

static void start(struct launch *l, const struct frame *frame)
{
    struct frame_started times;
    memcpy(&times, frame->payload, sizeof(times));
    l->started = true;
    l->deadline = CLOCK_NEVER;
    report_started(&l->report, &times);
    if (l->prep.job.state.fds[0] == JOB_FD_TTY)
        terminal_raw(&l->terminal);
    send_winsize(l);
    streams_add_input(l->relay, &l->prep.job.state);
}

static void finish(struct launch *l, const struct frame *frame)
{
    uint32_t status;
    memcpy(&status, frame->payload, sizeof(status));
    l->ended = true;
    l->status = WIFSIGNALED((int)status) ? 128 + WTERMSIG((int)status)
                                         : WEXITSTATUS((int)status);
    report_step(&l->report, "the command ended");
}

static int control(void *arg, const struct frame *frame, struct error *err)
{
    struct launch *l = arg;
    switch (frame->type) {
    case FRAME_HELLO:
        return greet(l, frame, err);
    case FRAME_STARTED:
        if (!l->started)
            start(l, frame);
        return 0;
    case FRAME_NOTE:
        report_note(&l->report, frame);
        return 0;
    case FRAME_FAILED:
        l->report.explained = true;
        return error_set(err, -EIO, "%.*s", (int)frame->len,
                         (const char *)frame->payload);
    case FRAME_ACK:
        l->deadline = l->started ? CLOCK_NEVER : l->deadline;
        return 0;
    case FRAME_EXIT:
        finish(l, frame);
        return 0;
    case FRAME_TIME:
    case FRAME_WINSIZE:
    case FRAME_DATA:
    case FRAME_EOF:
    case FRAME_CREDIT:
    case FRAME_CLOSED:
    case FRAME_SIGNAL:
    case FRAME_TICK:
    case FRAME_TYPE_END:
        break;
    }
    return error_set(err, -EPROTO, "the rig sent a frame out of place");
}

// A first signal asks the command to end; a second one ends the rig, as does
// any before there is a command.
static void forward(struct launch *l, uint32_t sig)
{
    uint64_t now = clock_now_ns();
    bool asks_for_end = sig != SIGUSR1 && sig != SIGUSR2;
    bool second = l->last_signal && now - l->last_signal > SAME_SIGNAL_NS;
    if (asks_for_end && (!l->started || l->ended || second)) {
        l->killed = (int)sig;
        return;
    }
    if (asks_for_end) {
        l->asked = sig;
        l->last_signal = l->last_signal ? l->last_signal : now;
    }
    if (!l->started)
        return;
    if (link_send(&l->relay->link, FRAME_SIGNAL, 0, &sig, sizeof(sig)) < 0)
        l->killed = (int)sig;
    // A terminal that is closed sends one SIGHUP only: a rig that hangs must
    // not survive it.
    if (asks_for_end && l->deadline == CLOCK_NEVER)
        l->deadline = clock_after(now, ACK_NS);
}

static int take_signals(struct launch *l, struct error *err)
{
    struct signalfd_siginfo info;
    int rc = 0;
    while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGWINCH) {
            send_winsize(l);
        } else if (info.ssi_signo == SIGCONT) {
            if (l->terminal.raw)
                terminal_raw(&l->terminal);
            send_winsize(l);
        } else if (info.ssi_signo == SIGCHLD) {
            rc = rc < 0 ? rc : machine_reap(&l->machine, err);
        } else {
            forward(l, info.ssi_signo);
        }
    }
    return rc;
}

static int time_left_ms(const struct launch *l)
{
    uint64_t until = l->deadline;
    if (l->started && !l->ended && !l->options->vmm && l->next_tick < until)
        until = l->next_tick;
    if (until == CLOCK_NEVER)
        return -1;
    uint64_t now = clock_now_ns();
    uint64_t left = until > now ? until - now : 0;
    return (int)(left / NS_PER_MS) + 1;
}

// Ticks never pile up: while anything waits to be sent there is no need of one.
static void tick(struct launch *l)
{
    uint64_t now = clock_now_ns();
    if (!l->started || l->ended || now < l->next_tick || l->options->vmm)
        return;
    l->next_tick = clock_after(now, TICK_NS);
    if (l->relay->link.out_len == 0)
        link_send(&l->relay->link, FRAME_TICK, 0, NULL, 0);
}

// The command has ended: only what it wrote is left to pass on.
static void dismiss_machine(struct launch *l)
{
    machine_stop(&l->machine);
    link_close(&l->relay->link);
    l->report.console = l->report.messages = -1;
}

static int too_late(const struct launch *l, struct error *err)
{
    const struct options *o = l->options;
    if (o->exact)
        return error_set(err, -ETIMEDOUT,
                         "the exact rig's command didn't end in %u second%s of "
                         "this host's time: nothing is known of it",
                         o->timeout_s, o->timeout_s == 1 ? "" : "s");
    return error_set(err, -ETIMEDOUT,
                     "%s didn't come up in %u seconds; a busier machine needs "
                     "a larger --timeout",
                     l->report.who, o->timeout_s);
}

// Until the command has ended and all it wrote has been passed on.
static int serve(struct launch *l, struct error *err)
{
    struct pollfd fds[RELAY_POLL_COUNT + 3];
    struct pollfd *mine = fds + RELAY_POLL_COUNT;
    int rc = 0, died = 0;
    struct error why = {{0}};
    while (!l->killed && !(l->ended && relay_sinks_idle(l->relay))) {
        tick(l);
        relay_prepare(l->relay, fds);
        mine[0] = (struct pollfd){.fd = l->signals, .events = POLLIN};
        report_prepare(&l->report, mine + 1);
        if (poll(fds, RELAY_POLL_COUNT + 3, time_left_ms(l)) < 0 &&
            errno != EINTR)
            return error_errno(err, errno, "waiting for the rig");
        report_collect(&l->report, mine + 1);
        if (mine[0].revents && died == 0 && !l->ended)
            died = take_signals(l, &why);
        else if (mine[0].revents)
            take_signals(l, NULL);
        rc = relay_step(l->relay, fds, control, l, err);
        if (rc < 0)
            return rc;
        if (l->ended && l->machine.qemu > 0)
            dismiss_machine(l);
        // What the port still held has been read by now.
        if (!l->ended && (l->relay->link.eof || died < 0))
            return died < 0 ? error_set(err, -ECHILD, "%s", why.text)
                            : machine_ended(&l->machine, err);
        if (l->ended || clock_now_ns() < l->deadline)
            continue;
        if (l->started)
            l->killed = (int)l->asked;
        else
            return too_late(l, err);
    }
    return 0;
}

static int set_up(struct launch *l, struct error *err)
{
    struct machine_tools tools;
    struct kernel kernel;
    const struct options *o = l->options;
    struct job *job = &l->prep.job;
    int rc = machine_find_tools(&tools, o, err);
    if (rc == 0)
        rc = kernel_find(&kernel, o->kernel, o->modules, err);
    if (rc == 0)
        rc = open_signals(l, err);
    if (rc < 0)
        return rc;
    job->state.unprivileged = !o->exact && machine_is_unprivileged();
    int initramfs = initramfs_build(&kernel, o, job, err);
    if (initramfs < 0)
        return initramfs;
    report_step(&l->report, "the initramfs is written");
    struct machine_plan plan = {
        .tools = &tools,
        .options = o,
        .kernel = &kernel,
        .initramfs = initramfs,
        .shares = l->prep.out.count > 0 ? &l->prep.out : &job->shares,
        .tsc_khz = tsc_khz(&l->tsc),
    };
    rc = machine_start(&l->machine, &plan, err);
    close(initramfs);
    if (rc < 0)
        return rc;
    report_step(&l->report, "the machine runs");
    l->report.console = l->machine.console;
    l->report.messages = l->machine.messages;
    l->relay = relay_new(l->machine.port, LINK_HOST);
    if (!l->relay ||
        streams_add_outputs(l->relay, &job->state, &l->terminal) < 0)
        return error_set(err, -ENOMEM, "no memory for the rig's streams");
    return 0;
}

// The exit code of a run that was served to its end.
static int verdict(struct launch *l)
{
    int cause;
    const char *output = l->relay ? streams_failed(l->relay, &cause) : NULL;
    if (l->killed)
        return 128 + l->killed;
    if (!output)
        return l->status;
    report_line("writing the %s: %s", output, strerror(cause));
    return l->status ? l->status : RIG_EXIT_FAILED;
}

static int run(struct launch *l)
{
    struct error err = {{0}};
    int rc = prepare_job(&l->prep, l->options, &l->terminal, &err);
    bool usage = rc == -EINVAL;
    streams_fill_gaps();
    if (rc == 0)
        rc = set_up(l, &err);
    if (rc == 0)
        rc = serve(l, &err);
    terminal_restore(&l->terminal);
    if (rc < 0)
        report_failure(&l->report, &err);
    machine_stop(&l->machine);
    report_step(&l->report, "the machine is gone");
    if (usage)
        return RIG_EXIT_USAGE;
    return rc < 0 ? RIG_EXIT_FAILED : verdict(l);
}

int launch(const struct options *options)
{
    struct launch *l = calloc(1, sizeof(*l));
    if (!l)
        return RIG_EXIT_FAILED;
    l->options = options;
    l->tsc = tsc_now();
    l->signals = -1;
    l->machine = (struct machine){.port = -1, .console = -1, .messages = -1};
    l->deadline = clock_after(clock_now_ns(), options->timeout_s * NS_PER_S);
    terminal_open(&l->terminal);
    report_init(&l->report, options->plain ? "the guest" : "the rig",
                options->verbose, &l->terminal);
    int code = run(l);
    relay_free(l->relay);
    prepare_free(&l->prep);
    if (l->signals >= 0)
        close(l->signals);
    free(l);
    return code;
}

int launch_check(const struct options *options)
{
    struct error err = {{0}};
    struct machine_tools tools;
    struct kernel kernel;
    struct job job = {.cwd = "/", .hostname = ""};
    int rc = machine_find_tools(&tools, options, &err);
    if (rc == 0)
        rc = machine_can_share(&err);
    if (rc == 0)
        rc = kernel_find(&kernel, options->kernel, options->modules, &err);
    if (rc == 0)
        rc = initramfs_build(&kernel, options, &job, &err);
    if (rc >= 0) {
        close(rc);
        printf("the rig can run here: %s with %s\n", tools.qemu, kernel.image);
        if (options->verbose)
            printf("qemu: %s\nkernel: %s\n", tools.qemu, kernel.image);
        return 0;
    }
    report_line("%s", err.text);
    return RIG_EXIT_FAILED;
}
