//! Faults that somebody orders for the simulated segment, as text: `12.5s servo lost`, `3s wire loss 20% for 500ms`.
//!
//! A word of the command line goes to a [`SimFault`], which knows no cell; [`resolve`] finds its device, all mistakes at
//! once; [`Ordered::arm`] gives it to the cable.

use sensai_fieldbus::simulated::{DriveFault, Fault, Line};
use sensai_model::{Cell, config};
use std::{fmt, str::FromStr};

/// What the text may be, for help and errors.
pub const FORMS: &str = "  TIME DEVICE lost | back                    power of the device off, on again
  TIME DEVICE cut | healed                   cable that leads to the device
  TIME DEVICE trip CODE                      the drive trips with this error code, such as 0x7500
  TIME DEVICE sto on | off                   safe torque off is requested, or no longer
  TIME DEVICE mains off | on                 the drive's mains supply
  TIME DEVICE encoder COUNTS                 the encoder jumps by so many counts
  TIME DEVICE switches NAMES                 switches that read active whatever they are: none, or some of
                                             negative,positive,home
  TIME wire loss SHARE for TIME              share of all frames that are lost, such as 20%, half of them on their way
                                             out, half on their way back";

/// What happens, before the device's place is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    PowerOff,
    PowerOn,
    Break,
    Heal,
    Drive(DriveFault),
}

/// One order, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimFault {
    text: String,
    at_ns: u64,
    order: Order,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Device { name: String, what: What },
    Loss { per_million: u32, for_ns: u64 },
}

impl fmt::Display for SimFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for SimFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some((time, rest)) = words.split_first() else {
            return Err(format!("expected one of\n{FORMS}"));
        };
        let at_ns = time_ns(time)?;
        let order = match rest {
            ["wire", "loss", share, "for", time] => {
                let per_million = config::share_ppm(share)
                    .and_then(|ppm| u32::try_from(ppm).ok())
                    .filter(|ppm| *ppm <= 1_000_000)
                    .ok_or_else(|| format!("`{share}` is no share: expected 0% to 100%"))?;
                Order::Loss { per_million, for_ns: time_ns(time)? }
            }
            ["wire", ..] => {
                let got = rest.join(" ");
                return Err(format!("expected `wire loss SHARE for TIME` behind the time, got `{got}`"));
            }
            [name, what @ ..] if !what.is_empty() => {
                Order::Device { name: (*name).to_owned(), what: device_fault(what)? }
            }
            _ => return Err(format!("what happens is missing behind `{text}`: expected one of\n{FORMS}")),
        };
        Ok(Self { text: words.join(" "), at_ns, order })
    }
}

fn time_ns(text: &str) -> Result<u64, String> {
    config::duration_ns(text).ok_or_else(|| {
        format!("`{text}` is no time: expected a number with its unit, such as 12.5s or 300ms")
    })
}

fn device_fault(words: &[&str]) -> Result<What, String> {
    let drive = |fault| Ok(What::Drive(fault));
    match words {
        ["lost"] => Ok(What::PowerOff),
        ["back"] => Ok(What::PowerOn),
        ["cut"] => Ok(What::Break),
        ["healed"] => Ok(What::Heal),
        ["trip", code] => drive(DriveFault::Trip(error_code(code)?)),
        ["sto", state] => drive(DriveFault::Sto(on_off(state)?)),
        ["mains", state] => drive(DriveFault::Mains(on_off(state)?)),
        ["encoder", counts] => {
            let counts = counts.replace('_', "").parse().map_err(|_| {
                format!(
                    "`{counts}` is no number of counts: expected a whole number of 32 bits, such as -5000"
                )
            })?;
            drive(DriveFault::EncoderJump(counts))
        }
        ["switches", names] => drive(DriveFault::Switches(switches(names)?)),
        _ => Err(format!("`{}` cannot happen to a device: expected one of\n{FORMS}", words.join(" "))),
    }
}

/// Object 603F, as manuals write it or in decimal figures.
fn error_code(text: &str) -> Result<u16, String> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let code = hex.map_or_else(|| text.parse(), |digits| u16::from_str_radix(digits, 16));
    code.ok().filter(|code| *code != 0).ok_or_else(|| {
        format!(
            "`{text}` is no error code of a drive: expected 0x0001 to 0xffff (object 0x603f), such as 0x7500"
        )
    })
}

fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("expected on or off, got `{other}`")),
    }
}

fn switches(text: &str) -> Result<[bool; 3], String> {
    let mut active = [false; 3];
    for name in text.split(',').filter(|_| text != "none") {
        let place = ["negative", "positive", "home"].iter().position(|known| *known == name);
        let Some(switch) = place.and_then(|place| active.get_mut(place)) else {
            return Err(format!("`{name}` is no switch: expected none, or some of negative,positive,home"));
        };
        *switch = true;
    }
    Ok(active)
}

/// An order for a known segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// Something happens to a device.
    Fault {
        /// When, from the start of the first cycle.
        at_ns: u64,
        /// What.
        fault: Fault,
    },
    /// Frames are lost.
    Loss {
        /// When, from the start of the first cycle.
        at_ns: u64,
        /// For how long.
        for_ns: u64,
        /// How many of a million.
        per_million: u32,
    },
}

impl Ordered {
    /// Let it happen on this cable, whose clock shows `start_ns` where the order's time begins.
    pub fn arm(self, line: &mut Line, start_ns: u64) {
        match self {
            Self::Fault { at_ns, fault } => {
                line.segment_mut().schedule(start_ns.saturating_add(at_ns), fault);
            }
            Self::Loss { at_ns, for_ns, per_million } => {
                let from_ns = start_ns.saturating_add(at_ns);
                line.schedule_loss(from_ns..from_ns.saturating_add(for_ns), per_million);
            }
        }
    }
}

/// Find the devices of `faults` in the cell.
///
/// # Errors
/// All orders that name a device the cell does not have, or let something happen to a drive that none is.
pub fn resolve(cell: &Cell, faults: &[SimFault]) -> anyhow::Result<Vec<Ordered>> {
    let drives: Vec<bool> = cell
        .devices
        .iter()
        .enumerate()
        .map(|(index, _)| cell.axes.iter().any(|axis| usize::from(axis.device) == index))
        .collect();
    let names: Vec<&str> = cell.devices.iter().map(|device| device.name.as_str()).collect();
    resolve_names(&names, &drives, faults)
}

/// The same for devices without a cell: their bus positions are their names.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_positions(devices: usize, faults: &[SimFault]) -> anyhow::Result<Vec<Ordered>> {
    let names: Vec<String> = (0..devices).map(|position| position.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    resolve_names(&names, &vec![true; devices], faults)
}

fn resolve_names(names: &[&str], drives: &[bool], faults: &[SimFault]) -> anyhow::Result<Vec<Ordered>> {
    let mut ordered = Vec::with_capacity(faults.len());
    let mut mistakes = Vec::new();
    for SimFault { text, at_ns, order } in faults {
        match order {
            Order::Loss { per_million, for_ns } => {
                ordered.push(Ordered::Loss { at_ns: *at_ns, for_ns: *for_ns, per_million: *per_million });
            }
            Order::Device { name, what } => match place(names, drives, name, *what) {
                Ok(fault) => ordered.push(Ordered::Fault { at_ns: *at_ns, fault }),
                Err(mistake) => mistakes.push(format!("`{text}`: {mistake}")),
            },
        }
    }
    anyhow::ensure!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    Ok(ordered)
}

