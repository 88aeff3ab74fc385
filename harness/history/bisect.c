// SPDX-License-Identifier: Apache-2.0
// The search. See bisect.h.
//
// Each question compares an image with the good one, boot by boot in turn, so
// that a drifting host can't answer it. The interval of their ratio is looked
// at after each few rounds; when it lies on one side of the border (half of the
// whole slow-down) the question is settled. Several looks and several questions
// share alpha (Bonferroni).
#include "harness/history/bisect.h"

#include "harness/history/ranks.h"
#include "harness/history/stats.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIRST_LOOK 6 // rounds; a look after each as many again

const struct bisect_options bisect_defaults = {
    .alpha = 0.01,
    .min_effect = 0.02,
    .most_runs = 64,
};

enum answer { ANSWER_GOOD, ANSWER_SLOW, ANSWER_UNSURE, ANSWER_ABSENT };

// Owned by bisect_search.
struct search {
    const struct bisect_boots *boots;
    const struct bisect_options *options;
    double *good, *other; // logarithms of one question's boots
    double *aligned_good, *aligned_other;
    double z;     // of the interval at one look
    double first; // of exact: the good image's time, NAN before its boot
    size_t total; // boots
    struct error *err;
};

// One boot; false when the image did not reach the mark. *code gets errors.
static bool boot(struct search *s, size_t index, double *out, int *code)
{
    double value = NAN;
    *code = s->boots->boot(s->boots->owner, index, &value, s->err);
    s->total++;
    *out = value > 0 && isfinite(value) ? log(value) : NAN;
    return !*code && !isnan(*out);
}

// Neighbouring rounds share the machine's state: half of it goes off each.
static void align(struct search *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i / 3 * 3;
        size_t to = from + 3 < n ? from + 3 : n;
        double block[6];
        size_t count = 0;
        for (size_t j = from; j < to; j++) {
            block[count++] = s->good[j];
            block[count++] = s->other[j];
        }
        double middle = stats_median(block, count);
        s->aligned_good[i] = s->good[i] - middle;
        s->aligned_other[i] = s->other[i] - middle;
    }
}

// One boot of each image says all.
static int ask_once(struct search *s, size_t index, double border,
                    enum answer *answer, double *ratio)
{
    double other;
    int code = 0;
    *answer = ANSWER_ABSENT;
    *ratio = NAN;
    if (isnan(s->first) && !boot(s, 0, &s->first, &code))
        return code;
    if (!boot(s, index, &other, &code))
        return code;
    *ratio = exp(other - s->first);
    *answer = other - s->first > border ? ANSWER_SLOW : ANSWER_GOOD;
    return 0;
}

// Compares image `index` with image 0 until the ratio is surely below or above
// border (logarithm). *ratio gets its estimate.
static int ask(struct search *s, size_t index, double border,
               enum answer *answer, double *ratio)
{
    if (s->options->exact)
        return ask_once(s, index, border, answer, ratio);
    *answer = ANSWER_UNSURE;
    *ratio = NAN;
    for (size_t n = 0; n < s->options->most_runs;) {
        // good other other good ...: neither is always the later one.
        int code;
        bool good_first = n % 2 == 0;
        bool ok = boot(s, good_first ? 0 : index,
                       good_first ? &s->good[n] : &s->other[n], &code) &&
                  boot(s, good_first ? index : 0,
                       good_first ? &s->other[n] : &s->good[n], &code);
        if (code)
            return code;
        if (!ok) {
            *answer = ANSWER_ABSENT;
            return 0;
        }
        n++;
        if (n % FIRST_LOOK)
            continue;
        align(s, n);
        struct shift shift;
        if (!shift_make(s->aligned_good, n, s->aligned_other, n, s->z, &shift))
            return error_set(s->err, -ENOMEM, "out of memory");
        *ratio = exp(shift.middle);
        if (shift.low > border)
            *answer = ANSWER_SLOW;
        else if (shift.high < border)
            *answer = ANSWER_GOOD;
        if (*answer != ANSWER_UNSURE)
            return 0;
    }
    return 0;
}

