// SPDX-License-Identifier: Apache-2.0
// Each kind of step as it comes out in the tree.
#include "harness/tests/scenario_test.h"
#include "src/base/ports.h"

#define S UINT64_C(1000000000)

// Parses steps behind a minimal header.
static struct parsed_text steps(const char *text)
{
    char *all = NULL;
    cr_assert_geq(asprintf(&all, "guest g\n%s\n", text), 0);
    struct parsed_text p = parse_good(all);
    free(all);
    return p;
}

#define STEP(n) (&p.sc->steps.steps[n])

Test(scenario_steps, expect_pattern)
{
    struct parsed_text p =
        steps("expect /a\\/(?<one>b)$/imsxu within 1.5s mark seen\n"
              "expect m{/{2}[\\}]} mark x within 2s\nexpect m!a/b!\n"
              "expect m(a(?<two>b)c)i\nexpect m[[a-z]]\nexpect m|x|\n"
              "expect /${one}[${two}]${one}+/");
    cr_assert_eq(p.sc->steps.nsteps, 7);
    cr_assert_eq(STEP(0)->kind, STEP_EXPECT);
    const struct pattern_node *n = &STEP(0)->u.expect.pattern;
    cr_assert_str_eq(literal(&n->source), "a\\/(?<one>b)$");
    cr_assert_eq(n->flags, PATTERN_CASELESS | PATTERN_MULTILINE |
                               PATTERN_DOTALL | PATTERN_EXTENDED);
    cr_assert_eq(n->ngroups, 1);
    cr_assert_str_eq(n->groups[0], "one");
    cr_assert_not_null(n->compiled);
    cr_assert_eq(STEP(0)->u.expect.within_ns, 3 * S / 2);
    cr_assert_str_eq(STEP(0)->u.expect.mark, "seen");
    cr_assert_str_eq(literal(&STEP(1)->u.expect.pattern.source), "/{2}[\\}]");
    cr_assert_eq(STEP(1)->u.expect.within_ns, 2 * S);
    cr_assert_str_eq(literal(&STEP(2)->u.expect.pattern.source), "a/b");
    cr_assert_str_eq(literal(&STEP(3)->u.expect.pattern.source), "a(?<two>b)c");
    cr_assert_str_eq(literal(&STEP(4)->u.expect.pattern.source), "[a-z]");
    n = &STEP(6)->u.expect.pattern;
    cr_assert_null(n->compiled);
    cr_assert_eq(n->source.npieces, 6);
    cr_assert(n->source.pieces[0].variable);
    cr_assert_eq(n->source.pieces[2].pos.column, 16);
    parsed_free(&p);
}

Test(scenario_steps, dollars_in_patterns)
{
    struct parsed_text p = steps("expect /# $/\nexpect /\\${x}/\n"
                                 "expect /a$|b/\nexpect /[$]{2}/");
    for (size_t i = 0; i < 4; i++) {
        const struct text *t = &STEP(i)->u.expect.pattern.source;
        cr_assert_eq(t->npieces, 1);
        cr_assert_not(t->pieces[0].variable);
    }
    cr_assert_str_eq(literal(&STEP(1)->u.expect.pattern.source), "\\${x}");
    parsed_free(&p);
}

Test(scenario_steps, pattern_over_several_lines)
{
    struct parsed_text p = steps("expect m{ a   # one\r\n  b\n}x within 5s");
    cr_assert_str_eq(literal(&STEP(0)->u.expect.pattern.source),
                     " a   # one\n  b\n");
    cr_assert_eq(STEP(0)->u.expect.within_ns, 5 * S);
    cr_assert_str_eq(STEP(0)->source, "expect m{ a # one b }x within 5s");
    parsed_free(&p);
}

Test(scenario_steps, expect_events)
{
    struct parsed_text p =
        steps("expect reset\nexpect poweroff within 3s\nexpect halt\n"
              "expect panic\nexpect triple-fault\nexpect idle 250ms");
    const enum guest_event events[] = {GUEST_RESET, GUEST_POWEROFF, GUEST_HALT,
                                       GUEST_PANIC, GUEST_TRIPLE_FAULT};
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(STEP(i)->kind, STEP_EXPECT_EVENT);
        cr_assert_eq(STEP(i)->u.event.event, events[i]);
    }
    cr_assert_eq(STEP(1)->u.event.within_ns, 3 * S);
    cr_assert_eq(STEP(5)->kind, STEP_EXPECT_IDLE);
    cr_assert_eq(STEP(5)->u.idle_ns, S / 4);
    parsed_free(&p);
}

