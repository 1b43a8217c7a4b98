//! A hand to put typed programs together. Every node is on a line of its own, so that a fault's line says which it was.

use crate::hir::{
    BinaryOperator, Block, Constant, ConstantId, Expr, ExprId, ExprKind, FileId, Function, FunctionId, Hir,
    Items, Local, LocalId, Place, Root, SourceFile, Span, Statement, StatementKind, Step, SymbolId, TagPlace,
    Type, UnaryOperator,
};
use sensai_model::Value;
use sensai_stdlib::registry;
use std::sync::Arc;

/// Lines of the text that there is not.
const LINES: usize = 4000;

/// A program.
pub struct Builder {
    state: Type,
    functions: Vec<Function>,
    symbols: Vec<Arc<str>>,
    constants: Vec<Constant>,
}

/// A function.
pub struct Body {
    name: String,
    this: Option<Type>,
    parameters: u32,
    locals: Vec<Local>,
    exprs: Vec<Expr>,
    statements: Vec<Statement>,
    line: u32,
}

impl Builder {
    /// With a state of these fields.
    pub fn new(fields: &[(&str, Type)]) -> Self {
        let fields = fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        Self {
            state: Type::record(fields),
            functions: Vec::new(),
            symbols: Vec::new(),
            constants: Vec::new(),
        }
    }

    pub fn symbol(&mut self, text: &str) -> SymbolId {
        let place = self.symbols.iter().position(|known| &**known == text).unwrap_or_else(|| {
            self.symbols.push(text.into());
            self.symbols.len() - 1
        });
        SymbolId(place as u32)
    }

    pub fn constant(&mut self, ty: Type, bytes: &[u8]) -> ConstantId {
        self.constants.push(Constant { name: "C".to_owned(), ty, bytes: bytes.into() });
        ConstantId(self.constants.len() as u32 - 1)
    }

    /// A function whose body ends with this value; all its nodes are on lines from `line` on.
    pub fn function(&mut self, body: Body, value: Option<ExprId>) -> FunctionId {
        let result = value.map_or(Type::Unit, |value| body.exprs[value.index()].ty.clone());
        self.function_giving(body, value, result)
    }

    /// The same with a type of its own: its value may never come.
    pub fn function_giving(&mut self, body: Body, value: Option<ExprId>, result: Type) -> FunctionId {
        self.functions.push(Function {
            name: body.name,
            file: FileId(0),
            span: Span::new(body.line - 1, body.line),
            this: body.this,
            parameters: body.parameters,
            locals: body.locals,
            result,
            exprs: body.exprs,
            body: Block { statements: body.statements, value },
        });
        FunctionId(self.functions.len() as u32 - 1)
    }

    /// `cycle`, on lines from 1 on.
    pub fn cycle(mut self, build: impl FnOnce(&mut Self, &mut Body)) -> Self {
        let mut body = Body::new("cycle", Some(self.state.clone()), 1);
        build(&mut self, &mut body);
        self.function(body, None);
        self
    }

    /// The program; the last function is its cycle.
    pub fn finish(self) -> Hir {
        let cycle = FunctionId(self.functions.len() as u32 - 1);
        let text: Arc<str> = "\n".repeat(LINES).into();
        Hir {
            files: vec![SourceFile::new("test", "programs/test.rhai", text)],
            functions: self.functions,
            init: cycle,
            cycle,
            migrate: None,
            state: self.state,
            constants: self.constants,
            symbols: self.symbols,
        }
    }
}

impl Body {
    /// A function with nodes on lines from `line` on.
    pub fn new(name: &str, this: Option<Type>, line: u32) -> Self {
        Self {
            name: name.to_owned(),
            this,
            parameters: 0,
            locals: Vec::new(),
            exprs: Vec::new(),
            statements: Vec::new(),
            line,
        }
    }

    /// Put nodes from here on onto another line.
    pub fn on_line(&mut self, line: u32) {
        self.line = line;
    }

    fn at(&self) -> u32 {
        self.line - 1
    }

    pub fn expr(&mut self, kind: ExprKind, ty: Type) -> ExprId {
        let at = self.at();
        self.exprs.push(Expr { kind, ty, span: Span::new(at, at + 1), at });
        ExprId(self.exprs.len() as u32 - 1)
    }

    pub fn ty(&self, id: ExprId) -> Type {
        self.exprs[id.index()].ty.clone()
    }

