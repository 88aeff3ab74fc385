// SPDX-License-Identifier: Apache-2.0
// A guard for tests of rooms that start threads: these run inside of their
// lists, and what is caught is written down.
#pragma once

#include "src/host/guard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// One for each test. In a build without a sandbox its guard is NULL.
struct guard_log {
    struct guard *guard;
    int (*out)(void); // called on a thread that has entered, or NULL

    pthread_mutex_t lock; // guards what follows
    unsigned entered, caught, refused;
    int result;   // of the last out: its errno, or 0
    int code;     // of the last one that was refused
    char who[64]; // the last one that was caught or refused, and its call
    char call[64];
};

static inline void guard_log_caught(void *owner, const struct guard_thread *who,
                                    const char *call)
{
    struct guard_log *log = owner;
    pthread_mutex_lock(&log->lock);
    log->caught++;
    snprintf(log->who, sizeof log->who, "%s", who->name);
    snprintf(log->call, sizeof log->call, "%s", call);
    pthread_mutex_unlock(&log->lock);
}

static inline void guard_log_refused(void *owner,
                                     const struct guard_thread *who, int code)
{
    struct guard_log *log = owner;
    pthread_mutex_lock(&log->lock);
    log->refused++;
    log->code = code;
    snprintf(log->who, sizeof log->who, "%s", who->name);
    pthread_mutex_unlock(&log->lock);
}

static inline void guard_log_entered(void *owner,
                                     const struct guard_thread *who)
{
    struct guard_log *log = owner;
    (void)who;
    int result = log->out ? log->out() : 0;
    pthread_mutex_lock(&log->lock);
    log->entered++;
    log->result = result;
    pthread_mutex_unlock(&log->lock);
}

static inline void guard_log_begin(struct guard_log *log, int (*out)(void))
{
    const struct guard_hooks hooks = {log, guard_log_caught, guard_log_refused,
                                      guard_log_entered};
    struct error err = {""};
    *log = (struct guard_log){.out = out};
    pthread_mutex_init(&log->lock, NULL);
    if (!sandbox_is_offered())
        return;
    log->guard = guard_new(&hooks, 4, &err);
    cr_assert_not_null(log->guard, "%s", err.text);
}

static inline struct guard_seat
guard_log_seat(struct guard_log *log, enum sandbox_thread kind, const char *who)
{
    struct guard_seat seat = {.guard = log->guard, .who = {.kind = kind}};
    snprintf(seat.who.name, sizeof seat.who.name, "%s", who);
    return seat;
}

// Its threads have ended.
static inline void guard_log_end(struct guard_log *log)
{
    guard_free(log->guard);
    log->guard = NULL;
    pthread_mutex_destroy(&log->lock);
}

// The same, and all that they called was on their lists.
static inline void guard_log_end_well(struct guard_log *log)
{
    guard_log_end(log);
    cr_expect_eq(log->refused, 0U, "%s: %d", log->who, log->code);
    cr_expect_eq(log->caught, 0U, "%s calls %s", log->who, log->call);
}

// ---- A thread that was taken over -------------------------------------------

// As if: it makes a connection to somewhere.
static inline int guard_call_out(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

// The one thread of a guard that called that, and has ended, was found out.
static inline void guard_log_end_caught(struct guard_log *log, const char *who)
{
    guard_log_end(log);
    cr_expect_eq(log->entered, 1U);
    cr_expect_eq(log->caught, 1U);
    cr_expect_eq(log->result, EPERM, "%d", log->result);
    cr_expect_str_eq(log->who, who);
    cr_expect_str_eq(log->call, "socket");
}

static inline void guard_needs_a_sandbox(void)
{
    if (!sandbox_is_offered())
        cr_skip_test("a build with sanitizers has no sandbox");
}
