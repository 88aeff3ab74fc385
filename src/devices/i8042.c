// SPDX-License-Identifier: Apache-2.0
// The keyboard controller without a keyboard, and system control port A.
#include "src/devices/i8042.h"

enum {
    STATUS_OUTPUT_FULL = 0x01,
    STATUS_SYSTEM = 0x04, // the self test has passed
    STATUS_UNLOCKED = 0x10,

    CONTROL_SYSTEM = 0x04,
    CONTROL_KBD_OFF = 0x10,
    CONTROL_AUX_OFF = 0x20,

    OUTPUT_NOT_RESET = 0x01,
    OUTPUT_A20 = 0x02,

    PORT_A_RESET = 0x01,
    PORT_A_A20 = 0x02,

    COMMAND_READ_CONTROL = 0x20,
    COMMAND_WRITE_CONTROL = 0x60,
    COMMAND_AUX_OFF = 0xa7,
    COMMAND_AUX_ON = 0xa8,
    COMMAND_AUX_TEST = 0xa9,
    COMMAND_SELF_TEST = 0xaa,
    COMMAND_KBD_TEST = 0xab,
    COMMAND_KBD_OFF = 0xad,
    COMMAND_KBD_ON = 0xae,
    COMMAND_READ_OUTPUT = 0xd0,
    COMMAND_WRITE_OUTPUT = 0xd1,
    COMMAND_FROM_KBD = 0xd2, // as if the device had sent the next byte
    COMMAND_FROM_AUX = 0xd3,
    COMMAND_TO_AUX = 0xd4,
    COMMAND_PULSE_OUTPUT = 0xf0, // to 0xff: bits 0..3 clear are pulsed low
    COMMAND_PULSE_MASK = 0xf0,

    SELF_TEST_PASSED = 0x55,
    CLOCK_STUCK_LOW = 0x01,
    NO_DATA = 0xff,
};

// What a command does: it answers with a fixed byte, changes the command byte,
// or takes the next byte written to the data port.
struct command {
    uint8_t code;
    bool answers, takes_byte;
    uint8_t answer;
    uint8_t control_set, control_clear;
};

static const struct command commands[] = {
    {.code = COMMAND_WRITE_CONTROL, .takes_byte = true},
    {.code = COMMAND_WRITE_OUTPUT, .takes_byte = true},
    {.code = COMMAND_FROM_KBD, .takes_byte = true},
    {.code = COMMAND_FROM_AUX, .takes_byte = true},
    // To the mouse: there is none.
    {.code = COMMAND_TO_AUX, .takes_byte = true},
    {.code = COMMAND_AUX_TEST, .answers = true, .answer = CLOCK_STUCK_LOW},
    {.code = COMMAND_KBD_TEST, .answers = true, .answer = CLOCK_STUCK_LOW},
    {.code = COMMAND_SELF_TEST,
     .answers = true,
     .answer = SELF_TEST_PASSED,
     .control_set = CONTROL_SYSTEM},
    {.code = COMMAND_AUX_OFF, .control_set = CONTROL_AUX_OFF},
    {.code = COMMAND_AUX_ON, .control_clear = CONTROL_AUX_OFF},
    {.code = COMMAND_KBD_OFF, .control_set = CONTROL_KBD_OFF},
    {.code = COMMAND_KBD_ON, .control_clear = CONTROL_KBD_OFF},
};

static void reset(struct i8042 *kbc, const struct access *access,
                  const char *how)
{
    if (kbc->power.reset)
        kbc->power.reset(kbc->power.owner, access, how);
}

// ---- Port 0x64 -------------------------------------------------------------

static uint64_t status_read(void *owner, const struct access *access,
                            uint64_t offset, unsigned width)
{
    (void)access;
    (void)offset;
    (void)width;
    struct i8042 *kbc = owner;
    pthread_mutex_lock(&kbc->lock);
    unsigned full = kbc->waiting ? STATUS_OUTPUT_FULL : 0;
    pthread_mutex_unlock(&kbc->lock);
    return full | STATUS_SYSTEM | STATUS_UNLOCKED;
}

// In place of whatever waited.
static void answer(struct i8042 *kbc, uint8_t data)
{
    kbc->data = data;
    kbc->waiting = 1;
}

static void run_command(struct i8042 *kbc, uint8_t code)
{
    kbc->expecting = 0;
    kbc->waiting = 0;
    if (code == COMMAND_READ_CONTROL)
        answer(kbc, kbc->control);
    else if (code == COMMAND_READ_OUTPUT)
        answer(kbc, kbc->output);

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *command = &commands[i];
        if (command->code != code)
            continue;
        if (command->answers)
            answer(kbc, command->answer);
        if (command->takes_byte)
            kbc->expecting = code;
        kbc->control |= command->control_set;
        kbc->control &= (uint8_t)~command->control_clear;
    }
}