    pub fn int(&mut self, value: i64) -> ExprId {
        self.expr(ExprKind::Literal(Value::I64(value)), Type::I64)
    }

    pub fn float(&mut self, value: f64) -> ExprId {
        self.expr(ExprKind::Literal(Value::F64(value)), Type::F64)
    }

    pub fn bool(&mut self, value: bool) -> ExprId {
        self.expr(ExprKind::Literal(Value::Bool(value)), Type::Bool)
    }

    pub fn text(&mut self, symbol: SymbolId) -> ExprId {
        self.expr(ExprKind::Symbol(symbol), Type::Symbol)
    }

    pub fn binary(&mut self, operator: BinaryOperator, left: ExprId, right: ExprId) -> ExprId {
        let ty = match (operator.compares(), self.ty(left), self.ty(right)) {
            (true, ..) => Type::Bool,
            (_, Type::F64, _) | (_, _, Type::F64) => Type::F64,
            (_, left, _) => left,
        };
        self.expr(ExprKind::Binary(operator, left, right), ty)
    }

    pub fn add(&mut self, left: ExprId, right: ExprId) -> ExprId {
        self.binary(BinaryOperator::Add, left, right)
    }

    pub fn unary(&mut self, operator: UnaryOperator, operand: ExprId) -> ExprId {
        let ty = self.ty(operand);
        self.expr(ExprKind::Unary(operator, operand), ty)
    }

    /// A function of the library.
    pub fn library(&mut self, name: &str, arguments: &[ExprId]) -> ExprId {
        let types: Vec<_> =
            arguments.iter().map(|argument| self.ty(*argument).as_scalar().unwrap()).collect();
        let found = registry::functions().iter().find(|f| f.name == name && f.arguments == types).unwrap();
        self.expr(ExprKind::Library(found, arguments.to_vec()), Type::scalar(found.result))
    }

    /// A place below `root`, by names of fields.
    pub fn place(&self, root: Root, ty: &Type, path: &str) -> Place {
        let (mut ty, mut steps) = (ty.clone(), Vec::new());
        for name in path.split('.').filter(|name| !name.is_empty()) {
            let Type::Record(record) = &ty else { panic!("{name}: no record") };
            let (index, field) = record.field(name).unwrap_or_else(|| panic!("no field {name}"));
            steps.push(Step::Field { index, offset: field.offset });
            ty = field.ty.clone();
        }
        let at = self.at();
        Place { root, path: steps, ty, span: Span::new(at, at + 1) }
    }

    /// A place below `this`.
    pub fn this(&self, path: &str) -> Place {
        let this = self.this.clone().expect("a function with `this`");
        self.place(Root::This, &this, path)
    }

    /// An element of an array.
    pub fn element(&self, mut place: Place, index: ExprId) -> Place {
        let Type::Array(array) = place.ty.clone() else { panic!("no array") };
        place.path.push(Step::Index { index, len: array.len, stride: array.element.size(), at: self.at() });
        place.ty = array.element.clone();
        place
    }

    pub fn read(&mut self, place: Place) -> ExprId {
        let ty = place.ty.clone();
        self.expr(ExprKind::Read(place), ty)
    }

    pub fn get(&mut self, path: &str) -> ExprId {
        let place = self.this(path);
        self.read(place)
    }

    pub fn tag_place(&self, tag: u32, index: Option<ExprId>) -> TagPlace {
        let at = self.at();
        TagPlace { tag, index, span: Span::new(at, at + 1), at }
    }

    pub fn tag(&mut self, tag: u32, index: Option<ExprId>, ty: Type) -> ExprId {
        let tag = self.tag_place(tag, index);
        self.expr(ExprKind::Tag { tag, quality: false }, ty)
    }

    /// A variable, assigned to later or not.
    pub fn local(&mut self, name: &str, ty: Type, mutable: bool) -> LocalId {
        let at = self.at();
        self.locals.push(Local { name: name.to_owned(), ty, span: Span::new(at, at + 1), mutable });
        LocalId(self.locals.len() as u32 - 1)
    }

    pub fn parameter(&mut self, name: &str, ty: Type) -> LocalId {
        self.parameters += 1;
        self.local(name, ty, false)
    }

    pub fn var(&mut self, local: LocalId) -> ExprId {
        let place = self.local_place(local);
        self.read(place)
    }

    pub fn local_place(&self, local: LocalId) -> Place {
        let ty = self.locals[local.index()].ty.clone();
        self.place(Root::Local(local), &ty, "")
    }