Test(scenario_steps, expect_one)
{
    struct parsed_text p = steps(
        "expect one within 9s {\n  /a(?<os>x)/ { send \"${os}\" }\n"
        "  m{b}i {\n  }\n\n  reset { } timeout { log \"t\"\n log \"u\" }\n"
        "} # end\nsend \"${os}\"");
    cr_assert_eq(p.sc->steps.nsteps, 2);
    cr_assert_eq(STEP(0)->kind, STEP_EXPECT_ONE);
    cr_assert_eq(STEP(0)->u.one.within_ns, 9 * S);
    cr_assert_eq(STEP(0)->u.one.nbranches, 4);
    const struct branch *b = STEP(0)->u.one.branches;
    cr_assert_not(b[0].is_event);
    cr_assert_eq(b[0].pos.line, 3);
    cr_assert_eq(b[0].body.nsteps, 1);
    cr_assert_eq(b[1].pattern.flags, PATTERN_CASELESS);
    cr_assert_eq(b[1].body.nsteps, 0);
    cr_assert(b[2].is_event && b[2].event == GUEST_RESET);
    cr_assert(b[3].is_event && b[3].event == GUEST_TIMEOUT);
    cr_assert_eq(b[3].body.nsteps, 2);
    cr_assert_str_eq(STEP(0)->source, "expect one within 9s");
    parsed_free(&p);
}

Test(scenario_steps, typing)
{
    struct parsed_text p =
        steps("send \"\\n\\r\\t\\e\\x00\\xfF\\\"\\\\\\$ $HOME \\${x}\"\n"
              "type 'raw \\n ${x}' secret\nsend \"\"\nkey ctrl-c\n"
              "key ctrl-[\nkey up\nkey ctrl-@\nkey f12\nkey break");
    const struct text *t = &STEP(0)->u.send.text;
    cr_assert_eq(STEP(0)->kind, STEP_SEND);
    cr_assert(STEP(0)->u.send.enter);
    cr_assert_eq(t->pieces[0].len, 20);
    cr_assert_eq(
        memcmp(t->pieces[0].bytes, "\n\r\t\x1b\0\xff\"\\$ $HOME ${x}", 20), 0);
    cr_assert_not(STEP(1)->u.send.enter);
    cr_assert(STEP(1)->u.send.secret);
    cr_assert_str_eq(literal(&STEP(1)->u.send.text), "raw \\n ${x}");
    cr_assert_str_eq(STEP(1)->source, "type *** secret");
    cr_assert_eq(STEP(2)->u.send.text.npieces, 0);
    cr_assert_eq(STEP(3)->kind, STEP_KEY);
    cr_assert_str_eq(STEP(3)->u.key.name, "ctrl-c");
    cr_assert_str_eq(STEP(3)->u.key.bytes, "\x03");
    cr_assert_str_eq(STEP(4)->u.key.bytes, "\x1b");
    cr_assert_str_eq(STEP(5)->u.key.bytes, "\x1b[A");
    cr_assert_eq(STEP(6)->u.key.len, 1);
    cr_assert_eq(STEP(6)->u.key.bytes[0], 0);
    cr_assert_str_eq(STEP(7)->u.key.bytes, "\x1b[24~");
    cr_assert_not(STEP(7)->u.key.serial_break);
    cr_assert_eq(STEP(8)->u.key.len, 0);
    cr_assert(STEP(8)->u.key.serial_break);
    parsed_free(&p);
}

Test(scenario_steps, login_and_run)
{
    struct parsed_text p =
        steps("login \"root\"\n"
              "login 'bob' within 4s prompt /> $/ password \"s3cr3t\"\n"
              "run \"ls\"\nrun \"false\" status 1 within 2s as out\n"
              "run \"x\" as y status any");
    cr_assert_eq(STEP(0)->kind, STEP_LOGIN);
    cr_assert_not(STEP(0)->u.login.has_password);
    cr_assert_not(STEP(0)->u.login.has_prompt);
    cr_assert(STEP(1)->u.login.has_password);
    cr_assert_str_eq(literal(&STEP(1)->u.login.password), "s3cr3t");
    cr_assert(STEP(1)->u.login.has_prompt);
    cr_assert_not_null(STEP(1)->u.login.prompt.compiled);
    cr_assert_eq(STEP(1)->u.login.within_ns, 4 * S);
    cr_assert_null(strstr(STEP(1)->source, "s3cr3t"));
    cr_assert_eq(STEP(2)->u.run.status, 0);
    cr_assert_not(STEP(2)->u.run.any_status);
    cr_assert_null(STEP(2)->u.run.as);
    cr_assert_eq(STEP(3)->u.run.status, 1);
    cr_assert_str_eq(STEP(3)->u.run.as, "out");
    cr_assert_eq(STEP(3)->u.run.within_ns, 2 * S);
    cr_assert(STEP(4)->u.run.any_status);
    parsed_free(&p);
}

