//! What a test does to the surroundings of its program.

use super::{
    literal::{Literal, show, typed},
    name::Name,
    session::{Done, Problem, Session},
};
use sensai_model::{Tag, TagKind, Value, packml};
use sensai_scripts::layout::{Reading as StateReading, SYMBOL_CAPACITY, SYMBOL_SIZE, Shape};

impl Session {
    /// `t.set(name, value)`.
    pub fn set(&mut self, name: &str, value: &Literal) -> Done<()> {
        match Name::resolve(&self.stand, name)? {
            Name::Tag { tag, element } => self.set_tag(name, tag, element, value),
            Name::Parameter(index) => self.set_parameter(name, index, value),
            Name::State(path) => self.set_state(name, &path, value),
            Name::UnitMode | Name::UnitState => {
                let text = self.text(name, value)?;
                if name == "sys.mode" { self.mode(&text) } else { self.unit(&text) }
            }
            _ => Err(Problem::misuse(
                format!("`{name}` cannot be set"),
                "set inputs, memory tags, parameters and fields of the state; see docs/testing-programs.md",
            )),
        }
    }

    fn text(&self, name: &str, value: &Literal) -> Done<String> {
        match value {
            Literal::Text(text) => Ok(text.clone()),
            other => Err(Problem::misuse(
                format!("`{name}` is a text, got {}", other.show()),
                "write it in quotes",
            )),
        }
    }

    fn set_tag(&mut self, name: &str, index: usize, element: Option<u32>, value: &Literal) -> Done<()> {
        let Some(tag) = self.stand.cell().tags.get(index) else { return Ok(()) };
        self.settable(name, tag)?;
        let (first, len) = element.map_or((0, tag.len()), |element| (element, 1));
        let values = match (value, tag.array_len.filter(|_| element.is_none())) {
            (Literal::One(value), None) => vec![*value],
            (Literal::Many(values), Some(_)) if values.len() == len as usize => values.clone(),
            (Literal::One(_), Some(_)) => {
                let help = format!("write {len} values in [ ], or name one element, such as `{name}[0]`");
                return Err(Problem::misuse(format!("`{name}` is an array"), help));
            }
            (Literal::Many(values), Some(_)) => {
                let message = format!("`{name}` has {len} elements, got {}", values.len());
                return Err(Problem::misuse(message, format!("write {len} values")));
            }
            (other, _) => {
                let message = format!("`{name}` is {}, got {}", tag.scalar.name(), other.show());
                return Err(Problem::misuse(message, "write one value of its type"));
            }
        };
        let mut typed_values = Vec::with_capacity(values.len());
        for (place, value) in values.into_iter().enumerate() {
            let value = typed(name, value, tag.scalar)?;
            fits(name, tag, first as usize + place, value)?;
            typed_values.push(value);
        }
        self.stand.put(index, first, &typed_values);
        Ok(())
    }

    /// A test sets what the program does not.
    fn settable(&self, name: &str, tag: &Tag) -> Done<()> {
        match tag.kind {
            TagKind::Output => Err(Problem::misuse(
                format!("`{name}` is an output: the program sets it"),
                "set what the program reads, and expect what it writes",
            )),
            TagKind::Model => Err(Problem::misuse(
                format!("`{name}` is a model's: it comes with a result"),
                "give the model a result: t.model(\"name\", score)",
            )),
            TagKind::Input | TagKind::Memory => match self.stand.axis_behind(tag) {
                Some(axis) => {
                    let axis = self.stand.cell().axes.get(axis).map_or("", |axis| axis.name.as_str());
                    Err(Problem::misuse(
                        format!("`{name}` is what the drive of axis `{axis}` shows"),
                        format!("turn its shaft: t.turn(\"{axis}\", position)"),
                    ))
                }
                None => Ok(()),
            },
        }
    }

