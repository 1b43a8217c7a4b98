//! A small press, whose every record follows from its cycle number, so that any record can be checked by itself.
#![allow(dead_code)]

use sensai_log::{
    CycleLog, EpochChange, EpochSpec, KeyframeSlicer, LogOptions, Recorder,
    epoch::{EpochParameter, EpochProgram, KeyframePart},
};
use sensai_model::{
    BitField, Fault, FaultCode, RawType, ScalarType, Tag, TagKind, Value,
    record::{InboxEntry, InboxKind, RecordFlags, RecordLayout, RecordMut, RecordView},
    tag::{OnFault, OnInvalid, Overflow, Scale},
};
use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

pub const INPUTS: usize = 30;
pub const OUTPUTS: usize = 7;
pub const KEYFRAME_LEN: usize = 2500;

pub fn layout() -> RecordLayout {
    RecordLayout::new(INPUTS, OUTPUTS, 2).unwrap()
}

/// A clock of its own: every look takes a millisecond.
pub fn clock() -> u64 {
    static NOW: AtomicU64 = AtomicU64::new(0);
    NOW.fetch_add(1_000_000, Ordering::Relaxed)
}

/// SplitMix64.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub fn fill(record: &mut RecordMut<'_>, cycle: u64) {
    let random = mix(cycle);
    record.set_cycle(cycle);
    record.set_time_ns(cycle as i64 * 1_000_000);
    record.set_flags(RecordFlags::COMMITTED.with(RecordFlags::FIRST_CYCLE, cycle == 1));
    record.set_valid(0b11);
    record.set_state_hash(random);
    record.set_exchange_ns(random as u32 & 0xFFFF);
    record.set_working_counter(0, 5);
    record.set_working_counter(1, 3);
    record.set_operations(cycle as u32 & 0xFFF);
    if cycle.is_multiple_of(7) {
        let argument = [cycle as i64, -(cycle as i64), 0];
        let entry = InboxEntry { kind: InboxKind::Parameter, source: 3, sequence: cycle as u32, argument };
        assert!(record.push_inbox(&entry));
    }
    if cycle.is_multiple_of(101) {
        record.set_fault(Some(Fault { code: FaultCode::Overflow, source: 0, line: cycle as u32, column: 3 }));
    }
    for (i, byte) in record.inputs_mut().iter_mut().enumerate() {
        *byte = (random >> (i % 8)) as u8 ^ i as u8;
    }
    for (i, byte) in record.outputs_mut().iter_mut().enumerate() {
        *byte = (random >> (8 + i % 8)) as u8;
    }
}

/// What the record of `cycle` has to be, a mark of a gap aside.
pub fn expected(cycle: u64) -> Vec<u8> {
    let layout = layout();
    let mut bytes = vec![0; layout.len()];
    fill(&mut RecordMut::new(&layout, &mut bytes).unwrap(), cycle);
    bytes
}

pub fn is_expected(view: &RecordView<'_>) -> bool {
    let layout = layout();
    let mut bytes = view.bytes().to_vec();
    let flags = RecordFlags(view.flags().0 & !RecordFlags::GAP_BEFORE.0);
    RecordMut::edit(&layout, &mut bytes).unwrap().set_flags(flags);
    bytes == expected(view.cycle())
}

pub fn keyframe(cycle: u64) -> Vec<u8> {
    keyframe_of(cycle, KEYFRAME_LEN)
}

pub fn keyframe_of(cycle: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| mix(cycle ^ (i << 32)) as u8).collect()
}

fn tag(name: &str, kind: TagKind, scalar: ScalarType, slot: u32, field: Option<BitField>) -> Tag {
    Tag {
        name: name.into(),
        aliases: Vec::new(),
        kind,
        scalar,
        array_len: None,
        slot,
        fields: field.into_iter().collect(),
        sync_units: field.map(|_| 0).into_iter().collect(),
        bindings: field.map(|_| format!("device.{name}")).into_iter().collect(),
        unit: None,
        scale: None,
        range: None,
        on_invalid: OnInvalid::Hold,
        on_fault: OnFault::Hold,
        overflow: Overflow::Fault,
        initial: scalar.zero(),
        description: String::new(),
    }
}

