//! Compiling all functions of a program, and putting their code together.

use super::{
    NativeError, Target,
    emit::{self, Output, Unit},
};
use crate::hir::{FileId, FunctionId};
use cranelift_codegen::{
    Context,
    binemit::Reloc,
    control::ControlPlane,
    ir::{self, UserFuncName},
    isa::{self, OwnedTargetIsa},
    settings::{self, Configurable},
};
use cranelift_frontend::FunctionBuilderContext;
use std::sync::Arc;

/// Bytes to which functions are aligned.
const ALIGN: usize = 16;

/// Code of a program, not yet where it will run.
#[derive(Debug)]
pub(super) struct Image {
    pub bytes: Vec<u8>,
    /// Where `cycle` begins.
    pub entry: usize,
    pub functions: Vec<Placed>,
    /// Where code for a place of the text begins, ascending.
    pub lines: Vec<(u32, FileId, u32)>,
    /// Bytes of stack that a run uses at most, functions of the runtime apart.
    pub stack: u32,
}

/// A function in the code.
#[derive(Debug)]
pub(super) struct Placed {
    pub name: Arc<str>,
    pub start: u32,
    pub len: u32,
}

/// Make the code generator for a target.
pub(super) fn isa(target: Target, verify: bool) -> Result<OwnedTargetIsa, NativeError> {
    let mut flags = settings::builder();
    let verify = if verify { "true" } else { "false" };
    let chosen =
        [("opt_level", "speed"), ("enable_verifier", verify), ("unwind_info", "false"), ("is_pic", "false")];
    for (name, value) in chosen {
        flags.set(name, value).map_err(|error| NativeError::Generator(error.to_string()))?;
    }
    let named = |name| isa::lookup_by_name(name).map_err(|error| NativeError::Unsupported(error.to_string()));
    let builder = match target {
        Target::Host => {
            cranelift_native::builder().map_err(|error| NativeError::Unsupported(error.to_owned()))?
        }
        Target::Aarch64 => named("aarch64-unknown-linux-gnu")?,
        Target::X8664 => named("x86_64-unknown-linux-gnu")?,
    };
    builder.finish(settings::Flags::new(flags)).map_err(|error| NativeError::Generator(error.to_string()))
}

/// True if the target rounds floats to whole numbers in one instruction.
pub(super) fn rounds(isa: &dyn isa::TargetIsa) -> bool {
    let sse41 = |flag: &settings::Value| flag.name == "has_sse41" && flag.as_bool() == Some(true);
    isa.name() != "x64" || isa.isa_flags().iter().any(sse41)
}

/// Compile every function that is called, and link them.
pub(super) fn compile(
    unit: &Unit<'_>,
    out: &mut Output,
    isa: &dyn isa::TargetIsa,
) -> Result<Image, NativeError> {
    let mut linker = Linker::default();
    let (mut context, mut builder, mut control) =
        (Context::new(), FunctionBuilderContext::new(), ControlPlane::default());
    let wanted = wanted(unit);
    for (index, function) in unit.hir.functions.iter().enumerate() {
        let id = FunctionId(index as u32);
        let entry = id == unit.hir.cycle;
        if !entry && !wanted.get(index).copied().unwrap_or(false) {
            linker.starts.push(None);
            continue;
        }
        context.func.name = UserFuncName::user(0, id.0);
        emit::function(unit, out, id, entry, &mut context.func, &mut builder);
        context
            .compile(isa, &mut control)
            .map_err(|error| NativeError::Generator(format!("{}: {:?}", function.name, error.inner)))?;
        linker.add(&context, &function.name, out)?;
        context.clear();
    }
    let entry = linker.starts.get(unit.hir.cycle.index()).copied().flatten();
    let entry = entry.ok_or_else(|| NativeError::Generator("there is no `cycle`".to_owned()))?;
    linker.link()?;
    linker.lines.sort_unstable_by_key(|(start, ..)| *start);
    let stack = linker.deepest.get(unit.hir.cycle.index()).copied().unwrap_or(0);
    Ok(Image { bytes: linker.bytes, entry, functions: linker.functions, lines: linker.lines, stack })
}

