//! The mistakes: condition codes, missing checks, proofs that are none, operands, shifts, offsets, stale values, lost
//! writes and roll backs, fuel.

use super::Mutant;

const fn mutant(name: &'static str, file: &'static str, text: &'static str) -> Mutant {
    Mutant { name, file, text, equivalent: None }
}

/// Every mistake, by the file that it is made in.
pub const MUTANTS: &[Mutant] = &[
    mutant(
        "assignments change nothing",
        "native/effects.rs",
        "StatementKind::Assign { place, .. } => effects.memory = «seen(&place.root)¦false»,",
    ),
    mutant(
        "writes of tags change nothing",
        "native/effects.rs",
        "StatementKind::AssignTag { .. } => effects.tags = «true¦false»,",
    ),
    mutant("calls write no tags", "native/effects.rs", "effects.tags = «callee.tags¦false»;"),
    mutant(
        "calls change no memory",
        "native/effects.rs",
        "effects.memory = «callee.memory && seen(&place.root)¦false»;",
    ),
    mutant(
        "padding is what was there before",
        "native/emit/aggregates.rs",
        "self.clear(«field.offset - end¦(field.offset - end).min(0)», to.plus(end));",
    ),
    mutant(
        "what is assigned is made over what it is made from",
        "native/emit/aggregates.rs",
        "if «self.is_apart(id)¦true» {\n            self.expr_into",
    ),
    mutant(
        "`array()` stops one element early",
        "native/emit/aggregates.rs",
        "let end = self.b.ins().iadd_imm(start, «i64::from(len) * i64::from(stride)¦i64::from(len - 1) * i64::from(stride)»);",
    ),
    mutant(
        "the smallest integer is negated without a fault",
        "native/emit/arithmetic.rs",
        "let smallest = self.b.ins().icmp_imm(IntCC::Equal, value, «i64::MIN¦i64::MAX»);",
    ),
    mutant(
        "`!` does nothing",
        "native/emit/arithmetic.rs",
        "(UnaryOperator::Not, _) => «self.b.ins().bxor_imm(value, 1)¦value»,",
    ),
    mutant(
        "bools are equal when they differ",
        "native/emit/arithmetic.rs",
        "BinaryOperator::Equal => self.b.ins().icmp(«IntCC::Equal¦IntCC::NotEqual», left, right),",
    ),
    mutant(
        "`!=` of texts is `==`",
        "native/emit/arithmetic.rs",
        "BinaryOperator::NotEqual => «self.b.ins().bxor_imm(same, 1)¦same»,",
    ),
    mutant(
        "`<` of floats is `<=`",
        "native/emit/arithmetic.rs",
        "BinaryOperator::Less => compare(self, «FloatCC::LessThan¦FloatCC::LessThanOrEqual»),",
    ),
    mutant(
        "NaN is not unequal to itself",
        "native/emit/arithmetic.rs",
        "BinaryOperator::NotEqual => compare(self, «FloatCC::NotEqual¦FloatCC::OrderedNotEqual»),",
    ),
    mutant(
        "NaN is at least everything",
        "native/emit/arithmetic.rs",
        "_ => compare(self, «FloatCC::GreaterThanOrEqual¦FloatCC::UnorderedOrGreaterThanOrEqual»),",
    ),
    mutant(
        "floats are subtracted the other way",
        "native/emit/arithmetic.rs",
        "BinaryOperator::Subtract => «self.b.ins().fsub(left, right)¦self.b.ins().fsub(right, left)»,",
    ),
    mutant(
        "the remainder of floats is the other way",
        "native/emit/arithmetic.rs",
        "«self.float_shim(Shim::Remainder, &[left, right])¦self.float_shim(Shim::Remainder, &[right, left])»,",
    ),
    mutant(
        "`<=` of integers has no sign",
        "native/emit/arithmetic.rs",
        "BinaryOperator::LessOrEqual => compare(self, «IntCC::SignedLessThanOrEqual¦IntCC::UnsignedLessThanOrEqual»),",
    ),
    mutant(
        "`>` of integers is `>=`",
        "native/emit/arithmetic.rs",
        "BinaryOperator::Greater => compare(self, «IntCC::SignedGreaterThan¦IntCC::SignedGreaterThanOrEqual»),",
    ),
    mutant(
        "sums of variables do not overflow",
        "native/emit/arithmetic.rs",
        "let (sum, bad) = self.b.ins().sadd_overflow(left, right);\n        «self.overflows(operation, bad, left, right);¦»",
    ),
    mutant(
        "sums with a known number overflow on the other side",
        "native/emit/arithmetic.rs",
        "let how = if «number < 0¦number > 0» { IntCC::SignedGreaterThan } else",
    ),
    mutant(
        "differences overflow as if without sign",
        "native/emit/arithmetic.rs",
        "let (difference, bad) = «self.b.ins().ssub_overflow(left, right)¦self.b.ins().usub_overflow(left, right)»;",
    ),
    mutant(
        "products overflow as if without sign",
        "native/emit/arithmetic.rs",
        "let (product, bad) = «self.b.ins().smul_overflow(left, right)¦self.b.ins().umul_overflow(left, right)»;",
    ),
    mutant(
        "a divisor that is known to be zero is harmless",
        "native/emit/arithmetic.rs",
        "is_some_and(|(low, high)| «low > 0 || high < -1¦low >= 0 || high < -1»);",
    ),
    mutant(
        "zero is no special divisor",
        "native/emit/arithmetic.rs",
        "let special = self.b.ins().icmp_imm(IntCC::UnsignedLessThanOrEqual, raised, «1¦0»);",
    ),
    mutant(
        "the remainder by minus one is the dividend",
        "native/emit/arithmetic.rs",
        "true => «self.b.ins().iconst(types::I64, 0)¦left»,\n            false => self.b.ins().ineg(left),",
    ),
    mutant(
        "the smallest integer by minus one is no fault",
        "native/emit/arithmetic.rs",
        "let smallest = self.b.ins().icmp_imm(IntCC::Equal, left, «i64::MIN¦i64::MAX»);",
    ),
    mutant(
        "a power of zero is zero",
        "native/emit/arithmetic.rs",
        "Some(0) => return self.b.ins().iconst(types::I64, «1¦0»),",
    ),
    mutant(
        "a power with exponent zero is out of range",
        "native/emit/arithmetic.rs",
        "let negative = self.b.ins().icmp_imm(«IntCC::SignedLessThan¦IntCC::SignedLessThanOrEqual», exponent, 0);",
    ),
    mutant(
        "64 is no far shift",
        "native/emit/arithmetic.rs",
        "let far = self.b.ins().icmp_imm(«IntCC::UnsignedGreaterThanOrEqual¦IntCC::UnsignedGreaterThan», distance, 64);",
    ),
    mutant(
        "negative shifts to the right go to the right",
        "native/emit/arithmetic.rs",
        "false => «self.b.ins().select(negative, up, down)¦self.b.ins().select(negative, down, up)»,",
    ),
    mutant(
        "the range of a remainder is one too small",
        "native/emit/arithmetic.rs",
        "Some((if negative { «-most¦0» } else { 0 }, most))",
    ),
    mutant(
        "the right side of `||` is not asked",
        "native/emit/arithmetic.rs",
        "false => «self.b.ins().brif(first, done, &[first.into()], more, &[])¦self.b.ins().brif(first, more, &[], done, &[first.into()])»,",
    ),
    mutant(
        "sums that are not proven are not checked",
        "native/emit/arithmetic.rs",
        "if «!self.unit.checks || operation.proven || operation.fits(|a, b| a + b)¦true» {",
    ),
    mutant(
        "differences that are not proven are not checked",
        "native/emit/arithmetic.rs",
        "if «!self.unit.checks || operation.proven || operation.fits(|a, b| a - b)¦true» {",
    ),
    mutant(
        "products that are not proven are not checked",
        "native/emit/arithmetic.rs",
        "if «!self.unit.checks || operation.proven || operation.fits(|a, b| a * b)¦true» {",
    ),
    mutant(
        "divisions that are not proven are not checked",
        "native/emit/arithmetic.rs",
        "if «!operation.proven¦false» {",
    ),
    mutant(
        "negations that are not proven are not checked",
        "native/emit/arithmetic.rs",
        "if «can && !self.proven(Check::Operation(id))¦false» {",
    ),
    mutant(
        "assignments are proven by what they assign",
        "native/emit/arithmetic.rs",
        "proven: self.proven(«Check::Assignment(right)¦Check::Operation(right)»),",
    ),
    mutant(
        "an operator is proven by its left side",
        "native/emit/arithmetic.rs",
        "at: expr.at,\n            proven: self.proven(Check::Operation(«id¦left»)),",
    ),
    mutant(
        "exponents are never negative",
        "native/emit/arithmetic.rs",
        "if «operation.right.is_none_or(|(low, _)| low < 0)¦false» {",
    ),
    mutant(
        "powers do not overflow",
        "native/emit/arithmetic.rs",
        "if let Some(bad) = bad {\n            «self.overflows(operation, bad, base, exponent);¦»",
    ),
    mutant(
        "squares are checked without sign",
        "native/emit/arithmetic.rs",
        "let (next, bad) = «self.b.ins().smul_overflow(product, base)¦self.b.ins().umul_overflow(product, base)»;",
    ),
    mutant(
        "64 is within a word",
        "native/emit/arithmetic.rs",
        "&& (0..64).contains(&low)\n            && «high < 64¦high <= 64»",
    ),
    mutant(
        "any mask gives what is not negative",
        "native/emit/arithmetic.rs",
        "operation.right.and_then(Operation::single).filter(|mask| «*mask >= 0¦true»)?;",
    ),
    mutant(
        "remainders reach their divisor less two at most",
        "native/emit/arithmetic.rs",
        "filter(|most| *most > 0)? - «1¦2»;",
    ),
    mutant(
        "ranges of products are those of their lower ends",
        "native/emit/arithmetic.rs",
        "let high = «ends.iter().max().and_then(|high| i64::try_from(*high).ok())?¦low»;",
    ),
    mutant(
        "timers wrap",
        "native/emit/blocks.rs",
        "let passed = «self.b.ins().select(wrapped, preset, capped)¦capped»;",
    ),
    mutant(
        "TP can be started again while it runs",
        "native/emit/blocks.rs",
        "let start = «self.b.ins().band_not(rose, on)¦rose»;",
    ),
    mutant(
        "load wins over reset in CTUD",
        "native/emit/blocks.rs",
        "«self.count_to(block, value, &[(*load, *preset), (*reset, zero)], *preset);¦self.count_to(block, value, &[(*reset, zero), (*load, *preset)], *preset);»",
    ),
    mutant(
        "counters overflow",
        "native/emit/blocks.rs",
        "let raised = «self.b.ins().select(wrapped, value, sum)¦sum»;",
    ),
    mutant(
        "hysteresis lets go at its lower limit",
        "native/emit/blocks.rs",
        "let from_low = self.b.ins().fcmp(«FloatCC::GreaterThanOrEqual¦FloatCC::GreaterThan», input, low);",
    ),
    mutant(
        "on-delay timers start without an edge",
        "native/emit/blocks.rs",
        "let starts = self.b.ins().select(before, «on¦some», some);",
    ),
    mutant(
        "falling edges are rising ones",
        "native/emit/blocks.rs",
        "let fell = «self.b.ins().band_not(before, *clock)¦self.b.ins().band_not(*clock, before)»;",
    ),
    mutant(
        "RS is SR",
        "native/emit/blocks.rs",
        "let bit = «self.b.ins().band_not(wanted, *reset)¦self.b.ins().bor(wanted, *set)»;",
    ),
    mutant(
        "ramps go down as fast as up",
        "native/emit/blocks.rs",
        "let (down, up) = (self.b.ins().fmul(«down¦up», step), self.b.ins().fmul(up, step));",
    ),
    mutant(
        "a choice without branch takes the other one",
        "native/emit/branches.rs",
        "«self.b.ins().select(condition, yes, no)¦self.b.ins().select(condition, no, yes)»",
    ),
    mutant(
        "what one branch gives may change",
        "native/emit/branches.rs",
        "«meeting.stable &= memory.stable;¦meeting.stable |= memory.stable;»",
    ),
    mutant(
        "`!` in a condition is ignored",
        "native/emit/branches.rs",
        "«self.branch(operand, no, yes)¦self.branch(operand, yes, no)»",
    ),
    mutant(
        "arguments are not copied before a call that changes them",
        "native/emit/calls.rs",
        "effects.memory |= «changed.memory && !self.is_apart_from(*argument, receiver)¦false»;",
    ),
    mutant(
        "arguments are not copied before the next one changes them",
        "native/emit/calls.rs",
        "effects.memory |= «self.effects_of(*next).memory¦false»;",
    ),
    Mutant {
        name: "what a method does to a scalar variable is lost",
        file: "native/emit/calls.rs",
        text: "let value = self.load_bits(ty, room, true);\n            «self.b.def_var(variable, value);¦»",
        equivalent: Some("a scalar has no parts, and the front end refuses to assign to `this` as a whole"),
    },
    mutant(
        "a failed call goes on",
        "native/emit/calls.rs",
        "let failed = self.b.ins().icmp_imm(IntCC::SignedLessThan, left, «0¦-1»);",
    ),
    Mutant {
        name: "blocks are given any NaN",
        file: "native/emit/calls.rs",
        text: "given.push(«self.canonical(*value)¦*value»);",
        equivalent: Some("every block holds its outputs while an input is no number, so that none keeps one"),
    },
    mutant(
        "functions that are called refuse nothing",
        "native/emit/calls.rs",
        "if «super::library::can_refuse(function) && !self.proven(Check::Operation(id))¦false» {",
    ),
    mutant(
        "methods refuse nothing",
        "native/emit/calls.rs",
        "if «!self.proven(Check::Operation(id))¦false» {\n            let mut operands",
    ),
    mutant(
        "infinity is an argument of axes",
        "native/emit/host.rs",
        "let good = self.b.ins().fcmp(«FloatCC::LessThan¦FloatCC::LessThanOrEqual», size, end);",
    ),
    mutant(
        "`sys.time` is the cycle",
        "native/emit/host.rs",
        "SysFact::Time => self.fact(types::I64, «at::TIME_NS¦at::CYCLE»),",
    ),
    mutant(
        "a full list of requests is no fault",
        "native/emit/host.rs",
        "«self.fail_if(full, at, SiteKind::RequestsFull, &[]);¦let _ = full;»\n        }\n        Operand::Unit",
    ),
    mutant(
        "clamp does not refuse crossed integers",
        "native/emit/library.rs",
        "let crossed = «self.b.ins().icmp(IntCC::SignedGreaterThan, *low, *high)¦self.b.ins().icmp_imm(IntCC::SignedGreaterThan, *low, i64::MAX)»;",
    ),
    mutant(
        "to_int takes what is one too large",
        "native/emit/library.rs",
        "let to = self.b.ins().fcmp(«FloatCC::LessThan¦FloatCC::LessThanOrEqual», *x, high);",
    ),
    mutant(
        "min of floats is max",
        "native/emit/library.rs",
        "(\"min\", [a, b]) => «self.b.ins().fmin(*a, *b)¦self.b.ins().fmax(*a, *b)»,",
    ),
    mutant(
        "functions in place refuse nothing",
        "native/emit/library.rs",
        "if «!emitter.proven(Check::Operation(id))¦false» {",
    ),
    mutant(
        "the smallest integer has an absolute value",
        "native/emit/library.rs",
        "let smallest = self.b.ins().icmp_imm(IntCC::Equal, *x, «i64::MIN¦i64::MAX»);",
    ),
    mutant(
        "NaN has a sign",
        "native/emit/library.rs",
        "let odd = self.b.ins().fcmp(FloatCC::Unordered, *x, *x);\n                «refuse(self, odd);¦let _ = odd;»",
    ),
    mutant(
        "bytes beside each other are taken for each other's",
        "native/emit/known.rs",
        "«start < to && from < end¦start == from && from < end»",
    ),
    mutant(
        "what one path knows is known on all",
        "native/emit/known.rs",
        "«self.values.retain(|entry| other.values.contains(entry));¦»",
    ),
    mutant(
        "loops forget no tags",
        "native/emit/known.rs",
        "«self.values.retain(|(key, ..)| !matches!(key, Key::Tag(_)));¦»",
    ),
    mutant(
        "loops forget nothing of the state",
        "native/emit/known.rs",
        "for (from, to) in &touched.ranges {\n            «self.forget(*from, *to);¦let _ = (from, to);»",
    ),
    mutant(
        "a computed place changes nothing that is known",
        "native/emit/known.rs",
        "(Base::Pointer(_), Some((from, to))) => «self.known.forget(from, to)¦{ let _ = (from, to); }»,",
    ),
    mutant(
        "a method changes nothing that a loop knows",
        "native/emit/known.rs",
        "ExprKind::AxisProperty { handle: place, .. } => «self.touch_place(place, touched)¦{ let _ = place; }»,",
    ),
    mutant(
        "functions change no tags that are known",
        "native/emit/calls.rs",
        "«self.forget_tags(0, u32::MAX);¦»",
    ),
    mutant(
        "loops that are written out have one turn less",
        "native/emit/loops.rs",
        "for number in «first..end¦first..(end - 1).max(first + 1)» {",
    ),
    mutant(
        "a timer runs one step longer",
        "native/emit/blocks.rs",
        "icmp(«IntCC::UnsignedLessThan¦IntCC::UnsignedLessThanOrEqual», step, left);",
    ),
    mutant(
        "`..=` leaves the last number out",
        "native/emit/loops.rs",
        "let last = if inclusive { «present¦next» } else { next };",
    ),
    mutant(
        "an empty range runs once",
        "native/emit/loops.rs",
        "let how = if inclusive { IntCC::SignedLessThanOrEqual } else { «IntCC::SignedLessThan¦IntCC::SignedLessThanOrEqual» };",
    ),
    mutant(
        "counters of loops stand still",
        "native/emit/loops.rs",
        "let next = self.b.ins().iadd_imm(present, 1);\n            «self.b.def_var(turns, next);¦»",
    ),
    mutant("`until` is `while`", "native/emit/loops.rs", "let (yes, no) = if «until¦false» { (out, turn) }"),
    mutant(
        "a loop over an array sees what the loop changes",
        "native/emit/loops.rs",
        "let operand = «self.keep(operand, self.type_of(*array), changes)¦operand»;",
    ),
    mutant(
        "turns of loops ask for no fuel",
        "native/emit/loops.rs",
        "let left = self.b.use_var(fuel);\n        «self.out_of_fuel(left, at);¦»",
    ),
    mutant(
        "`continue` in `do` asks the condition",
        "native/emit/loops.rs",
        "let again = if condition.is_none() { ask } else { «turn¦ask» };",
    ),
    mutant(
        "ranges start one further",
        "native/emit/loops.rs",
        "«self.b.def_var(number, first);¦let one = self.b.ins().iadd_imm(first, 1); self.b.def_var(number, one);»",
    ),
    mutant(
        "NaN is stored as it is",
        "native/emit/memory.rs",
        "let result = «self.b.ins().select(odd, nan, value)¦value»;",
    ),
    mutant(
        "values are used where they lie, whatever changes them",
        "native/emit/memory.rs",
        "Operand::Memory(memory) if «!memory.stable && effects.memory¦!memory.stable && effects.memory && effects.blocks» =>",
    ),
    mutant(
        "long copies are one word short",
        "native/emit/memory.rs",
        "let bytes = self.b.ins().iconst(types::I64, «i64::from(bytes)¦i64::from(bytes) - 8»);\n            self.call_shim(Shim::Copy",
    ),
    mutant(
        "variables that change share the memory of what they were made from",
        "native/emit/memory.rs",
        "Operand::Memory(memory) if «!mutable && memory.stable¦memory.stable» &&",
    ),
    mutant(
        "what was stored into the state is not seen",
        "native/emit/memory.rs",
        "(_, true) => «MemFlags::trusted()¦constant_flags()»,",
    ),
    mutant(
        "work is given back",
        "native/emit/mod.rs",
        "let left = self.b.ins().iadd_imm(left, «-pending¦pending»);",
    ),
    mutant(
        "fuel may run out",
        "native/emit/mod.rs",
        "let empty = self.b.ins().icmp_imm(IntCC::SignedLessThan, left, «0¦i64::MIN»);",
    ),
    mutant(
        "indices that are negative are inside",
        "native/emit/places.rs",
        "let inside = self.b.ins().icmp_imm(«IntCC::UnsignedLessThan¦IntCC::SignedLessThan», value, elements);",
    ),
    Mutant {
        name: "one index behind the end is inside",
        file: "native/emit/places.rs",
        text: "let outside = self.b.ins().icmp_imm(«IntCC::UnsignedGreaterThanOrEqual¦IntCC::UnsignedGreaterThan», from_end, elements);",
        equivalent: Some("the sum is the number of elements for index 0 alone, which was inside already"),
    },
    mutant(
        "known indices count from one before the end",
        "native/emit/places.rs",
        "return Position::Known(«if low < 0 { low + elements } else { low }¦if low < -1 { low + elements - 1 } else { low.rem_euclid(elements) }» as u32);",
    ),
    mutant(
        "an index that can be one too large is not checked",
        "native/emit/places.rs",
        "if «low >= 0 && high < elements¦low >= 0 && high <= elements» {",
    ),
    mutant(
        "elements are a word shorter than they are",
        "native/emit/places.rs",
        "false => self.b.ins().imul_imm(position, «i64::from(stride)¦i64::from(stride) - 8»),",
    ),
    mutant(
        "an index that is proven counts from the start",
        "native/emit/places.rs",
        "self.proven(Check::Index(index)) && range.is_some_and(|(low, _)| «low >= 0¦low >= i64::MIN»)",
    ),
    mutant(
        "an index that is not negative needs no proof",
        "native/emit/places.rs",
        "if !self.unit.checks || «self.proven(Check::Index(index))¦true» &&",
    ),
    mutant(
        "a value is not copied before indices change it",
        "native/emit/statements.rs",
        "let operand = «self.keep(operand, &place.ty, effects)¦operand»;",
    ),
    mutant(
        "ranges of one number are empty",
        "native/emit/switch.rs",
        "Pattern::Range(low, high) if «low <= high¦low < high» =>",
    ),
    mutant(
        "a range ends one number earlier",
        "native/emit/switch.rs",
        "self.b.ins().icmp_imm(«IntCC::UnsignedLessThanOrEqual¦IntCC::UnsignedLessThan», from_low, high.wrapping_sub(low))",
    ),
    mutant(
        "guards of named values are not asked",
        "native/emit/switch.rs",
        "&& self.arms.get(*first).is_some_and(|arm| «arm.guard.is_none()¦true»)",
    ),
    mutant(
        "guards that do not hold leave the ranges out",
        "native/emit/switch.rs",
        "self.guards(arms, «other¦arms.default»);",
    ),
    mutant(
        "a guard that does not hold ends the search",
        "native/emit/switch.rs",
        "let next = self.b.create_block();\n                self.guard(arms, place, «next¦otherwise»);",
    ),
    mutant(
        "cases tell texts by their first word",
        "native/emit/symbols.rs",
        "let words = «(text.len() + 1).div_ceil(8)¦1»;",
    ),
    mutant(
        "texts are compared without their first word",
        "native/emit/symbols.rs",
        "for word in «0..WORDS¦1..WORDS» {",
    ),
    mutant(
        "a write leaves no mark",
        "native/emit/tags.rs",
        "let written = self.b.ins().iconst(types::I8, «1¦0»);",
    ),
    mutant(
        "tags lie in each other's slots",
        "native/emit/tags.rs",
        "let (slot, len) = tag.map_or((0, 1), |tag| («tag.slot¦tag.slot ^ 1», tag.len()));",
    ),
    mutant(
        "known floats fit every tag",
        "native/emit/tags.rs",
        "«number.is_finite() && low <= number && number <= high¦number.is_finite()»",
    ),
    mutant(
        "the largest value is out of range",
        "native/emit/tags.rs",
        "let outside = self.b.ins().icmp_imm(«IntCC::UnsignedGreaterThan¦IntCC::UnsignedGreaterThanOrEqual», from_low, span);",
    ),
    mutant(
        "integers saturate on one side only",
        "native/emit/tags.rs",
        "let value = «self.b.ins().smax(value, low)¦value»;\n                self.b.ins().smin(value, high)",
    ),
    mutant(
        "infinity is finite",
        "native/emit/tags.rs",
        "let good = self.b.ins().fcmp(«FloatCC::LessThan¦FloatCC::LessThanOrEqual», size, end);",
    ),
    mutant(
        "NaN is saturated",
        "native/emit/tags.rs",
        "if «(saturate && !proven) || !low.is_finite() || !high.is_finite()¦!low.is_finite() || !high.is_finite()» {",
    ),
    mutant(
        "a loop over a tag sees what the loop writes",
        "native/emit/tags.rs",
        "if «!changes¦true» {\n            return Some((from, len));",
    ),
    mutant(
        "the quality of an array is that of its first element",
        "native/emit/tags.rs",
        "if «place.index.is_some() || len == 1¦true» {",
    ),
    mutant(
        "what is stored into tags is always proven",
        "native/emit/tags.rs",
        "_ if «proven && !saturate¦!saturate» => value,",
    ),
    Mutant {
        name: "what is proven of a store is not limited",
        file: "native/emit/tags.rs",
        text: "_ if «proven && !saturate¦proven» => value,",
        equivalent: Some("a store is proven only if what is stored is inside of the range already"),
    },
    mutant(
        "a store is proven by the operation that it stores",
        "native/emit/tags.rs",
        "let proven = self.proven(«Check::Store(value)¦Check::Operation(value)»);",
    ),
    mutant(
        "what was stored into a tag is not seen",
        "native/emit/tags.rs",
        "let value = self.b.ins().load(ssa, «flags()¦constant_flags()», base, offset);",
    ),
    mutant(
        "qualities are marks of writes",
        "native/emit/tags.rs",
        "let address = self.slot_address(«at::VALID¦at::WRITTEN», &element, 1);",
    ),
    mutant(
        "a tag takes what is on one side of its range",
        "native/emit/tags.rs",
        "let good = «self.b.ins().band(from_low, to_high)¦self.b.ins().bor(from_low, to_high)»;",
    ),
    mutant(
        "a fault leaves its traces in the next run",
        "native/program.rs",
        "«self.other.copy_from_slice(&self.arena);¦»",
    ),
    mutant(
        "handles are not settled at the end of a run",
        "native/program.rs",
        "«handle.settle(context.ports, first);¦»",
    ),
    mutant(
        "a reset keeps the state",
        "native/program.rs",
        "fn reset(&mut self) {\n        «self.arena.copy_from_slice(&self.initial);¦»",
    ),
    mutant(
        "a handle may change its axis",
        "native/program.rs",
        "|at| «axis(&self.other, *at) == axis(&self.initial, *at)¦axis(&self.other, *at).is_some()»)",
    ),
    mutant(
        "the line behind the fault is reported",
        "native/program.rs",
        "site.map_or((0, 0), |site| («site.line¦site.line + 1», site.column));",
    ),
    mutant(
        "a fault keeps what the run changed",
        "native/program.rs",
        "fn end_failed(&mut self, dt_ns: i64) -> ProgramError {\n        «std::mem::swap(&mut self.arena, &mut self.other);¦»",
    ),
    mutant(
        "a restored bool may be any byte",
        "native/restore.rs",
        "_ => «return Err(Damage::no(\"bool\"))¦to.copy_from_slice(from)»,",
    ),
    mutant(
        "a restored state has any NaN",
        "native/restore.rs",
        "to.copy_from_slice(&«canonical(f64::from_bits(bits))¦f64::from_bits(bits)».to_bits().to_le_bytes());",
    ),
    mutant(
        "any byte is a text",
        "native/restore.rs",
        "«return Err(Damage { code: FaultCode::TooLarge, ..Damage::new(text) });¦let _ = (text, FaultCode::TooLarge);»",
    ),
    mutant(
        "an array is good if one element is",
        "native/shims.rs",
        "«qualities.iter().all(|good| *good).into()¦qualities.iter().any(|good| *good).into()»",
    ),
    Mutant {
        name: "a refused command changes its handle",
        file: "native/shims.rs",
        text: "if next.call(command(kind, a, b, direction), host.ports, host.first).is_err() {\n        «return 1;¦*handle = next; return 1;»",
        equivalent: Some("the run fails with it, and its state is dropped"),
    },
    mutant(
        "commands are numbered one further",
        "native/shims.rs",
        "7 => «AxisCommand::Halt¦AxisCommand::Stop»,",
    ),
    mutant(
        "what holds once holds always",
        "ranges/facts.rs",
        "«self.bit(expr, Self::works(site)) && !self.bit(expr, Self::fails(site))¦self.bit(expr, Self::works(site))»",
    ),
    mutant(
        "calls change nothing that is known",
        "ranges/flow/calls.rs",
        "«self.forget_changed_by(callee, receiver);¦»",
    ),
    mutant(
        "loops change nothing",
        "ranges/flow/loops.rs",
        "if «head.includes(&next)¦true» {\n                    break;",
    ),
    mutant(
        "the last number of a range is one more",
        "ranges/flow/loops.rs",
        "let last = if inclusive { Some(end.high()) } else { «end.high().checked_sub(1)¦end.high().checked_sub(2)» };",
    ),
    mutant(
        "what a branch leaves behind is what the first one does",
        "ranges/flow/mod.rs",
        "Some(points) => «points.join(&state)¦{ let _ = points; }»,",
    ),
    mutant(
        "an assignment leaves elements as they were",
        "ranges/flow/statements.rs",
        "«self.state.forget_elements_by(local, &self.analysis.paths);¦»\n        self.write(&Path::base",
    ),
    mutant(
        "zero is in no range of divisors",
        "ranges/int.rs",
        "let holds = «!divisor.contains(0) && !overflows¦!overflows»;",
    ),
    mutant(
        "quotients are proven by their size",
        "ranges/int.rs",
        "Checked { holds: «checked.holds && !divisor.contains(0)¦checked.holds», ..checked }",
    ),
    mutant(
        "masks bound both signs",
        "ranges/int.rs",
        "(false, true) => Self { low: 0, high: «other.high¦self.high.max(0).min(other.high)» },",
    ),
    mutant(
        "cells say the truth about their tags",
        "ranges/proof.rs",
        "Analysis::new(hir, environment, «Trust::Checked¦Trust::Declared»);",
    ),
];
