// SPDX-License-Identifier: Apache-2.0
// What the three files of the 16550A share. Everything here runs under the
// UART's lock. Private to uart*.c.
#pragma once

#include "src/devices/uart.h"

// ---- Registers (uart_registers.c) ------------------------------------------

// One access to the register at offset, taken modulo UART_REGISTERS. A write
// of THR needs room in uart->sent.
uint8_t uart_register_read(struct uart *uart, uint64_t offset);
void uart_register_write(struct uart *uart, uint64_t offset, uint8_t value);

// Computes the interrupt anew and tells the interrupt line what changed.
void uart_update_irq(struct uart *uart);

// ---- Receiver (uart_receiver.c) --------------------------------------------

bool uart_fifos_on(const struct uart_state *s);

// The receive FIFO: how many bytes it holds, and the oldest, taken out (of one
// that is not empty).
size_t uart_fifo_count(const struct uart_state *s);
uint8_t uart_fifo_pop(struct uart_state *s);

// Drops what the FIFO holds; or empties it so that what it held of the peer's
// comes again.
void uart_fifo_clear(struct uart_state *s);
void uart_fifo_take_back(struct uart_state *s);

// The loopback sends byte. Into a full receiver that makes LSR.OE: with FIFOs
// on, the newest byte is lost, without them the byte that was there.
void uart_loop_back(struct uart_state *s, uint8_t byte);

// What follows every access and every arrival of input: fills an empty FIFO
// where the guest will have it.
void uart_take_input(struct uart *uart);

// The guest looks whether there is input, and gets it if it wasn't taken
// before. A look at LSR or RBR is counted first: one for each byte sent is how
// a guest waits for the transmitter, more of them are polling.
void uart_look_for_input(struct uart *uart);
void uart_count_look(struct uart_state *s);

// A driver sets the port up: whether it polls is to be seen.
void uart_forget_looks(struct uart_state *s);

// Does the guest, as it is set up, poll for its input?
bool uart_polls(const struct uart_state *s);
