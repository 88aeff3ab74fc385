// SPDX-License-Identifier: Apache-2.0
// What is typed, and on which port. See reading.h.
#include "harness/runner/reading.h"

enum flow run_use_port(struct run *r, unsigned port)
{
    struct error err = {""};
    unsigned uarts = r->scenario->serial_ports;
    bool is_uart = port < TOYVMM_UARTS;
    if (port >= TOYVMM_PORTS || (is_uart && uarts && port >= uarts))
        return run_fail(r, VERDICT_ERROR, NULL, "port", "the machine has no %s",
                        port_name(port));
    if (run_open_port(r, port, &err))
        return run_error(r, "memory", &err);
    r->port = port;
    r->matcher = r->ports[port].matcher;
    r->record = r->ports[port].record;
    return FLOW_NEXT;
}

enum flow run_type(struct run *r, const void *bytes, size_t len)
{
    struct error err = {""};
    if (run_revive(r) == FLOW_END)
        return FLOW_END;
    if (console_write(r->options->console, r->port, bytes, len, &err))
        return run_error(r, "input", &err);
    return FLOW_NEXT;
}

enum flow run_break(struct run *r)
{
    struct error err = {""};
    if (run_revive(r) == FLOW_END)
        return FLOW_END;
    if (r->port >= PORT_HVC)
        return run_fail(r, VERDICT_ERROR, NULL, "input",
                        "%s has no break: it is no serial line",
                        port_name(r->port));
    if (console_break(r->options->console, r->port, &err))
        return run_error(r, "input", &err);
    return FLOW_NEXT;
}

enum flow run_type_secret(struct run *r, const void *bytes, size_t len,
                          bool echoed)
{
    struct error err = {""};
    if (run_revive(r) == FLOW_END)
        return FLOW_END;
    if (console_write_secret(r->options->console, r->port, bytes, len, echoed,
                             &err))
        return run_error(r, "input", &err);
    return FLOW_NEXT;
}
