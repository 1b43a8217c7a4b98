//! The report as JUnit XML, which build servers read: a suite for each file, a case for each test.

use super::{Report, Tested};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use sensai_model::config::{Finding, Style};
use std::io;

/// The document.
///
/// # Errors
/// Of the writer only.
pub fn document(report: &Report) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut suites: Vec<(&str, Vec<&Tested>)> = Vec::new();
    for test in &report.tests {
        match suites.last_mut().filter(|(name, _)| *name == test.suite) {
            Some((_, tests)) => tests.push(test),
            None => suites.push((&test.suite, vec![test])),
        }
    }
    let errors = report.findings.len();
    let time: f64 = report.tests.iter().map(|test| test.wall_s).sum();
    writer
        .create_element("testsuites")
        .with_attributes([
            ("name", clean(&report.cell).as_str()),
            ("tests", (report.tests.len() + errors).to_string().as_str()),
            ("failures", report.failed().to_string().as_str()),
            ("errors", errors.to_string().as_str()),
            ("time", format!("{time:.3}").as_str()),
        ])
        .write_inner_content(|writer| {
            for (name, tests) in &suites {
                suite(writer, report, name, tests)?;
            }
            if errors > 0 { files(writer, &report.findings) } else { Ok(()) }
        })?;
    let mut document = writer.into_inner();
    document.push(b'\n');
    Ok(document)
}

fn suite(writer: &mut Writer<Vec<u8>>, report: &Report, name: &str, tests: &[&Tested]) -> io::Result<()> {
    let failed = tests.iter().filter(|test| !test.passed).count();
    let time: f64 = tests.iter().map(|test| test.wall_s).sum();
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", clean(name).as_str()),
            ("tests", tests.len().to_string().as_str()),
            ("failures", failed.to_string().as_str()),
            ("errors", "0"),
            ("time", format!("{time:.3}").as_str()),
        ])
        .write_inner_content(|writer| tests.iter().try_for_each(|test| case(writer, report, test)))?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, report: &Report, test: &Tested) -> io::Result<()> {
    let element = writer.create_element("testcase").with_attributes([
        ("classname", format!("{}.{}", clean(&report.cell), clean(&test.suite)).as_str()),
        ("name", clean(&test.name).as_str()),
        ("file", clean(&test.file).as_str()),
        ("line", test.line.to_string().as_str()),
        ("time", format!("{:.3}", test.wall_s).as_str()),
    ]);
    if test.passed && test.printed.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        if let Some(first) = test.findings.first() {
            let message = first.to_string();
            writer
                .create_element("failure")
                .with_attributes([("message", clean(&message).as_str()), ("type", first.code)])
                .write_text_content(BytesText::new(&clean(&report.details(test, Style::Plain))))?;
        }
        if !test.printed.is_empty() {
            let text = clean(&test.printed.join("\n"));
            writer.create_element("system-out").write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Files that cannot be run are cases with an error.
fn files(writer: &mut Writer<Vec<u8>>, findings: &[Finding]) -> io::Result<()> {
    let count = findings.len().to_string();
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", "files"),
            ("tests", count.as_str()),
            ("failures", "0"),
            ("errors", count.as_str()),
            ("time", "0.000"),
        ])
        .write_inner_content(|writer| {
            for finding in findings {
                let (line, message) = (finding.line.to_string(), finding.to_string());
                let attributes = [
                    ("classname", "files"),
                    ("name", &clean(&finding.path)),
                    ("file", &clean(&finding.path)),
                    ("line", &line),
                    ("time", "0.000"),
                ];
                writer.create_element("testcase").with_attributes(attributes).write_inner_content(
                    |writer| {
                        writer
                            .create_element("error")
                            .with_attributes([("message", clean(&message).as_str()), ("type", finding.code)])
                            .write_empty()?;
                        Ok(())
                    },
                )?;
            }
            Ok(())
        })?;
    Ok(())
}

/// Without what XML 1.0 cannot hold, however it is escaped.
fn clean(text: &str) -> String {
    let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|letter| if allowed(letter) { letter } else { '\u{fffd}' }).collect()
}
