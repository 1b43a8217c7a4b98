#!/usr/bin/env python3
"""Reads a Sensai cycle log, written from docs/cycle-log-format.md alone; standard library only.

    read_cycle_log.py LOG

One JSON line for the file, then one for each record. Exits with 1 and a text at the first thing that is wrong.
"""

import hashlib
import json
import struct
import sys
import zlib

PAGE = 4096
HEADER = struct.Struct("<8sHHIQQIIQQQQQQQIHH16s16s24s32s32s32s")
assert HEADER.size == 256
EPOCH, CONTENT, RECORDS, KEYFRAME, GAP, EVENT, END = range(1, 8)
NONE = 2**64 - 1


class Bad(Exception):
    pass


def check(condition, offset, what):
    if not condition:
        raise Bad(f"byte {offset}: {what}")


def blocks(data):
    """Every block's header fields and payload, all of it checked."""
    offset, sequence, chain, cycle = 0, 0, bytes(32), 0
    while offset < len(data):
        raw = data[offset : offset + 256]
        check(len(raw) == 256, offset, "cut off")
        (magic, version, kind, crc, seq, own, length, payload_crc, first, last, epoch, keyframe, keyframe_cycle,
         durable, ring_next, items, part, parts, log_id, session, zeros, previous, own_chain, more) = HEADER.unpack(raw)
        check(magic == b"SNSLOG\x1a\n" and version == 1, offset, "magic or version")
        blank = raw[:12] + bytes(4) + raw[16:]
        check(zlib.crc32(blank) == crc, offset, "header CRC")
        check(own == offset and seq == sequence and previous == chain, offset, "order")
        check(zeros == bytes(24) and more == bytes(32), offset, "reserved")
        payload = data[offset + 256 : offset + 256 + length]
        check(len(payload) == length and zlib.crc32(payload) == payload_crc, offset, "payload CRC")
        check(hashlib.sha256(chain + blank[:160] + payload).digest() == own_chain, offset, "chain")
        end = (offset + 256 + length + PAGE - 1) // PAGE * PAGE
        check(not any(data[offset + 256 + length : end]) and end <= len(data), offset, "padding")
        check(last >= cycle and durable <= offset, offset, "cycles or durable offset")
        yield {"kind": kind, "offset": offset, "first": first, "last": last, "epoch": epoch, "keyframe": keyframe,
               "keyframe_cycle": keyframe_cycle, "items": items, "part": part, "parts": parts,
               "log_id": log_id, "session": session, "chain": own_chain}, payload
        offset, sequence, chain, cycle = end, sequence + 1, own_chain, last


def record(raw, layout):
    inputs_len, outputs_len, units = layout["inputs_len"], layout["outputs_len"], layout["sync_units"]
    cycle, time_ns, flags, valid, state_hash = struct.unpack_from("<QqIIQ", raw)
    timings = struct.unpack_from("<8I", raw, 32)
    late, stray, devices, al_states, inbox_count = struct.unpack_from("<HHHBB", raw, 64)
    code, source, line, column = struct.unpack_from("<HHIH", raw, 72)
    inbox = []
    for i in range(inbox_count):
        kind, by, sequence, a, b, c = struct.unpack_from("<HHIqqq", raw, 88 + 32 * i)
        inbox.append([kind, by, sequence, a, b, c])
    counters = list(struct.unpack_from(f"<{units}H", raw, 216))
    at = 216 + (2 * units + 7) // 8 * 8
    return {
        "cycle": cycle, "time_ns": time_ns, "flags": flags, "valid": valid, "state_hash": state_hash,
        "timings": list(timings), "late": late, "stray": stray, "devices": devices, "al_states": al_states,
        "fault": [code, source, line, column] if code else None,
        "operations": struct.unpack_from("<I", raw, 84)[0], "inbox": inbox, "working_counters": counters,
        "inputs": raw[at : at + inputs_len].hex(),
        "outputs": raw[at + inputs_len : at + inputs_len + outputs_len].hex(),
    }


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    epochs, contents, keyframes, arriving, records, chain = [], {}, [], {}, [], b""
    text, last_cycle = b"", 0
    for header, payload in blocks(data):
        chain = header["chain"]
        if header["kind"] == EPOCH:
            text = payload if header["part"] == 0 else text + payload
            if header["part"] + 1 == header["parts"]:
                epochs.append(json.loads(text))
                for content in epochs[-1]["contents"]:
                    stored = contents.get(content["sha256"])
                    check(stored is not None and len(stored) == content["len"], header["offset"], content["path"])
        elif header["kind"] == CONTENT:
            sha256, total, at = payload[:32], *struct.unpack_from("<QQ", payload, 32)
            contents[sha256.hex()] = contents.get(sha256.hex(), b"")[:at] + payload[48:]
            if len(contents[sha256.hex()]) == total:
                check(hashlib.sha256(contents[sha256.hex()]).digest() == sha256, header["offset"], "content")
        elif header["kind"] == KEYFRAME:
            at = 0
            while at < len(payload):
                cycle, total, offset, length, crc = struct.unpack_from("<QIIII", payload, at)
                arriving[cycle] = arriving.get(cycle, b"")[:offset] + payload[at + 24 : at + 24 + length]
                if offset + length == total:
                    whole = arriving.pop(cycle)
                    check(len(whole) == total and zlib.crc32(whole) == crc, header["offset"], "keyframe")
                    keyframes.append(cycle)
                at += 24 + (length + 7) // 8 * 8
        elif header["kind"] == RECORDS:
            size = epochs[-1]["record_len"]
            check(len(payload) == size * header["items"], header["offset"], "size of records")
            for at in range(0, len(payload), size):
                found = record(payload[at : at + size], epochs[-1]["record"])
                check(found["cycle"] > last_cycle, header["offset"], "cycles do not increase")
                last_cycle = found["cycle"]
                records.append(found)
    summary = {"chain": chain.hex(), "epochs": len(epochs), "contents": len(contents), "keyframes": keyframes,
               "tags": [tag["name"] for tag in epochs[-1]["tags"]] if epochs else [], "records": len(records)}
    return [summary, *records]


if __name__ == "__main__":
    try:
        for line in read(sys.argv[1]):
            print(json.dumps(line))
    except (Bad, IndexError, OSError) as error:
        sys.exit(f"{error}")
