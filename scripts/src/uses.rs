//! What each name in a text means, as the lowering understood it: for whoever shows, finds or renames it.
//!
//! Names are noted where they are resolved, so that there is no second opinion about scopes and types. A function that is
//! called with several types is looked at several times, and a name in it may mean several things.

use crate::hir::{FileId, Span, Type};
use sensai_stdlib::registry::{self, AXIS, BlockType, Method, Pin, handle};

/// A name that begins like this stands where somebody is about to write one: see [`Uses::scopes`].
pub const CURSOR: &str = "__cursor__";

/// A name in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The text.
    pub file: FileId,
    /// The name; of a text that names something, with its quotes.
    pub span: Span,
    /// What it means.
    pub entity: Entity,
    /// It is declared here.
    pub is_definition: bool,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    /// A variable, parameter or constant of a function, by the name in its declaration in the same file.
    Local(Span),
    /// A function of the program or a library, by the name in its declaration.
    Function(FileId, Span),
    /// A constant, by the name in its declaration.
    Constant(FileId, Span),
    /// A field of every record of a type.
    Field {
        /// The type.
        record: Type,
        /// The field.
        name: String,
    },
    /// The name that the program gives to a library, as it is declared.
    Import(Span),
    /// A library.
    Library(FileId),
    /// `io`, `param`, `sys`, `ai`, `axis`.
    Root(&'static str),
    /// A group of tags, by its dotted name; `shafts`: behind `axis`.
    TagGroup {
        /// Dotted name.
        path: String,
        /// Behind `axis` of a twin.
        shafts: bool,
    },
    /// Index into the tags of the environment; behind those, into the shafts of a twin.
    Tag(u32),
    /// `.valid` of a tag.
    Quality,
    /// `.len` of an array.
    Len,
    /// A group of parameters, by its dotted name.
    ParameterGroup(String),
    /// Index into the parameters of the environment.
    Parameter(u32),
    /// Behind `sys`.
    Fact(&'static str),
    /// Index into the models in reach.
    Model(u16),
    /// Behind a model.
    ModelFact(u16, String),
    /// `request` of a model.
    ModelRequest(u16),
    /// Index into the axes in reach.
    Axis(u16),
    /// Index into the alarms in reach.
    Alarm(u16),
    /// Index into the jidoka rules in reach.
    Jidoka(u16),
    /// A block's constructor.
    Block(&'static str),
    /// Block and pin.
    Pin(&'static str, &'static str),
    /// Block and method.
    Method(&'static str, &'static str),
    /// `Axis`.
    AxisHandle,
    /// A command of an axis.
    Command(&'static str),
    /// A property of an axis.
    Property(&'static str),
    /// A function of the library, all its overloads.
    LibraryFunction(&'static str),
    /// A function of the language, such as `array` or `fault`.
    BuiltIn(&'static str),
    /// Nothing that there is.
    Unknown(Missing),
}

/// What a name that means nothing should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// A variable or constant.
    Variable,
    /// A function.
    Function,
    /// A field of a record.
    Field,
    /// A tag or a group of tags.
    Tag,
    /// A parameter.
    Parameter,
    /// A library's name.
    Import,
}

/// What stands before a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    /// A value of a type.
    Value(Type),
    /// `io` or `axis`, or a group: its dotted name.
    Tags {
        /// Dotted name; empty: all.
        path: String,
        /// Behind `axis` of a twin.
        shafts: bool,
    },
    /// A tag; of an array: without its index.
    Tag(u32),
    /// An element of a tag that is an array.
    Element(u32),
    /// `param`, or a group: its dotted name.
    Parameters(String),
    /// `sys`.
    Sys,
    /// `ai`.
    Ai,
    /// `ai.model`.
    Model(u16),
}

/// What stands before the point of a name, or where the name is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// The text.
    pub file: FileId,
    /// The name behind the point.
    pub span: Span,
    /// What stands before it.
    pub before: Before,
}

/// Variables that can be named at a [`CURSOR`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The text.
    pub file: FileId,
    /// The name that begins with [`CURSOR`].
    pub span: Span,
    /// The innermost first, each name once.
    pub locals: Vec<(String, Type)>,
    /// Type of `this`, if there is one.
    pub this: Option<Type>,
}

/// Everything noted.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// By file and place; one place may have several.
    pub uses: Vec<Use>,
    /// In the order in which they were come by.
    pub receivers: Vec<Receiver>,
    /// One for each instance of the function.
    pub scopes: Vec<Scope>,
}

impl Uses {
    pub(crate) fn add(&mut self, file: FileId, span: Span, entity: Entity) {
        self.uses.push(Use { file, span, entity, is_definition: false });
    }

    pub(crate) fn define(&mut self, file: FileId, span: Span, entity: Entity) {
        self.uses.push(Use { file, span, entity, is_definition: true });
    }

    pub(crate) fn receiver(&mut self, file: FileId, span: Span, before: Before) {
        let receiver = Receiver { file, span, before };
        if self.receivers.last() != Some(&receiver) {
            self.receivers.push(receiver);
        }
    }

    /// In order, each once.
    pub(crate) fn finish(mut self) -> Self {
        self.uses.sort_by_key(|found| (found.file, found.span.start, found.span.end));
        self.uses.dedup();
        self
    }

    /// What stands at a byte of a file; a name also at its end.
    pub fn at(&self, file: FileId, at: u32) -> impl Iterator<Item = &Use> {
        let from = self.uses.partition_point(|found| (found.file, found.span.end) < (file, at));
        let rest = self.uses.get(from..).unwrap_or_default().iter();
        rest.take_while(move |found| found.file == file && found.span.start <= at)
            .filter(move |found| found.span.end >= at)
    }
}

impl Entity {
    /// The block of a constructor, pin or method.
    pub fn block(&self) -> Option<&'static BlockType> {
        match self {
            Self::Block(block) | Self::Pin(block, _) | Self::Method(block, _) => registry::find(block),
            _ => None,
        }
    }

    /// The pin that it is.
    pub fn pin(&self) -> Option<&'static Pin> {
        match self {
            Self::Pin(_, pin) => self.block()?.pin(pin),
            _ => None,
        }
    }

    /// The method that it is.
    pub fn method(&self) -> Option<&'static Method> {
        match self {
            Self::Method(_, method) => self.block()?.method(method),
            _ => None,
        }
    }

    /// The command of an axis that it is.
    pub fn command(&self) -> Option<&'static handle::HandleMethod> {
        match self {
            Self::Command(name) => AXIS.method(name),
            _ => None,
        }
    }

    /// The property of an axis that it is.
    pub fn property(&self) -> Option<&'static handle::Property> {
        match self {
            Self::Property(name) => AXIS.property(name),
            _ => None,
        }
    }
}