static void tell(struct search *s, size_t index, enum answer answer,
                 double ratio)
{
    if (s->boots->answer)
        s->boots->answer(s->boots->owner, index,
                         answer == ANSWER_SLOW   ? 1
                         : answer == ANSWER_GOOD ? 0
                                                 : -1,
                         ratio, s->total);
}

// The image between good and slow that is nearest to the middle and not known
// to be unfit; 0 when there is none.
static size_t choose(const bool *unfit, size_t good, size_t slow)
{
    size_t middle = good + (slow - good) / 2;
    for (size_t off = 0; off < slow - good; off++) {
        size_t above = middle + off;
        size_t below = middle > off ? middle - off : 0;
        if (above > good && above < slow && !unfit[above])
            return above;
        if (below > good && !unfit[below])
            return below;
    }
    return 0;
}

static int narrow(struct search *s, size_t n, double border, bool *unfit,
                  struct bisect_result *out)
{
    out->status = BISECT_FOUND;
    out->last_good = 0;
    out->first_slow = n - 1;
    size_t index;
    while ((index = choose(unfit, out->last_good, out->first_slow))) {
        enum answer answer;
        double ratio;
        int code = ask(s, index, border, &answer, &ratio);
        if (code)
            return code;
        tell(s, index, answer, ratio);
        if (answer == ANSWER_UNSURE) {
            out->status = BISECT_UNSURE;
            return 0;
        }
        if (answer == ANSWER_ABSENT)
            unfit[index] = true;
        else if (answer == ANSWER_SLOW)
            out->first_slow = index;
        else
            out->last_good = index;
    }
    return 0;
}

static int search(struct search *s, size_t n, bool *unfit,
                  struct bisect_result *out)
{
    enum answer answer;
    // Is there a slow-down at all?
    int code =
        ask(s, n - 1, log1p(s->options->min_effect), &answer, &out->ratio);
    if (code)
        return code;
    tell(s, n - 1, answer, out->ratio);
    static const enum bisect_status ends[] = {
        [ANSWER_GOOD] = BISECT_SAME,
        [ANSWER_SLOW] = BISECT_FOUND,
        [ANSWER_UNSURE] = BISECT_UNSURE,
        [ANSWER_ABSENT] = BISECT_ABSENT,
    };
    out->status = ends[answer];
    out->first_slow = n - 1;
    out->narrowed = answer == ANSWER_SLOW;
    return answer == ANSWER_SLOW ? narrow(s, n, log(out->ratio) / 2, unfit, out)
                                 : 0;
}

int bisect_search(size_t n, const struct bisect_boots *boots,
                  const struct bisect_options *options,
                  struct bisect_result *out, struct error *err)
{
    *out = (struct bisect_result){.ratio = NAN};
    if (n < 2)
        return error_set(err, -EINVAL, "a search needs two images at least");
    size_t most = options->most_runs;
    double *room = calloc(4 * most + 1, sizeof(*room));
    bool *unfit = calloc(n, sizeof(*unfit));
    int code = -ENOMEM;
    if (room && unfit) {
        double questions = 1 + ceil(log2((double)n));
        double looks = ceil((double)most / FIRST_LOOK);
        struct search s = {
            .boots = boots,
            .options = options,
            .good = room,
            .other = room + most,
            .aligned_good = room + 2 * most,
            .aligned_other = room + 3 * most,
            .z = -stats_normal_quantile(options->alpha / 2 / questions / looks),
            .first = NAN,
            .err = err,
        };
        code = search(&s, n, unfit, out);
        out->boots = s.total;
    } else {
        error_set(err, -ENOMEM, "out of memory");
    }
    free(room);
    free(unfit);
    return code;
}
