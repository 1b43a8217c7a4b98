//! From nothing to OP, in virtual time, against the simulated segment.

mod common;

use common::{Fault as Wrong, INTERVAL_NS, PRESS, cell, cell_of, run_up, try_run_up, wire};
use sensai_devices::{DeviceDescription, catalogue};
use sensai_fieldbus::clock;
use sensai_fieldbus::ethercat::{AlState, Finding, StartupError, Step, start};
use sensai_fieldbus::simulated::{AlState as Simulated, Fault};
use sensai_model::cell::StartupSdo;
use std::sync::Arc;

/// The findings of a start-up that must fail at `step`.
fn findings(result: Result<common::Running, StartupError>, at: Step) -> Vec<Finding> {
    match result {
        Err(StartupError::Findings { step, findings }) if step == at => findings,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it started"),
    }
}

fn texts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn all_catalogue_devices_reach_op_in_two_sync_units() {
    let cell = cell(&PRESS);
    let begin = 1_000_000_000;
    let mut running = run_up(&cell);
    assert!(clock::now_ns() - begin < 2_000_000_000, "{} ns", clock::now_ns() - begin);
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.lost, exchange.devices, exchange.al_states), (0b11, false, 6, 8));
    for _ in 0..PRESS.len() {
        running.exchange();
    }
    assert!(
        running.bus.health().iter().all(|health| health.state == AlState::Op),
        "{:?}",
        running.bus.health()
    );
    let parents: Vec<_> =
        running.bus.topology().nodes.iter().map(|node| node.parent.map(|(position, _)| position)).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(2), Some(3), Some(4)]);
}

#[test]
fn every_catalogue_device_reaches_op_alone_and_in_a_line_of_three() {
    for kind in catalogue::names() {
        for line in [vec![(*kind, "main")], vec![(*kind, "a"), (*kind, "b"), (*kind, "a")]] {
            let mut running = run_up(&cell(&line));
            assert_eq!(running.exchange().al_states, 8, "{kind}");
        }
    }
}

#[test]
fn the_watchdogs_hold_what_the_cell_says() {
    let mut running = run_up(&cell(&PRESS));
    let memory = running.bus.wire_mut().segment().devices()[2].memory();
    let word = |at: usize| u16::from_le_bytes([memory[at], memory[at + 1]]);
    let watchdog_ns = (u64::from(word(0x0400)) + 2) * 40 * u64::from(word(0x0420));
    assert_eq!(watchdog_ns, 10 * INTERVAL_NS);
    assert_ne!(memory[0x0804] & 0x40, 0, "SyncManager 0 triggers the watchdog");
}

#[test]
fn an_empty_wire_says_so() {
    let empty = wire(&cell(&[]));
    assert_eq!(try_run_up(&cell(&PRESS), empty).err(), Some(StartupError::NoDevices));
}

#[test]
fn all_differences_are_found_at_once_before_anything_is_configured() {
    let there = cell(&[
        ("EK1100", "main"),
        ("EL2008", "main"),
        ("EL3104", "main"),
        ("EL5101", "main"),
        ("SN7001", "main"),
        ("EL1008", "main"),
    ]);
    let mut wanted = cell(&PRESS);
    wanted.devices[4].serial = Some(4711);
    let mut newer = (*wanted.devices[3].description).clone();
    newer.identity.revision += 1;
    wanted.devices[3].description = Arc::new(newer);
    let findings = findings(try_run_up(&wanted, wire(&there)), Step::Identify);
    let texts = texts(&findings);
    assert_eq!(texts.len(), 4, "{texts:#?}");
    assert!(texts[0].starts_with("`d1` (position 1) is missing: expected EL1008"), "{texts:#?}");
    assert!(texts[1].starts_with("`d3` (position 2): expected revision"), "{texts:#?}");
    assert!(texts[2].starts_with("`d4` (position 3): expected serial number 4711, got"), "{texts:#?}");
    assert!(texts[3].starts_with("position 5: unexpected device, vendor 0x00000002"), "{texts:#?}");
}

#[test]
fn a_wrong_device_is_not_touched() {
    let there = cell(&[("EK1100", "main"), ("EL1008", "main")]);
    let wanted = cell(&[("EK1100", "main"), ("EL2008", "main")]);
    let mut on_bus = wire(&there);
    let before = configuration(&mut on_bus);
    let Err(StartupError::Findings { step: Step::Identify, findings }) =
        start(&wanted, &mut on_bus, &[], &mut |_| ())
    else {
        panic!("it started")
    };
    assert!(matches!(findings.as_slice(), [Finding::Another { position: 1, .. }]), "{findings:?}");
    assert_eq!(configuration(&mut on_bus), before);
}

