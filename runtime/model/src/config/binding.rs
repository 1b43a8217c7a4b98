//! `device.entry.path`: from the text of a binding to a field of an image.

use super::{
    devices::{Devices, Named},
    fields::Item,
    finding::Rule,
    names, quantity,
    sink::Sink,
};
use crate::{BitField, RawType, cell::Device};
use sensai_devices::{Direction, EntryMatch};
use std::ops::Range;

/// A binding that was found.
pub(crate) struct Bound {
    /// As written.
    pub(crate) text: String,
    /// Where it is written.
    pub(crate) span: Range<usize>,
    /// The field, in the image of its direction.
    pub(crate) field: BitField,
    pub(crate) sync_unit: u8,
    /// Index and subindex, for rules about certain objects.
    pub(crate) object: (u16, u8),
    /// `inputs.channel_1 (1 bit, bool)`, for messages.
    pub(crate) shown: String,
}

/// Find what `item` binds.
pub(crate) fn resolve(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    devices: &Devices,
    direction: Direction,
) -> Option<Bound> {
    let text = item.text(sink)?;
    let Some((device_name, path)) = text.split_once('.').filter(|(_, path)| !path.is_empty()) else {
        item.find(sink, Rule::BadText, format!("`{text}` is not a binding"))
            .help("write device and entry, such as \"inputs.channel_1\" or \"inputs.0x6000:01\"");
        return None;
    };
    let device = match devices.named(device_name) {
        Named::Device(device) => device,
        Named::Broken => return None,
        // The missing table is one finding, made by the caller.
        Named::Unknown if !devices.present => return None,
        Named::Unknown => {
            let span = item.part(sink, text, 0..device_name.len());
            sink.push(Rule::UnknownDevice, &span, &item.key, format!("there is no device `{device_name}`"))
                .maybe_help(names::hint(device_name, &devices.names()));
            return None;
        }
    };
    let span = item.part(sink, text, device_name.len() + 1..text.len());
    let entry = find_entry(sink, device, path, direction, &span, &item.key)?;
    let field = field_of(sink, device, &entry, &span, &item.key)?;
    Some(Bound {
        text: text.to_owned(),
        span: item.node.span.clone(),
        shown: format!("`{text}` ({})", shape(&field)),
        field,
        sync_unit: device.sync_unit,
        object: (entry.place.index, entry.place.subindex),
    })
}

/// `16 bit signed`.
pub(crate) fn shape(field: &BitField) -> String {
    match field.raw {
        RawType::Bool if field.bit_len == 1 => "1 bit".to_owned(),
        RawType::Bool => format!("{} bit bool", field.bit_len),
        RawType::Signed => format!("{} bit signed", field.bit_len),
        RawType::Unsigned => format!("{} bit unsigned", field.bit_len),
        RawType::F32 => "32 bit float".to_owned(),
        RawType::F64 => "64 bit float".to_owned(),
    }
}

fn matches(entry: &EntryMatch, path: &str) -> bool {
    match quantity::object_address(path) {
        Some(address) => address == (entry.place.index, entry.place.subindex),
        None => entry.path == path || entry.short.as_deref() == Some(path),
    }
}

/// The name under which an entry is offered in hints.
fn offered(entry: &EntryMatch) -> String {
    let named = !entry.path.starts_with('.') && !entry.path.ends_with('.');
    match &entry.short {
        Some(short) => short.clone(),
        None if named => entry.path.clone(),
        None => format!("0x{:04x}:{:02x}", entry.place.index, entry.place.subindex),
    }
}

fn find_entry(
    sink: &mut Sink<'_>,
    device: &Device,
    path: &str,
    direction: Direction,
    span: &Range<usize>,
    key: &str,
) -> Option<EntryMatch> {
    let entries = device.description.entries(direction);
    let mut found = entries.iter().filter(|entry| matches(entry, path));
    let kind = &device.description.name;
    let name = &device.name;
    match (found.next(), found.next()) {
        (Some(entry), None) => return Some(entry.clone()),
        (Some(first), Some(second)) => {
            let [first, second] = [first, second]
                .map(|entry| format!("{name}.0x{:04x}:{:02x}", entry.place.index, entry.place.subindex));
            sink.push(
                Rule::UnknownEntry,
                span,
                key,
                format!("`{name}` ({kind}) has several entries `{path}`"),
            )
            .help(format!("bind it by its address: `{first}` or `{second}`"));
            return None;
        }
        (None, _) => {}
    }
    let (other, there, here, other_key) = match direction {
        Direction::Input => (Direction::Output, "an output", "input", "output"),
        Direction::Output => (Direction::Input, "an input", "output", "input"),
    };
    if device.description.entries(other).iter().any(|entry| matches(entry, path)) {
        let message = format!("`{path}` of `{name}` ({kind}) is {there}, and cannot be bound as an {here}");
        sink.push(Rule::WrongDirection, span, key, message).help(match key.starts_with("route[") {
            true => "a route copies `from` what one device sends `to` what another receives".to_owned(),
            false => format!("write {other_key} = \"{name}.{path}\""),
        });
        return None;
    }
    let message = format!("`{name}` ({kind}) has no {here} entry `{path}`");
    let finding = sink.push(Rule::UnknownEntry, span, key, message);
    if entries.is_empty() {
        finding.help(format!("{kind} has no {here}s at all"));
        return None;
    }
    // Full names are candidates too: who writes `channel_1.valu` did not mean `channel_1`.
    let full = entries.iter().map(|entry| entry.path.as_str());
    let near = names::nearest(path, full.chain(entries.iter().filter_map(|entry| entry.short.as_deref())));
    let offered: Vec<String> = entries.iter().map(offered).collect();
    let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
    finding.maybe_help(match near {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => names::hint(path, &offered),
    });
    None
}

/// The entry as a field of the image; a finding if the runtime cannot read it.
pub(crate) fn field_of(
    sink: &mut Sink<'_>,
    device: &Device,
    entry: &EntryMatch,
    span: &Range<usize>,
    key: &str,
) -> Option<BitField> {
    let place = &entry.place;
    let image = match place.direction {
        Direction::Input => &device.inputs,
        Direction::Output => &device.outputs,
    };
    let raw = RawType::of(place.data_type).map(|raw| if place.bit_len == 1 { RawType::Bool } else { raw });
    let bit_offset =
        u32::try_from(image.start * 8).ok().and_then(|start| start.checked_add(place.bit_offset));
    let bit_len = u8::try_from(place.bit_len).ok().filter(|bits| (1..=64).contains(bits));
    let sized = |raw: &RawType| match raw {
        RawType::F32 => place.bit_len == 32,
        RawType::F64 => place.bit_len == 64,
        _ => true,
    };
    if let (Some(raw), Some(bit_offset), Some(bit_len)) = (raw.filter(sized), bit_offset, bit_len) {
        let field = BitField { bit_offset, bit_len, raw };
        if field.end_byte() <= image.end {
            return Some(field);
        }
    }
    let message =
        format!("this entry ({:?}, {} bits) has no type that a tag can have", place.data_type, place.bit_len);
    sink.push(Rule::EntryType, span, key, message)
        .help("tags are booleans, integers and floats of up to 64 bits");
    None
}
