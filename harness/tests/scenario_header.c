// SPDX-License-Identifier: Apache-2.0
// The header's statements as they come out in the tree.
#include "harness/tests/scenario_test.h"

Test(scenario_header, machine)
{
    struct parsed_text p = parse_good("test \"A \\\"title\\\"\"\n"
                                      "guest alpine-3.15.11 # a comment\n"
                                      "kernel build/vm#linux\n"
                                      "initrd '/boot/init rd.img'\n"
                                      "cmdline \"console=ttyS0\"\n"
                                      "cmdline + \"quiet\"\n"
                                      "cmdline + \"debug\"\n"
                                      "memory 1.5G\n"
                                      "cpus 1\n"
                                      "poweroff\n");
    cr_assert_str_eq(p.sc->title, "A \"title\"");
    cr_assert_eq(p.sc->title_pos.line, 1);
    cr_assert_eq(p.sc->title_pos.column, 6);
    cr_assert_str_eq(p.sc->guest, "alpine-3.15.11");
    cr_assert_eq(p.sc->guest_pos.column, 7);
    cr_assert_str_eq(literal(&p.sc->kernel), "build/vm#linux");
    cr_assert_str_eq(literal(&p.sc->initrd), "/boot/init rd.img");
    cr_assert_str_eq(literal(&p.sc->cmdline), "console=ttyS0 quiet debug");
    cr_assert_not(p.sc->cmdline_appends);
    cr_assert_eq(p.sc->memory, UINT64_C(1536) << 20);
    cr_assert_eq(p.sc->memory_pos.line, 8);
    cr_assert_eq(p.sc->cpus, 1);
    parsed_free(&p);
}

