// SPDX-License-Identifier: Apache-2.0
// See guest.h. Init: brings the rig up, then relays until the command ends.
#include "harness/rig/guest.h"

#include "harness/rig/guest_kick.h"
#include "src/daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOB_MAX (64u << 20)

// Init's state; lives in guest_main.
struct guest {
    struct job job;
    struct relay *relay;
    struct command command;
    struct frame_started times;
    int signals;    // signalfd for SIGCHLD
    bool have_time; // TIME came
    bool hung_up;   // the terminal's end was passed on
    bool exited;    // the command ended with status
    bool said_exit; // EXIT is on its way
    int status;
    struct frame_winsize size;
};

static uint64_t boot_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

_Noreturn static void leave(void)
{
    reboot(RB_AUTOBOOT); // QEMU ends: -no-reboot
    _exit(1);            // a panic, which ends QEMU as well
}

static void wait_link(struct guest *g, relay_control *control);

// Tells the host, or at least its console, and ends the machine.
_Noreturn static void fail(struct guest *g, const struct error *err)
{
    dprintf(2, "toyvmm-rig: %s\n", err->text);
    if (g->relay) {
        link_send(&g->relay->link, FRAME_FAILED, 0, err->text,
                  strlen(err->text));
        while (!g->relay->link.eof)
            wait_link(g, NULL);
    }
    leave();
}

static int on_frame(void *arg, const struct frame *frame, struct error *err)
{
    struct guest *g = arg;
    uint32_t sig;
    if (frame->type == FRAME_TIME) {
        struct frame_time t;
        memcpy(&t, frame->payload, sizeof(t));
        struct timespec now = {.tv_sec = t.sec, .tv_nsec = (long)t.nsec};
        clock_settime(CLOCK_REALTIME, &now);
        g->have_time = true;
    } else if (frame->type == FRAME_WINSIZE) {
        memcpy(&g->size, frame->payload, sizeof(g->size));
        struct winsize w = {g->size.rows, g->size.cols, g->size.xpixel,
                            g->size.ypixel};
        if (g->command.pty >= 0)
            ioctl(g->command.pty, TIOCSWINSZ, &w);
    } else if (frame->type == FRAME_SIGNAL) {
        memcpy(&sig, frame->payload, sizeof(sig));
        if (g->command.pid > 0 && !g->exited && sig > 0 && sig < NSIG)
            kill(-g->command.pid, (int)sig);
        link_send(&g->relay->link, FRAME_ACK, 0, NULL, 0);
    } else if (frame->type != FRAME_TICK) {
        return error_set(err, -EPROTO, "the host sent a frame out of place");
    }
    return 0;
}

static int ignore_frame(void *arg, const struct frame *frame, struct error *err)
{
    (void)arg, (void)frame, (void)err;
    return 0;
}

// One round of waiting and passing on; control NULL ignores what comes.
static void wait_link(struct guest *g, relay_control *control)
{
    struct pollfd fds[RELAY_POLL_COUNT + 1];
    struct error err = {{0}};
    relay_prepare(g->relay, fds);
    fds[RELAY_POLL_COUNT] = (struct pollfd){.fd = g->signals, .events = POLLIN};
    if (poll(fds, RELAY_POLL_COUNT + 1, -1) < 0)
        return;
    int rc =
        relay_step(g->relay, fds, control ? control : ignore_frame, g, &err);
    if (rc < 0 && !control)
        leave();
    if (rc < 0)
        fail(g, &err);
}

// Reaps everything; true when the command itself was among it.
static void reap(struct guest *g)
{
    struct signalfd_siginfo info;
    while (read(g->signals, &info, sizeof(info)) > 0)
        ;
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != g->command.pid || g->exited)
            continue;
        g->exited = true;
        g->status = status;
        if (g->command.tty >= 0)
            close(g->command.tty);
        g->command.tty = -1;
        relay_drain_sources(g->relay);
    }
}

// A command that the rig's kernel killed for want of memory must not look
// like one that failed.
static void note_oom(struct guest *g)
{
    FILE *f = fopen("/proc/vmstat", "re");
    char line[128];
    unsigned long killed = 0;
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "oom_kill ", 9) == 0)
            killed = strtoul(line + 9, NULL, 10);
    if (f)
        fclose(f);
    char note[128];
    int n = snprintf(note, sizeof(note),
                     "%s ran out of memory and killed a process: give it more "
                     "with --memory",
                     g->job.state.plain ? "the guest" : "the rig");
    if (killed > 0)
        link_send(&g->relay->link, FRAME_NOTE, 0, note, (size_t)n);
}

static void say_exit(struct guest *g)
{
    uint32_t status = (uint32_t)g->status;
    note_oom(g);
    guest_sync(&g->job);
    link_send(&g->relay->link, FRAME_EXIT, 0, &status, sizeof(status));
    g->said_exit = true;
}

static void bring_loopback_up(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd < 0)
        return;
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags |= IFF_UP;
        ioctl(fd, SIOCSIFFLAGS, &request);
    }
    close(fd);
}

static int read_job(struct guest *g, struct error *err)
{
    uint8_t *bytes; // lives as long as init
    size_t len;
    int rc = file_read(JOB_PATH, JOB_MAX, &bytes, &len, err);
    return rc < 0 ? rc : job_decode(&g->job, bytes, len, err);
}

