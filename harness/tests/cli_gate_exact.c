// SPDX-License-Identifier: Apache-2.0
// What `gate` makes of a history's boots in the exact rig.
#include "harness/tests/cli_gate_util.h"

TestSuite(gate_exact, .init = gate_begin, .fini = gate_end);

// Boots of the exact rig: seeds first..first+n-1 after so many nanoseconds,
// each seed a little later than the one before it.
static void add_seeds(struct history *h, bool topic, const char *fingerprint,
                      uint64_t first, unsigned n, uint64_t ns)
{
    for (uint64_t i = first; i < first + n; i++) {
        const struct history_mark mark = {"prompt", 5 * MS,
                                          ns + i * 7000 % 50000, 7};
        struct history_run run = gate_run(topic, i);
        run.duration_ns = 6 * MS;
        run.seeded = true;
        run.seed = i;
        run.environment = (struct history_environment){
            "any", NULL, "exact", "1", 1 << 20, 1, fingerprint};
        run.nmarks = 1;
        run.marks = &mark;
        gate_add(h, run);
    }
}

Test(gate_exact, boots_are_compared_seed_by_seed)
{
    static const struct {
        const char *what;
        uint64_t base, head; // ns
        unsigned from, n;    // head's seeds; base has 1 to 4
        const char *fingerprint;
        int code;
        const char *says;
    } cases[] = {
        {"equal", 2600 * MS, 2600 * MS, 1, 4, "f", 0, "\"identical\""},
        {"one nanosecond", 2600 * MS, 2600 * MS + 1, 1, 4, "f", 0, "\"same\""},
        {"slower", 2600 * MS, 2603 * MS, 1, 4, "f", 1, "\"slower\""},
        {"faster", 2603 * MS, 2600 * MS, 1, 4, "f", 0, "\"faster\""},
        // Only these two seeds say anything.
        {"two seeds in common", 2600 * MS, 2600 * MS, 3, 4, "f", 0,
         "\"base_n\":2,\"head_n\":2"},
        {"none in common", 2600 * MS, 2600 * MS, 5, 4, "f", 3, "not measured"},
        {"another rig", 2600 * MS, 2600 * MS, 1, 4, "g", 3, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct history *h = gate_history();
        add_seeds(h, false, "f", 1, 4, cases[i].base);
        add_seeds(h, true, cases[i].fingerprint, cases[i].from, cases[i].n,
                  cases[i].head);
        // The newest counts; it is the same one.
        add_seeds(h, false, "f", 1, 1, cases[i].base);
        history_close(h);
        int code = gate_judge(COMMAND_GATE, NULL, NULL);
        cr_expect_eq(code, cases[i].code, "%s: exit %d", cases[i].what, code);
        char *json = get_file("c.json");
        if (cases[i].says) {
            cr_expect(strstr(json, cases[i].says), "%s: %s", cases[i].what,
                      json);
            cr_expect(strstr(json, "\"exact\":true"));
        }
        free(json);
    }
}

// Boots by the clock on the wall beside them are another group.
Test(gate_exact, boots_are_not_mixed_with_others)
{
    const struct history_mark mark = {"prompt", 500 * MS, 500 * MS, 7};
    struct history *h = gate_history();
    for (unsigned i = 0; i < 20; i++) {
        struct history_run run = gate_run(i % 2, i);
        run.position = i / 2;
        run.nmarks = 1;
        run.marks = &mark;
        gate_add(h, run);
    }
    add_seeds(h, false, "f", 1, 4, 2600 * MS);
    add_seeds(h, true, "f", 1, 4, 2600 * MS);
    history_close(h);
    cr_expect_eq(gate_judge(COMMAND_GATE, NULL, NULL), 0);
    char *json = get_file("c.json");
    cr_expect(strstr(json, "\"exact\":true"));
    cr_expect(strstr(json, "\"exact\":false"));
    cr_expect(strstr(json, "\"base_n\":10"));
    cr_expect(strstr(json, "\"base_n\":4"));
    free(json);
}
