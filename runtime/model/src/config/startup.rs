//! `startup` of a device: SDOs written in PRE-OP.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    names, quantity, schema,
    sink::Sink,
};
use crate::cell::StartupSdo;
use sensai_devices::{DataType, DeviceDescription, ObjectAccess, ObjectEntry};

/// CoE in the mailbox's supported protocols, ETG.1000.6 table 18.
const PROTOCOL_COE: u16 = 1 << 2;

/// How the value of a start-up SDO is written in `cell.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SdoType {
    Bool,
    /// Bytes, signed.
    Integer(u8, bool),
    F32,
    F64,
    Text,
    Bytes,
}

const SDO_TYPES: &[(&str, SdoType)] = &[
    ("bool", SdoType::Bool),
    ("u8", SdoType::Integer(1, false)),
    ("i8", SdoType::Integer(1, true)),
    ("u16", SdoType::Integer(2, false)),
    ("i16", SdoType::Integer(2, true)),
    ("u32", SdoType::Integer(4, false)),
    ("i32", SdoType::Integer(4, true)),
    ("u64", SdoType::Integer(8, false)),
    ("i64", SdoType::Integer(8, true)),
    ("f32", SdoType::F32),
    ("f64", SdoType::F64),
    ("text", SdoType::Text),
    ("bytes", SdoType::Bytes),
];

/// Read `startup`.
pub(crate) fn read(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    description: &DeviceDescription,
) -> Vec<StartupSdo> {
    let Some(list) = fields.get("startup") else { return Vec::new() };
    let Some(items) =
        list.elements(sink, "tables, such as { object = \"0x8000:01\", type = \"u16\", value = 1 }")
    else {
        return Vec::new();
    };
    if description.mailbox.is_none_or(|mailbox| mailbox.protocols & PROTOCOL_COE == 0) {
        let message =
            format!("{} has no CoE mailbox: there is nothing an SDO could be written to", description.name);
        sink.push(Rule::NoMailbox, &list.key_span, &list.key, message).help("remove `startup`");
        return Vec::new();
    }
    items.iter().filter_map(|item| read_one(sink, item, description)).collect()
}

fn read_one(sink: &mut Sink<'_>, item: &Item<'_>, description: &DeviceDescription) -> Option<StartupSdo> {
    let fields = Fields::open(sink, item, schema::STARTUP)?;
    let object = fields.required(sink, "object", "write index and subindex in hex, such as \"0x8000:01\"");
    let value = fields.required(sink, "value", "write what the object is to be set to");
    let declared = fields.get("type").map(|item| item.choice(sink, SDO_TYPES));
    let object = object?;
    let text = object.text(sink)?;
    let Some((index, subindex)) = quantity::object_address(text) else {
        object
            .find(sink, Rule::BadText, format!("`{text}` is not an object address"))
            .help("write index and subindex in hex, such as \"0x8000:01\"");
        return None;
    };
    let entry = known_entry(sink, &object, description, index, subindex)?;
    let sdo_type = match (declared, entry) {
        (Some(declared), _) => declared?,
        (None, Some(entry)) => type_of(entry),
        (None, None) => {
            let help = "write one of bool, u8 to u64, i8 to i64, f32, f64, text, bytes";
            fields.required(sink, "type", help);
            return None;
        }
    };
    let value = value?;
    let data = encode(sink, &value, sdo_type)?;
    if let Some(entry) = entry
        && !matches!(entry.data_type, DataType::Text | DataType::Octets)
        && !entry.value.is_empty()
        && entry.value.len() != data.len()
    {
        let message = format!(
            "0x{index:04x}:{subindex:02x} ({}) has {} bytes, the value given has {}",
            entry.name,
            entry.value.len(),
            data.len()
        );
        value
            .find(sink, Rule::StartupMismatch, message)
            .help("remove `type`: the device's dictionary knows it");
        return None;
    }
    Some(StartupSdo { index, subindex, data })
}

/// The dictionary's entry. `Some(None)`: the device's dictionary is not known; `None`: there is a finding.
fn known_entry<'d>(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    description: &'d DeviceDescription,
    index: u16,
    subindex: u8,
) -> Option<Option<&'d ObjectEntry>> {
    if description.objects.is_empty() {
        return Some(None);
    }
    let object = description.objects.iter().find(|object| object.index == index);
    let entry = object.and_then(|object| object.entries.iter().find(|entry| entry.subindex == subindex));
    let Some(entry) = entry else {
        let message = format!("{} has no object 0x{index:04x}:{subindex:02x}", description.name);
        let known: Vec<String> = match object {
            Some(object) => {
                object.entries.iter().map(|e| format!("0x{index:04x}:{:02x}", e.subindex)).collect()
            }
            None => description.objects.iter().map(|object| format!("0x{:04x}", object.index)).collect(),
        };
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let meant = match object {
            Some(_) => format!("0x{index:04x}:{subindex:02x}"),
            None => format!("0x{index:04x}"),
        };
        item.find(sink, Rule::StartupMismatch, message).maybe_help(names::hint(&meant, &known));
        return None;
    };
    if entry.access == ObjectAccess::Read {
        let message = format!("0x{index:04x}:{subindex:02x} ({}) is read-only", entry.name);
        item.find(sink, Rule::StartupMismatch, message).help("remove it");
        return None;
    }
    Some(Some(entry))
}