Test(scenario_header, memorys_backing)
{
    static const struct {
        const char *text;
        bool huge, shared;
    } cases[] = {{"guest g\nmemory 4G huge\npoweroff\n", true, false},
                 {"guest g\nmemory 17M shared\npoweroff\n", false, true},
                 {"guest g\nmemory 17M\npoweroff\n", false, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed_text p = parse_good(cases[i].text);
        cr_expect_eq(p.sc->memory_huge, cases[i].huge);
        cr_expect_eq(p.sc->memory_shared, cases[i].shared);
        parsed_free(&p);
    }
}

Test(scenario_header, nothing_given)
{
    struct parsed_text p = parse_good("kernel /boot/vmlinuz\npoweroff\n");
    cr_assert_str_eq(p.sc->title, "t");
    cr_assert_str_eq(p.sc->path, "t.tc");
    cr_assert_null(p.sc->guest);
    cr_assert_str_eq(literal(&p.sc->kernel), "/boot/vmlinuz");
    cr_assert_eq(p.sc->initrd.npieces, 0);
    cr_assert_eq(p.sc->cmdline.npieces, 0);
    cr_assert_not(p.sc->cmdline_appends);
    cr_assert_eq(p.sc->memory, 0);
    cr_assert_eq(p.sc->cpus, 0);
    cr_assert_eq(p.sc->timeout_ns, UINT64_C(120) * 1000000000);
    cr_assert_eq(p.sc->step_timeout_ns, UINT64_C(30) * 1000000000);
    cr_assert_eq(p.sc->timeout_pos.line, 0);
    cr_assert_eq(p.sc->ntags + p.sc->nsettings + p.sc->nfails + p.sc->nallows,
                 0);
    parsed_free(&p);
}

Test(scenario_header, cmdline_that_appends)
{
    struct parsed_text p = parse_good("guest a\ncmdline + \"x\"\npoweroff\n");
    cr_assert_str_eq(literal(&p.sc->cmdline), "x");
    cr_assert(p.sc->cmdline_appends);
    parsed_free(&p);
    // The order of the two forms does not matter.
    p = parse_good("guest a\ncmdline + \"x\"\ncmdline \"y\"\npoweroff\n");
    cr_assert_str_eq(literal(&p.sc->cmdline), "y x");
    cr_assert_not(p.sc->cmdline_appends);
    parsed_free(&p);
    // An empty one is given, not absent.
    p = parse_good("guest a\ncmdline \"\"\ncmdline + \"x\"\npoweroff\n");
    cr_assert_str_eq(literal(&p.sc->cmdline), "x");
    cr_assert_not(p.sc->cmdline_appends);
    parsed_free(&p);
}

Test(scenario_header, deadlines_and_tags)
{
    struct parsed_text p = parse_good("guest a\ntimeout 1.5m\n"
                                      "step-timeout 250ms\n"
                                      "tags smoke 6.1-lts\ntags slow\n"
                                      "poweroff\n");
    cr_assert_eq(p.sc->timeout_ns, UINT64_C(90) * 1000000000);
    cr_assert_eq(p.sc->step_timeout_ns, UINT64_C(250) * 1000000);
    cr_assert_eq(p.sc->timeout_pos.line, 2);
    cr_assert_eq(p.sc->ntags, 3);
    cr_assert_str_eq(p.sc->tags[0], "smoke");
    cr_assert_str_eq(p.sc->tags[1], "6.1-lts");
    cr_assert_str_eq(p.sc->tags[2], "slow");
    parsed_free(&p);
}

Test(scenario_header, settings_are_resolved_in_order)
{
    struct parsed_text p =
        parse_good("test \"on ${kind}\"\n"
                   "kernel ${dir}/vm-${kind}\n"
                   "set kind fast-1.2\nset dir \"/b/${kind}\"\nset n 15\n"
                   "set empty ''\nset raw '${dir}'\n"
                   "cmdline \"a=${n}${empty}\"\n"
                   "send \"${dir}\"\n");
    cr_assert_str_eq(p.sc->title, "on fast-1.2");
    cr_assert_str_eq(literal(&p.sc->kernel), "/b/fast-1.2/vm-fast-1.2");
    cr_assert_str_eq(literal(&p.sc->cmdline), "a=15");
    cr_assert_eq(p.sc->nsettings, 5);
    cr_assert_str_eq(p.sc->settings[1].name, "dir");
    cr_assert_str_eq(literal(&p.sc->settings[1].value), "/b/fast-1.2");
    cr_assert_eq(p.sc->settings[3].value.npieces, 0);
    cr_assert_str_eq(literal(&p.sc->settings[4].value), "${dir}");
    const struct text *sent = &p.sc->steps.steps[0].u.send.text;
    cr_assert_eq(sent->npieces, 1);
    cr_assert(sent->pieces[0].variable);
    cr_assert_str_eq(sent->pieces[0].bytes, "dir");
    parsed_free(&p);
}

Test(scenario_header, fail_and_allow)
{
    struct parsed_text p = parse_good("guest a\nset v \"a.b[\"\n"
                                      "fail /x${v}/i \"why ${v}\"\nfail /y/\n"
                                      "allow /z/m\nallow oops\npoweroff\n");
    cr_assert_eq(p.sc->nfails, 2);
    cr_assert_eq(p.sc->nallows, 2);
    const struct fail_rule *f = &p.sc->fails[0];
    cr_assert_eq(f->pos.line, 3);
    cr_assert_eq(f->pattern.flags, PATTERN_CASELESS);
    cr_assert_str_eq(literal(&f->why), "why a.b[");
    // The variable's value stands for itself.
    size_t start, end;
    struct error err;
    cr_assert_eq(
        pattern_search(f->pattern.compiled, "xa.B[", 5, 0, &start, &end, &err),
        1);
    cr_assert_eq(
        pattern_search(f->pattern.compiled, "xacB[", 5, 0, &start, &end, &err),
        0);
    cr_assert_eq(p.sc->fails[1].why.npieces, 0);
    cr_assert_null(p.sc->allows[0].name);
    cr_assert_not_null(p.sc->allows[0].pattern.compiled);
    cr_assert_str_eq(p.sc->allows[1].name, "oops");
    cr_assert_not_null(p.sc->allows[1].pattern.compiled);
    parsed_free(&p);
}

// ---- Overrides --------------------------------------------------------------

static struct parsed_text parse_with(const char *text, const struct override *o,
                                     size_t n)
{
    struct parsed_text p = {0};
    p.code = scenario_parse("t.tc", text, strlen(text), o, n, &p.sc, &p.diags,
                            &p.err);
    return p;
}

Test(scenario_header, overrides_replace_and_define)
{
    const struct override o[] = {{"a", "first"}, {"b", "${x}"}, {"a", "two"}};
    struct parsed_text p =
        parse_with("guest g\nset a one\nset c \"${a}/${b}\"\n"
                   "send \"${b}\"\n",
                   o, 3);
    cr_assert_eq(p.code, 0);
    cr_assert_eq(p.sc->nsettings, 3);
    cr_assert_str_eq(p.sc->settings[0].name, "b");
    cr_assert_str_eq(literal(&p.sc->settings[0].value), "${x}");
    cr_assert_str_eq(p.sc->settings[1].name, "a");
    cr_assert_str_eq(literal(&p.sc->settings[1].value), "two");
    cr_assert_str_eq(literal(&p.sc->settings[2].value), "two/${x}");
    parsed_free(&p);
}

Test(scenario_header, override_of_what_nobody_uses)
{
    const struct override o[] = {{"kernle", "x"}};
    struct parsed_text p =
        parse_with("guest g\nset kernel y\nsend \"${kernel}\"\n", o, 1);
    cr_assert_eq(p.code, -EINVAL);
    char *all = format_all(&p.diags);
    cr_assert_str_eq(all, "t.tc: error: --set kernle: this scenario has no "
                          "such variable\n      = did you mean `kernel`?\n");
    free(all);
    parsed_free(&p);
}

// ---- The machine's ports, symbols, and what it needs ------------------------

Test(scenario_header, ports_symbols_needs)
{
    struct parsed_text p =
        parse_good("set k b\nguest a-${k}\nserial 2\nsymbols \"s/${k}\"\n"
                   "needs kvm\nneeds rig\nneeds net\nneeds guest x.${k}\n"
                   "needs guest \"y\"\nconsole ttyS1");
    cr_assert_str_eq(p.sc->guest, "a-b");
    cr_assert_eq(p.sc->guest_pos.line, 2);
    cr_assert_eq(p.sc->guest_pos.column, 7);
    cr_assert_eq(p.sc->serial_ports, 2);
    cr_assert_str_eq(literal(&p.sc->symbols), "s/b");
    cr_assert_eq(p.sc->nneeds, 5);
    cr_assert_eq(p.sc->needs[0].kind, NEED_KVM);
    cr_assert_eq(p.sc->needs[1].kind, NEED_RIG);
    cr_assert_eq(p.sc->needs[2].kind, NEED_NET);
    cr_assert_eq(p.sc->needs[3].kind, NEED_GUEST);
    cr_assert_null(p.sc->needs[2].guest);
    cr_assert_str_eq(p.sc->needs[3].guest, "x.b");
    cr_assert_str_eq(p.sc->needs[4].guest, "y");
    parsed_free(&p);
    p = parse_good("guest g\nmark a");
    cr_assert_eq(p.sc->serial_ports, 0);
    cr_assert_eq(p.sc->symbols.npieces, 0);
    parsed_free(&p);
}

// ---- matrix -----------------------------------------------------------------

static const char axes[] =
    "test \"on ${kernel}, ${mode}\"\nguest b-${kernel}\nset x ${mode}!\n"
    "matrix kernel small \"two words\" 6.1\nmatrix mode a b ''\n"
    "set y \"${kernel}\"\nsend \"${mode}\"\n";

Test(scenario_header, an_axis_is_a_setting)
{
    const struct override o[] = {{"mode", "b"}, {"kernel", "6.1"}};
    // x stands above the axis that it uses.
    struct parsed_text p = parse_with(axes, o, 2);
    cr_assert_eq(p.code, -EINVAL);
    cr_assert_str_eq(p.diags.list[0].message, "unknown variable `mode`");
    parsed_free(&p);

    char *text = strdup(axes), *x = strstr(text, "set x");
    memset(x, '#', 5);
    p = parse_good(text);
    cr_assert_str_eq(p.sc->title, "on small, a");
    cr_assert_str_eq(p.sc->guest, "b-small");
    cr_assert_eq(p.sc->naxes, 2);
    cr_assert_str_eq(p.sc->axes[0].name, "kernel");
    cr_assert_eq(p.sc->axes[0].pos.line, 4);
    cr_assert_eq(p.sc->axes[0].pos.column, 8);
    cr_assert_eq(p.sc->axes[0].nvalues, 3);
    cr_assert_str_eq(literal(&p.sc->axes[0].values[1]), "two words");
    cr_assert_eq(p.sc->axes[1].values[2].npieces, 0);
    cr_assert_eq(p.sc->nsettings, 3);
    cr_assert_str_eq(literal(&p.sc->settings[0].value), "small");
    parsed_free(&p);

    p = parse_with(text, o, 2);
    cr_assert_eq(p.code, 0);
    cr_assert_str_eq(p.sc->title, "on 6.1, b");
    cr_assert_str_eq(p.sc->guest, "b-6.1");
    cr_assert_str_eq(literal(&p.sc->settings[2].value), "6.1");
    // The axes are all there still.
    cr_assert_eq(p.sc->axes[0].nvalues, 3);
    parsed_free(&p);

    const struct override none[] = {{"mode", ""}};
    p = parse_with(text, none, 1);
    cr_assert_eq(p.code, 0);
    cr_assert_str_eq(p.sc->title, "on small, ");
    parsed_free(&p);
    free(text);
}

Test(scenario_header, an_axis_has_only_its_values)
{
    const struct override o[] = {{"k", "oen"}};
    struct parsed_text p =
        parse_with("guest g\nmatrix k one two ''\nmark a", o, 1);
    cr_assert_eq(p.code, -EINVAL);
    char *all = format_all(&p.diags);
    cr_assert_str_eq(all, "t.tc:2:8: error: `oen` is no value of `k`: it is "
                          "one of `one`, `two`, ``\n"
                          "    2 | matrix k one two ''\n"
                          "      |        ^\n"
                          "      = did you mean `one`?\n");
    free(all);
    parsed_free(&p);
}

Test(scenario_header, a_bare_value_has_its_variables)
{
    struct parsed_text p =
        parse_good("guest g\nset a /x\nset b ${a}/y\nset c '${a}'\nmark m");
    cr_assert_str_eq(literal(&p.sc->settings[1].value), "/x/y");
    cr_assert_str_eq(literal(&p.sc->settings[2].value), "${a}");
    parsed_free(&p);
}