static int open_link(struct guest *g, struct error *err)
{
    int port = guest_open_port(err);
    if (port < 0)
        return port;
    g->relay = relay_new(port, LINK_RIG);
    if (!g->relay)
        return error_set(err, -ENOMEM, "no memory for the rig's port");
    uint32_t version = PROTOCOL_VERSION;
    link_send(&g->relay->link, FRAME_HELLO, 0, &version, sizeof(version));
    return link_flush(&g->relay->link, err);
}

// The exact rig has nothing that the host could reach it by.
static int bring_up_alone(struct guest *g, struct error *err)
{
    const struct job_state *state = &g->job.state;
    int rc = guest_load_modules(state->early_modules, state->modules, err);
    g->times.kvm = boot_ns();
    if (rc == 0)
        rc = guest_arm_kick(err);
    if (rc == 0)
        rc = guest_enter_exact(&g->job, err);
    const struct timespec phase = {.tv_nsec = state->phase_ns};
    nanosleep(&phase, NULL);
    g->times.mounts = boot_ns();
    return rc;
}

// Lets the host in, or in again.
static int meet_host(struct guest *g, struct error *err)
{
    const struct job_state *state = &g->job.state;
    int rc = guest_load_modules(0, state->early_modules, err);
    if (rc == 0)
        rc = open_link(g, err);
    g->times.port = boot_ns();
    return rc;
}

// Everything up to the command's start.
static int bring_up(struct guest *g, struct error *err)
{
    g->times.init = boot_ns();
    int rc = guest_mount_kernel(err);
    if (rc == 0)
        rc = read_job(g, err);
    const struct job_state *state = &g->job.state;
    if (rc == 0 && state->exact)
        return bring_up_alone(g, err);
    if (rc == 0)
        rc = meet_host(g, err);
    // Before the initramfs disappears under the host's files.
    if (rc == 0)
        rc = guest_load_modules(state->early_modules, state->modules, err);
    g->times.kvm = boot_ns();
    if (rc == 0)
        rc = guest_mount_files(&g->job, err);
    g->times.mounts = boot_ns();
    return rc;
}

static int start_command(struct guest *g, struct error *err)
{
    if (sethostname(g->job.hostname, strlen(g->job.hostname)) < 0)
        return error_errno(err, errno, "setting the rig's host name");
    bring_loopback_up();
    if (!g->job.state.plain && chmod("/dev/kvm", 0666) < 0)
        return error_errno(err, errno, "the rig has no /dev/kvm");
    while (g->relay && !g->have_time && !g->relay->link.eof)
        wait_link(g, on_frame);
    int rc = guest_start_command(&g->command, &g->job, err);
    if (rc == 0 && g->relay)
        rc = guest_add_streams(g->relay, &g->command, err);
    g->times.command = boot_ns();
    if (rc < 0 || !g->relay)
        return rc;
    struct frame_winsize none = {0};
    if (memcmp(&g->size, &none, sizeof(none)) != 0 && g->command.pty >= 0) {
        struct winsize w = {g->size.rows, g->size.cols, g->size.xpixel,
                            g->size.ypixel};
        ioctl(g->command.pty, TIOCSWINSZ, &w);
    }
    link_send(&g->relay->link, FRAME_STARTED, 0, &g->times, sizeof(g->times));
    return 0;
}

// Until the command of the exact rig has ended; then all that it wrote is
// there to be passed on.
static int run_alone(struct guest *g, struct error *err)
{
    pid_t pid;
    int status;
    while ((pid = wait(&status)) > 0 && pid != g->command.pid)
        ;
    g->status = status;
    g->exited = true;
    int rc = meet_host(g, err);
    if (rc == 0)
        rc = guest_hand_out(&g->job, err);
    if (rc == 0)
        rc = guest_add_streams(g->relay, &g->command, err);
    if (rc < 0)
        return rc;
    relay_drain_sources(g->relay);
    link_send(&g->relay->link, FRAME_STARTED, 0, &g->times, sizeof(g->times));
    return 0;
}

static void relay_until_end(struct guest *g)
{
    link_flush(&g->relay->link, NULL);
    while (!g->relay->link.eof) {
        reap(g);
        if (g->exited && !g->said_exit && relay_sources_done(g->relay)) {
            say_exit(g);
            link_flush(&g->relay->link, NULL);
        }
        if (g->exited && !g->said_exit) {
            // Draining needs a step of its own before there is an event.
            struct pollfd none[RELAY_POLL_COUNT] = {{.fd = -1}};
            relay_step(g->relay, none, on_frame, g, NULL);
            if (relay_sources_done(g->relay))
                continue;
        }
        wait_link(g, on_frame);
        bool gone = g->relay->sinks[STREAM_TTY].eof;
        if (gone && !g->hung_up && !g->exited) {
            kill(-g->command.pid, SIGHUP);
            kill(-g->command.pid, SIGCONT);
            g->hung_up = true;
        }
    }
}

_Noreturn void guest_main(void)
{
    static const char path[] = "/proc/self/oom_score_adj";
    struct guest g = {.signals = -1, .command = {.pty = -1, .tty = -1}};
    struct error err = {{0}};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    umask(0);
    g.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    int rc = bring_up(&g, &err);
    int score = open(path, O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        dprintf(score, "-1000");
        close(score);
    }
    if (rc == 0)
        rc = start_command(&g, &err);
    if (rc == 0 && !g.relay)
        rc = run_alone(&g, &err);
    // What goes wrong in the exact rig before it met the host is told, too.
    if (rc < 0 && !g.relay && g.job.state.exact)
        meet_host(&g, NULL);
    if (rc < 0 || !g.relay)
        fail(&g, &err);
    relay_until_end(&g);
    leave();
}