/// Functions that are called by their address: what `cycle` leads to, and is not compiled in place.
fn wanted(unit: &Unit<'_>) -> Vec<bool> {
    let mut wanted = vec![false; unit.hir.functions.len()];
    let mut reached = vec![false; unit.hir.functions.len()];
    if let Some(reached) = reached.get_mut(unit.hir.cycle.index()) {
        *reached = true;
    }
    // Callees stand before their callers.
    for (index, function) in unit.hir.functions.iter().enumerate().rev() {
        if !reached.get(index).copied().unwrap_or(false) {
            continue;
        }
        crate::hir::walk::block(function, &function.body, &mut |node| {
            if let crate::hir::walk::Node::Expr(expr) = node
                && let crate::hir::ExprKind::Call { function: callee, .. } = &expr.kind
            {
                let apart = !unit.inlined.get(callee.index()).copied().unwrap_or(false);
                if let (Some(reached), Some(wanted)) =
                    (reached.get_mut(callee.index()), wanted.get_mut(callee.index()))
                {
                    *reached = true;
                    *wanted |= apart;
                }
            }
        });
    }
    wanted
}

#[derive(Default)]
struct Linker {
    bytes: Vec<u8>,
    functions: Vec<Placed>,
    /// Of every function of the program.
    starts: Vec<Option<usize>>,
    /// Bytes of stack of each function and what it calls.
    deepest: Vec<u32>,
    lines: Vec<(u32, FileId, u32)>,
    calls: Vec<PendingCall>,
}

struct PendingCall {
    at: usize,
    kind: Reloc,
    callee: usize,
    addend: i64,
}

impl Linker {
    fn add(&mut self, context: &Context, name: &str, out: &Output) -> Result<(), NativeError> {
        let Some(compiled) = context.compiled_code() else {
            return Err(NativeError::Generator(format!("{name}: no code")));
        };
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGN), 0);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(compiled.buffer.data());
        for source in compiled.buffer.get_srclocs_sorted() {
            if let Some((file, at)) = out.lines.get(source.loc.bits() as usize) {
                self.lines.push((start as u32 + source.start, *file, *at));
            }
        }
        let mut below = 0;
        for relocation in compiled.buffer.relocs() {
            let callee = callee(&context.func, relocation).ok_or_else(|| {
                NativeError::Generator(format!("{name}: a relocation of {:?}", relocation.target))
            })?;
            below = below.max(self.deepest.get(callee).copied().unwrap_or(0));
            self.calls.push(PendingCall {
                at: start + relocation.offset as usize,
                kind: relocation.kind,
                callee,
                addend: relocation.addend,
            });
        }
        let own = compiled.buffer.frame_layout().map_or(0, |frame| frame.frame_to_fp_offset);
        // Return address, frame pointer, and arguments that do not fit into registers.
        const FRAME_EXTRA: u32 = 128;
        while self.deepest.len() < self.starts.len() {
            self.deepest.push(0);
        }
        self.deepest.push(own.saturating_add(FRAME_EXTRA).saturating_add(below));
        self.starts.push(Some(start));
        self.functions.push(Placed {
            name: name.into(),
            start: start as u32,
            len: (self.bytes.len() - start) as u32,
        });
        Ok(())
    }

    /// Calls between the functions.
    fn link(&mut self) -> Result<(), NativeError> {
        let far = || NativeError::Generator("the program is too large for its calls".to_owned());
        for call in &self.calls {
            let target = self.starts.get(call.callee).copied().flatten();
            let target = target.ok_or_else(|| NativeError::Generator("a call leads nowhere".to_owned()))?;
            let distance = target as i64 + call.addend - call.at as i64;
            let place = self.bytes.get_mut(call.at..call.at + 4).ok_or_else(far)?;
            match call.kind {
                Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => {
                    place.copy_from_slice(&i32::try_from(distance).map_err(|_| far())?.to_le_bytes());
                }
                Reloc::Arm64Call => {
                    let words = i32::try_from(distance >> 2).map_err(|_| far())?;
                    if !(-(1 << 25)..1 << 25).contains(&words) {
                        return Err(far());
                    }
                    let old = u32::from_le_bytes([place[0], place[1], place[2], place[3]]);
                    let new = old & 0xfc00_0000 | words.cast_unsigned() & 0x03ff_ffff;
                    place.copy_from_slice(&new.to_le_bytes());
                }
                other => return Err(NativeError::Generator(format!("a relocation of kind {other:?}"))),
            }
        }
        Ok(())
    }
}

/// The function of the program that a relocation is for; `None` for anything else.
fn callee(function: &ir::Function, relocation: &cranelift_codegen::FinalizedMachReloc) -> Option<usize> {
    match &relocation.target {
        cranelift_codegen::FinalizedRelocTarget::ExternalName(ir::ExternalName::User(name)) => {
            let name = function.params.user_named_funcs().get(*name)?;
            Some(name.index as usize)
        }
        _ => None,
    }
}
