//! Timing distributions as a picture: the share of cycles that took longer than a time, both axes logarithmic.

use hdrhistogram::Histogram;
use plotters::prelude::*;
use std::path::Path;

/// One curve.
pub struct Curve<'a> {
    /// Legend.
    pub name: &'a str,
    /// Nanoseconds.
    pub histogram: &'a Histogram<u64>,
}

pub(crate) const COLOURS: [RGBColor; 8] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0x8c, 0x56, 0x4b),
    RGBColor(0x17, 0xbe, 0xcf),
    RGBColor(0x7f, 0x7f, 0x7f),
];

/// Write an SVG.
///
/// # Errors
/// If the file cannot be written.
pub fn distributions(path: &Path, title: &str, curves: &[Curve<'_>]) -> anyhow::Result<()> {
    let curves: Vec<_> = curves.iter().filter(|curve| !curve.histogram.is_empty()).collect();
    let most = curves.iter().map(|curve| curve.histogram.len()).max().unwrap_or(1);
    let longest = curves.iter().map(|curve| curve.histogram.max()).max().unwrap_or(1).max(1000);
    let floor = 0.5 / most as f64;
    let root = SVGBackend::new(path, (960, 540)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(
            (0.01_f64..longest as f64 / 1000.0 * 1.3).log_scale(),
            (floor..1.0_f64).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("µs")
        .y_desc("share of cycles that took longer")
        .x_label_formatter(&|x| format!("{x}"))
        .y_label_formatter(&|y| format!("{y:.0e}"))
        .light_line_style(RGBColor(0xee, 0xee, 0xee))
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        chart
            .draw_series(LineSeries::new(exceedance(curve.histogram, floor), colour.stroke_width(2)))?
            .label(curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .border_style(BLACK.mix(0.2))
        .background_style(WHITE.mix(0.9))
        .draw()?;
    root.present()?;
    Ok(())
}

/// Points (µs, share above), as steps, down to `floor`.
fn exceedance(histogram: &Histogram<u64>, floor: f64) -> Vec<(f64, f64)> {
    let all = histogram.len() as f64;
    let mut above = histogram.len();
    let mut points = Vec::new();
    for step in histogram.iter_recorded() {
        let x = (step.value_iterated_to() as f64 / 1000.0).max(0.01);
        points.push((x, (above as f64 / all).max(floor)));
        above -= step.count_since_last_iteration();
        points.push((x, (above as f64 / all).max(floor)));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_falls_from_one_to_the_floor() {
        let mut histogram = Histogram::new(3).unwrap();
        for ns in [1_000, 2_000, 2_000, 40_000] {
            histogram.record(ns).unwrap();
        }
        let points = exceedance(&histogram, 0.01);
        assert_eq!(points[0], (1.0, 1.0));
        assert_eq!(points.last().unwrap().1, 0.01);
        assert!(points.windows(2).all(|pair| pair[1].1 <= pair[0].1 && pair[1].0 >= pair[0].0));
    }

    #[test]
    fn nothing_measured_still_gives_a_picture() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("empty.svg");
        let histogram = Histogram::new(3).unwrap();
        distributions(&path, "empty", &[Curve { name: "none", histogram: &histogram }]).unwrap();
        assert!(std::fs::read_to_string(path).unwrap().contains("<svg"));
    }
}
