// SPDX-License-Identifier: Apache-2.0
// Reading from the console and typing into it, and the machine's life: what a
// step does to a guest, each ending the run when it can't be done (README.md).
#pragma once

#include "harness/runner/failing.h"

// ---- Reading (pump.c) -------------------------------------------------------

// Reads one item until deadline_ns and shows it to everybody: matcher, watches,
// record, marks. False when the run can't go on: the result says why.
bool run_pump(struct run *r, uint64_t deadline_ns);

// ---- Typing, and where (input.c) --------------------------------------------

// From now on waits look at this port, and what is typed goes there.
enum flow run_use_port(struct run *r, unsigned port);

// Types bytes on the present step's port. FLOW_END when the queue is full.
enum flow run_type(struct run *r, const void *bytes, size_t len);
// The same for a break on the serial port.
enum flow run_break(struct run *r);
// The same for what no recording may show, typed or (echoed) printed.
enum flow run_type_secret(struct run *r, const void *bytes, size_t len,
                          bool echoed);

// ---- The machine's life (life.c) --------------------------------------------

// Starts the machine anew when an expected reset left it off. Steps that wait
// or type call it first.
enum flow run_revive(struct run *r);

// Ends the machine and reads what it still had to say: r->ended holds then.
enum flow run_stop(struct run *r);

// Starts anew a machine that has ended.
enum flow run_restart(struct run *r);
