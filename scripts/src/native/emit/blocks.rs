//! Blocks that are a few instructions, written out as such. The Rust version of each is its oracle: tests run both over
//! the same histories and compare all bytes of the state.

use super::{Address, Emitter, Operand};
use crate::{
    hir::{ExprId, ExprKind},
    native::context::at,
};
use cranelift_codegen::ir::{
    InstBuilder, Value as Ssa,
    condcodes::{FloatCC, IntCC},
    types,
};
use sensai_model::Value;
use sensai_stdlib::{
    control::{hysteresis, ramp},
    counters, edges,
    registry::{BlockType, Method, Pin},
    time::ns_from_seconds,
    timers::fields as timer,
};

/// True for a pin that is read by a load or two.
pub(super) fn pin_is_plain(of: &BlockType, pin: &Pin) -> bool {
    matches!(
        (of.name, pin.name),
        ("TON" | "TOF" | "TP", "Q" | "IN" | "ERR")
            | ("R_TRIG" | "F_TRIG", "Q" | "CLK")
            | ("SR" | "RS", "Q1")
            | ("CTU" | "CTD" | "CTUD", _)
            | ("HYSTERESIS", "Q" | "ERR")
            | ("RAMP", _)
    )
}

/// The four flags of a timer as one word, with `ERR` in its highest byte.
const FLAG_INPUT: i64 = 1;
const FLAG_RUNNING: i64 = 1 << 8;
const FLAG_KNOWN: i64 = 1 << 16;
const _: () = assert!(
    timer::INPUT.is_multiple_of(4)
        && timer::RUNNING == timer::INPUT + 1
        && timer::KNOWN == timer::INPUT + 2
        && timer::ERR == timer::INPUT + 3
);

/// Which of the three timers.
#[derive(Clone, Copy, PartialEq)]
enum Timer {
    On,
    Off,
    Pulse,
}

impl Emitter<'_, '_> {
    /// `None`: it is to be called.
    pub(super) fn method_in_place(
        &mut self,
        of: &BlockType,
        method: &Method,
        block: Address,
        arguments: &[ExprId],
        values: &[Ssa],
    ) -> Option<Operand> {
        if method.name != "run" {
            return None;
        }
        match (of.name, values) {
            ("TON", [input, preset]) => self.timer(Timer::On, block, *input, (*arguments.get(1)?, *preset)),
            ("TOF", [input, preset]) => self.timer(Timer::Off, block, *input, (*arguments.get(1)?, *preset)),
            ("TP", [input, preset]) => self.timer(Timer::Pulse, block, *input, (*arguments.get(1)?, *preset)),
            ("CTU", [up, reset, preset]) => {
                let counted = self.rising(block.plus(counters::fields::UP), *up);
                let value = self.counted(block, counted, None);
                let zero = self.b.ins().iconst(types::I64, 0);
                self.count_to(block, value, &[(*reset, zero)], *preset);
            }
            ("CTD", [down, load, preset]) => {
                let counted = self.rising(block.plus(counters::fields::UP), *down);
                let value = self.counted_down(block, counted);
                self.count_to(block, value, &[(*load, *preset)], *preset);
            }
            ("CTUD", [up, down, reset, load, preset]) => {
                let up = self.rising(block.plus(counters::fields::UP), *up);
                let down = self.rising(block.plus(counters::fields::DOWN), *down);
                let value = self.counted(block, up, Some(down));
                let zero = self.b.ins().iconst(types::I64, 0);
                self.count_to(block, value, &[(*load, *preset), (*reset, zero)], *preset);
            }
            ("R_TRIG", [clock]) => {
                self.rising(block, *clock);
            }
            ("F_TRIG", [clock]) => {
                let before = self.flag(block.plus(edges::fields::CLK));
                let fell = self.b.ins().band_not(before, *clock);
                self.store_bits(fell, block.plus(edges::fields::Q), true);
                self.store_bits(*clock, block.plus(edges::fields::CLK), true);
            }
            ("SR", [set, reset]) => {
                let before = self.flag(block);
                let kept = self.b.ins().band_not(before, *reset);
                let bit = self.b.ins().bor(*set, kept);
                self.store_bits(bit, block, true);
            }
            ("RS", [set, reset]) => {
                let before = self.flag(block);
                let wanted = self.b.ins().bor(*set, before);
                let bit = self.b.ins().band_not(wanted, *reset);
                self.store_bits(bit, block, true);
            }
            ("HYSTERESIS", [input]) => return Some(Operand::Scalar(self.hysteresis(block, *input))),
            ("RAMP", [input]) => return Some(Operand::Scalar(self.ramp(block, *input))),
            _ => return None,
        }
        Some(Operand::Unit)
    }