    fn set_parameter(&mut self, name: &str, index: usize, value: &Literal) -> Done<()> {
        let Some(parameter) = self.stand.cell().parameters.get(index) else { return Ok(()) };
        let Literal::One(value) = value else {
            return Err(Problem::misuse(
                format!("`{name}` is {}", parameter.scalar.name()),
                "write one value",
            ));
        };
        let value = typed(name, *value, parameter.scalar)?;
        if !parameter.admits(value) {
            let range = parameter.range.map_or_else(String::new, |(low, high)| {
                format!(", its range is {} to {}", show(low), show(high))
            });
            let message = format!("`{name}` cannot be {}{range}", show(value));
            return Err(Problem::misuse(message, "an operator could not set it either"));
        }
        self.stand.put_parameter(index, value);
        Ok(())
    }

    fn set_state(&mut self, name: &str, path: &str, value: &Literal) -> Done<()> {
        let Some(program) = self.stand.machine().programs().get(self.stand.program()) else { return Ok(()) };
        let (layout, mut state) = (program.layout(), program.state().to_vec());
        let Some(place) = layout.lookup(path) else { return Ok(()) };
        if place.pin.is_some() || matches!(place.shape, Shape::Block(_) | Shape::Axis) {
            let help =
                "give the block its time or its edges: set what the program feeds it with, and advance";
            return Err(Problem::misuse(format!("`{name}` belongs to a block"), help));
        }
        let Some(now) = layout.read(&state, path) else {
            return Err(Problem::misuse(
                format!("`{name}` has no value of its own"),
                "name one of its fields",
            ));
        };
        let bytes = match (now, value) {
            (StateReading::Scalar(now), Literal::One(value)) => {
                let bits = typed(name, *value, now.scalar_type())?.to_bits();
                bits.to_le_bytes()[..place.shape.size() as usize].to_vec()
            }
            (StateReading::Symbol(_), Literal::Text(text)) if text.len() <= SYMBOL_CAPACITY => {
                let mut bytes = vec![0; SYMBOL_SIZE as usize];
                bytes[0] = text.len() as u8;
                bytes[1..=text.len()].copy_from_slice(text.as_bytes());
                bytes
            }
            (_, other) => {
                let message = format!("`{name}` is {}, got {}", place.shape.describe(), other.show());
                return Err(Problem::misuse(message, "write a value of its type"));
            }
        };
        if let Some(field) = state.get_mut(place.offset..place.offset + bytes.len()) {
            field.copy_from_slice(&bytes);
        }
        self.stand
            .put_state(&state)
            .map_err(|text| Problem::misuse(text, "write a value that the program can have"))
    }

    /// `t.invalid(name)` and `t.valid(name)`.
    pub fn quality(&mut self, name: &str, valid: bool) -> Done<()> {
        let resolved = Name::resolve(&self.stand, name)?;
        let input = |tag: &usize| self.stand.cell().tags.get(*tag).filter(|tag| tag.kind == TagKind::Input);
        match resolved {
            Name::Tag { tag, element: None } if input(&tag).is_some() => {
                if let Some(of) = input(&tag) {
                    self.settable(name, of)?;
                }
                self.stand.put_quality(tag, valid);
                Ok(())
            }
            _ => Err(Problem::misuse(format!("`{name}` has no quality"), "only inputs are valid or invalid")),
        }
    }

    /// `t.unit(state)`.
    pub fn unit(&mut self, state: &str) -> Done<()> {
        self.has_unit()?;
        let found = packml::State::from_name(state);
        let all = packml::State::ALL.iter().map(|state| state.name());
        let state = found.ok_or_else(|| no_such("state of a unit", state, all))?;
        self.stand.place_unit(None, Some(state));
        Ok(())
    }

    /// `t.mode(mode)`.
    pub fn mode(&mut self, mode: &str) -> Done<()> {
        self.has_unit()?;
        let found = packml::Mode::from_name(mode);
        let all = packml::Mode::ALL.iter().map(|mode| mode.name());
        let mode = found.ok_or_else(|| no_such("mode of a unit", mode, all))?;
        self.stand.place_unit(Some(mode), None);
        Ok(())
    }

    /// `t.command(command)`.
    pub fn command(&mut self, command: &str) -> Done<()> {
        self.has_unit()?;
        let found = packml::Command::from_name(command);
        let all = packml::Command::ALL.iter().map(|command| command.name());
        let known = found.ok_or_else(|| no_such("command of a unit", command, all))?;
        if self.stand.command_unit(known) {
            return Ok(());
        }
        let state = self.read("sys.state")?.show();
        Err(Problem::failed(format!("the unit takes no `{command}` in {state}")))
    }

