//! Who is on the bus: identities straight from the EEPROMs, by position, before anything is configured.
//!
//! Read first: ETG.1000.4 section 6.4 (SII access), ETG.1000.6 section 5.4 (SII contents).

use super::error::Finding;
use super::frame::Address;
use super::link::Link;
use super::registers::{EEPROM_CONFIG, EEPROM_CONTROL, EEPROM_DATA};
use crate::{clock, wire::Wire};
use sensai_devices::Identity;
use sensai_model::cell::Device;

/// A device's EEPROM is busy for a few ms; more means that it is broken.
const EEPROM_TIMEOUT_NS: u64 = 500_000_000;
/// Control register: read command.
const READ: u8 = 0x01;
/// Status bits, high byte: busy, and the errors (command not accepted, device information, checksum).
const BUSY: u8 = 0x80;
const ERRORS: u8 = 0x30;
/// Status, low byte: the data register is 8 bytes wide.
const EIGHT_BYTES: u8 = 0x40;
/// Word address of the identity.
const IDENTITY: u16 = 0x0008;
/// Word address of the EEPROM's size.
const SIZE: usize = 0x003e;
/// Word address of the first category.
const CATEGORIES: usize = 0x0040;
const END: u16 = 0xffff;

type ReadError = &'static str;

/// How many devices process broadcasts.
pub(crate) fn count<W: Wire>(link: &mut Link<W>) -> u16 {
    link.datagram(Address::brd(0x0000), &mut [0]).unwrap_or(0)
}

/// The identity of the device at `position`.
pub(crate) fn identity<W: Wire>(link: &mut Link<W>, position: u16) -> Result<Identity, ReadError> {
    let bytes = Eeprom::open(link, position)?.read(IDENTITY, 16)?;
    let field = |n: usize| {
        bytes.get(4 * n..4 * n + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    };
    Ok(Identity { vendor: field(0), product: field(1), revision: field(2), serial: field(3) })
}

/// The EEPROM's contents up to and with the end mark of its categories.
pub(crate) fn whole_sii<W: Wire>(link: &mut Link<W>, position: u16) -> Result<Vec<u8>, ReadError> {
    let mut eeprom = Eeprom::open(link, position)?;
    let mut bytes = eeprom.read(0, 2 * CATEGORIES)?;
    let word = |bytes: &[u8], at: usize| {
        bytes.get(2 * at..2 * at + 2).map_or(END, |word| u16::from_le_bytes([word[0], word[1]]))
    };
    // In units of 1 KiBit, minus one.
    let words = (usize::from(word(&bytes, SIZE)) + 1).saturating_mul(64).min(1 << 16);
    let mut at = CATEGORIES;
    while at + 2 <= words {
        eeprom.extend(&mut bytes, 2 * (at + 2))?;
        if word(&bytes, at) == END {
            break;
        }
        at += 2 + usize::from(word(&bytes, at + 1));
        eeprom.extend(&mut bytes, 2 * at.min(words))?;
    }
    bytes.truncate(2 * words.min(at + 2));
    Ok(bytes)
}

/// Access to one device's EEPROM through its ESC.
struct Eeprom<'l, W: Wire> {
    link: &'l mut Link<W>,
    position: u16,
}

impl<'l, W: Wire> Eeprom<'l, W> {
    /// Take it away from the device's own controller, which may have it since the last run.
    fn open(link: &'l mut Link<W>, position: u16) -> Result<Self, ReadError> {
        for owner in [2, 0] {
            if !link.write(Address::apwr(position, EEPROM_CONFIG), &[owner]) {
                return Err("the device does not answer");
            }
        }
        Ok(Self { link, position })
    }