    /// `None`: it is to be called.
    pub(super) fn pin_in_place(&mut self, of: &BlockType, pin: &Pin, block: Address) -> Option<Ssa> {
        Some(match (of.name, pin.name) {
            ("TON" | "TOF" | "TP", "IN") => self.flag(block.plus(timer::INPUT)),
            ("TON" | "TOF" | "TP", "ERR") => self.flag(block.plus(timer::ERR)),
            ("TON" | "TOF" | "TP", "PT") => self.seconds_at(block.plus(timer::PT_NS)),
            ("TON" | "TOF" | "TP", "ET") => self.seconds_at(block.plus(timer::ET_NS)),
            ("TON", "Q") => {
                let (input, running) = self.timer_flags(block);
                self.b.ins().band_not(input, running)
            }
            ("TOF", "Q") => {
                let (input, running) = self.timer_flags(block);
                self.b.ins().bor(input, running)
            }
            ("TP", "Q") => self.flag(block.plus(timer::RUNNING)),
            ("R_TRIG" | "F_TRIG", "Q") => self.flag(block.plus(edges::fields::Q)),
            ("R_TRIG" | "F_TRIG", "CLK") => self.flag(block.plus(edges::fields::CLK)),
            ("SR" | "RS", "Q1") => self.flag(block),
            ("CTU" | "CTD" | "CTUD", "CV") => self.integer_at(block.plus(counters::fields::CV)),
            ("CTU" | "CTD" | "CTUD", "PV") => self.integer_at(block.plus(counters::fields::PV)),
            ("CTU", "Q") | ("CTUD", "QU") => {
                let value = self.integer_at(block.plus(counters::fields::CV));
                let preset = self.integer_at(block.plus(counters::fields::PV));
                self.b.ins().icmp(IntCC::SignedGreaterThanOrEqual, value, preset)
            }
            ("CTD", "Q") | ("CTUD", "QD") => {
                let value = self.integer_at(block.plus(counters::fields::CV));
                self.b.ins().icmp_imm(IntCC::SignedLessThanOrEqual, value, 0)
            }
            ("HYSTERESIS", "Q") => self.flag(block.plus(hysteresis::fields::Q)),
            ("HYSTERESIS", "ERR") => self.flag(block.plus(hysteresis::fields::ERR)),
            ("RAMP", "DONE") => self.flag(block.plus(ramp::fields::DONE)),
            ("RAMP", "ERR") => self.flag(block.plus(ramp::fields::ERR)),
            ("RAMP", "OUT") => self.load_bits(types::F64, block.plus(ramp::fields::OUT), true),
            _ => return None,
        })
    }

    /// A `Flag`: every byte but 0 is true.
    fn flag(&mut self, address: Address) -> Ssa {
        let byte = self.load_bits(types::I8, address, true);
        if self.is_bit(byte) {
            return byte;
        }
        self.b.ins().icmp_imm(IntCC::NotEqual, byte, 0)
    }

    fn integer_at(&mut self, address: Address) -> Ssa {
        self.load_bits(types::I64, address, true)
    }

    fn seconds_at(&mut self, address: Address) -> Ssa {
        let ns = self.integer_at(address);
        self.seconds(ns)
    }

    fn timer_flags(&mut self, block: Address) -> (Ssa, Ssa) {
        (self.flag(block.plus(timer::INPUT)), self.flag(block.plus(timer::RUNNING)))
    }

