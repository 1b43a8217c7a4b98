//! `[devices]`: what stands on the bus, in bus order, and where each device's bytes lie in the two images.

use super::{
    Loader,
    fields::{Fields, Item},
    finding::Rule,
    names, schema, startup,
};
use crate::cell::{Device, ImageSize, SYNC_UNITS_MAX, SyncUnit};
use sensai_devices::{DeviceDescription, Direction, catalogue, sii};
use std::{ops::Range, sync::Arc};

/// Data bytes one sync unit may have: a 1514 byte frame less Ethernet header (14), EtherCAT header (2), datagram
/// header (10) and working counter (2).
pub(crate) const SYNC_UNIT_BYTES_MAX: usize = 1514 - 14 - 2 - 10 - 2;
/// The sync unit of devices that name none.
const DEFAULT_SYNC_UNIT: &str = "main";

/// What `[devices]` gave.
#[derive(Default)]
pub(crate) struct Devices {
    /// In bus order; without those that could not be read.
    pub(crate) list: Vec<Device>,
    pub(crate) sync_units: Vec<SyncUnit>,
    pub(crate) image: ImageSize,
    /// Every name in the table, with its index in `list` unless there is a finding about it.
    names: Vec<(String, Option<usize>)>,
    /// The table is there at all.
    pub(crate) present: bool,
}

/// What a name in a binding stands for.
pub(crate) enum Named<'d> {
    Device(&'d Device),
    /// Something is wrong with that device, and there is a finding about it.
    Broken,
    Unknown,
}

impl Devices {
    pub(crate) fn named(&self, name: &str) -> Named<'_> {
        match self.names.iter().find(|(known, _)| known == name) {
            None => Named::Unknown,
            Some((_, index)) => index.and_then(|i| self.list.get(i)).map_or(Named::Broken, Named::Device),
        }
    }

    /// For hints.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.names.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Process-data bytes of each sync unit, inputs and outputs together.
    pub(crate) fn sync_unit_bytes(&self) -> Vec<usize> {
        let bytes = |unit: &SyncUnit| {
            unit.devices
                .iter()
                .filter_map(|index| self.list.get(usize::from(*index)))
                .map(|device| device.inputs.len() + device.outputs.len())
                .sum()
        };
        self.sync_units.iter().map(bytes).collect()
    }
}

/// Read `[devices]`.
pub(crate) fn read(loader: &mut Loader<'_, '_>, root: &Fields<'_>) -> Devices {
    let mut devices = Devices::default();
    let Some(table) = root.get("devices") else { return devices };
    devices.present = true;
    for (index, (name, item)) in table.items(&mut loader.sink).into_iter().enumerate() {
        let good_name = names::check(&mut loader.sink, name, &item.key_span, &item.key);
        let device = read_device(loader, &mut devices, name, &item, index);
        let known = device.filter(|_| good_name).map(|device| {
            devices.list.push(device);
            devices.list.len() - 1
        });
        devices.names.push((name.to_owned(), known));
    }
    check_frames(loader, &devices, &table.key_span);
    devices
}

fn read_device(
    loader: &mut Loader<'_, '_>,
    devices: &mut Devices,
    name: &str,
    item: &Item<'_>,
    index: usize,
) -> Option<Device> {
    let fields = Fields::open(&mut loader.sink, item, schema::DEVICE)?;
    let description = read_description(loader, &fields);
    check_position(loader, &fields, index);
    let serial = fields.get("serial").and_then(|item| item.u32(&mut loader.sink));
    let revision = fields.get("revision").and_then(|item| item.u32(&mut loader.sink));
    // Without a description there is nothing to check the rest against.
    let mut description = description?;
    if let Some(revision) = revision {
        Arc::make_mut(&mut description).identity.revision = revision;
    }
    let startup = startup::read(&mut loader.sink, &fields, &description);
    let inputs = place(&mut devices.image.inputs, description.byte_len(Direction::Input));
    let outputs = place(&mut devices.image.outputs, description.byte_len(Direction::Output));
    let has_data = !(inputs.is_empty() && outputs.is_empty());
    let sync_unit = read_sync_unit(loader, devices, &fields, has_data, &description.name);
    let position = u16::try_from(devices.list.len()).ok()?;
    if has_data && let Some(unit) = devices.sync_units.get_mut(usize::from(sync_unit)) {
        unit.devices.push(position);
    }
    Some(Device { name: name.to_owned(), position, description, sync_unit, inputs, outputs, serial, startup })
}

/// The next `len` bytes of an image.
fn place(image_len: &mut usize, len: usize) -> Range<usize> {
    let start = *image_len;
    *image_len += len;
    start..*image_len
}

