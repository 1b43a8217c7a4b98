//! `sensai scan`: what is on the wire.

use crate::{cli::Scan, plant};
use anyhow::Context;
use sensai_devices::sii;
use sensai_fieldbus::{
    NoPlant, clock,
    ethercat::{ScanOptions, ScanReport, ScannedDevice, scan},
    simulated::{InProcess, PlantTiming, Segment, SimulatedDevice},
    wire::RawSocket,
};
use std::{path::PathBuf, process::ExitCode};

/// List it; exit code 1 if devices were to reach OP and did not.
pub fn run(arguments: &Scan) -> anyhow::Result<ExitCode> {
    let options = ScanOptions { bring_to_op: arguments.op };
    let report = if arguments.interface == "sim" {
        let segment = match &arguments.cell {
            Some(directory) => {
                let cell = super::load_cell(directory)?;
                Segment::for_cell(&cell, plant::for_cell(&cell)?)
            }
            None => {
                anyhow::ensure!(
                    !arguments.sii.is_empty(),
                    "`scan sim` needs devices: --sii IMAGE… or --cell DIRECTORY"
                );
                segment_of_images(&arguments.sii)?
            }
        };
        clock::start_virtual(1_000_000_000);
        scan(InProcess::new(segment), options)?
    } else {
        scan(RawSocket::open(&arguments.interface)?, options)?
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.op_error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A segment whose devices have these EEPROM images. Everything wrong with all of them is told at once.
pub(super) fn segment_of_images(paths: &[PathBuf]) -> anyhow::Result<Segment> {
    let mut devices = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let made = sii::read_image(&bytes).map_err(|error| vec![error.to_string()]).and_then(|image| {
            SimulatedDevice::from_sii(image)
                .map_err(|errors| errors.iter().map(ToString::to_string).collect())
        });
        match made {
            Ok(device) => devices.push(device),
            Err(errors) => problems.extend(errors.iter().map(|error| format!("{}: {error}", path.display()))),
        }
    }
    anyhow::ensure!(problems.is_empty(), "not an SII image\n{}", problems.join("\n"));
    Ok(Segment::new(devices, Box::new(NoPlant), Vec::new(), PlantTiming::default()))
}

fn print(report: &ScanReport) {
    println!("{} devices", report.devices.len());
    for device in &report.devices {
        print_device(device);
    }
    if let Some(error) = &report.op_error {
        println!("\nnot in OP: {error}");
    }
}

fn print_device(device: &ScannedDevice) {
    let serial = if device.serial == 0 { String::new() } else { format!(" serial {}", device.serial) };
    println!(
        "\n{:>3}  {}  vendor {:#010x} product {:#010x} revision {:#010x}{serial}",
        device.position, device.name, device.vendor, device.product, device.revision
    );
    let code = if device.al_status_code == 0 {
        String::new()
    } else {
        format!(" (code {:#06x})", device.al_status_code)
    };
    let mailbox = device.mailbox.map_or(String::new(), |of| format!(", mailbox {} bytes", of.receive.1));
    let clock = if device.dc { ", distributed clock" } else { "" };
    println!(
        "     {} {:?}{code}, {} bytes in, {} bytes out{mailbox}{clock}",
        device.title, device.state, device.input_bytes, device.output_bytes
    );
    for pdo in &device.pdos {
        let manager = pdo.sync_manager.map_or("not assigned".into(), |number| format!("SM{number}"));
        println!("     {} {:#06x} {} ({manager})", pdo.direction, pdo.index, pdo.name);
        for entry in pdo.entries.iter().filter(|entry| entry.index != 0) {
            println!(
                "         {:#06x}:{:02x} {} bits  {}",
                entry.index, entry.subindex, entry.bits, entry.name
            );
        }
    }
    for error in &device.eeprom_errors {
        println!("     EEPROM: {error}");
    }
}