    /// The preset time of this call is taken over; gives it in nanoseconds.
    fn preset(&mut self, block: Address, (given, value): (ExprId, Ssa)) -> Ssa {
        let known = match self.expr_of(given).kind {
            ExprKind::Literal(Value::F64(seconds)) => ns_from_seconds(seconds),
            _ => None,
        };
        let one = self.b.ins().iconst(types::I8, 1);
        let (preset, err, known) = match known {
            Some(ns) => {
                let preset = self.b.ins().iconst(types::I64, ns.max(0));
                (preset, self.b.ins().iconst(types::I8, 0), one)
            }
            None => {
                let (ns, odd) = self.nanoseconds(value);
                let zero = self.b.ins().iconst(types::I64, 0);
                let ns = self.b.ins().smax(ns, zero);
                let byte = self.load_bits(types::I8, block.plus(timer::KNOWN), true);
                let old = self.integer_at(block.plus(timer::PT_NS));
                let never = self.b.ins().iconst(types::I64, i64::MAX);
                let was_known = self.b.ins().icmp_imm(IntCC::NotEqual, byte, 0);
                let kept = self.b.ins().select(was_known, old, never);
                let preset = self.b.ins().select(odd, kept, ns);
                (preset, odd, self.b.ins().select(odd, byte, one))
            }
        };
        self.store_bits(err, block.plus(timer::ERR), true);
        self.store_bits(known, block.plus(timer::KNOWN), true);
        self.store_bits(preset, block.plus(timer::PT_NS), true);
        preset
    }

    fn timer(&mut self, kind: Timer, block: Address, input: Ssa, preset: (ExprId, Ssa)) {
        if let (Timer::On, ExprKind::Literal(Value::F64(seconds))) = (kind, &self.expr_of(preset.0).kind)
            && let Some(ns) = ns_from_seconds(*seconds)
        {
            return self.on_delay(block, input, ns.max(0));
        }
        let preset = self.preset(block, preset);
        let elapsed = self.integer_at(block.plus(timer::ET_NS));
        let elapsed = self.b.ins().smin(elapsed, preset);
        let (before, running) = self.timer_flags(block);
        // Time that passes, if it runs.
        let step = self.b.ins().load(types::I64, super::constant_flags(), self.context, at::STEP_NS);
        let sum = self.b.ins().iadd(elapsed, step);
        let wrapped = self.b.ins().icmp(IntCC::SignedLessThan, sum, elapsed);
        let capped = self.b.ins().smin(sum, preset);
        let passed = self.b.ins().select(wrapped, preset, capped);
        let passed = self.b.ins().select(running, passed, elapsed);
        let short = self.b.ins().icmp(IntCC::SignedLessThan, passed, preset);
        let on = self.b.ins().band(running, short);
        let some = self.b.ins().icmp_imm(IntCC::SignedGreaterThan, preset, 0);
        let zero = self.b.ins().iconst(types::I64, 0);
        let (elapsed, running) = match kind {
            Timer::On => {
                let going = self.b.ins().band(input, before);
                let starts = self.b.ins().select(before, on, some);
                (self.b.ins().select(going, passed, zero), self.b.ins().band(input, starts))
            }
            Timer::Off => {
                let any = self.b.ins().bor(input, before);
                let starts = self.b.ins().select(before, some, on);
                (self.b.ins().select(any, zero, passed), self.b.ins().band_not(starts, input))
            }
            Timer::Pulse => {
                let rose = self.b.ins().band_not(input, before);
                let start = self.b.ins().band_not(rose, on);
                let idle = self.b.ins().bor(on, input);
                let stop = self.b.ins().bxor_imm(idle, 1);
                let clear = self.b.ins().bor(start, stop);
                (self.b.ins().select(clear, zero, passed), self.b.ins().select(start, some, on))
            }
        };
        self.store_bits(elapsed, block.plus(timer::ET_NS), true);
        self.store_bits(running, block.plus(timer::RUNNING), true);
        self.store_bits(input, block.plus(timer::INPUT), true);
    }