/// From the catalogue (`type`) or from an SII image (`sii`).
fn read_description(loader: &mut Loader<'_, '_>, fields: &Fields<'_>) -> Option<Arc<DeviceDescription>> {
    match (fields.get("type"), fields.get("sii")) {
        (Some(kind), None) => from_catalogue(loader, &kind),
        (None, Some(sii)) => from_sii(loader, &sii),
        (Some(_), Some(sii)) => {
            sii.find(&mut loader.sink, Rule::Conflict, "`type` and `sii` exclude each other")
                .help("keep `type` for a device of the catalogue, `sii` for one made from its EEPROM image");
            None
        }
        (None, None) => {
            let help = "write its order name, such as type = \"EL1008\", or sii = \"esi/device.bin\"";
            fields.required(&mut loader.sink, "type", help);
            None
        }
    }
}

fn from_catalogue(loader: &mut Loader<'_, '_>, item: &Item<'_>) -> Option<Arc<DeviceDescription>> {
    let text = item.text(&mut loader.sink)?;
    let found = catalogue::find(text);
    if found.is_none() {
        let hint = match names::nearest(text, catalogue::names().iter().copied()) {
            Some(near) => format!("did you mean `{near}`"),
            None => format!("the catalogue has {}", names::list(catalogue::names())),
        };
        item.find(
            &mut loader.sink,
            Rule::UnknownDeviceType,
            format!("no device type `{text}` in the catalogue"),
        )
        .help(format!(
            "{hint}; a device outside the catalogue is given by its EEPROM image: sii = \"esi/device.bin\""
        ));
    }
    found
}

fn from_sii(loader: &mut Loader<'_, '_>, item: &Item<'_>) -> Option<Arc<DeviceDescription>> {
    let path = item.text(&mut loader.sink)?;
    let bytes = loader.read_file(item, path)?;
    let problem = match sii::read_image(&bytes).map(|image| sii::parse(&image)) {
        Ok(Ok(description)) => return Some(Arc::new(description)),
        Ok(Err(errors)) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(error) => error.to_string(),
    };
    item.find(&mut loader.sink, Rule::BadSii, format!("`{path}` is not an SII image: {problem}"))
        .help("read it out again from the device's EEPROM, whole");
    None
}

fn check_position(loader: &mut Loader<'_, '_>, fields: &Fields<'_>, index: usize) {
    let Some(item) = fields.get("position") else { return };
    let Some(position) = item.integer(&mut loader.sink, 0..=i64::from(u16::MAX)) else { return };
    if usize::try_from(position) != Ok(index) {
        let message = format!("position {position}, but this is device {index} in the file, counted from 0");
        item.find(&mut loader.sink, Rule::WrongPosition, message)
            .help("write the devices in bus order; `position` only confirms it");
    }
}

/// Index of the device's sync unit, which is made at its first mention.
fn read_sync_unit(
    loader: &mut Loader<'_, '_>,
    devices: &mut Devices,
    fields: &Fields<'_>,
    has_data: bool,
    kind: &str,
) -> u8 {
    let item = fields.get("sync_unit");
    let name = match &item {
        None => DEFAULT_SYNC_UNIT,
        Some(item) => {
            let Some(name) = item.text(&mut loader.sink) else { return 0 };
            if !names::check(&mut loader.sink, name, &item.node.span, &item.key) {
                return 0;
            }
            name
        }
    };
    if !has_data {
        if let Some(item) = &item {
            let message = format!("{kind} has no process data, so it belongs to no sync unit");
            item.find(&mut loader.sink, Rule::UnusedSyncUnit, message).help("remove `sync_unit`");
        }
        return 0;
    }
    let known = devices.sync_units.iter().position(|unit| unit.name == name);
    let index = known.unwrap_or_else(|| {
        if devices.sync_units.len() == SYNC_UNITS_MAX {
            let span = item.as_ref().map_or(&fields.span, |item| &item.node.span);
            let message = format!("`{name}` is one sync unit more than the {SYNC_UNITS_MAX} a cell may have");
            loader.sink.push(Rule::TooManySyncUnits, span, &fields.key, message).help("put devices together");
        }
        devices.sync_units.push(SyncUnit { name: name.to_owned(), devices: Vec::new() });
        devices.sync_units.len() - 1
    });
    u8::try_from(index).unwrap_or(u8::MAX)
}

fn check_frames(loader: &mut Loader<'_, '_>, devices: &Devices, span: &Range<usize>) {
    for (unit, bytes) in devices.sync_units.iter().zip(devices.sync_unit_bytes()) {
        if bytes > SYNC_UNIT_BYTES_MAX {
            let message =
                format!("sync unit `{}` has {bytes} bytes, a frame holds {SYNC_UNIT_BYTES_MAX}", unit.name);
            loader
                .sink
                .push(Rule::FrameTooLong, span, "devices", message)
                .help("give some of its devices another `sync_unit`");
        }
    }
}
