"""What SOEM, another MainDevice, sees on a segment: names, identities, sizes, whether all reach OP, and the working counters there.

usage: soem_scan.py INTERFACE

Prints one JSON document.
"""

import json
import sys
import time

import pysoem

OP_SECONDS = 10


def main(interface):
    master = pysoem.Master()
    master.open(interface)
    count = master.config_init()
    devices = [
        {"name": d.name, "vendor": d.man, "product": d.id, "revision": d.rev} for d in master.slaves
    ]
    if count > 0:
        master.config_map()
        for entry, device in zip(devices, master.slaves):
            entry["inputs"] = len(device.input)
            entry["outputs"] = len(device.output)
        to_op(master)
        master.read_state()
        for entry, device in zip(devices, master.slaves):
            entry["state"] = device.state
            entry["al_status"] = device.al_status
    counter = exchange(master, 100) if count > 0 else {}
    master.state = pysoem.INIT_STATE
    master.write_state()
    master.close()
    print(json.dumps({"devices": devices, **counter}))


def to_op(master):
    master.state_check(pysoem.SAFEOP_STATE, 2_000_000)
    master.state = pysoem.OP_STATE
    master.write_state()
    end = time.monotonic() + OP_SECONDS
    while time.monotonic() < end:
        master.send_processdata()
        master.receive_processdata(20_000)
        if master.state_check(pysoem.OP_STATE, 2_000) == pysoem.OP_STATE:
            return


def exchange(master, cycles):
    """Working counters of some cycles. What SOEM expects is of no use: it counts devices that share a byte once."""
    counters = set()
    for _ in range(cycles):
        master.send_processdata()
        counters.add(master.receive_processdata(100_000))
    return {"working_counters": sorted(counters)}


main(sys.argv[1])
