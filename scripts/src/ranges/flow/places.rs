//! Where values are: names of places, and what is known of what lies there.

use super::Flow;
use crate::{
    hir::{ConstantId, ExprId, ExprKind, Hir, Place, Root, Step, TagPlace, Type},
    layout::{SYMBOL_SIZE, symbol},
    ranges::{
        Where,
        facts::Site,
        int::{Checked, IntRange},
        outside::words,
        paths::{Base, Part, Path},
        value::{Known, Shape},
    },
};
use sensai_model::{ScalarType, Value};

/// Values of one array or record that are followed one by one; of larger ones, nothing is known.
const READ_MAX: u64 = 64;

/// Places of a constant that an index may mean and that are looked at one by one.
const CONSTANT_PLACES_MAX: usize = 4096;

/// What a place is.
pub(super) enum Found {
    /// Of the function or its caller.
    Path(Path),
    /// A value that nobody else sees.
    Value(Shape),
}

impl Flow<'_, '_> {
    /// Evaluate the way to a place.
    pub(super) fn place(&mut self, place: &Place) -> Found {
        self.place_for(place, &[]).0
    }

    /// Evaluate the way to a place, and `between` that and finding it, arguments for what is there.
    pub(super) fn place_for(&mut self, place: &Place, between: &[ExprId]) -> (Found, Vec<Shape>) {
        let mut steady = between.iter().all(|expr| self.is_pure(*expr));
        for index in indices(place) {
            self.expr(index);
            steady &= self.is_pure(index);
        }
        let given = between.iter().map(|expr| self.expr(*expr)).collect();
        let mut found = match place.root {
            Root::This => Found::Path(Path::base(Base::This)),
            Root::Local(local) => Found::Path(Path::base(Base::Local(local))),
            Root::Value(value) => {
                steady = false;
                Found::Value(self.expr(value))
            }
            Root::Constant(constant) => return (Found::Value(self.constant(constant, place, steady)), given),
        };
        for step in &place.path {
            found = match (*step).clone() {
                Step::Field { index, .. } => match found {
                    Found::Path(path) => Found::Path(path.with(Part::Field(index))),
                    Found::Value(Shape::Record(mut fields)) if (index as usize) < fields.len() => {
                        Found::Value(fields.swap_remove(index as usize))
                    }
                    Found::Value(_) => Found::Value(Shape::Any),
                },
                Step::Index { index, len, .. } => {
                    self.check_index(index, len, steady);
                    match found {
                        Found::Path(path) => {
                            let element = self.element(index, len);
                            // The variable may have another value by now.
                            let by = matches!(element, Part::By(_)) && !steady;
                            Found::Path(path.with(if by { Part::Each } else { element }))
                        }
                        Found::Value(Shape::Array(element)) => Found::Value(*element),
                        Found::Value(_) => Found::Value(Shape::Any),
                    }
                }
            };
        }
        (found, given)
    }

    /// Check an index that was evaluated; `steady`: nothing has changed since.
    fn check_index(&mut self, index: ExprId, len: u32, steady: bool) {
        if !self.alive {
            return;
        }
        let given = self.value(index).and_then(Known::int).unwrap_or(IntRange::ALL);
        let allowed = IntRange::between(-i64::from(len), i64::from(len) - 1);
        let checked = Checked { value: given.meet(allowed), holds: allowed.includes(given) };
        let Some(inside) = self.check(index, Site::Index, checked) else { return };
        if steady && !allowed.includes(given) {
            self.learn(index, &Known::Int(inside));
        }
    }

