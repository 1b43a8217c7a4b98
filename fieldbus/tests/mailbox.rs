//! SDO transfers while the cycle goes on, all on one thread.

mod common;

use common::{Fault, PRESS, Running, cell, cell_of, run_up};
use sensai_devices::{DataType, Object, ObjectAccess, ObjectEntry};
use sensai_fieldbus::ethercat::{MailboxClient, MailboxWorker, SdoError, SdoResult, Ticket};
use sensai_fieldbus::simulated::{Emergency, Fault as Injected};
use std::sync::Arc;

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
    assert_eq!(press.client.upload(EL1008, 0x1018, 1, SECOND).err(), Some(SdoError::NoMailbox));
    assert_eq!(press.client.upload(99, 0x1018, 1, SECOND).err(), Some(SdoError::NoMailbox));
    let long = press.client.download(EL3104, 0x8000, 1, &vec![0; 65_537], SECOND).err();
    assert_eq!(long, Some(SdoError::TooLong { len: 65_537, max: 65_536 }));
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

#[test]
fn an_emergency_in_the_middle_of_a_transfer_is_told_from_the_answer() {
    let mut press = press();
    let device = press.running.bus.wire_mut().segment().device_mut(EL3104.into()).unwrap();
    device.set_mailbox_delay(4_000_000);
    for delay in 0..12_u8 {
        let ticket = press.client.upload(EL3104, 0x1018, 1, SECOND).unwrap();
        for _ in 0..delay {
            press.worker.poll();
            assert_eq!(press.running.exchange().valid, 0b11);
        }
        let emergency = Emergency { code: 0x8140, register: 1, data: [delay, 2, 3, 4, 5] };
        let segment = press.running.bus.wire_mut().segment();
        assert!(segment.inject(Injected::Emergency(EL3104.into(), emergency)));
        assert!(press.answer(&ticket).0.is_ok(), "emergency after {delay} cycles");
        // It was heard with the transfer, or is heard soon after.
        for _ in 0..120 {
            press.worker.poll();
            press.running.exchange();
        }
        let heard = press.worker.next_emergency().expect("heard");
        assert_eq!((heard.position, heard.code, heard.register, heard.data[0]), (EL3104, 0x8140, 1, delay));
        assert_eq!(press.worker.next_emergency(), None);
    }
    assert_eq!(press.worker.rebuilt(), 0);
}

#[test]
fn transfers_survive_a_lossy_wire() {
    let mut press = press();
    press.running.bus.wire_mut().lose_every = 13;
    for round in 0..20 {
        let ticket = press.client.upload(EL3104, 0x1008, 0, SECOND).unwrap();
        let mut answer = None;
        for _ in 0..1_000 {
            press.worker.poll();
            answer = ticket.poll();
            if answer.is_some() {
                break;
            }
            press.running.exchange();
        }
        assert_eq!(answer, Some(Ok(b"EL3104".to_vec())), "round {round}");
    }
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

/// A device with a text of any length at 0x2000:00.
fn with_text(len: usize) -> Running {
    let mut description = (*sensai_devices::catalogue::find("EL3104").unwrap()).clone();
    description.objects.push(Object {
        index: 0x2000,
        name: "Text".into(),
        entries: vec![ObjectEntry {
            subindex: 0,
            name: "Text".into(),
            data_type: DataType::Octets,
            access: ObjectAccess::ReadWrite,
            value: vec![0; len],
        }],
    });
    description.objects.sort_by_key(|object| object.index);
    run_up(&cell_of(&[(Arc::new(description), "main")]))
}

#[test]
fn objects_of_all_lengths_are_written_and_read_back() {
    for len in [1, 3, 4, 5, 8, 100, 111, 112, 113, 118, 119, 120, 126, 127, 128, 240, 1000] {
        let mut running = with_text(len);
        let mut worker = running.bus.take_mailbox().unwrap();
        let client = worker.client();
        let data: Vec<u8> = (0..len).map(|n| n as u8 | 1).collect();
        let mut answer = |ticket: Ticket| {
            for _ in 0..2_000 {
                worker.poll();
                if let Some(result) = ticket.poll() {
                    return result;
                }
                running.exchange();
            }
            panic!("no answer");
        };
        assert_eq!(answer(client.download(0, 0x2000, 0, &data, SECOND).unwrap()), Ok(vec![]), "{len} bytes");
        assert_eq!(answer(client.upload(0, 0x2000, 0, SECOND).unwrap()), Ok(data), "{len} bytes");
    }
}

#[test]
fn a_long_download_is_refused_with_the_devices_reason() {
    let mut press = press();
    let ticket = press.client.download(EL3104, 0x5fff, 0, &[0; 9], SECOND).unwrap();
    assert!(matches!(press.answer(&ticket).0, Err(SdoError::Aborted { code: 0x0602_0000, .. })));
}
