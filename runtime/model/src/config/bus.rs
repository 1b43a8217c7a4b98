//! `[bus]`: the interface, and the deadlines around an exchange.

use super::{
    devices::Devices,
    fields::{Fields, Item},
    finding::Rule,
    quantity, schema,
    sink::Sink,
    task::Tasks,
    tree::NodeValue,
};
use crate::cell::Bus;

/// Share of the interval an exchange may take by default, in millionths (25 %).
const DEADLINE_PPM: u64 = 250_000;
/// SyncManager watchdog by default, in intervals.
const WATCHDOG_INTERVALS: u64 = 10;
/// One step of the watchdog register 0x0420 with the default divider (0x0400 = 2498).
const WATCHDOG_STEP_NS: u64 = 100_000;
/// The register's 16 bits.
const WATCHDOG_NS_MAX: u64 = 65_535 * WATCHDOG_STEP_NS;
/// Bytes of one full Ethernet frame without its check sequence.
const FRAME_BYTES: u64 = 1514;
/// Less than this, and not even a small mailbox frame goes through.
const ACYCLIC_BYTES_MIN: u64 = 64;
/// Time of one byte on a 100 Mbit/s wire.
const BYTE_NS: u64 = 80;
/// Preamble (8), check sequence (4) and gap (12) of a frame.
const FRAME_EXTRA_BYTES: u64 = 8 + 4 + 12;
/// Ethernet header, EtherCAT header, datagram header and working counter around a mailbox.
const MAILBOX_EXTRA_BYTES: u64 = 14 + 2 + 10 + 2;

/// Read `[bus]`.
pub(crate) fn read(sink: &mut Sink<'_>, root: &Fields<'_>, tasks: &Tasks, devices: &Devices) -> Bus {
    let fields = root.get("bus").and_then(|item| Fields::open(sink, &item, schema::BUS));
    let get = |name: &str| fields.as_ref().and_then(|fields| fields.get(name));
    let interface = get("interface").and_then(|item| read_interface(sink, &item));
    let known = tasks.interval_ns;
    let interval_ns = known.unwrap_or(1_000_000);

    let deadline = get("deadline");
    let deadline_ns = deadline
        .as_ref()
        .and_then(|item| read_deadline(sink, item, known))
        .unwrap_or(interval_ns * DEADLINE_PPM / 1_000_000);
    let lost = get("lost_frames_max").and_then(|item| item.integer(sink, 1..=1000));
    let watchdog_ns = read_watchdog(sink, get("watchdog").as_ref(), interface.is_some(), tasks);

    let rest = interval_ns.saturating_sub(deadline_ns);
    let acyclic_default = (rest / 2 / BYTE_NS).clamp(ACYCLIC_BYTES_MIN, FRAME_BYTES);
    let acyclic = get("acyclic_bytes_max");
    let acyclic_bytes = acyclic
        .as_ref()
        .and_then(|item| item.size(sink, ACYCLIC_BYTES_MIN..=4 * FRAME_BYTES))
        .unwrap_or(acyclic_default);
    if known.is_some() {
        check_wire_time(sink, root, deadline.as_ref(), deadline_ns, devices);
        check_acyclic(sink, acyclic.as_ref(), acyclic_bytes, rest, devices);
    }
    Bus {
        interface,
        deadline_ns,
        lost_frames_max: lost.and_then(|lost| u32::try_from(lost).ok()).unwrap_or(3),
        watchdog_ns,
        acyclic_bytes_max: u32::try_from(acyclic_bytes).unwrap_or(u32::MAX),
    }
}

/// A Linux interface name: 1 to 15 bytes, no `/`, no white space.
fn read_interface(sink: &mut Sink<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.text(sink)?;
    if text == "sim" {
        return None;
    }
    let good = (1..=15).contains(&text.len())
        && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '/' && c != ':');
    if !good {
        item.find(sink, Rule::BadName, format!("`{text}` cannot be the name of a network interface"))
            .help("`ip link` lists them; without `interface` the embedded simulated segment is used");
        return None;
    }
    Some(text.to_owned())
}

/// A share of the interval, or a duration below it.
fn read_deadline(sink: &mut Sink<'_>, item: &Item<'_>, interval_ns: Option<u64>) -> Option<u64> {
    if let NodeValue::Text(text) = &item.node.value
        && text.trim_end().ends_with('%')
    {
        let Some(ppm) = quantity::share_ppm(text).filter(|ppm| (10_000..=900_000).contains(ppm)) else {
            item.find(
                sink,
                Rule::OutOfRange,
                format!("expected a share of the interval from 1% to 90%, got `{text}`"),
            )
            .help("the rest of the interval belongs to the programs; the usual share is \"25%\"");
            return None;
        };
        return interval_ns.map(|interval| {
            u64::try_from(u128::from(interval) * u128::from(ppm) / 1_000_000).unwrap_or(interval)
        });
    }
    let ns = item.duration(sink, 10_000..=1_000_000_000)?;
    if let Some(interval) = interval_ns
        && ns >= interval
    {
        let message = format!(
            "the bus deadline {} is not below the interval {}",
            quantity::show_ns(ns),
            quantity::show_ns(interval)
        );
        item.find(sink, Rule::WatchdogOrder, message).help(
            "write a share of the interval, such as \"25%\": then it follows when the interval is changed",
        );
        return None;
    }
    Some(ns)
}

