// SPDX-License-Identifier: Apache-2.0
// What types into the guest: send, type, key, login, run, ktap. For the parser
// only.
#include "harness/scenario/keys.h"
#include "harness/scenario/parser.h"

#include "src/base/ports.h"

#define COUNT(options) (sizeof(options) / sizeof((options)[0]))

// A text that must not show in reports: the token at hand.
static void hide_token(struct parser *p)
{
    if (p->tok.kind == TOKEN_TEXT) {
        p->st.secret = p->tok.begin.at;
        p->st.secret_end = p->tok.end.at;
    }
}

// ---- send, type, key --------------------------------------------------------

static bool send_secret(struct parser *p, struct step *out)
{
    (void)p;
    out->u.send.secret = true;
    return true;
}

static enum parsed parse_typing(struct parser *p, struct step *out, bool enter)
{
    static const struct option options[] = {{"secret", send_secret}};
    out->kind = STEP_SEND;
    out->u.send.enter = enter;
    if (!parse_on_port(p, out))
        return PARSED_STEP;
    const struct token text = p->tok;
    if (!parse_text(p, "the text to type", &out->u.send.text) ||
        !parse_options(p, out, options, COUNT(options)))
        return PARSED_STEP;
    if (out->u.send.secret) {
        p->st.secret = text.begin.at;
        p->st.secret_end = text.end.at;
    }
    return PARSED_STEP;
}

enum parsed parse_send(struct parser *p, struct step *out)
{
    return parse_typing(p, out, true);
}

enum parsed parse_type(struct parser *p, struct step *out)
{
    return parse_typing(p, out, false);
}

enum parsed parse_key(struct parser *p, struct step *out)
{
    struct key key;
    out->kind = STEP_KEY;
    if (!parse_on_port(p, out))
        return PARSED_STEP;
    if (!at_end_of_statement(p))
        lexer_bare(&p->lx, &p->tok, false);
    if (p->tok.kind != TOKEN_BARE) {
        parse_expected(p, "the name of a key",
                       "keys are enter, ctrl-c, up ...");
        return PARSED_STEP;
    }
    const char *name = p->tok.begin.at;
    size_t len = (size_t)(p->tok.end.at - name);
    if (!key_find(name, len, p->arena, &key)) {
        struct nearest n = nearest_to(name, len);
        key_offer_all(&n, p->arena);
        parse_unknown(p, "key", &n);
        return PARSED_STEP;
    }
    if (key.serial_break && out->port >= PORT_HVC) {
        parse_error(p, &p->tok.begin, p->tok.width,
                    out->port == PORT_HVC ? "SysRq is `key ctrl-o` there"
                                          : NULL,
                    "%s has no break: it is no serial line",
                    port_name((unsigned)out->port));
        return PARSED_STEP;
    }
    out->u.key.name = key.name;
    out->u.key.bytes = key.bytes;
    out->u.key.len = key.len;
    out->u.key.serial_break = key.serial_break;
    parser_next(p);
    return PARSED_STEP;
}

// ---- login ------------------------------------------------------------------

static bool login_password(struct parser *p, struct step *out)
{
    hide_token(p);
    out->u.login.has_password = true;
    return parse_text(p, "the password, a text", &out->u.login.password);
}

static bool login_prompt(struct parser *p, struct step *out)
{
    out->u.login.has_prompt = true;
    return parse_pattern(p, &out->u.login.prompt);
}

static bool login_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.login.within_ns);
}

enum parsed parse_login(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"password", login_password},
                                            {"prompt", login_prompt},
                                            {"within", login_within}};
    out->kind = STEP_LOGIN;
    if (parse_on_port(p, out) &&
        parse_text(p, "the user's name, a text", &out->u.login.user))
        parse_options(p, out, options, COUNT(options));
    return PARSED_STEP;
}

// ---- run, ktap --------------------------------------------------------------

static bool run_status(struct parser *p, struct step *out)
{
    uint64_t status = 0;
    if (accept_word(p, "any")) {
        out->u.run.any_status = true;
        return true;
    }
    if (p->tok.kind != TOKEN_NUMBER)
        return parse_expected(p, "an exit status or `any`", NULL);
    bool good = parse_integer(p, "an exit status", 0, 255, &status);
    out->u.run.status = (long)status;
    return good;
}

static bool run_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.run.within_ns);
}

static bool run_as(struct parser *p, struct step *out)
{
    return parse_name(p, "a name for the output", &out->u.run.as);
}

static bool run_raw(struct parser *p, struct step *out)
{
    (void)p;
    out->u.run.raw = true;
    return true;
}

enum parsed parse_run(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"status", run_status},
                                            {"within", run_within},
                                            {"as", run_as},
                                            {"raw", run_raw}};
    out->kind = STEP_RUN;
    if (parse_on_port(p, out) &&
        parse_text(p, "the command, a text", &out->u.run.command) &&
        parse_options(p, out, options, COUNT(options)) && out->u.run.raw &&
        !out->u.run.as)
        parse_expected(p, "`as` and a name: `raw` says how output is kept",
                       NULL);
    return PARSED_STEP;
}

static bool ktap_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.ktap_within_ns);
}

enum parsed parse_ktap(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"within", ktap_within}};
    out->kind = STEP_KTAP;
    if (parse_on_port(p, out))
        parse_options(p, out, options, COUNT(options));
    return PARSED_STEP;
}