Test(scenario_steps, checks)
{
    struct parsed_text p =
        steps("expect /(?<status>a)(?<mark>b)(?<count>c)/\n"
              "run \"x\" as out\nmetric speed 15.5 MB/s\nmark mine\n"
              "check out has /x/m\ncheck out lacks /x/\n"
              "check out count /x/ >= 15\ncheck status out != 127\n"
              "check mark mine < 30s\ncheck mark login_prompt <= 250ms\n"
              "check metric speed > -1.5\ncheck out == \"x\"\n"
              "check out == word\ncheck count < 256M\n"
              "check status == 1\ncheck status has /x/\n"
              "check mark count /x/ == 0");
    const struct {
        enum check_kind kind;
        const char *name;
        enum compare_op op;
        enum value_kind value;
        double number;
    } want[] = {
        {CHECK_HAS, "out", OP_EQ, VALUE_TEXT, 0},
        {CHECK_LACKS, "out", OP_EQ, VALUE_TEXT, 0},
        {CHECK_COUNT, "out", OP_GE, VALUE_NUMBER, 15},
        {CHECK_STATUS, "out", OP_NE, VALUE_NUMBER, 127},
        {CHECK_MARK, "mine", OP_LT, VALUE_DURATION, 30e9},
        {CHECK_MARK, "login_prompt", OP_LE, VALUE_DURATION, 250e6},
        {CHECK_METRIC, "speed", OP_GT, VALUE_NUMBER, -1.5},
        {CHECK_VALUE, "out", OP_EQ, VALUE_TEXT, 0},
        {CHECK_VALUE, "out", OP_EQ, VALUE_TEXT, 0},
        {CHECK_VALUE, "count", OP_LT, VALUE_SIZE, 256 * 1048576.0},
        {CHECK_VALUE, "status", OP_EQ, VALUE_NUMBER, 1},
        {CHECK_HAS, "status", OP_EQ, VALUE_TEXT, 0},
        {CHECK_COUNT, "mark", OP_EQ, VALUE_NUMBER, 0},
    };
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const struct step *s = STEP(i + 4);
        const struct value *v = &s->u.check.value;
        cr_assert_eq(s->kind, STEP_CHECK);
        cr_assert_eq(s->u.check.kind, want[i].kind, "%s", s->source);
        cr_assert_str_eq(s->u.check.name, want[i].name);
        cr_assert_eq(s->u.check.op, want[i].op, "%s", s->source);
        cr_assert_eq(v->kind, want[i].value, "%s", s->source);
        double number =
            v->kind == VALUE_NUMBER ? v->number : (double)v->quantity;
        cr_assert_float_eq(number, want[i].number, 1e-9, "%s", s->source);
    }
    cr_assert_str_eq(literal(&STEP(12)->u.check.value.text), "word");
    cr_assert_str_eq(STEP(2)->u.metric.name, "speed");
    cr_assert_str_eq(STEP(2)->u.metric.unit, "MB/s");
    cr_assert_str_eq(STEP(3)->u.mark, "mine");
    parsed_free(&p);
}

Test(scenario_steps, control)
{
    struct parsed_text p =
        steps("expect /(?<arch>x)/\n"
              "if arch == x86 { log \"a\" } else { log \"b\"\nlog \"c\" }\n"
              "if arch != 3 {\n}\nelse {\n poweroff }\n"
              "repeat 3 { repeat 2 { send 'x' } }\n"
              "group \"g ${arch}\" {\n}\n"
              "never /x/ { mark a }\nallow /y/i { }\nallow warning { mark b }\n"
              "poweroff within 5s");
    cr_assert_eq(STEP(1)->kind, STEP_IF);
    cr_assert_str_eq(STEP(1)->u.cond.name, "arch");
    cr_assert_eq(STEP(1)->u.cond.then.nsteps, 1);
    cr_assert_eq(STEP(1)->u.cond.otherwise.nsteps, 2);
    cr_assert_eq(STEP(2)->u.cond.then.nsteps, 0);
    cr_assert_eq(STEP(2)->u.cond.otherwise.steps[0].kind, STEP_POWEROFF);
    cr_assert_eq(STEP(3)->u.repeat.times, 3);
    cr_assert_eq(STEP(3)->u.repeat.body.steps[0].u.repeat.times, 2);
    cr_assert_eq(STEP(4)->u.group.title.npieces, 2);
    cr_assert_str_eq(STEP(4)->source, "group \"g ${arch}\"");
    cr_assert_not(STEP(5)->u.never.allow);
    cr_assert(STEP(6)->u.never.allow);
    cr_assert_not_null(STEP(6)->u.never.pattern.compiled);
    cr_assert_str_eq(STEP(7)->u.never.name, "warning");
    cr_assert_not_null(STEP(7)->u.never.pattern.compiled);
    cr_assert_eq(STEP(8)->kind, STEP_POWEROFF);
    cr_assert_eq(STEP(8)->u.poweroff_within_ns, 5 * S);
    cr_assert_eq(STEP(8)->pos.line, 15);
    parsed_free(&p);
}

