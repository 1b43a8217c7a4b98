//! Cycles in OP, and what becomes of frames that are lost, late, doubled or damaged.

mod common;

use common::{DEADLINE_NS, Fault, INTERVAL_NS, PRESS, Running, cell, cell_of, run_up};
use sensai_fieldbus::ethercat::AlState;
use sensai_fieldbus::simulated::Fault as Injected;
use sensai_fieldbus::{Bus as _, clock};
use std::sync::Arc;

const EL2008: usize = 2;

fn press() -> Running {
    run_up(&cell(&PRESS))
}

fn faults(running: &mut Running, faults: &[Option<Fault>]) {
    running.bus.wire_mut().faults.extend(faults);
}

#[test]
fn a_thousand_exchanges_with_exact_working_counters() {
    let cell = cell(&PRESS);
    let mut running = run_up(&cell);
    let digital = cell.devices[EL2008].outputs.start;
    let begin = clock::now_ns();
    // EL1008, EL3104: read; EL2008: written; EL5101: both.
    let expected = [1 + 2 + 1 + 3, 1];
    for k in 0..1000_u32 {
        running.outputs[digital] = k as u8;
        let exchange = running.exchange();
        assert_eq!(exchange.working_counters[..2], expected, "cycle {k}");
        assert_eq!(
            (exchange.valid, exchange.lost, exchange.late, exchange.stray),
            (0b11, false, 0, 0),
            "cycle {k}"
        );
        assert_eq!(running.bus.wire_mut().segment().devices()[EL2008].outputs(), [k as u8], "cycle {k}");
    }
    assert_eq!(clock::now_ns() - begin, 1000 * INTERVAL_NS);
}

#[test]
fn inputs_arrive_where_the_cell_has_them() {
    let cell = cell(&PRESS);
    let mut running = run_up(&cell);
    for (n, device) in cell.devices.iter().enumerate() {
        let shown: Vec<u8> = (0..device.inputs.len()).map(|i| (16 * n + i) as u8 | 0x80).collect();
        if let Some(simulated) = running.bus.wire_mut().segment().device_mut(n) {
            simulated.inputs_mut().copy_from_slice(&shown);
        }
        running.bus.wire_mut().segment().inputs_mut()[device.inputs.clone()].copy_from_slice(&shown);
    }
    running.exchange();
    running.exchange();
    for (n, device) in cell.devices.iter().enumerate() {
        let bytes = &running.inputs[device.inputs.clone()];
        assert!(
            bytes.iter().enumerate().all(|(i, byte)| *byte == (16 * n + i) as u8 | 0x80),
            "d{n}: {bytes:02x?}"
        );
    }
}

#[test]
fn a_lost_frame_leaves_the_inputs_and_costs_the_deadline() {
    let mut running = press();
    running.exchange();
    running.inputs.fill(0xa5);
    faults(&mut running, &[Some(Fault::Lose)]);
    let begin = clock::now_ns();
    let exchange = running.bus.exchange(&running.outputs, &mut running.inputs, begin + DEADLINE_NS);
    assert_eq!(clock::now_ns(), begin + DEADLINE_NS);
    assert_eq!((exchange.valid, exchange.lost, exchange.send_failed), (0, true, false));
    assert_eq!((exchange.al_states, exchange.devices, exchange.working_counters[0]), (0, 0, 0));
    assert!(running.inputs.iter().all(|byte| *byte == 0xa5));
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.lost, exchange.late), (0b11, false, 0));
}

#[test]
fn a_late_frame_is_counted_and_dropped() {
    let cell = cell(&PRESS);
    let mut running = run_up(&cell);
    faults(&mut running, &[Some(Fault::Delay(2))]);
    let first = running.exchange();
    assert_eq!((first.valid, first.lost, first.late), (0, true, 0));
    let second = running.exchange();
    assert_eq!((second.valid, second.lost, second.late), (0b11, false, 0));
    let third = running.exchange();
    assert_eq!((third.valid, third.lost, third.late, third.stray), (0b11, false, 1, 0));
}

#[test]
fn duplicated_and_damaged_frames_are_stray() {
    let mut running = press();
    let damaged = [
        Fault::Corrupt(16, 0x0f), // command
        Fault::Corrupt(17, 0xff), // index
        Fault::Corrupt(20, 0x01), // register
        Fault::Corrupt(22, 0x01), // length
        Fault::Corrupt(11, 0x40), // another frame number
        Fault::Corrupt(12, 0x01), // EtherType
        Fault::Corrupt(6, 0x02),  // met no device
        Fault::Truncate(40),
        Fault::Truncate(1),
    ];
    for fault in damaged {
        faults(&mut running, &[Some(fault)]);
        let exchange = running.exchange();
        assert_eq!(
            (exchange.valid, exchange.lost, exchange.late, exchange.stray),
            (0, true, 0, 1),
            "{fault:?}"
        );
        let exchange = running.exchange();
        assert_eq!((exchange.valid, exchange.lost, exchange.stray), (0b11, false, 0), "after {fault:?}");
    }
    faults(&mut running, &[Some(Fault::Duplicate)]);
    assert_eq!(running.exchange().valid, 0b11);
    // The second one is still there when the next cycle looks, or came just behind the first.
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.late), (0b11, 0));
}