    fn read(&mut self, word: u16, len: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            let at = word.saturating_add((bytes.len() / 2) as u16);
            self.chunk(at, &mut bytes)?;
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Read on until `bytes` has `len` bytes.
    fn extend(&mut self, bytes: &mut Vec<u8>, len: usize) -> Result<(), ReadError> {
        if let Some(more) = len.checked_sub(bytes.len()) {
            let from = (bytes.len() / 2) as u16;
            bytes.extend(self.read(from, more)?);
        }
        Ok(())
    }

    /// Append the 4 or 8 bytes at a word address.
    fn chunk(&mut self, word: u16, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        let [low, high] = word.to_le_bytes();
        let request = [0, READ, low, high, 0, 0];
        let position = self.position;
        if !self.link.write(Address::apwr(position, EEPROM_CONTROL), &request) {
            return Err("the device does not answer");
        }
        let deadline = clock::now_ns() + EEPROM_TIMEOUT_NS;
        loop {
            let status = self.link.read::<2>(Address::aprd(position, EEPROM_CONTROL));
            let [low, high] = status.ok_or("the device does not answer")?;
            if high & BUSY == 0 {
                if high & ERRORS != 0 {
                    return Err("the device reports an EEPROM error");
                }
                let data = Address::aprd(position, EEPROM_DATA);
                if low & EIGHT_BYTES != 0 {
                    bytes.extend(self.link.read::<8>(data).ok_or("the device does not answer")?);
                } else {
                    bytes.extend(self.link.read::<4>(data).ok_or("the device does not answer")?);
                }
                return Ok(());
            }
            if clock::now_ns() > deadline {
                return Err("it stays busy");
            }
            self.link.idle_until(clock::now_ns() + 100_000);
        }
    }
}

/// Everything in which the bus differs from the cell. Devices are aligned first, so that one missing device is one
/// finding, not one for each device behind it.
pub(crate) fn compare(devices: &[Device], found: &[Result<Identity, ReadError>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut at, mut position) = (0, 0);
    for (matched, matched_at) in align(devices, found).into_iter().chain([(devices.len(), found.len())]) {
        differing(devices, at..matched, found, position..matched_at, &mut findings);
        if let (Some(device), Some(Ok(identity))) = (devices.get(matched), found.get(matched_at)) {
            same_product(device, matched_at as u16, *identity, &mut findings);
        }
        (at, position) = (matched + 1, matched_at + 1);
    }
    findings
}

fn is_same_product(device: &Device, found: &Result<Identity, ReadError>) -> bool {
    let expected = device.description.identity;
    found.is_ok_and(|found| (found.vendor, found.product) == (expected.vendor, expected.product))
}

/// A longest common subsequence of products: pairs of (device, position), ascending in both.
fn align(devices: &[Device], found: &[Result<Identity, ReadError>]) -> Vec<(usize, usize)> {
    let width = found.len() + 1;
    let mut longest = vec![0_u16; (devices.len() + 1) * width];
    for d in (0..devices.len()).rev() {
        for p in (0..found.len()).rev() {
            longest[d * width + p] = if is_same_product(&devices[d], &found[p]) {
                longest[(d + 1) * width + p + 1] + 1
            } else {
                longest[(d + 1) * width + p].max(longest[d * width + p + 1])
            };
        }
    }
    let (mut d, mut p, mut pairs) = (0, 0, Vec::new());
    while d < devices.len() && p < found.len() {
        if is_same_product(&devices[d], &found[p]) {
            pairs.push((d, p));
            (d, p) = (d + 1, p + 1);
        } else if longest[(d + 1) * width + p] >= longest[d * width + p + 1] {
            d += 1;
        } else {
            p += 1;
        }
    }
    pairs
}

/// A stretch without a common product: one against one is another device, the rest is missing or extra.
fn differing(
    devices: &[Device],
    expected: std::ops::Range<usize>,
    found: &[Result<Identity, ReadError>],
    positions: std::ops::Range<usize>,
    findings: &mut Vec<Finding>,
) {
    let pairs = expected.len().min(positions.len());
    for (d, p) in expected.clone().zip(positions.clone()) {
        let (device, position) = (&devices[d], p as u16);
        findings.push(match found[p] {
            Ok(identity) => Finding::Another {
                device: device.name.clone(),
                kind: device.description.name.clone(),
                position,
                expected: device.description.identity,
                found: identity,
            },
            Err(reason) => Finding::Eeprom { device: device.name.clone(), position, reason },
        });
    }
    for device in &devices[expected.start + pairs..expected.end] {
        findings.push(Finding::Missing {
            device: device.name.clone(),
            kind: device.description.name.clone(),
            position: device.position,
        });
    }
    for (position, identity) in (0..).zip(found).take(positions.end).skip(positions.start + pairs) {
        findings.push(match *identity {
            Ok(found) => Finding::Extra { position, found },
            Err(reason) => Finding::Eeprom { device: String::new(), position, reason },
        });
    }
}

fn same_product(device: &Device, position: u16, found: Identity, findings: &mut Vec<Finding>) {
    let expected = device.description.identity;
    let name = || device.name.clone();
    if found.revision < expected.revision {
        findings.push(Finding::Revision {
            device: name(),
            position,
            expected: expected.revision,
            found: found.revision,
        });
    }
    if let Some(serial) = device.serial.filter(|serial| *serial != found.serial) {
        findings.push(Finding::Serial { device: name(), position, expected: serial, found: found.serial });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensai_devices::DeviceDescription;
    use std::sync::Arc;

    fn identity(product: u32) -> Identity {
        Identity { vendor: 2, product, revision: 5, serial: 77 }
    }

    fn device(position: u16, product: u32) -> Device {
        let description = DeviceDescription {
            name: format!("EL{product}"),
            title: String::new(),
            identity: Identity { serial: 0, ..identity(product) },
            fmmus: vec![],
            sync_managers: vec![],
            rx_pdos: vec![],
            tx_pdos: vec![],
            mailbox: None,
            objects: vec![],
            dc: false,
            no_lrw: false,
        };
        Device {
            name: format!("d{position}"),
            position,
            description: Arc::new(description),
            sync_unit: 0,
            inputs: 0..0,
            outputs: 0..0,
            serial: None,
            startup: vec![],
        }
    }

    fn check(products: &[u32], on_bus: &[u32]) -> Vec<String> {
        let devices: Vec<_> = products.iter().zip(0..).map(|(product, p)| device(p, *product)).collect();
        let found: Vec<_> = on_bus.iter().map(|product| Ok(identity(*product))).collect();
        compare(&devices, &found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_is_no_finding() {
        assert_eq!(check(&[1, 2, 2, 3], &[1, 2, 2, 3]), [""; 0]);
        assert_eq!(check(&[], &[]), [""; 0]);
    }

    #[test]
    fn one_missing_device_is_one_finding() {
        assert_eq!(check(&[1, 2, 3, 4], &[1, 3, 4]), ["`d1` (position 1) is missing: expected EL2 there"]);
        assert_eq!(check(&[1, 2], &[1]), ["`d1` (position 1) is missing: expected EL2 there"]);
    }

    #[test]
    fn an_extra_device_is_one_finding() {
        let extra =
            "vendor 0x00000002 product 0x00000009 revision 0x00000005; add it to [devices] or remove it";
        assert_eq!(check(&[1, 2], &[1, 9, 2]), [format!("position 1: unexpected device, {extra}")]);
        assert_eq!(check(&[1, 2], &[1, 2, 9]), [format!("position 2: unexpected device, {extra}")]);
    }

    #[test]
    fn another_device_names_both() {
        let found = check(&[1, 2, 3], &[1, 9, 3]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("`d1` (position 1) is another device: expected EL2, "), "{found:?}");
    }

    #[test]
    fn all_findings_at_once() {
        let mut devices = vec![device(0, 1), device(1, 2), device(2, 3)];
        devices[1].serial = Some(78);
        let old = Identity { revision: 4, ..identity(1) };
        let found = [Ok(old), Ok(identity(2)), Err("it stays busy")];
        let findings = compare(&devices, &found);
        assert_eq!(
            findings,
            [
                Finding::Revision { device: "d0".into(), position: 0, expected: 5, found: 4 },
                Finding::Serial { device: "d1".into(), position: 1, expected: 78, found: 77 },
                Finding::Eeprom { device: "d2".into(), position: 2, reason: "it stays busy" },
            ]
        );
    }

    #[test]
    fn a_newer_revision_is_accepted() {
        let newer = Identity { revision: 6, ..identity(1) };
        assert_eq!(compare(&[device(0, 1)], &[Ok(newer)]), []);
    }
}
