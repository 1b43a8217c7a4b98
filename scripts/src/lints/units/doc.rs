//! Units that a program states itself: `/// @param depth f64 [mm]` and `/// @return f64 [N]` above a function.

use crate::hir::{Function, Hir, Span};
use sensai_model::Unit;

/// What stands above a function.
#[derive(Debug, Default)]
pub(super) struct Doc {
    /// By parameter.
    pub parameters: Vec<(u32, Unit)>,
    pub result: Option<Unit>,
    /// What is no parameter or no unit: where, and what is wrong.
    pub wrong: Vec<(Span, String, String)>,
}

/// Read the comments directly above a function.
pub(super) fn doc(hir: &Hir, function: &Function) -> Doc {
    let mut doc = Doc::default();
    let Some(file) = hir.files.get(function.file.index()) else { return doc };
    let Some(before) = file.text.get(..function.span.start as usize) else { return doc };
    let mut end = before.rfind('\n').unwrap_or(0);
    let mut lines = Vec::new();
    while let Some(above) = before.get(..end).filter(|above| !above.is_empty()) {
        let start = above.rfind('\n').map_or(0, |at| at + 1);
        let line = above.get(start..).unwrap_or_default();
        if line.trim_start().starts_with("///") {
            lines.push((start, line));
        } else if !line.trim_start().starts_with("//") {
            break;
        }
        end = start.saturating_sub(1);
    }
    for (start, line) in lines.into_iter().rev() {
        doc.line(function, start, line);
    }
    doc
}

impl Doc {
    fn line(&mut self, function: &Function, start: usize, line: &str) {
        let span = |part: &str| {
            let at = start + part.as_ptr() as usize - line.as_ptr() as usize;
            Span::new(at as u32, (at + part.len()) as u32)
        };
        let text = line.trim_start().trim_start_matches('/').trim_start();
        let (rest, is_result) = match (text.strip_prefix("@param "), text.strip_prefix("@return ")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return,
        };
        let rest = rest.trim_start();
        let name = rest.split_whitespace().next().unwrap_or_default();
        let parameter = (0..function.parameters)
            .find(|index| function.locals.get(*index as usize).is_some_and(|local| local.name == name));
        if !is_result && parameter.is_none() {
            let message = format!("`{}` has no parameter `{name}`", function.name);
            self.wrong.push((
                span(name),
                message,
                "write the name of a parameter behind `@param`".to_owned(),
            ));
            return;
        }
        let Some((_, behind)) = rest.split_once('[') else { return };
        let Some((text, _)) = behind.split_once(']') else { return };
        match (Unit::parse(text), parameter) {
            (None, _) => {
                let message = format!("`{text}` is no unit");
                let help = "units are written as in https://ucum.org, such as `mm`, `N.m`, `m/s2`, `Cel`";
                self.wrong.push((span(text), message, help.to_owned()));
            }
            (Some(unit), None) => self.result = Some(unit),
            (Some(unit), Some(index)) => self.parameters.push((index, unit)),
        }
    }
}
