// SPDX-License-Identifier: Apache-2.0
// What scenarios need. See needs.h.
#include "harness/cli/needs.h"

#include "harness/cli/accel.h"
#include "harness/guests/guest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static char *reason(struct error *err,
                                                          const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0) {
        error_set(err, -ENOMEM, "out of memory");
        text = NULL;
    }
    va_end(args);
    return text;
}

static char *accelerator_reason(const char *wanted, const char *accelerator,
                                struct error *err)
{
    if (!accelerator)
        return reason(err, "needs %s; guests can't run here", wanted);
    bool rig = accel_is_rig(accelerator);
    if (!strcmp(wanted, rig ? "rig" : accelerator))
        return NULL;
    return reason(err, "needs %s; this is %s", wanted,
                  rig ? "the rig" : "the host's KVM");
}

static char *guest_reason(const char *name, bool build, struct error *err)
{
    struct guest guest = {0};
    struct error why = {""};
    int code = build ? guest_conf_find(&guest, name, &why)
                     : guest_conf_look(&guest, name, &why);
    guest_free(&guest);
    return code ? reason(err, "needs guest %s; %s", name, why.text) : NULL;
}

static char *net_reason(const struct scenario *s, struct error *err)
{
    struct error why = {""};
    return guest_check_net(s, &why) ? reason(err, "needs net; %s", why.text)
                                    : NULL;
}

char *needs_reason(const struct scenario *s, const struct need *need,
                   const char *accelerator, bool build, struct error *err)
{
    switch (need->kind) {
    case NEED_KVM:
        return accelerator_reason("kvm", accelerator, err);
    case NEED_RIG:
        return accelerator_reason("rig", accelerator, err);
    case NEED_NET:
        return net_reason(s, err);
    case NEED_GUEST:
        return guest_reason(need->guest, build, err);
    }
    return NULL;
}

static bool asks_for_accelerator(const struct selection *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct scenario *sc = s->list[i].what.scenario;
        for (size_t k = 0; k < sc->nneeds; k++) {
            if (sc->needs[k].kind == NEED_KVM || sc->needs[k].kind == NEED_RIG)
                return true;
        }
    }
    return false;
}

// The guest that was asked for last, and couldn't be had: the cases of a file
// ask for the same one.
struct missing {
    const char *guest;
    const char *reason;
};

static char *check_need(const struct scenario *s, const struct need *need,
                        const char *accelerator, struct missing *known,
                        struct error *err)
{
    bool again = need->kind == NEED_GUEST && known->guest &&
                 !strcmp(known->guest, need->guest);
    char *why = again ? reason(err, "%s", known->reason)
                      : needs_reason(s, need, accelerator, true, err);
    if (why && need->kind == NEED_GUEST)
        *known = (struct missing){need->guest, why};
    return why;
}

// The first need that doesn't hold is the reason.
static int check_one(struct selected *one, const char *accelerator,
                     struct missing *known, struct error *err)
{
    const struct scenario *s = one->what.scenario;
    *err->text = '\0';
    for (size_t i = 0; i < s->nneeds && !one->skip; i++) {
        const struct source_pos *pos = &s->needs[i].pos;
        one->skip = check_need(s, &s->needs[i], accelerator, known, err);
        if (*err->text)
            return -ENOMEM;
        if (one->skip && asprintf(&one->skip_where, "%s:%u:%u", pos->file,
                                  pos->line, pos->column) < 0) {
            one->skip_where = NULL;
            return error_set(err, -ENOMEM, "out of memory");
        }
    }
    return 0;
}

int needs_check(const struct options *o, struct selection *s,
                const char **accelerator, struct error *err)
{
    const char *there = *accelerator;
    if (asks_for_accelerator(s)) {
        struct error why = {""};
        int code = accel_choose(o->accelerator, &there, &why);
        there = code < 0 ? NULL : code ? "rig" : there;
        *accelerator = there;
    }
    int code = 0;
    struct missing known = {NULL, NULL};
    for (size_t i = 0; !code && i < s->count; i++)
        code = check_one(&s->list[i], there, &known, err);
    return code;
}