    pub fn statement(&mut self, kind: StatementKind) {
        let at = self.at();
        self.statements.push(Statement { kind, span: Span::new(at, at + 1), at });
        self.line += 1;
    }

    pub fn let_(&mut self, local: LocalId, value: ExprId) {
        self.statement(StatementKind::Let { local, value });
    }

    pub fn set(&mut self, place: Place, value: ExprId) {
        self.statement(StatementKind::Assign { place, operator: None, value });
    }

    pub fn set_this(&mut self, path: &str, value: ExprId) {
        let place = self.this(path);
        self.set(place, value);
    }

    pub fn change(&mut self, place: Place, operator: BinaryOperator, value: ExprId) {
        self.statement(StatementKind::Assign { place, operator: Some(operator), value });
    }

    pub fn set_tag(&mut self, tag: u32, index: Option<ExprId>, value: ExprId) {
        let tag = self.tag_place(tag, index);
        self.statement(StatementKind::AssignTag { tag, operator: None, value });
    }

    pub fn run(&mut self, expr: ExprId) {
        self.statement(StatementKind::Expr(expr));
    }

    pub fn give(&mut self, value: Option<ExprId>) {
        self.statement(StatementKind::Return(value));
    }

    /// What `build` adds, as a block of its own.
    pub fn block(&mut self, build: impl FnOnce(&mut Self) -> Option<ExprId>) -> Block {
        let outer = std::mem::take(&mut self.statements);
        let value = build(self);
        Block { statements: std::mem::replace(&mut self.statements, outer), value }
    }

    pub fn if_(
        &mut self,
        condition: ExprId,
        ty: Type,
        then: impl FnOnce(&mut Self) -> Option<ExprId>,
        otherwise: impl FnOnce(&mut Self) -> Option<ExprId>,
    ) -> ExprId {
        let then = self.block(then);
        let otherwise = Some(self.block(otherwise));
        self.expr(ExprKind::If { condition, then, otherwise }, ty)
    }

    /// `if` without `else`.
    pub fn when(&mut self, condition: ExprId, then: impl FnOnce(&mut Self)) {
        let then = self.block(|body| {
            then(body);
            None
        });
        let expr = self.expr(ExprKind::If { condition, then, otherwise: None }, Type::Unit);
        self.run(expr);
    }

    pub fn for_(&mut self, variable: LocalId, items: Items, build: impl FnOnce(&mut Self)) {
        self.for_counted(variable, None, items, build);
    }

    pub fn for_counted(
        &mut self,
        variable: LocalId,
        counter: Option<LocalId>,
        items: Items,
        build: impl FnOnce(&mut Self),
    ) {
        let line = self.line;
        let body = self.block(|body| {
            body.line += 1;
            build(body);
            None
        });
        let after = std::mem::replace(&mut self.line, line);
        self.statement(StatementKind::For { variable, counter, items, body });
        self.line = after + 1;
    }

    pub fn while_(
        &mut self,
        condition: Option<ExprId>,
        (body_first, until): (bool, bool),
        build: impl FnOnce(&mut Self),
    ) {
        let line = self.line;
        let body = self.block(|body| {
            body.line += 1;
            build(body);
            None
        });
        let after = std::mem::replace(&mut self.line, line);
        self.statement(StatementKind::While { condition, body_first, until, body });
        self.line = after + 1;
    }

    pub fn call(
        &mut self,
        function: FunctionId,
        ty: Type,
        receiver: Option<Place>,
        arguments: &[ExprId],
    ) -> ExprId {
        self.expr(ExprKind::Call { function, receiver, arguments: arguments.to_vec() }, ty)
    }

    pub fn method(&mut self, block: Place, name: &str, arguments: &[ExprId]) -> ExprId {
        let Type::Block(of) = block.ty else { panic!("no block") };
        let method = of.method(name).unwrap();
        let ty = method.result.map_or(Type::Unit, Type::scalar);
        self.expr(ExprKind::Method { block, of, method, arguments: arguments.to_vec() }, ty)
    }

    pub fn pin(&mut self, block: Place, name: &str) -> ExprId {
        let Type::Block(of) = block.ty else { panic!("no block") };
        let pin = of.pin(name).unwrap();
        self.expr(ExprKind::Pin { block, of, pin }, Type::scalar(pin.scalar))
    }
}
