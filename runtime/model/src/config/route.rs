//! `[[route]]`: process data copied from one device to another in every mode.

use super::{
    binding,
    devices::{Devices, Named},
    fields::{Fields, Item},
    finding::Rule,
    quantity, schema,
    sink::Sink,
    writers::{Kind, Writer},
};
use crate::cell::{Device, Route};
use sensai_devices::{DeviceDescription, Direction, Pdo, description::snake_case};
use std::ops::Range;

/// Routes of a cell.
const ROUTES_MAX: usize = 256;

/// Read `[[route]]`; what they write goes to `writers`.
pub(crate) fn read(
    sink: &mut Sink<'_>,
    root: &Fields<'_>,
    devices: &Devices,
    writers: &mut Vec<Writer>,
) -> Vec<Route> {
    let Some(list) = root.get("route") else { return Vec::new() };
    let items = list.elements(sink, "tables, each headed [[route]]").unwrap_or_default();
    if items.len() > ROUTES_MAX {
        let message = format!("the cell has {} routes, at most {ROUTES_MAX} are possible", items.len());
        sink.push(Rule::TooMany, &list.key_span, "route", message)
            .help("copy whole process-data objects instead of their entries");
    }
    items.iter().filter_map(|item| read_route(sink, item, devices, writers)).collect()
}

fn read_route(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    devices: &Devices,
    writers: &mut Vec<Writer>,
) -> Option<Route> {
    let fields = Fields::open(sink, item, schema::ROUTE)?;
    let help = "name what the source sends and what the target receives: from = \"curtain.fsoe_frame\", to = \"logic.fsoe_frame\"";
    let from_item = fields.required(sink, "from", help);
    let to_item = fields.required(sink, "to", help);
    let from = from_item.as_ref().and_then(|item| resolve(sink, item, devices, Direction::Input));
    let to = to_item.as_ref().and_then(|item| resolve(sink, item, devices, Direction::Output));
    let (from_item, to_item, from, to) = (from_item?, to_item?, from?, to?);
    let (from_text, to_text) = (from_item.text(sink)?, to_item.text(sink)?);
    let text = format!("{from_text} -> {to_text}");
    writers.push(Writer {
        kind: Kind::Route,
        bits: u64::from(to.bits.start)..u64::from(to.bits.end),
        what: to_text.to_owned(),
        name: text.clone(),
        span: to_item.node.span.clone(),
        key: to_item.key.clone(),
    });
    if from.bits.len() != to.bits.len() {
        let message = format!(
            "`{from_text}` has {} bits, `{to_text}` has {}: a route copies bit for bit",
            from.bits.len(),
            to.bits.len()
        );
        let place = sink.place(&from_item.node.span, "copied from here");
        to_item
            .find(sink, Rule::RouteLength, message)
            .help("name two entries or two process-data objects of the same length")
            .related(place);
        return None;
    }
    let bits = u32::try_from(from.bits.len()).ok()?;
    Some(Route { from_bit: from.bits.start, to_bit: to.bits.start, bits, sync_unit: from.sync_unit, text })
}

/// Bits of an image.
struct Span {
    bits: Range<u32>,
    sync_unit: u8,
}

/// A whole process-data object if that is what the text names, else an entry.
fn resolve(sink: &mut Sink<'_>, item: &Item<'_>, devices: &Devices, direction: Direction) -> Option<Span> {
    let text = item.text(sink)?;
    if let Some((name, path)) = text.split_once('.')
        && let Named::Device(device) = devices.named(name)
        && let Some(bits) = whole_object(device, path, direction)
    {
        return Some(Span { bits, sync_unit: device.sync_unit });
    }
    if !devices.present {
        item.find(
            sink,
            Rule::UnknownDevice,
            "a route copies between devices, but the cell has no `[devices]`",
        )
        .help("list the devices in bus order: [devices] coupler = { type = \"EK1100\" }");
        return None;
    }
    let bound = binding::resolve(sink, item, devices, direction)?;
    let start = bound.field.bit_offset;
    Some(Span { bits: start..start + u32::from(bound.field.bit_len), sync_unit: bound.sync_unit })
}

/// Where the assigned process-data object `path` lies in the image: by its name, if only one has it, or by its index.
fn whole_object(device: &Device, path: &str, direction: Direction) -> Option<Range<u32>> {
    let image = match direction {
        Direction::Input => &device.inputs,
        Direction::Output => &device.outputs,
    };
    let index = quantity::object_address(path).filter(|(_, subindex)| *subindex == 0).map(|(index, _)| index);
    let is_it = |pdo: &Pdo| match index {
        Some(index) => pdo.index == index,
        None => snake_case(&pdo.name) == path,
    };
    let places = places(&device.description, direction);
    let mut found = places.into_iter().filter(|(pdo, _)| is_it(pdo));
    let (_, bits) = found.next().filter(|_| found.next().is_none())?;
    let start = u32::try_from(image.start).ok()?.checked_mul(8)?;
    let bits = start.checked_add(bits.start)?..start.checked_add(bits.end)?;
    (!bits.is_empty() && bits.end as usize <= image.end * 8).then_some(bits)
}

/// The assigned process-data objects and their bits in the device's data, laid out as [`DeviceDescription::entries`] does.
fn places(description: &DeviceDescription, direction: Direction) -> Vec<(&Pdo, Range<u32>)> {
    let pdos = match direction {
        Direction::Input => &description.tx_pdos,
        Direction::Output => &description.rx_pdos,
    };
    let mut assigned: Vec<(u8, &Pdo)> =
        pdos.iter().filter_map(|pdo| pdo.sync_manager.map(|number| (number, pdo))).collect();
    assigned.sort_by_key(|(number, _)| *number);
    let mut places = Vec::new();
    let (mut bit, mut current) = (0_u32, None);
    for (number, pdo) in assigned {
        if current.is_some_and(|current| current != number) {
            bit = bit.checked_next_multiple_of(8).unwrap_or(u32::MAX);
        }
        current = Some(number);
        let end = pdo.entries.iter().fold(bit, |end, entry| end.saturating_add(entry.bit_len.into()));
        places.push((pdo, bit..end));
        bit = end;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensai_devices::catalogue;

    /// What is said here about objects and what the description says about their entries is the same.
    #[test]
    fn objects_lie_around_their_entries() {
        for name in catalogue::names() {
            let description = catalogue::find(name).expect("it is in the list");
            for direction in [Direction::Input, Direction::Output] {
                let places = places(&description, direction);
                let entries = description.entries(direction);
                for entry in &entries {
                    let place = &entry.place;
                    let inside = |(pdo, bits): &&(&Pdo, Range<u32>)| {
                        let of_it = |e: &sensai_devices::PdoEntry| {
                            (e.index, e.subindex) == (place.index, place.subindex)
                        };
                        pdo.entries.iter().any(of_it)
                            && bits.start <= place.bit_offset
                            && place.bit_offset + u32::from(place.bit_len) <= bits.end
                    };
                    assert!(places.iter().any(|place| inside(&place)), "{name} {}", entry.path);
                }
                let end = places.iter().map(|(_, bits)| bits.end.div_ceil(8)).max().unwrap_or(0);
                assert_eq!(end as usize, description.byte_len(direction), "{name}");
            }
        }
    }
}