fn place(names: &[&str], drives: &[bool], name: &str, what: What) -> Result<Fault, String> {
    let Some(position) = names.iter().position(|known| *known == name) else {
        return Err(format!("there is no device `{name}`: expected one of {}", names.join(", ")));
    };
    match what {
        What::PowerOff => Ok(Fault::PowerOff(position)),
        What::PowerOn => Ok(Fault::PowerOn(position)),
        What::Break => Ok(Fault::Break(position)),
        What::Heal => Ok(Fault::Heal(position)),
        What::Drive(fault) if drives.get(position) == Some(&true) => Ok(Fault::Drive(position, fault)),
        What::Drive(_) => {
            let of_axes = names.iter().zip(drives).filter(|(_, drive)| **drive).map(|(name, _)| *name);
            let known: Vec<&str> = of_axes.collect();
            let known = if known.is_empty() { "this cell has none".to_owned() } else { known.join(", ") };
            Err(format!("`{name}` is no drive of an axis: expected one of {known}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["coupler", "outputs", "servo"];

    fn ordered(text: &str) -> Result<Ordered, String> {
        let fault: SimFault = text.parse()?;
        let found =
            resolve_names(&NAMES, &[false, false, true], &[fault]).map_err(|error| error.to_string())?;
        Ok(found[0])
    }

    #[test]
    fn every_form_is_understood() {
        let at = |at_ns, fault| Ok(Ordered::Fault { at_ns, fault });
        assert_eq!(ordered("12.5s servo lost"), at(12_500_000_000, Fault::PowerOff(2)));
        assert_eq!(ordered("13s outputs back"), at(13_000_000_000, Fault::PowerOn(1)));
        assert_eq!(ordered("1ms servo cut"), at(1_000_000, Fault::Break(2)));
        assert_eq!(ordered("2ms servo healed"), at(2_000_000, Fault::Heal(2)));
        let drive = |fault| at(1_000_000_000, Fault::Drive(2, fault));
        assert_eq!(ordered("1s servo trip 0x7500"), drive(DriveFault::Trip(0x7500)));
        assert_eq!(ordered("1s servo trip 29952"), drive(DriveFault::Trip(29_952)));
        assert_eq!(ordered("1s servo sto on"), drive(DriveFault::Sto(true)));
        assert_eq!(ordered("1s servo mains off"), drive(DriveFault::Mains(false)));
        assert_eq!(ordered("1s servo encoder -5_000"), drive(DriveFault::EncoderJump(-5_000)));
        assert_eq!(ordered("1s servo switches none"), drive(DriveFault::Switches([false; 3])));
        assert_eq!(
            ordered("1s servo switches home,negative"),
            drive(DriveFault::Switches([true, false, true]))
        );
        let loss = Ordered::Loss { at_ns: 0, for_ns: 500_000_000, per_million: 125_000 };
        assert_eq!(ordered("0s wire loss 12.5% for 500ms"), Ok(loss));
    }

    #[test]
    fn a_mistake_is_named_with_what_was_expected() {
        for (text, expected) in [
            ("", "expected one of\n  TIME DEVICE lost"),
            ("servo lost", "`servo` is no time: expected a number with its unit, such as 12.5s"),
            ("12.5 servo lost", "`12.5` is no time"),
            ("1s", "what happens is missing"),
            ("1s servo", "what happens is missing"),
            ("1s servo lots", "`lots` cannot happen to a device"),
            ("1s servo trip", "`trip` cannot happen to a device"),
            ("1s servo trip 0x17500", "expected 0x0001 to 0xffff"),
            ("1s servo trip 0", "expected 0x0001 to 0xffff"),
            ("1s servo sto maybe", "expected on or off, got `maybe`"),
            ("1s servo encoder 1e9", "expected a whole number of 32 bits"),
            ("1s servo switches left", "`left` is no switch"),
            ("1s wire loss 120% for 1s", "expected 0% to 100%"),
            ("1s wire cut", "expected `wire loss SHARE for TIME`"),
            (
                "1s sarvo lost",
                "`1s sarvo lost`: there is no device `sarvo`: expected one of coupler, outputs, servo",
            ),
            ("1s outputs sto on", "`outputs` is no drive of an axis: expected one of servo"),
        ] {
            let error = ordered(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let faults: Vec<SimFault> =
            ["1s a lost", "2s servo lost", "3s b back"].iter().map(|text| text.parse().unwrap()).collect();
        let error = resolve_names(&NAMES, &[false; 3], &faults).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
        assert!(resolve_positions(3, &["1s 2 lost".parse().unwrap()]).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_fatal(text in "\\PC{0,60}", words in proptest::collection::vec("[a-z0-9%.,x_-]{1,8}", 0..7)) {
            let _ = text.parse::<SimFault>();
            let _ = format!("1s {}", words.join(" ")).parse::<SimFault>();
        }
    }
}
