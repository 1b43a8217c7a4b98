"""SOEM, another MainDevice, works with a segment: OP, process data, SDOs, lost outputs, recovery.

usage: pysoem_op.py INTERFACE

The segment is an EK1100, EL1008, EL2008, EL5101, SN7001. Its plant shows the complement of the EL2008's outputs on
the EL1008's inputs. Prints one line per check that failed, and at the end how many there were.
"""

import sys
import time

import pysoem

NAMES = ["EK1100", "EL1008", "EL2008", "EL5101", "SN7001"]
SIZES = [(0, 0), (1, 0), (0, 1), (10, 6), (12, 0)]
EXPECTED_WORKING_COUNTER = 1 + 2 + 3 + 1
AL_ERROR = 0x10
# Longer than a busy machine stalls this script.
WATCHDOG_MS = 500
WATCHDOG = 0x001B

checks = 0
failed = 0


def check(what, actual, expected):
    global checks, failed
    checks += 1
    if actual != expected:
        failed += 1
        print(f"failed: {what}: {actual!r}, expected {expected!r}")


def abort_code(call):
    """The SDO abort code with which `call` is refused; 0 if it is not."""
    try:
        call()
    except pysoem.SdoError as error:
        return error.abort_code & 0xFFFFFFFF
    return 0


def exchange(master, times):
    """Working counters that are not the expected one, of so many exchanges."""
    wrong = 0
    for _ in range(times):
        master.send_processdata()
        wrong += master.receive_processdata(100_000) != master.expected_wkc
        time.sleep(0.001)
    return wrong


def reach(master, state):
    """Exchange until all devices are in `state`, five seconds at most; the state they are in."""
    master.state = state
    master.write_state()
    end = time.monotonic() + 5
    while time.monotonic() < end and master.state_check(state, 2_000) != state:
        exchange(master, 1)
    master.read_state()
    return master.state


def dictionaries(master):
    encoder = master.slaves[3]
    check("0x1008", encoder.sdo_read(0x1008, 0), b"EL5101")
    check("0x1018:01", encoder.sdo_read(0x1018, 1), bytes([2, 0, 0, 0]))
    identity = encoder.sdo_read(0x1018, 0, ca=True)
    check("0x1018 whole", (len(identity), identity[:6]), (18, bytes([4, 0, 2, 0, 0, 0])))
    check("no such object", abort_code(lambda: encoder.sdo_read(0x2FFF, 0)), 0x06020000)
    check("no such subindex", abort_code(lambda: encoder.sdo_read(0x1018, 9)), 0x06090011)
    check("read only", abort_code(lambda: encoder.sdo_write(0x1018, 1, bytes(4))), 0x06010002)

    gauge = master.slaves[4]
    limit = (-1234567).to_bytes(4, "little", signed=True)
    gauge.sdo_write(0x8000, 0x12, limit)
    check("0x8000:12 written", gauge.sdo_read(0x8000, 0x12), limit)
    check("wrong length", abort_code(lambda: gauge.sdo_write(0x8000, 0x12, bytes(2))), 0x06070010)
    settings = gauge.sdo_read(0x8000, 0, ca=True)
    check("0x8000 whole", limit in settings, True)
    gauge.sdo_write(0x8000, 0, settings, ca=True)
    check("0x8000 written whole", gauge.sdo_read(0x8000, 0, ca=True), settings)

    objects = {entry.index: entry for entry in gauge.od}
    check("object list", {0x1000, 0x1008, 0x1018, 0x1C13, 0x6000, 0x8000} <= set(objects), True)
    check("name of 0x1018", objects[0x1018].name, b"Identity")
    # An object without gaps: SOEM asks for every subindex, and keeps the refusals for a later call.
    revision = objects[0x1018].entries[3]
    check("0x1018:03 described", (revision.name, revision.bit_length), (b"Revision", 32))


def clocks(master):
    check("has a clock", master.config_dc(), True)
    # SOEM names devices from 1 on, and writes what it measured.
    coupler, gauge = master.slaves[0], master.slaves[4]
    delay = int.from_bytes(gauge._fprd(0x0928, 4), "little")
    check("propagation delay is that of a few devices", 0 < delay < 20_000, True)
    times = [int.from_bytes(device._fprd(0x0910, 8), "little") for device in (coupler, gauge)]
    check("system times are a second apart at most", abs(times[1] - times[0]) < 1_000_000_000, True)


def process_data(master):
    outputs, inputs = master.slaves[2], master.slaves[1]
    for value in (0x00, 0xFF, 0x55, 0xA6):
        outputs.output = bytes([value])
        check(f"working counters at {value:#04x}", exchange(master, 3), 0)
        check(f"inputs at {value:#04x}", inputs.input, bytes([value ^ 0xFF]))


def lost_outputs(master):
    """No frame for longer than the watchdog waits."""
    master.slaves[2].output = bytes([0xFF])
    exchange(master, 3)
    time.sleep(2 * WATCHDOG_MS / 1000)
    master.read_state()
    terminal = master.slaves[2]
    check("AL status", (terminal.state, terminal.al_status), (pysoem.SAFEOP_STATE | AL_ERROR, WATCHDOG))
    check("a device without outputs stays", master.slaves[1].state, pysoem.OP_STATE)
    exchange(master, 1)
    check("outputs fell", master.slaves[1].input, bytes([0xFF]))
    for device in master.slaves:
        if device.state & AL_ERROR:
            device.state = pysoem.SAFEOP_STATE | AL_ERROR
            device.write_state()
    check("recovered", reach(master, pysoem.OP_STATE), pysoem.OP_STATE)
    exchange(master, 3)
    check("outputs are back", master.slaves[1].input, bytes([0x00]))


def main(interface):
    master = pysoem.Master()
    master.open(interface)
    check("devices", master.config_init(), len(NAMES))
    check("names", [device.name for device in master.slaves], NAMES)
    if failed:
        return
    dictionaries(master)
    master.config_map()
    check("sizes", [(len(device.input), len(device.output)) for device in master.slaves], SIZES)
    check("expected working counter", master.expected_wkc, EXPECTED_WORKING_COUNTER)
    clocks(master)
    for device in master.slaves:
        device.set_watchdog("processdata", WATCHDOG_MS)
    check("SAFE-OP", master.state_check(pysoem.SAFEOP_STATE, 5_000_000), pysoem.SAFEOP_STATE)
    check("OP", reach(master, pysoem.OP_STATE), pysoem.OP_STATE)
    check("working counters", exchange(master, 500), 0)
    process_data(master)
    lost_outputs(master)
    check("INIT", reach(master, pysoem.INIT_STATE), pysoem.INIT_STATE)
    master.close()


if __name__ == "__main__":
    main(sys.argv[1])
    print(f"{checks} checks, {failed} failed")
    sys.exit(failed > 0)