pub fn tags() -> Vec<Tag> {
    let bit = BitField { bit_offset: 3, bit_len: 1, raw: RawType::Bool };
    let word = BitField { bit_offset: 16, bit_len: 16, raw: RawType::Signed };
    vec![
        tag("start", TagKind::Input, ScalarType::Bool, 0, Some(bit)),
        Tag {
            unit: Some("N".into()),
            scale: Some(Scale { factor: 0.1, offset: -0.3 }),
            range: Some((Value::F64(-4000.0), Value::F64(4000.0))),
            ..tag("force.ram", TagKind::Input, ScalarType::F64, 1, Some(word))
        },
        tag("valve.down", TagKind::Output, ScalarType::Bool, 2, Some(bit)),
        tag("parts.good", TagKind::Memory, ScalarType::I64, 3, None),
    ]
}

pub fn spec(first_cycle: u64) -> EpochSpec {
    EpochSpec {
        cell: "press-cell".into(),
        numeric_profile: "test-1".into(),
        binary_sha256: "00".into(),
        interval_ns: 1_000_000,
        first_cycle,
        start_utc_ns: 1_700_000_000_000_000_000,
        contents: vec![
            ("cell.toml".into(), b"[cell]\nname = \"press-cell\"\n".to_vec()),
            ("programs/press.rhai".into(), b"fn cycle() {}\n".to_vec()),
            ("programs/copy.rhai".into(), b"fn cycle() {}\n".to_vec()),
            ("empty".into(), Vec::new()),
        ],
        record: layout(),
        tags: tags(),
        parameters: vec![EpochParameter {
            name: "force_min".into(),
            scalar: ScalarType::F64,
            value: Value::F64(800.0),
            unit: Some("N".into()),
        }],
        sync_units: vec!["main".into(), "measuring".into()],
        programs: vec![EpochProgram {
            name: "press".into(),
            layout: serde_json::json!({ "fields": ["step"] }),
            layout_hash: u64::MAX - 1,
            state_len: 100,
        }],
        keyframe: vec![
            KeyframePart { name: "tags".into(), offset: 0, len: 100 },
            KeyframePart { name: "program:press".into(), offset: 100, len: KEYFRAME_LEN as u64 - 100 },
        ],
        edition: 0,
        run_first_cycle: 0,
        probation: 0,
        replaced: Vec::new(),
    }
}

/// Bytes of a keyframe of an edition.
pub const fn keyframe_len(edition: u32) -> usize {
    KEYFRAME_LEN + 700 * (edition % 3) as usize
}

/// The text of the program in an edition: each comes back two editions later.
pub fn text(edition: u32) -> Vec<u8> {
    format!("fn cycle() {{ {} }}\n", edition % 2).into_bytes()
}

/// Another program, with another keyframe.
pub fn change(edition: u32) -> EpochChange {
    let len = keyframe_len(edition) as u64 - 100;
    let of = spec(1);
    EpochChange {
        edition,
        contents: vec![("programs/press.rhai".into(), text(edition))],
        programs: vec![EpochProgram { state_len: len, ..of.programs[0].clone() }],
        probation: 10,
        replaced: vec![(0, text(edition - 1))],
        keyframe: vec![
            of.keyframe[0].clone(),
            KeyframePart { name: "program:press".into(), offset: 100, len },
        ],
    }
}

/// What the cyclic thread does with the log in one cycle.
pub fn record_cycle(recorder: &mut Recorder, slicer: &mut KeyframeSlicer, cycle: u64) -> bool {
    let done = recorder.record(|record| fill(record, cycle));
    if recorder.keyframe_due(slicer, cycle) {
        recorder.keyframe(slicer, cycle, |buffer| {
            for (i, byte) in buffer.iter_mut().enumerate() {
                *byte = mix(cycle ^ ((i as u64) << 32)) as u8;
            }
        });
    }
    recorder.keyframe_step(slicer);
    done
}

pub fn options(directory: &Path) -> LogOptions {
    LogOptions { ring_directory: Some(directory.to_owned()), ..LogOptions::default() }
}

/// One run of `cycles` cycles, closed in an orderly way. Returns the last cycle.
pub fn run(path: &Path, cycles: u64, keyframe_interval: u64) -> u64 {
    let directory = path.parent().unwrap();
    let log = CycleLog::open(path, options(directory)).unwrap();
    let first = log.next_cycle();
    let (mut recorder, thread) = log.start(&spec(first), clock).unwrap();
    let mut slicer = KeyframeSlicer::new(KEYFRAME_LEN, keyframe_interval);
    for cycle in first..first + cycles {
        while !record_cycle(&mut recorder, &mut slicer, cycle) {
            std::thread::yield_now();
        }
    }
    let statistics = thread.stop().unwrap();
    assert_eq!(statistics.records, cycles);
    assert_eq!(statistics.last_error, None);
    first + cycles - 1
}