    /// TON with a preset time that is known. Most of them stand still in most cycles, so it branches.
    fn on_delay(&mut self, block: Address, input: Ssa, preset: i64) {
        let known = self.known.clone();
        let [on, kept, pass, join] = std::array::from_fn(|_| self.b.create_block());
        let (elapsed, flags, running) = (
            self.b.append_block_param(join, types::I64),
            self.b.append_block_param(join, types::I32),
            self.b.append_block_param(join, types::I8),
        );
        let (none, zero) = (self.b.ins().iconst(types::I8, 0), self.b.ins().iconst(types::I64, 0));
        let off = self.b.ins().iconst(types::I32, FLAG_KNOWN);
        self.b.ins().brif(input, on, &[], join, &[zero.into(), off.into(), none.into()]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        let before = self.flag(block.plus(timer::INPUT));
        let starts = i64::from(preset > 0);
        let rose = self.b.ins().iconst(types::I32, FLAG_KNOWN | FLAG_INPUT | (FLAG_RUNNING * starts));
        let starts = self.b.ins().iconst(types::I8, starts);
        self.b.ins().brif(before, kept, &[], join, &[zero.into(), rose.into(), starts.into()]);
        self.b.seal_block(kept);
        self.b.switch_to_block(kept);
        let was_running = self.flag(block.plus(timer::RUNNING));
        let old = self.integer_at(block.plus(timer::ET_NS));
        let end = self.b.ins().iconst(types::I64, preset);
        let old = self.b.ins().smin(old, end);
        let rests = self.b.ins().iconst(types::I32, FLAG_KNOWN | FLAG_INPUT);
        self.b.ins().brif(was_running, pass, &[], join, &[old.into(), rests.into(), none.into()]);
        self.b.seal_block(pass);
        self.b.switch_to_block(pass);
        let step = self.b.ins().load(types::I64, super::constant_flags(), self.context, at::STEP_NS);
        // What is left is not negative, and fits a number without a sign whatever the state holds.
        let left = self.b.ins().isub(end, old);
        let short = self.b.ins().icmp(IntCC::UnsignedLessThan, step, left);
        let sum = self.b.ins().iadd(old, step);
        let passed = self.b.ins().select(short, sum, end);
        let wide = self.b.ins().uextend(types::I32, short);
        let shifted = self.b.ins().ishl_imm(wide, i64::from(FLAG_RUNNING.trailing_zeros()));
        let on = self.b.ins().bor_imm(shifted, FLAG_KNOWN | FLAG_INPUT);
        self.b.ins().jump(join, &[passed.into(), on.into(), short.into()]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        self.known = known;
        self.bits.insert(running);
        let preset = self.b.ins().iconst(types::I64, preset);
        self.store_bits(preset, block.plus(timer::PT_NS), true);
        self.store_bits(elapsed, block.plus(timer::ET_NS), true);
        self.store_bits(flags, block.plus(timer::INPUT), true);
        self.remember(types::I8, block.plus(timer::INPUT), input);
        self.remember(types::I8, block.plus(timer::RUNNING), running);
    }

    /// R_TRIG; gives its output.
    fn rising(&mut self, block: Address, clock: Ssa) -> Ssa {
        let before = self.flag(block.plus(edges::fields::CLK));
        let rose = self.b.ins().band_not(clock, before);
        self.store_bits(rose, block.plus(edges::fields::Q), true);
        self.store_bits(clock, block.plus(edges::fields::CLK), true);
        rose
    }

    /// The count, one up or down if that is so; edges both ways cancel.
    fn counted(&mut self, block: Address, up: Ssa, down: Option<Ssa>) -> Ssa {
        let (up, down) = match down {
            Some(down) => (self.b.ins().band_not(up, down), Some(self.b.ins().band_not(down, up))),
            None => (up, None),
        };
        let value = self.integer_at(block.plus(counters::fields::CV));
        let step = self.b.ins().uextend(types::I64, up);
        let sum = self.b.ins().iadd(value, step);
        let wrapped = self.b.ins().icmp(IntCC::SignedLessThan, sum, value);
        let raised = self.b.ins().select(wrapped, value, sum);
        match down {
            Some(down) => self.one_down(raised, down),
            None => raised,
        }
    }

    fn counted_down(&mut self, block: Address, down: Ssa) -> Ssa {
        let value = self.integer_at(block.plus(counters::fields::CV));
        self.one_down(value, down)
    }

    fn one_down(&mut self, value: Ssa, down: Ssa) -> Ssa {
        let step = self.b.ins().uextend(types::I64, down);
        let difference = self.b.ins().isub(value, step);
        let wrapped = self.b.ins().icmp(IntCC::SignedGreaterThan, difference, value);
        self.b.ins().select(wrapped, value, difference)
    }

    /// Store the count, unless inputs say another; the last one wins.
    fn count_to(&mut self, block: Address, mut value: Ssa, instead: &[(Ssa, Ssa)], preset: Ssa) {
        for (input, other) in instead {
            value = self.b.ins().select(*input, *other, value);
        }
        self.store_bits(value, block.plus(counters::fields::CV), true);
        self.store_bits(preset, block.plus(counters::fields::PV), true);
    }

    /// True for a number that is neither NaN nor infinite.
    fn is_finite(&mut self, value: Ssa) -> Ssa {
        let size = self.b.ins().fabs(value);
        let end = self.b.ins().f64const(f64::INFINITY);
        self.b.ins().fcmp(FloatCC::LessThan, size, end)
    }

    fn hysteresis(&mut self, block: Address, input: Ssa) -> Ssa {
        use hysteresis::fields::{ERR, HIGH, LOW, Q};
        let finite = self.is_finite(input);
        let err = self.b.ins().bxor_imm(finite, 1);
        self.store_bits(err, block.plus(ERR), true);
        let low = self.load_bits(types::F64, block.plus(LOW), true);
        let high = self.load_bits(types::F64, block.plus(HIGH), true);
        let byte = self.load_bits(types::I8, block.plus(Q), true);
        let before = self.b.ins().icmp_imm(IntCC::NotEqual, byte, 0);
        let above = self.b.ins().fcmp(FloatCC::GreaterThan, input, high);
        let from_low = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, input, low);
        let kept = self.b.ins().band(from_low, before);
        let on = self.b.ins().bor(above, kept);
        let byte = self.b.ins().select(finite, on, byte);
        self.store_bits(byte, block.plus(Q), true);
        self.b.ins().icmp_imm(IntCC::NotEqual, byte, 0)
    }

    fn ramp(&mut self, block: Address, input: Ssa) -> Ssa {
        use ramp::fields::{DONE, DOWN, ERR, OUT, UP};
        let finite = self.is_finite(input);
        let err = self.b.ins().bxor_imm(finite, 1);
        self.store_bits(err, block.plus(ERR), true);
        let step = self.b.ins().load(types::F64, super::constant_flags(), self.context, at::STEP_S);
        let out = self.load_bits(types::F64, block.plus(OUT), true);
        let up = self.load_bits(types::F64, block.plus(UP), true);
        let down = self.load_bits(types::F64, block.plus(DOWN), true);
        let (down, up) = (self.b.ins().fmul(down, step), self.b.ins().fmul(up, step));
        let (lowest, highest) = (self.b.ins().fsub(out, down), self.b.ins().fadd(out, up));
        let above = self.b.ins().fcmp(FloatCC::GreaterThan, input, highest);
        let below = self.b.ins().fcmp(FloatCC::LessThan, input, lowest);
        let limited = self.b.ins().select(above, highest, input);
        let limited = self.b.ins().select(below, lowest, limited);
        let done = self.b.ins().fcmp(FloatCC::Equal, limited, input);
        let was = self.load_bits(types::I8, block.plus(DONE), true);
        let done = self.b.ins().select(finite, done, was);
        let out = self.b.ins().select(finite, limited, out);
        self.store_bits(done, block.plus(DONE), true);
        self.store_bits(out, block.plus(OUT), true);
        out
    }
}