/// Station address, AL control, watchdogs, FMMUs and SyncManagers of all devices.
fn configuration(wire: &mut common::FaultyWire) -> Vec<u8> {
    let registers = [0x0010..0x0012, 0x0120..0x0122, 0x0400..0x0422, 0x0600..0x0700, 0x0800..0x0880];
    let of =
        |memory: &[u8]| registers.iter().flat_map(|range| memory[range.clone()].to_vec()).collect::<Vec<_>>();
    wire.segment().devices().iter().flat_map(|device| of(device.memory())).collect()
}

#[test]
fn a_startup_that_fails_later_sends_the_devices_back_to_init() {
    let mut cell = cell(&PRESS);
    cell.devices[3].startup = vec![StartupSdo { index: 0x5fff, subindex: 0, data: vec![1] }];
    let mut on_bus = wire(&cell);
    assert!(start(&cell, &mut on_bus, &[], &mut |_| ()).is_err());
    let states: Vec<_> =
        on_bus.segment().devices().iter().map(|device| format!("{:?}", device.state())).collect();
    assert!(states.iter().all(|state| state == "Init"), "{states:?}");
}

#[test]
fn startup_sdos_are_written_and_refusals_named() {
    let mut cell = cell(&PRESS);
    let sdo = |index, subindex, data: &[u8]| StartupSdo { index, subindex, data: data.to_vec() };
    cell.devices[3].startup =
        vec![sdo(0x5fff, 0, &[1]), sdo(0x1018, 1, &[1, 2, 3, 4]), sdo(0x1c13, 1, &[0; 65_537])];
    let found = findings(try_run_up(&cell, wire(&cell)), Step::Configure);
    let texts = texts(&found);
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert!(texts[0].starts_with("`d3` (position 3): SDO 0x5fff:00: aborted with 0x06020000"), "{texts:#?}");
    assert!(texts[1].starts_with("`d3` (position 3): SDO 0x1018:01: aborted with 0x0601000"), "{texts:#?}");
    assert!(texts[2].contains("SDO 0x1c13:01: 65537 bytes, at most 65536"), "{texts:#?}");
}

#[test]
fn process_data_of_another_size_is_a_finding_with_both_sizes() {
    let there = cell(&PRESS);
    let with = |change: fn(&mut DeviceDescription)| {
        let mut description = (*catalogue::find("EL1008").unwrap()).clone();
        change(&mut description);
        Arc::new(description)
    };
    // Nine inputs where the device has eight.
    let nine = with(|description| {
        let mut entry = description.tx_pdos[0].entries[0].clone();
        entry.subindex += 1;
        description.tx_pdos[0].entries.push(entry);
    });
    let mut described: Vec<_> = there.devices.iter().map(|d| (Arc::clone(&d.description), "main")).collect();
    described[1].0 = nine;
    let found = findings(try_run_up(&cell_of(&described), wire(&there)), Step::ProcessData);
    assert_eq!(
        texts(&found),
        ["`d1` (position 1): expected 2 bytes of inputs, the device has 1; is another PDO assigned?"]
    );
}

#[test]
fn a_unit_that_cannot_lrw_reaches_op_with_two_datagrams() {
    let mut description = (*catalogue::find("EL5101").unwrap()).clone();
    description.no_lrw = true;
    let cell = cell_of(&[
        (catalogue::find("EK1100").unwrap(), "main"),
        (Arc::new(description), "main"),
        (catalogue::find("EL2008").unwrap(), "main"),
    ]);
    let mut running = run_up(&cell);
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.working_counters[0]), (1, 3)); // two written, one read
}

#[test]
fn a_cell_with_too_many_devices_is_refused() {
    let cell = cell(&[("EL1008", "main"); 65]);
    let error = try_run_up(&cell, wire(&cell)).err();
    assert_eq!(error, Some(StartupError::TooManyDevices { found: 65, max: 64 }));
}

#[test]
fn sixty_four_devices_are_fine() {
    let mut running = run_up(&cell(&[("EL2008", "main"); 64]));
    let exchange = running.exchange();
    assert_eq!((exchange.valid, exchange.working_counters[0], exchange.devices), (1, 128, 64));
}

#[test]
fn shutdown_leaves_all_devices_in_init() {
    let mut running = run_up(&cell(&PRESS));
    running.exchange();
    let begin = clock::now_ns();
    assert_eq!(running.bus.shutdown(begin + 1_000_000_000), Ok(()));
    assert!(clock::now_ns() < begin + 100_000_000);
    let segment = running.bus.wire_mut().segment();
    let states: Vec<_> = segment.devices().iter().map(|device| format!("{:?}", device.state())).collect();
    assert!(states.iter().all(|state| state == "Init"), "{states:?}");
}