    fn has_unit(&self) -> Done<()> {
        match self.stand.unit() {
            Some(_) => Ok(()),
            None => Err(Problem::misuse(
                "the program belongs to no unit: its state is always \"execute\"",
                "name the program in a unit of cell.toml",
            )),
        }
    }

    fn model_named(&self, name: &str) -> Done<usize> {
        let models = &self.stand.cell().models;
        let found = models.iter().position(|model| model.name == name);
        found.ok_or_else(|| no_such("model", name, models.iter().map(|model| model.name.as_str())))
    }

    /// `t.model(name, score)`, `t.model(name, score, outputs)`.
    pub fn model(&mut self, name: &str, score: f64, outputs: &[f32]) -> Done<()> {
        let model = self.model_named(name)?;
        if !score.is_finite() || outputs.iter().any(|value| !value.is_finite()) {
            let help = "a result that is not finite is none: t.model_miss(\"name\")";
            return Err(Problem::misuse("a model's result is finite", help));
        }
        let room = self.stand.cell().models.get(model).map_or(0, |model| model.output_len as usize);
        if outputs.len() > room {
            let message = format!("model `{name}` has {room} output values, got {}", outputs.len());
            return Err(Problem::misuse(message, "write as many as it has, or fewer"));
        }
        self.stand.answer(model, score, outputs);
        Ok(())
    }

    /// `t.model_miss(name)`.
    pub fn model_miss(&mut self, name: &str) -> Done<()> {
        let model = self.model_named(name)?;
        match self.stand.miss(model) {
            true => Ok(()),
            false => Err(Problem::failed(format!("nobody waits for a result of model `{name}`"))),
        }
    }

    fn axis_named(&self, name: &str) -> Done<usize> {
        let axes = &self.stand.cell().axes;
        let found = axes.iter().position(|axis| axis.name == name);
        found.ok_or_else(|| no_such("axis", name, axes.iter().map(|axis| axis.name.as_str())))
    }

    /// `t.turn(axis, position)`.
    pub fn turn(&mut self, name: &str, position: f64) -> Done<()> {
        let axis = self.axis_named(name)?;
        self.stand.turn(axis, position);
        Ok(())
    }

    /// `t.trip(axis, code)`.
    pub fn trip(&mut self, name: &str, code: i64) -> Done<()> {
        let axis = self.axis_named(name)?;
        let code = u16::try_from(code)
            .map_err(|_| Problem::misuse(format!("{code} is no error code"), "write 0 to 0xffff"))?;
        self.stand.trip(axis, code);
        Ok(())
    }

    /// `t.jam(axis)`, `t.free(axis)`.
    pub fn jam(&mut self, name: &str, jammed: bool) -> Done<()> {
        let axis = self.axis_named(name)?;
        self.stand.jam(axis, jammed);
        Ok(())
    }
}

fn no_such<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a str> + Clone) -> Problem {
    let failure = crate::control::protocol::unknown(what, name, all);
    Problem { code: "T204", message: failure.message, help: failure.help, ends: true }
}

/// An input shows what its device can send.
fn fits(name: &str, tag: &Tag, element: usize, value: Value) -> Done<()> {
    if let Value::F64(number) = value
        && !number.is_finite()
    {
        let help = match tag.kind {
            TagKind::Input => "NaN and infinity are invalid: t.invalid(name)",
            _ => "tags are finite",
        };
        return Err(Problem::misuse(format!("`{name}` cannot be {number}"), help));
    }
    let Some(field) = tag.fields.get(element) else { return Ok(()) };
    let mut image = vec![0; (field.bit_offset as usize + usize::from(field.bit_len)).div_ceil(8)];
    if tag.encode(field, value, &mut image) {
        let message = format!("`{name}` cannot be {}: its device cannot send that", show(value));
        return Err(Problem::misuse(message, "write what fits into its entry"));
    }
    Ok(())
}
