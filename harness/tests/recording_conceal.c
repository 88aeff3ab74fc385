// SPDX-License-Identifier: Apache-2.0
// Secrets don't leave, however the stream is cut; masks can undo it.
#include "harness/recording/conceal.h"
#include "harness/tests/recording_util.h"

#include <stdlib.h>
#include <string.h>

// Feeds text in pieces of n bytes; what comes out, and what masks make of it.
static void conceal_in(const char *text, size_t n, const char *const *secrets,
                       char *out, char *undone)
{
    struct conceal c = {0};
    size_t len = strlen(text);
    for (size_t i = 0; secrets[i]; i++)
        cr_assert(conceal_add(&c, secrets[i], strlen(secrets[i]), NULL));
    for (size_t at = 0; at < len; at += n) {
        struct mask masks[64];
        size_t k = len - at < n ? len - at : n;
        int found = conceal_apply(&c, 1, (const uint8_t *)text + at, k,
                                  (uint8_t *)out + at, masks, 64);
        cr_assert_geq(found, 0);
        memcpy(undone + at, out + at, k);
        for (int i = 0; i < found; i++) {
            cr_assert_leq(masks[i].at + masks[i].len, k);
            memcpy(undone + at + masks[i].at,
                   c.list[masks[i].index].bytes + masks[i].offset,
                   masks[i].len);
        }
    }
    out[len] = undone[len] = '\0';
    conceal_free(&c);
}

static const char text[] = "say hunter2, hunthunter2 or swordfish: hunter2hunt";

Test(recording_conceal, at_every_cut)
{
    static const char *const secrets[] = {"hunter2", "swordfish", "fish: hu",
                                          NULL};
    char out[sizeof(text)], undone[sizeof(text)];
    for (size_t n = 1; n <= sizeof(text); n++) {
        conceal_in(text, n, secrets, out, undone);
        for (size_t i = 0; secrets[i]; i++)
            cr_assert_null(strstr(out, secrets[i]), "%zu: %s", n, out);
        cr_assert_null(strstr(out, "unter"), "%zu: %s", n, out);
        cr_assert_null(strstr(out, "swo"), "%zu: %s", n, out);
        cr_assert_str_eq(undone, text, "pieces of %zu", n);
    }
    conceal_in(text, sizeof(text), secrets, out, undone);
    cr_assert_str_eq(out, "say *******, hunt******* or **********************");
}

Test(recording_conceal, the_same_secret_has_one_number)
{
    struct conceal c = {0};
    size_t a = 9, b = 9, again = 9;
    cr_assert(conceal_add(&c, "one", 3, &a));
    cr_assert(conceal_add(&c, "two", 3, &b));
    cr_assert(conceal_add(&c, "one", 3, &again));
    cr_assert(a == 0 && b == 1 && again == 0);
    conceal_free(&c);
}

// The scenario's secret is in no file; a replay that types it sees its echo.
Test(recording_conceal, a_run_with_a_secret)
{
    const char *path = own_file("secret.tvr");
    struct replayed r =
        RECORD(path,
               "expect /token: $/\n"
               "send \"hunter2\" secret\n"
               "expect /you said hunter2/\n"
               "send \"echo hunter2\"\n"
               "expect /bye/\n",
               {NULL, 1, "token: ", 0}, {"hunter2\r", 1, "hun", 0},
               {NULL, 1, "ter2\r\nyou said hunter2\r\n", 0},
               {"echo hunter2\r", 1, "bye hunter2\r\n", 0});
    cr_assert_str_eq(r.replayed, r.recorded);
    cr_assert_str_eq(r.in_pieces, r.recorded_coarse);
    cr_assert(strstr(r.recorded, "verdict: passed"), "%s", r.recorded);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    cr_assert_null(memmem(bytes, len, "unter", 5));
    cr_assert_null(memmem(bytes, len, "ter2", 4));
    free(bytes);
    replayed_free(&r);
}
