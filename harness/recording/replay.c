// SPDX-License-Identifier: Apache-2.0
// A scenario on a recording. See replay.h.
#include "harness/recording/replay.h"

#include "src/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int copy(char **field, const char *text)
{
    return text ? result_set(field, "%s", text) : 0;
}

// What the report tells of the machine is what was recorded.
static int describe(const struct replay_options *o,
                    const struct recording_info *info, struct result *out)
{
    const struct result *run = &info->run;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    out->started_unix_ns =
        (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec;
    char at[32] = "";
    time_t then = (time_t)(run->started_unix_ns / NS_PER_S);
    struct tm tm;
    if (gmtime_r(&then, &tm))
        strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
    int code = copy(&out->path, o->scenario->path);
    if (!code)
        code = copy(&out->title, o->scenario->title);
    if (!code)
        code = copy(&out->guest, run->guest);
    if (!code)
        code = copy(&out->guest_note, run->guest_note);
    if (!code)
        code = copy(&out->accelerator, "replay");
    for (size_t i = 0; !code && i < run->nproperties; i++)
        code = result_add_property(out, run->properties[i].name,
                                   run->properties[i].value);
    if (!code && run->accelerator)
        code =
            result_add_property(out, "recorded.accelerator", run->accelerator);
    return code ? code : result_add_property(out, "recorded.at", at);
}

static int unreadable(const struct replay_options *o, const struct error *err,
                      struct result *out)
{
    out->verdict = VERDICT_ERROR;
    int code = copy(&out->path, o->scenario->path);
    if (!code)
        code = copy(&out->title, o->scenario->title);
    if (!code)
        code = copy(&out->accelerator, "replay");
    if (!code)
        code = copy(&out->kind, "recording");
    return code ? code : result_set(&out->message, "%s", err->text);
}

// ---- Where the two runs part -----------------------------------------------

static double seconds(const struct recording_info *info, uint64_t ns)
{
    return ns > info->started_ns ? (double)(ns - info->started_ns) / 1e9 : 0;
}

static int note_scenario(const struct replay_options *o,
                         const struct recording_info *info, struct result *out)
{
    uint64_t now = recording_hash(o->scenario->path);
    if (!now || !info->scenario_hash || now == info->scenario_hash)
        return 0;
    return result_add_note(out, false, 0, NULL,
                           "the scenario's file is not the one that was "
                           "recorded (%s)",
                           info->run.path ? info->run.path : "of no name");
}

static int note_typing(struct tape *t, struct result *out)
{
    const struct recording_info *info = tape_info(t);
    uint64_t ns;
    if (!tape_typed_differently(t, &ns))
        return 0;
    uint64_t at = ns > info->started_ns ? ns - info->started_ns : 0;
    return result_add_note(out, false, at, NULL,
                           "the scenario types something else than was "
                           "recorded at %.1f s: what follows is the guest's "
                           "answer to that",
                           seconds(info, ns));
}

static int note_end(struct tape *t, struct result *out)
{
    const struct recording_info *info = tape_info(t);
    uint64_t ns;
    const char *cut = tape_cut(t);
    if (!tape_ran_out(t, &ns))
        return 0;
    uint64_t at = ns > info->started_ns ? ns - info->started_ns : 0;
    return result_add_note(out, false, at, NULL,
                           "the recording ends at %.1f s%s%s: nothing is known "
                           "of what came after that",
                           seconds(info, ns), cut ? ", " : "", cut ? cut : "");
}

static int note_verdict(struct tape *t, struct result *out)
{
    tape_skip_to_end(t);
    const struct recording_info *info = tape_info(t);
    const struct result *run = &info->run;
    if (!info->has_verdict || run->verdict == out->verdict)
        return 0;
    return result_add_note(
        out, false, out->duration_ns, NULL, "the recorded run %s%s%s",
        run->verdict == VERDICT_PASSED ? "passed" : "did not pass",
        run->message ? ": " : "", run->message ? run->message : "");
}

static int compare(const struct replay_options *o, struct tape *t,
                   struct result *out)
{
    int code = note_scenario(o, tape_info(t), out);
    if (!code)
        code = note_typing(t, out);
    if (!code)
        code = note_end(t, out);
    return code ? code : note_verdict(t, out);
}

// ---- The run ---------------------------------------------------------------

static int run_on(const struct replay_options *o, struct tape *t,
                  struct result *out)
{
    const struct recording_info *info = tape_info(t);
    int code = describe(o, info, out);
    if (code)
        return code;
    struct run_options run = {.scenario = o->scenario,
                              .console = tape_console(t),
                              .machine = tape_machine(t),
                              .started_ns = info->started_ns,
                              .timeout_scale = info->timeout_scale,
                              .judge_marks = info->judge_marks,
                              .nonce = info->nonce,
                              .witness = o->witness,
                              .printed = o->printed,
                              .step = o->step,
                              .owner = o->owner};
    if (o->console)
        o->console(o->owner, run.console);
    code = run_scenario(&run, out);
    if (o->console)
        o->console(o->owner, NULL);
    return code ? code : compare(o, t, out);
}

int replay_run(const struct replay_options *options, struct result *result)
{
    struct error err = {""};
    struct recording_reader *reader = recording_open(options->path, NULL, &err);
    struct tape *t = reader ? tape_new(reader, &options->tape, &err) : NULL;
    int code =
        t ? run_on(options, t, result) : unreadable(options, &err, result);
    tape_free(t);
    return code;
}

double replay_scale(const char *path, double speed, struct error *err)
{
    struct recording_reader *reader = recording_open(path, NULL, err);
    if (!reader)
        return 0;
    double scale = recording_info(reader)->timeout_scale;
    recording_close(reader);
    return speed > 0 && speed < 1 ? scale / speed : scale;
}