#[test]
fn both_copies_of_a_doubled_frame_are_accounted_for() {
    let mut running = press();
    faults(&mut running, &[Some(Fault::Duplicate)]);
    let stray: u16 = (0..3).map(|_| running.exchange().stray).sum();
    assert_eq!(stray, 1);
}

#[test]
fn a_frame_that_cannot_be_sent_is_not_waited_for() {
    let mut running = press();
    faults(&mut running, &[Some(Fault::Refuse)]);
    let begin = clock::now_ns();
    let exchange = running.bus.exchange(&running.outputs, &mut running.inputs, begin + DEADLINE_NS);
    assert_eq!((exchange.valid, exchange.lost, exchange.send_failed), (0, true, true));
    assert_eq!(clock::now_ns(), begin);
    assert_eq!(running.exchange().valid, 0b11);
}

#[test]
fn a_device_without_power_costs_only_its_unit() {
    let mut running = press();
    let gauge = PRESS.len() - 1;
    running.exchange();
    running.bus.wire_mut().segment().inject(Injected::PowerOff(gauge));
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.lost, exchange.devices), (0b01, false, 5));
    assert_eq!(exchange.working_counters[1], 0);
    for _ in 0..PRESS.len() {
        assert_eq!(running.exchange().valid, 0b01);
    }
    let silent: Vec<usize> =
        (0..PRESS.len()).filter(|device| running.bus.health()[*device].state == AlState::NoAnswer).collect();
    assert_eq!(silent, [gauge]);
    // Power comes back: the device is there, but knows nothing. Its unit stays invalid.
    running.bus.wire_mut().segment().inject(Injected::PowerOn(gauge));
    for _ in 0..PRESS.len() {
        let exchange = running.exchange();
        assert_eq!((exchange.valid, exchange.devices), (0b01, 6));
    }
    assert_eq!(running.bus.health()[gauge].state, AlState::NoAnswer);
}

#[test]
fn health_shows_links_and_error_counters() {
    let mut running = press();
    for _ in 0..8 * (PRESS.len() + 1) {
        running.exchange();
    }
    let links: Vec<_> = running.bus.health().iter().map(|health| health.links).collect();
    assert_eq!(links, [3, 3, 3, 3, 3, 1]);
    assert!(running.bus.health().iter().all(|health| health.ports.iter().all(|port| port.rx_errors == 0)));
}

#[test]
fn a_device_that_leaves_op_is_seen_at_once_and_named_in_turn() {
    let mut running = press();
    running.exchange();
    // Longer than the watchdogs: the devices with outputs fall back; the working counters stay as they are.
    clock::advance_to(clock::now_ns() + 20 * INTERVAL_NS);
    let first = running.bus.exchange(&running.outputs, &mut running.inputs, clock::now_ns() + DEADLINE_NS);
    assert_eq!((first.al_states, first.working_counters[0]), (0x1c, 7));
    let mut valid = 0;
    for _ in 0..PRESS.len() {
        valid =
            running.bus.exchange(&running.outputs, &mut running.inputs, clock::now_ns() + DEADLINE_NS).valid;
    }
    assert_eq!(valid, 0b10);
    let fallen: Vec<_> = (0..PRESS.len())
        .map(|device| running.bus.health()[device])
        .map(|health| (health.state, health.status_code))
        .collect();
    let (op, watchdog) = ((AlState::Op, 0), (AlState::SafeOp, 0x1b));
    assert_eq!(fallen, [op, op, watchdog, op, watchdog, op]);
}

/// 1,200 bytes of inputs a device: more than one frame holds.
#[test]
fn process_data_of_several_frames_is_one_exchange() {
    let mut description = (*sensai_devices::catalogue::find("EL1008").unwrap()).clone();
    let mut entry = description.tx_pdos[0].entries[0].clone();
    entry.bit_len = 64;
    entry.data_type = sensai_devices::DataType::U64;
    description.tx_pdos.truncate(1);
    description.tx_pdos[0].entries = (0..15).map(|_| entry.clone()).collect();
    let pdo = description.tx_pdos[0].clone();
    description.tx_pdos =
        (0..10).map(|n| sensai_devices::Pdo { index: pdo.index + n, ..pdo.clone() }).collect();
    let description = Arc::new(description);
    let cell =
        cell_of(&[(Arc::clone(&description), "a"), (Arc::clone(&description), "a"), (description, "b")]);
    assert_eq!(cell.image.inputs, 3600);
    let mut running = run_up(&cell);
    for n in 0..3 {
        let device = running.bus.wire_mut().segment().device_mut(n).unwrap();
        device.inputs_mut().fill(n as u8 + 1);
        running.bus.wire_mut().segment().inputs_mut()[1200 * n..1200 * (n + 1)].fill(n as u8 + 1);
    }
    running.exchange();
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.working_counters[..2].to_vec()), (0b11, vec![2, 1]));
    for n in 0..3 {
        assert!(running.inputs[1200 * n..1200 * (n + 1)].iter().all(|byte| *byte == n as u8 + 1), "d{n}");
    }
    // Without the first frame the states are unknown, the process data of the other frames is not.
    faults(&mut running, &[Some(Fault::Lose)]);
    let exchange = running.exchange();
    assert_eq!((exchange.lost, exchange.al_states), (true, 0));
    assert_eq!(running.exchange().valid, 0b11);
}
