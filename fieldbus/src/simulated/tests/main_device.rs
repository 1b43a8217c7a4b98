//! A small MainDevice for tests: ethercrab polled by hand on this thread, over any wire.

use crate::{Wire, clock};
use ethercrab::{MainDevice, MainDeviceConfig, PduRx, PduStorage, PduTx, Timeouts, error::Error};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

pub type Storage = PduStorage<32, { PduStorage::element_size(1486) }>;

pub struct TestBus<'s, W> {
    pub wire: W,
    tx: PduTx<'s>,
    rx: PduRx<'s>,
}

/// A MainDevice and the bus that carries its frames. The storage is leaked: tests are short.
pub fn connect<W: Wire>(wire: W) -> (MainDevice<'static>, TestBus<'static, W>) {
    clock::start_virtual(1_000_000_000);
    let storage: &'static Storage = Box::leak(Box::new(Storage::new()));
    let (tx, rx, pdu_loop) = storage.try_split().expect("storage is split once");
    let ms = Duration::from_millis;
    let timeouts = Timeouts {
        eeprom: ms(500),
        wait_loop_delay: ms(1),
        mailbox_response: ms(500),
        ..Timeouts::default()
    };
    (MainDevice::new(pdu_loop, timeouts, MainDeviceConfig::default()), TestBus { wire, tx, rx })
}

impl<W: Wire> TestBus<'_, W> {
    /// Drive `future` to its end.
    pub fn block_on<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        let mut buffer = [0; 1536];
        for _ in 0..5_000_000 {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            while let Some(frame) = self.tx.next_sendable_frame() {
                let wire = &mut self.wire;
                let send = |bytes: &[u8]| wire.send(bytes).then_some(bytes.len()).ok_or(Error::SendFrame);
                if frame.send_blocking(send).is_err() {
                    break;
                }
            }
            let mut idle = true;
            while let Some(len) = self.wire.recv(&mut buffer) {
                let _ = self.rx.receive_frame(&buffer[..len]);
                idle = false;
            }
            if idle {
                self.wire.wait(clock::now_ns() + 100_000);
            }
        }
        panic!("the MainDevice does not get on");
    }
}
