//! Parts of a cell with the figures that no program sees.

use sensai_model::{
    BitField, RawType, ScalarType, Tag, TagKind, Value,
    cell::{
        Alarm, AlarmCondition, AlarmPriority, AlarmReaction, Axis, DriveEntries, DriveMode, Homing, Jidoka,
        Model, ModelEngine, ModelScore, ModelTrigger, Parameter, StopCategory, Unit,
    },
    packml::Mode,
};

pub(super) fn parameter(name: &str, default: Value) -> Parameter {
    Parameter {
        name: name.to_owned(),
        scalar: default.scalar_type(),
        default,
        range: None,
        unit: None,
        description: String::new(),
    }
}

pub(super) fn axis(name: &str) -> Axis {
    let field = BitField { bit_offset: 0, bit_len: 32, raw: RawType::Signed };
    Axis {
        name: name.to_owned(),
        device: 0,
        channel: 1,
        entries: DriveEntries {
            controlword: field,
            statusword: field,
            position_actual: field,
            target_position: Some(field),
            target_velocity: None,
            target_torque: None,
            mode: None,
            mode_display: None,
            velocity_actual: None,
            torque_actual: None,
            error_code: None,
            digital_inputs: None,
            digital_outputs: None,
        },
        unit: "mm".to_owned(),
        counts_per_unit: 1000.0,
        feed: 10.0,
        modulo: None,
        software_limits: None,
        velocity_max: 100.0,
        acceleration: 1000.0,
        deceleration: 1000.0,
        jerk: None,
        stop_deceleration: 2000.0,
        stop_jerk: None,
        following_window: 1.0,
        following_time_ns: 0,
        in_position_window: 0.1,
        mode: DriveMode::Csp,
        position_gain: 20.0,
        homing: Homing::Absolute { offset: 0.0 },
        stop_category: StopCategory::One,
        vertical: false,
        brake: None,
    }
}

pub(super) fn alarm(name: &str) -> Alarm {
    Alarm {
        name: name.to_owned(),
        id: 1000,
        condition: AlarmCondition::Program,
        on_delay_ns: 0,
        off_delay_ns: 0,
        priority: AlarmPriority::Low,
        reaction: AlarmReaction::None,
        latched: false,
        text_en: String::new(),
        text_ja: String::new(),
        help: (String::new(), String::new()),
        group: 0,
    }
}

pub(super) fn jidoka(name: &str) -> Jidoka {
    Jidoka { name: name.to_owned(), model: None, limit: 0.0, count: 1, unit: 0, before_ns: 0, after_ns: 0 }
}

pub(super) fn unit(program: u16) -> Unit {
    Unit {
        name: "press".to_owned(),
        modes: vec![Mode::Production, Mode::Manual],
        programs: vec![program],
        immediate: 0,
        jog: Vec::new(),
    }
}

pub(super) fn model(name: &str, slot: u32, outputs: u32) -> Model {
    Model {
        name: name.to_owned(),
        path: String::new(),
        bytes: [].into(),
        sha256: String::new(),
        engine: ModelEngine::Inline,
        inputs: Vec::new(),
        normalisation: Vec::new(),
        trigger: ModelTrigger::Request,
        deadline_cycles: 1,
        age_max_cycles: 1,
        substitute: 0.0,
        score: ModelScore::ReconstructionError,
        output_lens: vec![outputs],
        output_len: outputs,
        slice_operations: 0,
        golden: None,
        threshold: None,
        slot,
    }
}

/// Results of a model, from `slot` on.
pub(super) fn model_tags(name: &str, slot: u32, outputs: u32) -> Vec<Tag> {
    let facts = [
        ("score", ScalarType::F64),
        ("age", ScalarType::I64),
        ("valid", ScalarType::Bool),
        ("misses", ScalarType::I64),
        ("sequence", ScalarType::I64),
        ("output", ScalarType::F64),
    ];
    let made = (slot..).zip(facts).map(|(slot, (fact, scalar))| {
        let mut tag = Tag::unbound(format!("ai.{name}.{fact}"), TagKind::Model, scalar, slot);
        tag.array_len = (fact == "output").then_some(outputs);
        tag
    });
    made.collect()
}