Test(scenario_steps, names_that_one_branch_defines)
{
    struct parsed_text p = steps(
        "expect one { /(?<a>x)/ { run \"x\" as out } timeout { mark m } }\n"
        "if a == x { metric speed 1 }\n"
        "check out has /${a}/\ncheck mark m < 1s\n"
        "check metric speed > 0");
    parsed_free(&p);
}

Test(scenario_steps, ports)
{
    struct parsed_text p = steps(
        "console ttyS2\nexpect on ttyS1 /x/ within 5s\n"
        "expect on ttyS0 idle 1s\nexpect idle on ttyS3 1s\n"
        "expect one on ttyS1 within 2s { /x/ { send \"y\" } }\n"
        "expect on ttyS1 one { timeout { } }\nsend on ttyS1 \"x\" secret\n"
        "type on ttyS0 'x'\nkey on ttyS3 up\n"
        "login on ttyS1 \"r\" password \"p\"\nrun on ttyS1 \"x\" as on\n"
        "ktap on ttyS1 within 3s\nsend \"x\"\ncheck on has /x/");
    static const int ports[] = {
        PORT_CURRENT, 1,           0, 3, 1, 1, 1, 0, 3, 1, 1, 1,
        PORT_CURRENT, PORT_CURRENT};
    cr_assert_eq(p.sc->steps.nsteps, 14);
    for (size_t i = 0; i < 14; i++)
        cr_expect_eq(STEP(i)->port, ports[i], "%s", STEP(i)->source);
    cr_assert_eq(STEP(0)->kind, STEP_CONSOLE);
    cr_assert_eq(STEP(0)->u.console, 2);
    cr_assert_eq(STEP(1)->u.expect.within_ns, 5 * S);
    cr_assert_eq(STEP(3)->u.idle_ns, S);
    cr_assert_eq(STEP(4)->u.one.within_ns, 2 * S);
    cr_assert_eq(STEP(4)->u.one.branches[0].body.steps[0].port, PORT_CURRENT);
    cr_assert_eq(STEP(5)->kind, STEP_EXPECT_ONE);
    cr_assert_str_eq(STEP(6)->source, "send on ttyS1 *** secret");
    cr_assert_str_eq(STEP(9)->source, "login on ttyS1 \"r\" password ***");
    cr_assert_eq(STEP(11)->kind, STEP_KTAP);
    cr_assert_eq(STEP(11)->u.ktap_within_ns, 3 * S);
    parsed_free(&p);
}

// hvc0 is there when a step is about it, a port with a name when it is
// declared.
Test(scenario_steps, ports_of_the_virtio_console)
{
    struct parsed_text p =
        steps("port \"org.example.log\"\nport other\nexpect on other /x/\n"
              "expect on \"org.example.log\" /x/\nconsole org.example.log");
    cr_assert_eq(STEP(0)->port, PORT_NAMED + 1);
    cr_assert_eq(STEP(1)->port, PORT_NAMED);
    cr_assert_eq(STEP(2)->u.console, PORT_NAMED);
    cr_assert_eq(p.sc->nnamed, 2);
    cr_assert_str_eq(p.sc->named[0].name, "org.example.log");
    cr_assert_not(p.sc->hvc);
    parsed_free(&p);
    p = steps("serial 1\nsend on hvc0 \"x\"");
    cr_assert_eq(STEP(0)->port, PORT_HVC);
    cr_assert(p.sc->hvc);
    parsed_free(&p);
}

Test(scenario_steps, acts)
{
    struct parsed_text p = steps("reset\nnmi\nktap\npoweroff\npower button");
    cr_assert_eq(STEP(0)->kind, STEP_RESET);
    cr_assert_eq(STEP(1)->kind, STEP_NMI);
    cr_assert_eq(STEP(2)->kind, STEP_KTAP);
    cr_assert_eq(STEP(2)->u.ktap_within_ns, 0);
    cr_assert_eq(STEP(3)->kind, STEP_POWEROFF);
    cr_assert_eq(STEP(4)->kind, STEP_POWER);
    parsed_free(&p);
}