#[test]
fn buses_one_after_the_other_share_one_storage() {
    for _ in 0..50 {
        run_up(&cell(&[("EK1100", "main"), ("EL1008", "main")]));
    }
}

fn with_fault(fault: Fault) -> Result<common::Running, StartupError> {
    let cell = cell(&PRESS);
    let mut on_bus = wire(&cell);
    assert!(on_bus.segment().inject(fault));
    try_run_up(&cell, on_bus)
}

#[test]
fn a_refused_state_is_reported_with_the_devices_reason() {
    let refuse = |state, code| with_fault(Fault::Refuse(3, Some((state, code))));
    let found = findings(refuse(Simulated::PreOp, 0x0016), Step::PreOp);
    assert_eq!(
        texts(&found),
        ["`d3` (position 3): expected PRE-OP, got INIT, AL status 0x0016: invalid mailbox configuration"]
    );
    let found = findings(refuse(Simulated::SafeOp, 0x001e), Step::SafeOp);
    assert_eq!(
        texts(&found),
        ["`d3` (position 3): expected SAFE-OP, got PRE-OP, AL status 0x001e: invalid input configuration"]
    );
    let found = findings(refuse(Simulated::Op, 0x0030), Step::Op);
    assert_eq!(
        texts(&found),
        ["`d3` (position 3): expected OP, got SAFE-OP, AL status 0x0030: invalid DC SYNC configuration"]
    );
}

#[test]
fn a_device_that_ignores_requests_costs_bounded_time() {
    let found = findings(with_fault(Fault::Stuck(3, true)), Step::PreOp);
    assert!(matches!(found.as_slice(), [Finding::State { position: 3, code: 0, .. }]), "{found:?}");
    assert!(clock::now_ns() < 1_000_000_000 + 20_000_000_000, "{}", clock::now_ns());
}

#[test]
fn a_watchdog_shorter_than_the_interval_is_named() {
    let mut cell = cell(&PRESS);
    cell.bus.watchdog_ns = INTERVAL_NS / 2;
    let found = findings(try_run_up(&cell, wire(&cell)), Step::Op);
    let expired = |finding: &Finding| matches!(finding, Finding::State { code: 0x001b, .. });
    assert!(!found.is_empty() && found.iter().all(expired), "{found:?}");
}

#[test]
fn a_switched_off_watchdog_is_off() {
    let mut cell = cell(&PRESS);
    cell.bus.watchdog_ns = 0;
    let mut running = run_up(&cell);
    let memory = running.bus.wire_mut().segment().devices()[2].memory();
    assert_eq!((memory[0x0420], memory[0x0421], memory[0x0804] & 0x40), (0, 0, 0));
    clock::advance_to(clock::now_ns() + 10_000_000_000);
    running.exchange();
    assert_eq!(running.exchange().al_states, 8);
}

#[test]
fn a_lossy_wire_only_takes_longer() {
    for lose_every in [4001, 1999, 997, 499] {
        let cell = cell(&PRESS);
        let mut on_bus = wire(&cell);
        on_bus.lose_every = lose_every;
        match try_run_up(&cell, on_bus) {
            Ok(mut running) => {
                running.bus.wire_mut().lose_every = 0;
                running.exchange();
                assert_eq!(running.exchange().valid, 0b11);
            }
            Err(error) => panic!("every {lose_every}th frame lost: {error}"),
        }
    }
}

#[test]
fn a_working_counter_that_is_not_as_promised_is_an_error() {
    let cell = cell(&PRESS);
    let mut on_bus = wire(&cell);
    let main: usize =
        cell.devices.iter().filter(|d| d.sync_unit == 0).map(|d| d.inputs.len() + d.outputs.len()).sum();
    // Behind the headers, the two status datagrams (2 and 6 bytes) and the unit's own data.
    on_bus.always = Some(Wrong::Corrupt(16 + 14 + 18 + 10 + main, 0x01));
    let found = findings(try_run_up(&cell, on_bus), Step::WorkingCounters);
    assert_eq!(texts(&found), ["sync unit `main`: expected working counter 7, got 6"]);
}

#[test]
fn a_cable_cut_in_the_middle_leaves_missing_devices() {
    let found = findings(with_fault(Fault::Break(3)), Step::Identify);
    let missing = |finding: &Finding| matches!(finding, Finding::Missing { position: 3.., .. });
    assert!(found.len() == 3 && found.iter().all(missing), "{found:?}");
}