fn read_watchdog(sink: &mut Sink<'_>, item: Option<&Item<'_>>, real: bool, tasks: &Tasks) -> u64 {
    let interval_ns = tasks.interval_ns;
    let interval = interval_ns.unwrap_or(1_000_000);
    let default = (interval * WATCHDOG_INTERVALS).next_multiple_of(WATCHDOG_STEP_NS).min(WATCHDOG_NS_MAX);
    let Some(item) = item else { return default };
    if item.node.is_text("off") {
        if real {
            item.find(
                sink,
                Rule::WatchdogOff,
                "with the watchdog off, outputs stay as they are when the runtime dies",
            )
            .help("remove `watchdog`: by default it is ten intervals");
        }
        return 0;
    }
    let Some(ns) = item.duration(sink, WATCHDOG_STEP_NS..=WATCHDOG_NS_MAX) else { return default };
    let Some(interval) = interval_ns.filter(|interval| ns < 2 * interval) else {
        return ns.next_multiple_of(WATCHDOG_STEP_NS);
    };
    let message = format!(
        "the SyncManager watchdog {} is below two intervals of {}: one late frame would drop the outputs",
        quantity::show_ns(ns),
        quantity::show_ns(interval)
    );
    let place = tasks.interval_span.as_ref().map(|span| sink.place(span, "the interval"));
    let finding = item.find(sink, Rule::WatchdogOrder, message);
    finding.help("use ten intervals or more, or leave it out");
    if let Some(place) = place {
        finding.related(place);
    }
    default
}

/// The cyclic frames must be through before the deadline, even if devices and cables took no time at all.
fn check_wire_time(
    sink: &mut Sink<'_>,
    root: &Fields<'_>,
    deadline: Option<&Item<'_>>,
    deadline_ns: u64,
    devices: &Devices,
) {
    let data: u64 = devices.sync_unit_bytes().into_iter().map(|bytes| bytes as u64 + 12).sum();
    if data == 0 {
        return;
    }
    // The broadcast read of the AL states travels with the process data.
    let data = data + 14;
    let frames = data.div_ceil(FRAME_BYTES - 16);
    let wire_ns = (data + frames * (16 + FRAME_EXTRA_BYTES)) * BYTE_NS;
    if wire_ns >= deadline_ns {
        let message = format!(
            "the process data takes {} on the wire, the bus deadline is {}",
            quantity::show_ns(wire_ns),
            quantity::show_ns(deadline_ns)
        );
        let span = deadline.map(|item| item.node.span.clone());
        let span = span.or_else(|| root.get("devices").map(|item| item.key_span)).unwrap_or_default();
        sink.push(Rule::WireTime, &span, "bus.deadline", message)
            .help("use a longer interval or a larger share");
    }
}

/// Acyclic frames must fit between deadline and next exchange, and every mailbox must fit into them.
fn check_acyclic(sink: &mut Sink<'_>, item: Option<&Item<'_>>, bytes: u64, rest_ns: u64, devices: &Devices) {
    let Some(item) = item else { return };
    let wire_ns = (bytes + FRAME_EXTRA_BYTES) * BYTE_NS;
    if wire_ns >= rest_ns {
        let message = format!(
            "{bytes} bytes of acyclic frames take {} on the wire, the interval leaves {} for them",
            quantity::show_ns(wire_ns),
            quantity::show_ns(rest_ns)
        );
        item.find(sink, Rule::WireTime, message).help("allow fewer bytes, or leave it out");
        return;
    }
    let mailbox = |device: &crate::cell::Device| {
        device.description.mailbox.map_or(0, |mailbox| u64::from(mailbox.receive.1.max(mailbox.send.1)))
    };
    if let Some(device) = devices.list.iter().find(|device| mailbox(device) + MAILBOX_EXTRA_BYTES > bytes) {
        let message = format!(
            "the mailbox of `{}` needs frames of {} bytes, which would never travel",
            device.name,
            mailbox(device) + MAILBOX_EXTRA_BYTES
        );
        item.find(sink, Rule::WireTime, message).help("allow at least that many bytes, or leave it out");
    }
}