    /// The element that an index names, as far as it can be told from others.
    fn element(&self, index: ExprId, len: u32) -> Part {
        let single = self.value(index).and_then(Known::int).and_then(IntRange::single);
        let number = single.map(|index| if index < 0 { index.saturating_add(len.into()) } else { index });
        if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
            return Part::At(number);
        }
        match &self.function.expr(index).kind {
            ExprKind::Read(Place { root: Root::Local(local), path, .. }) if path.is_empty() => {
                Part::By(*local)
            }
            _ => Part::Each,
        }
    }

    /// The name of a place whose indices were evaluated just before.
    pub(super) fn named(&self, place: &Place) -> Option<Path> {
        let base = match place.root {
            Root::This => Base::This,
            Root::Local(local) => Base::Local(local),
            Root::Value(_) | Root::Constant(_) => return None,
        };
        let part = |step: &Step| match step {
            Step::Field { index, .. } => Part::Field(*index),
            Step::Index { index, len, .. } => self.element(*index, *len),
        };
        Some(Path { base, parts: place.path.iter().map(part).collect() })
    }

    /// The name of a tag or its element, whose index was evaluated just before.
    pub(super) fn tag_path(&self, tag: &TagPlace) -> Path {
        let path = Path::base(Base::Tag(tag.tag));
        match tag.index {
            Some(index) => path.with(self.element(index, self.analysis.outside.len(tag.tag))),
            None => path,
        }
    }

    /// Evaluate the way to a tag.
    pub(super) fn tag(&mut self, tag: &TagPlace) -> Path {
        if let Some(index) = tag.index {
            let len = self.analysis.outside.len(tag.tag);
            self.expr(index);
            self.check_index(index, len, true);
        }
        self.tag_path(tag)
    }

    /// What is known of a scalar or text, now and always.
    pub(super) fn known(&self, path: &Path, ty: &Type) -> Option<Known> {
        let paths = &self.analysis.paths;
        let now = paths.find(path).and_then(|id| self.state.get(id)).or_else(|| {
            let general = if path.is_general() { None } else { paths.find(&path.general()) };
            self.state.get(general?)
        });
        now.cloned().or_else(|| self.always(path)).filter(|known| fits(known, ty)).or_else(|| Known::any(ty))
    }

    fn always(&self, path: &Path) -> Option<Known> {
        match path.base {
            Base::Local(_) => None,
            Base::Tag(tag) => self.analysis.outside.tag(tag).cloned(),
            Base::Parameter(parameter) => self.analysis.outside.parameter(parameter).cloned(),
            Base::This => {
                let whole = self.in_state(path)?;
                let id = self.analysis.paths.find(&whole)?;
                self.analysis.fields.as_ref()?.get(&id)?.clone()
            }
        }
    }

    /// The name in the state of something below `this`, of all elements; none if `this` is no part of the state.
    pub(super) fn in_state(&self, path: &Path) -> Option<Path> {
        let Where::State(this) = self.this else { return None };
        Some(self.analysis.paths.path(this).join_general(&path.parts))
    }

    /// A copy of what is there.
    pub(super) fn read(&self, path: &Path, ty: &Type) -> Shape {
        if ty.values() > READ_MAX && !matches!(ty, Type::Array(_)) {
            return Shape::Any;
        }
        match ty {
            Type::Array(array) if array.element.values() <= READ_MAX => {
                Shape::Array(Box::new(self.read(&path.with(Part::Each), &array.element)))
            }
            Type::Record(record) => {
                let field = |(index, ty): (u32, &Type)| self.read(&path.with(Part::Field(index)), ty);
                Shape::Record((0..).zip(record.fields().iter().map(|field| &field.ty)).map(field).collect())
            }
            ty => self.known(path, ty).map_or(Shape::Any, Shape::Scalar),
        }
    }

    /// What lies in a part of a constant, wherever its indices may lead.
    fn constant(&mut self, id: ConstantId, place: &Place, steady: bool) -> Shape {
        let constant = self.analysis.hir.constants.get(id.index());
        let mut offsets = Some(vec![0_usize]);
        for step in &place.path {
            match step {
                Step::Field { offset, .. } => {
                    for at in offsets.iter_mut().flatten() {
                        *at += *offset as usize;
                    }
                }
                Step::Index { index, len, stride, .. } => {
                    self.check_index(*index, *len, steady);
                    if !self.alive {
                        return Shape::Any;
                    }
                    let range = self.value(*index).and_then(Known::int).unwrap_or(IntRange::ALL);
                    offsets = offsets.and_then(|offsets| {
                        let elements = elements(range, *len);
                        let many = offsets.len().saturating_mul(elements.len()) > CONSTANT_PLACES_MAX;
                        let all =
                            |at: usize| elements.iter().map(move |number| at + number * *stride as usize);
                        (!many).then(|| offsets.into_iter().flat_map(all).collect())
                    });
                }
            }
        }
        let (Some(constant), Some(offsets)) = (constant, offsets) else { return Shape::Any };
        let hir = self.analysis.hir;
        let shapes = offsets.into_iter().map(|at| from_bytes(hir, &constant.bytes, at, &place.ty));
        shapes.reduce(Shape::join).unwrap_or(Shape::Any)
    }
}

/// Indices on the way to a place.
fn indices(place: &Place) -> impl Iterator<Item = ExprId> {
    place
        .path
        .iter()
        .filter_map(|step| if let Step::Index { index, .. } = step { Some(*index) } else { None })
}

/// Numbers of the elements that an index can name.
fn elements(index: IntRange, len: u32) -> Vec<usize> {
    let range = |from: i64, to: i64, less: i64| {
        let inside = IntRange::new(from, to).and_then(|half| half.meet(index));
        inside.map(|half| (half.low() - less) as usize..=(half.high() - less) as usize)
    };
    let len = i64::from(len);
    let (positive, negative) = (range(0, len - 1, 0), range(-len, -1, -len));
    let mut all: Vec<usize> = positive.into_iter().flatten().chain(negative.into_iter().flatten()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A value as it lies in memory.
fn from_bytes(hir: &Hir, bytes: &[u8], at: usize, ty: &Type) -> Shape {
    let word = || bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let scalar = |value: Option<Value>| value.map_or(Shape::Any, |value| Shape::Scalar(Known::of(value)));
    match ty {
        Type::Bool => scalar(bytes.get(at).map(|byte| Value::Bool(*byte != 0))),
        Type::I64 => scalar(word().map(|bits| Value::from_bits(ScalarType::I64, bits))),
        Type::F64 => scalar(word().map(|bits| Value::from_bits(ScalarType::F64, bits))),
        Type::Symbol => {
            let text = bytes.get(at..).and_then(|bytes| symbol(bytes.get(..SYMBOL_SIZE as usize)?));
            text.map_or(Shape::Any, |text| Shape::Scalar(words(hir, &[text])))
        }
        Type::Record(record) if ty.values() <= READ_MAX => {
            let fields = record.fields().iter();
            Shape::Record(
                fields.map(|field| from_bytes(hir, bytes, at + field.offset as usize, &field.ty)).collect(),
            )
        }
        Type::Array(array) if ty.values() <= CONSTANT_PLACES_MAX as u64 => {
            let stride = array.element.size() as usize;
            let element = |number: usize| from_bytes(hir, bytes, at + number * stride, &array.element);
            let elements = (0..array.len as usize).map(element);
            elements.reduce(Shape::join).map_or(Shape::Any, |element| Shape::Array(Box::new(element)))
        }
        _ => Shape::Any,
    }
}

fn fits(known: &Known, ty: &Type) -> bool {
    matches!(
        (known, ty),
        (Known::Bool { .. }, Type::Bool)
            | (Known::Int(_), Type::I64)
            | (Known::Float(_), Type::F64)
            | (Known::Symbol(_), Type::Symbol)
    )
}