static void command_write(void *owner, const struct access *access,
                          uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    struct i8042 *kbc = owner;
    uint8_t code = (uint8_t)value;
    pthread_mutex_lock(&kbc->lock);
    run_command(kbc, code);
    pthread_mutex_unlock(&kbc->lock);

    if ((code & COMMAND_PULSE_MASK) == COMMAND_PULSE_OUTPUT &&
        !(code & OUTPUT_NOT_RESET))
        reset(kbc, access, "keyboard controller, pulse command");
}

// ---- Port 0x60 -------------------------------------------------------------

// An answer is read once; there is no keyboard to follow it with anything. An
// empty buffer reads as nothing.
static uint64_t data_read(void *owner, const struct access *access,
                          uint64_t offset, unsigned width)
{
    (void)access;
    (void)offset;
    (void)width;
    struct i8042 *kbc = owner;
    pthread_mutex_lock(&kbc->lock);
    uint8_t data = kbc->waiting ? kbc->data : NO_DATA;
    if (kbc->waiting)
        kbc->waiting--;
    pthread_mutex_unlock(&kbc->lock);
    return data;
}

static void data_write(void *owner, const struct access *access,
                       uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    struct i8042 *kbc = owner;
    bool pulled_low = false;
    pthread_mutex_lock(&kbc->lock);
    if (kbc->expecting == COMMAND_WRITE_CONTROL) {
        kbc->control = (uint8_t)value;
    } else if (kbc->expecting == COMMAND_WRITE_OUTPUT) {
        pulled_low = !(value & OUTPUT_NOT_RESET);
        kbc->output = (uint8_t)(value | OUTPUT_NOT_RESET);
    } else if (kbc->expecting == COMMAND_FROM_KBD ||
               kbc->expecting == COMMAND_FROM_AUX) {
        answer(kbc, (uint8_t)value);
    }
    kbc->expecting = 0;
    pthread_mutex_unlock(&kbc->lock);

    if (pulled_low)
        reset(kbc, access, "keyboard controller, output port");
}

// ---- Port 0x92 -------------------------------------------------------------

static uint64_t port_a_read(void *owner, const struct access *access,
                            uint64_t offset, unsigned width)
{
    (void)access;
    (void)offset;
    (void)width;
    struct i8042 *kbc = owner;
    pthread_mutex_lock(&kbc->lock);
    uint64_t value = kbc->output & OUTPUT_A20 ? PORT_A_A20 : 0;
    pthread_mutex_unlock(&kbc->lock);
    return value;
}

static void port_a_write(void *owner, const struct access *access,
                         uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    struct i8042 *kbc = owner;
    pthread_mutex_lock(&kbc->lock);
    kbc->output &= (uint8_t)~OUTPUT_A20;
    if (value & PORT_A_A20)
        kbc->output |= OUTPUT_A20;
    pthread_mutex_unlock(&kbc->lock);

    if (value & PORT_A_RESET)
        reset(kbc, access, "system control port 0x92");
}

// ---- Public functions ------------------------------------------------------

void i8042_init(struct i8042 *kbc, const struct power_control *power)
{
    *kbc = (struct i8042){
        .power = *power,
        .control = CONTROL_SYSTEM | CONTROL_KBD_OFF | CONTROL_AUX_OFF,
        .output = OUTPUT_NOT_RESET | OUTPUT_A20,
        .data = NO_DATA,
        .waiting = I8042_STALE,
    };
    pthread_mutex_init(&kbc->lock, NULL);
}

void i8042_destroy(struct i8042 *kbc)
{
    pthread_mutex_destroy(&kbc->lock);
}

// The owner's callbacks are all that the three ports differ in.
static struct device one_port(struct i8042 *kbc, uint64_t base,
                              const char *name)
{
    return (struct device){
        .base = base,
        .len = 1,
        .widths = BUS_BYTE,
        .name = name,
        .owner = kbc,
    };
}

struct device i8042_data_device(struct i8042 *kbc, uint64_t data_base)
{
    struct device device = one_port(kbc, data_base, "i8042 data");
    device.read = data_read;
    device.write = data_write;
    return device;
}

struct device i8042_command_device(struct i8042 *kbc, uint64_t command_base)
{
    struct device device = one_port(kbc, command_base, "i8042 command");
    device.read = status_read;
    device.write = command_write;
    return device;
}

struct device i8042_port_a_device(struct i8042 *kbc, uint64_t base)
{
    struct device device = one_port(kbc, base, "system control port A");
    device.read = port_a_read;
    device.write = port_a_write;
    return device;
}
