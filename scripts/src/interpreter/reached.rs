//! What a running program reaches beside tags and parameters: names of the cell, and the ports of its task.

use super::{ai::Models, fault::Raised};
use crate::{
    Ports, ScriptEnvironment,
    names::suggest,
    ports::{REQUESTS_MAX, Request},
};
use sensai_model::FaultCode;
use std::cell::RefCell;

/// Names of the cell and the ports, lent for each run.
pub(crate) struct Reached {
    pub axes: Names,
    pub alarms: Names,
    pub jidoka: Names,
    pub models: Models,
    ports: RefCell<Ports>,
    program: u16,
}

impl Reached {
    pub fn new(environment: &ScriptEnvironment<'_>) -> Self {
        let reach = &environment.reach;
        Self {
            axes: Names::new(reach.axes.iter().map(|axis| axis.name.as_str())),
            alarms: Names::new(reach.alarms.iter().map(|alarm| alarm.name.as_str())),
            jidoka: Names::new(reach.jidoka.iter().map(|jidoka| jidoka.name.as_str())),
            models: Models::new(environment),
            ports: RefCell::new(Ports::none()),
            program: environment.program_index,
        }
    }

    /// Exchange the ports with those of a task.
    pub fn swap(&self, ports: &mut Ports) {
        std::mem::swap(&mut *self.ports.borrow_mut(), ports);
    }

    /// Use the ports.
    pub fn ports<R>(&self, work: impl FnOnce(&mut Ports) -> R) -> R {
        work(&mut self.ports.borrow_mut())
    }

    /// Global index of the program.
    pub fn program(&self) -> u16 {
        self.program
    }

    /// Stage a request of this program.
    pub fn request(&self, request: Request) -> Result<(), Raised> {
        self.ports(|ports| ports.request(self.program, request)).map_err(|_| {
            let text = format!(
                "more than {REQUESTS_MAX} calls such as hold(), jidoka() or alarm() in one run; make each only when it is needed"
            );
            Raised::new(FaultCode::TooLarge, text)
        })
    }
}

/// Names with their indices.
#[derive(Debug, Default)]
pub(crate) struct Names(Box<[(String, u16)]>);

impl Names {
    /// The index of each is its position.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut all: Vec<(String, u16)> =
            (0_u16..).zip(names).map(|(index, name)| (name.to_owned(), index)).collect();
        all.sort();
        Self(all.into())
    }

    /// The index of a name.
    pub fn find(&self, name: &str) -> Option<u16> {
        let place = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.0.get(place).map(|(_, index)| *index)
    }

    /// What may have been meant.
    pub fn suggest(&self, name: &str, what: &str) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        suggest(name, &names, what)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
