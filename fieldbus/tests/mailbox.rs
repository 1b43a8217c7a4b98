//! SDO transfers while the cycle goes on, all on one thread.

mod common;

use common::{Fault, PRESS, Running, cell, run_up};
use sensai_fieldbus::ethercat::{MailboxClient, MailboxWorker, SdoError, SdoResult, Ticket};
use sensai_fieldbus::simulated::{Emergency, Fault as Injected};

const EL1008: u16 = 1;
const EL3104: u16 = 3;
const EL5101: u16 = 4;
const SECOND: u64 = 1_000_000_000;

struct WithMailbox {
    running: Running,
    worker: MailboxWorker,
    client: MailboxClient,
}

fn press() -> WithMailbox {
    let mut running = run_up(&cell(&PRESS));
    let worker = running.bus.take_mailbox().expect("not taken yet");
    assert!(running.bus.take_mailbox().is_none());
    let client = worker.client();
    WithMailbox { running, worker, client }
}

impl WithMailbox {
    /// Cycles until the answer is there. Every one of them must be good.
    fn answer(&mut self, ticket: &Ticket) -> (SdoResult, u32) {
        for cycles in 0..5_000 {
            self.worker.poll();
            if let Some(result) = ticket.poll() {
                return (result, cycles);
            }
            assert_eq!(self.running.exchange().valid, 0b11, "cycle {cycles}");
        }
        panic!("no answer");
    }

    fn upload(&mut self, position: u16, index: u16, subindex: u8) -> SdoResult {
        let ticket = self.client.upload(position, index, subindex, SECOND).expect("queued");
        self.answer(&ticket).0
    }
}

#[test]
fn an_object_is_read_while_the_cycle_goes_on() {
    let mut press = press();
    let description = sensai_devices::catalogue::find("EL3104").unwrap();
    let identity = description.identity;
    assert_eq!(press.upload(EL3104, 0x1018, 1), Ok(identity.vendor.to_le_bytes().to_vec()));
    assert_eq!(press.upload(EL3104, 0x1018, 2), Ok(identity.product.to_le_bytes().to_vec()));
    let name = press.upload(EL3104, 0x1008, 0).expect("a device name");
    assert_eq!(String::from_utf8(name).unwrap().trim_end_matches('\0'), "EL3104");
}

#[test]
fn refusals_and_missing_mailboxes_are_told_apart() {
    let mut press = press();
    assert!(matches!(press.upload(EL3104, 0x5fff, 0), Err(SdoError::Aborted { code: 0x0602_0000, .. })));
    assert_eq!(press.upload(EL1008, 0x1018, 1), Err(SdoError::NoMailbox));
    assert_eq!(press.client.upload(99, 0x1018, 1, SECOND).err(), Some(SdoError::NoMailbox));
    let long = press.client.download(EL3104, 0x8000, 1, &[0; 5], SECOND).err();
    assert_eq!(long, Some(SdoError::TooLong { len: 5, max: 4 }));
}

#[test]
fn devices_are_served_side_by_side_and_queues_are_bounded() {
    let mut press = press();
    let ask = |position| press.client.upload(position, 0x1018, 1, SECOND);
    let (a, b) = (ask(EL3104).unwrap(), ask(EL5101).unwrap());
    let waiting: Vec<_> = (0..7).map(|_| ask(EL3104).unwrap()).collect();
    assert_eq!(ask(EL3104).err(), Some(SdoError::Busy));
    assert!(press.answer(&a).0.is_ok());
    // It was under way all the time.
    assert!(press.answer(&b).1 <= 2);
    assert!(waiting.iter().all(|ticket| press.answer(ticket).0.is_ok()));
}

/// ethercrab asserts that no emergency answers a request; the request is done again behind that.
#[test]
fn an_emergency_in_the_middle_of_a_transfer_costs_a_retry_only() {
    let mut press = press();
    let device = press.running.bus.wire_mut().segment().device_mut(EL3104.into()).unwrap();
    device.set_mailbox_delay(4_000_000);
    for delay in 0..12 {
        let ticket = press.client.upload(EL3104, 0x1018, 1, SECOND).unwrap();
        for _ in 0..delay {
            press.worker.poll();
            assert_eq!(press.running.exchange().valid, 0b11);
        }
        let emergency = Emergency { code: 0x1000, register: 1, data: [1, 2, 3, 4, 5] };
        let segment = press.running.bus.wire_mut().segment();
        segment.inject(Injected::Emergency(EL3104.into(), emergency));
        assert!(press.answer(&ticket).0.is_ok(), "emergency after {delay} cycles");
    }
    assert!(press.worker.rebuilt() > 0, "no emergency came at the wrong moment");
}

#[test]
fn a_lost_device_times_out_at_the_deadline_and_disturbs_nobody() {
    let mut press = press();
    let gauge = (PRESS.len() - 1) as u16;
    press.running.bus.wire_mut().segment().inject(Injected::PowerOff(gauge.into()));
    let ticket = press.client.upload(gauge, 0x1018, 1, 20_000_000).unwrap();
    let mut cycles = 0;
    let result = loop {
        press.worker.poll();
        if let Some(result) = ticket.poll() {
            break result;
        }
        assert_eq!(press.running.exchange().valid, 0b01);
        cycles += 1;
        assert!(cycles < 100);
    };
    assert!(result.is_err(), "{result:?}");
    assert!(cycles <= 21, "{cycles}");
    assert!(press.client.upload(EL3104, 0x1018, 1, SECOND).is_ok());
}

#[test]
fn requests_outlive_neither_the_worker_nor_the_bus() {
    let mut press = press();
    let ticket = press.client.upload(EL3104, 0x1018, 1, SECOND).unwrap();
    press.worker.poll();
    let client = press.client.clone();
    drop(press);
    assert_eq!(ticket.poll(), Some(Err(SdoError::Closed)));
    assert_eq!(client.upload(EL3104, 0x1018, 1, SECOND).err(), Some(SdoError::Closed));
}

#[test]
fn lost_cyclic_frames_do_not_disturb_a_transfer() {
    let mut press = press();
    let ticket = press.client.upload(EL3104, 0x1018, 1, SECOND).unwrap();
    press.running.bus.wire_mut().faults.extend([Some(Fault::Lose), None, Some(Fault::Delay(1)), None]);
    for _ in 0..20 {
        press.worker.poll();
        press.running.exchange();
    }
    assert!(press.answer(&ticket).0.is_ok());
}