fn type_of(entry: &ObjectEntry) -> SdoType {
    match entry.data_type {
        DataType::Bool => SdoType::Bool,
        DataType::I8 => SdoType::Integer(1, true),
        DataType::I16 => SdoType::Integer(2, true),
        DataType::I32 => SdoType::Integer(4, true),
        DataType::I64 => SdoType::Integer(8, true),
        DataType::U8 => SdoType::Integer(1, false),
        DataType::U16 => SdoType::Integer(2, false),
        DataType::U32 => SdoType::Integer(4, false),
        DataType::U64 => SdoType::Integer(8, false),
        DataType::Bits(bits) => SdoType::Integer(bits.div_ceil(8).clamp(1, 8), false),
        DataType::F32 => SdoType::F32,
        DataType::F64 => SdoType::F64,
        DataType::Text => SdoType::Text,
        DataType::Octets => SdoType::Bytes,
    }
}

/// Little endian bytes of `item` as `sdo_type`.
fn encode(sink: &mut Sink<'_>, item: &Item<'_>, sdo_type: SdoType) -> Option<Vec<u8>> {
    Some(match sdo_type {
        SdoType::Bool => vec![u8::from(item.boolean(sink)?)],
        SdoType::Integer(bytes, signed) => {
            let range = integer_range(bytes, signed);
            item.integer(sink, range)?.to_le_bytes()[..usize::from(bytes)].to_vec()
        }
        SdoType::F32 => {
            let value = item.number(sink)? as f32;
            if value.is_infinite() {
                item.find(sink, Rule::OutOfRange, "expected a number that fits a 32 bit float");
                return None;
            }
            value.to_le_bytes().to_vec()
        }
        SdoType::F64 => item.number(sink)?.to_le_bytes().to_vec(),
        SdoType::Text => item.text(sink)?.as_bytes().to_vec(),
        SdoType::Bytes => {
            let text = item.text(sink)?;
            let bytes = quantity::hex_bytes(text);
            if bytes.is_none() {
                item.find(sink, Rule::BadText, "expected bytes in hex")
                    .help("write two digits a byte: \"01 02 ff\"");
            }
            bytes?
        }
    })
}

/// What `bytes` bytes can hold. TOML integers end at `i64::MAX`, and so do 64 bit unsigned objects here.
fn integer_range(bytes: u8, signed: bool) -> std::ops::RangeInclusive<i64> {
    let bits = u32::from(bytes) * 8;
    match (bits, signed) {
        (64.., true) => i64::MIN..=i64::MAX,
        (64.., false) => 0..=i64::MAX,
        (_, true) => -(1 << (bits - 1))..=(1 << (bits - 1)) - 1,
        (_, false) => 0..=(1 << bits) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::{Node, NodeValue};

    fn encoded(value: NodeValue, sdo_type: SdoType) -> Option<Vec<u8>> {
        let node = Node { span: 0..0, value };
        let item = Item { key: String::new(), key_span: 0..0, node: &node };
        encode(&mut Sink::new("cell.toml", ""), &item, sdo_type)
    }

    #[test]
    fn values_are_little_endian_and_ranged() {
        let int = |value| NodeValue::Integer(Some(value));
        assert_eq!(encoded(int(0x1234), SdoType::Integer(2, false)), Some(vec![0x34, 0x12]));
        assert_eq!(encoded(int(-2), SdoType::Integer(4, true)), Some(vec![0xfe, 0xff, 0xff, 0xff]));
        assert_eq!(encoded(int(256), SdoType::Integer(1, false)), None);
        assert_eq!(encoded(int(-129), SdoType::Integer(1, true)), None);
        assert_eq!(encoded(int(-1), SdoType::Integer(8, false)), None);
        assert_eq!(encoded(int(1), SdoType::F32), Some(1.0_f32.to_le_bytes().to_vec()));
        assert_eq!(encoded(NodeValue::Float(1e39), SdoType::F32), None);
        assert_eq!(encoded(NodeValue::Bool(true), SdoType::Bool), Some(vec![1]));
        assert_eq!(encoded(NodeValue::Text("01ff".into()), SdoType::Bytes), Some(vec![1, 255]));
        assert_eq!(encoded(NodeValue::Text("no".into()), SdoType::Bytes), None);
    }
}
