//! Axes in a cycle.

use super::{Datum, Evaluated, Evaluator, Frame, Raised};
use crate::{
    axis::Property,
    hir::{AxisCall, AxisDirection, ExprId, Place},
    names::suggest,
    ports::COMMANDS_MAX,
};
use sensai_model::{FaultCode, Value};
use sensai_motion::{AxisCommand, Direction};
use sensai_stdlib::registry::{
    AXIS,
    handle::{self, DIRECTIONS},
};

impl Evaluator<'_> {
    pub(super) fn axis_property(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        place: &Place,
        property: &handle::Property,
    ) -> Evaluated<Datum> {
        let reference = self.reference(frame, place)?;
        let Some(Datum::Axis(handle, _)) = self.get(&reference) else { return self.stuck(frame, at) };
        let mut handle = **handle;
        let world = self.world(frame, at)?;
        handle.refresh(world.ports, world.sys.first_cycle);
        let value = handle.property(property.name, world.ports);
        if let Some(Datum::Axis(place, _)) = self.get_mut(&reference) {
            **place = handle;
        }
        match value {
            Some(Property::Scalar(value)) => Ok(Datum::Scalar(value)),
            Some(Property::Symbol(text)) => Ok(Datum::Symbol(text.into())),
            None => self.stuck(frame, at),
        }
    }

    pub(super) fn axis_command(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        place: &Place,
        call: &AxisCall,
    ) -> Evaluated<Datum> {
        let indices = self.indices(frame, place)?;
        let command = match call {
            AxisCall::Power(on) => (AxisCommand::Power(self.flag(frame, *on)?), None),
            AxisCall::Reset => (AxisCommand::Reset, None),
            AxisCall::Home => (AxisCommand::Home, None),
            AxisCall::MoveAbsolute { position, velocity, direction } => {
                let (position, velocity) = (self.float(frame, *position)?, self.float(frame, *velocity)?);
                let (direction, word) = match direction {
                    AxisDirection::Known(direction) => (*direction, None),
                    AxisDirection::Text(text) => (Direction::Shortest, Some(self.text(frame, *text)?)),
                };
                (AxisCommand::MoveAbsolute { position, velocity, direction }, word)
            }
            AxisCall::MoveRelative { distance, velocity } => {
                let (distance, velocity) = (self.float(frame, *distance)?, self.float(frame, *velocity)?);
                (AxisCommand::MoveRelative { distance, velocity }, None)
            }
            AxisCall::MoveVelocity(velocity) => {
                (AxisCommand::MoveVelocity { velocity: self.float(frame, *velocity)? }, None)
            }
            AxisCall::Torque { torque, ramp } => {
                let (torque, ramp) = (self.float(frame, *torque)?, self.float(frame, *ramp)?);
                (AxisCommand::Torque { torque, ramp }, None)
            }
            AxisCall::Halt => (AxisCommand::Halt, None),
            AxisCall::Stop => (AxisCommand::Stop, None),
            AxisCall::ReleaseStop => (AxisCommand::ReleaseStop, None),
        };
        let (mut command, word) = command;
        let reference = self.checked(frame, place, &indices)?;
        if let Some(raised) = not_finite(&command) {
            return self.fault(frame, at, raised);
        }
        if let (AxisCommand::MoveAbsolute { direction, .. }, Some(word)) = (&mut command, word) {
            *direction = match &*word {
                "shortest" => Direction::Shortest,
                "positive" => Direction::Positive,
                "negative" => Direction::Negative,
                word => {
                    let help = suggest(word, DIRECTIONS, "directions");
                    let text = format!("Axis.move_absolute: `{word}` is no direction; {help}");
                    return self.fault(frame, at, Raised::new(FaultCode::UnknownName, text));
                }
            };
        }
        let Some(Datum::Axis(handle, _)) = self.get(&reference) else { return self.stuck(frame, at) };
        let mut handle = **handle;
        let world = self.world(frame, at)?;
        let first = world.sys.first_cycle;
        handle.refresh(world.ports, first);
        if handle.call(command, world.ports, first).is_err() {
            let text = format!(
                "more than {COMMANDS_MAX} axis commands in one run; begin fewer in one cycle, or command what moves alike by \
                 one axis"
            );
            return self.fault(frame, at, Raised::new(FaultCode::TooLarge, text));
        }
        if let Some(Datum::Axis(place, _)) = self.get_mut(&reference) {
            **place = handle;
        }
        Ok(Datum::Unit)
    }

    fn float(&mut self, frame: &Frame<'_>, id: ExprId) -> Evaluated<f64> {
        match self.expr(frame, id)? {
            Datum::Scalar(Value::F64(number)) => Ok(number),
            _ => self.stuck(frame, frame.function.span.start),
        }
    }
}

/// The first argument that is no number an axis can follow.
fn not_finite(command: &AxisCommand) -> Option<Raised> {
    let (method, numbers) = match *command {
        AxisCommand::MoveAbsolute { position, velocity, .. } => ("move_absolute", [position, velocity]),
        AxisCommand::MoveRelative { distance, velocity } => ("move_relative", [distance, velocity]),
        AxisCommand::MoveVelocity { velocity } => ("move_velocity", [velocity, 0.0]),
        AxisCommand::Torque { torque, ramp } => ("torque", [torque, ramp]),
        _ => return None,
    };
    let (place, number) = numbers.iter().enumerate().find(|(_, number)| !number.is_finite())?;
    let argument = AXIS.method(method).and_then(|method| method.arguments.get(place));
    let name = argument.map_or("", |argument| argument.name);
    let text =
        format!("Axis.{method}: argument {name} cannot be {number}; check the calculation with is_finite()");
    Some(Raised::new(FaultCode::NotFinite, text))
}
