//! What `t` can do: its calls, as Rhai finds them.

use super::{
    language::TestFile,
    literal::{Literal, plain},
    session::{Done, FAILURES_MAX, Problem, Session},
};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext};
use std::{cell::RefCell, rc::Rc};

type Rhai<T> = Result<T, Box<EvalAltResult>>;

/// What `t` can do, as the reference has it: name, call, what it does.
pub const CALLS: &[(&str, &str, &str)] = &[
    ("set", "t.set(name, value)", "give an input, a memory tag, a parameter or a field of the state a value"),
    ("get", "t.get(name)", "the value that a name has now"),
    ("invalid", "t.invalid(name)", "an input is invalid, and shows what its tag says"),
    ("valid", "t.valid(name)", "it is valid again"),
    ("param", "t.param(name, value)", "set a parameter: `t.set` without `param.`"),
    ("advance", "t.advance(seconds)", "let time pass, in whole cycles of the program's task"),
    ("cycles", "t.cycles(n)", "run this many cycles"),
    (
        "wait_until",
        "t.wait_until(name, value, seconds)",
        "let time pass until it is so, at most this long; gives the time it took",
    ),
    ("wait_near", "t.wait_near(name, value, tolerance, seconds)", "the same for a number"),
    (
        "wait_fault",
        "t.wait_fault(name, seconds)",
        "let time pass until there is this fault, at most this long",
    ),
    ("stays", "t.stays(name, value, seconds)", "let time pass; it is so in every cycle"),
    ("expect", "t.expect(name, value)", "it is so now; `t.expect(#{ … })` for several at once"),
    ("expect_near", "t.expect_near(name, value, tolerance)", "the same for a number"),
    ("expect_state", "t.expect_state(name, value)", "`t.expect` for a field of the program's state"),
    (
        "expect_fault",
        "t.expect_fault(name)",
        "there is this fault: the name that the program gave it, or a code",
    ),
    ("expect_no_fault", "t.expect_no_fault()", "there is none"),
    ("check", "t.check(condition, text)", "something that the test has worked out itself"),
    ("reset", "t.reset()", "acknowledge a fault and start again, warm"),
    ("restart", "t.restart()", "start again cold: only then `retain` is as new"),
    ("unit", "t.unit(state)", "put the program's unit into this state"),
    ("mode", "t.mode(mode)", "put the program's unit into this mode"),
    ("command", "t.command(command)", "an operator's command to the program's unit"),
    (
        "model",
        "t.model(name, score)",
        "a result of a model; `t.model(name, score, [values])` with its outputs",
    ),
    ("model_miss", "t.model_miss(name)", "the run of a model ends without a result"),
    ("turn", "t.turn(axis, position)", "turn the shaft of an axis to a position, as a hand would"),
    ("jam", "t.jam(axis)", "the shaft does not turn any more"),
    ("free", "t.free(axis)", "it turns again"),
    ("trip", "t.trip(axis, code)", "the drive of an axis is in fault, with this error code"),
    ("time", "t.time()", "seconds since the test began"),
];

/// `t`.
#[derive(Clone)]
pub struct Handle {
    /// The test that it is for.
    pub session: Rc<RefCell<Session>>,
    /// The file that the test is in.
    pub file: Rc<TestFile>,
}

impl Handle {
    /// One call of `t` at its place. What failed goes down; whether the test goes on, the problem says.
    fn call<T: Default>(
        &self,
        context: &NativeCallContext<'_>,
        act: impl FnOnce(&mut Session) -> Done<T>,
    ) -> Rhai<T> {
        let at = context.call_position();
        let session = &mut *self.session.borrow_mut();
        session.last_call = at;
        let done = act(session);
        if session.stand.fault().is_some() && session.fault_at.is_none() {
            session.fault_at = Some(at);
        }
        match done {
            Ok(value) => Ok(value),
            Err(Problem { code, message, help, ends }) => {
                session.findings.push(self.file.finding(code, at, message, help));
                if ends || session.findings.len() >= FAILURES_MAX {
                    return Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, at).into());
                }
                Ok(T::default())
            }
        }
    }
}

/// Teach an engine `t`.
pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Handle>("t");
    register_values(engine);
    register_time(engine);
    register_expectations(engine);
    register_surroundings(engine);
}

/// A value as a test writes it, or the call ends the test.
fn literal(value: &Dynamic) -> Done<Literal> {
    Literal::of(value)
}

/// Seconds and other numbers that are f64.
fn float(what: &str, value: &Dynamic) -> Done<f64> {
    if let Ok(number) = value.as_float() {
        return Ok(number);
    }
    match value.as_int() {
        Ok(number) => {
            Err(Problem::misuse(format!("{what} is f64, got {number}"), format!("write {number}.0")))
        }
        Err(_) => Err(Problem::misuse(
            format!("{what} is f64, got a {}", plain(value)),
            "write a number such as 0.5",
        )),
    }
}

fn register_values(engine: &mut Engine) {
    type Text = ImmutableString;
    engine.register_fn(
        "set",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text, value: Dynamic| -> Rhai<()> {
            t.call(&context, |session| session.set(&name, &literal(&value)?))
        },
    );
    engine.register_fn(
        "get",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text| -> Rhai<Dynamic> {
            t.call(&context, |session| Ok(session.get(&name)?.to_dynamic()))
        },
    );
    engine.register_fn(
        "param",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text, value: Dynamic| -> Rhai<()> {
            t.call(&context, |session| session.set(&format!("param.{name}"), &literal(&value)?))
        },
    );
    for (word, valid) in [("invalid", false), ("valid", true)] {
        engine.register_fn(
            word,
            move |context: NativeCallContext<'_>, t: &mut Handle, name: Text| -> Rhai<()> {
                t.call(&context, |session| session.quality(&name, valid))
            },
        );
    }
}

fn register_time(engine: &mut Engine) {
    type Text = ImmutableString;
    engine.register_fn(
        "advance",
        |context: NativeCallContext<'_>, t: &mut Handle, seconds: Dynamic| -> Rhai<()> {
            t.call(&context, |session| session.advance(float("a time in seconds", &seconds)?))
        },
    );
    engine.register_fn("cycles", |context: NativeCallContext<'_>, t: &mut Handle, count: i64| -> Rhai<()> {
        t.call(&context, |session| {
            let count = u64::try_from(count)
                .map_err(|_| Problem::misuse(format!("{count} is no number of cycles"), "write 1 or more"))?;
            session.run(count)
        })
    });
    engine.register_fn("time", |context: NativeCallContext<'_>, t: &mut Handle| -> Rhai<f64> {
        t.call(&context, |session| Ok(session.stand.seconds()))
    });
    engine.register_fn(
        "wait_until",
        |context: NativeCallContext<'_>,
         t: &mut Handle,
         name: Text,
         value: Dynamic,
         most: Dynamic|
         -> Rhai<f64> {
            t.call(&context, |session| {
                session.until(&name, &literal(&value)?, float("a time in seconds", &most)?)
            })
        },
    );
    engine.register_fn(
        "wait_near",
        |context: NativeCallContext<'_>,
         t: &mut Handle,
         name: Text,
         value: Dynamic,
         tolerance: Dynamic,
         most: Dynamic|
         -> Rhai<f64> {
            t.call(&context, |session| {
                let (value, tolerance) = (float("the value", &value)?, float("the tolerance", &tolerance)?);
                session.until_near(&name, value, tolerance, float("a time in seconds", &most)?)
            })
        },
    );
    engine.register_fn(
        "wait_fault",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text, most: Dynamic| -> Rhai<f64> {
            t.call(&context, |session| session.until_fault(&name, float("a time in seconds", &most)?))
        },
    );
    engine.register_fn(
        "stays",
        |context: NativeCallContext<'_>,
         t: &mut Handle,
         name: Text,
         value: Dynamic,
         time: Dynamic|
         -> Rhai<()> {
            t.call(&context, |session| {
                session.stays(&name, &literal(&value)?, float("a time in seconds", &time)?)
            })
        },
    );
}

fn register_expectations(engine: &mut Engine) {
    type Text = ImmutableString;
    engine.register_fn(
        "expect",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text, value: Dynamic| -> Rhai<()> {
            t.call(&context, |session| session.expect(&name, &literal(&value)?))
        },
    );
    engine.register_fn("expect", |context: NativeCallContext<'_>, t: &mut Handle, all: Map| -> Rhai<()> {
        t.call(&context, |session| {
            let pairs = all.iter().map(|(name, value)| Ok((name.to_string(), literal(value)?)));
            session.expect_all(&pairs.collect::<Done<Vec<_>>>()?)
        })
    });
    engine.register_fn(
        "expect_state",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text, value: Dynamic| -> Rhai<()> {
            let path = if name.starts_with("this.") { name.to_string() } else { format!("this.{name}") };
            t.call(&context, |session| session.expect(&path, &literal(&value)?))
        },
    );
    engine.register_fn(
        "expect_near",
        |context: NativeCallContext<'_>,
         t: &mut Handle,
         name: Text,
         value: Dynamic,
         tolerance: Dynamic|
         -> Rhai<()> {
            t.call(&context, |session| {
                let (value, tolerance) = (float("the value", &value)?, float("the tolerance", &tolerance)?);
                session.expect_near(&name, value, tolerance)
            })
        },
    );
    engine.register_fn(
        "expect_fault",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text| -> Rhai<()> {
            t.call(&context, |session| session.expect_fault(&name))
        },
    );
    engine.register_fn("expect_no_fault", |context: NativeCallContext<'_>, t: &mut Handle| -> Rhai<()> {
        t.call(&context, |session| session.expect_no_fault())
    });
    engine.register_fn(
        "check",
        |context: NativeCallContext<'_>, t: &mut Handle, condition: bool, text: Text| -> Rhai<()> {
            t.call(&context, |session| session.check(condition, &text))
        },
    );
}

fn register_surroundings(engine: &mut Engine) {
    type Text = ImmutableString;
    for (word, cold) in [("reset", false), ("restart", true)] {
        engine.register_fn(word, move |context: NativeCallContext<'_>, t: &mut Handle| -> Rhai<()> {
            t.call(&context, |session| {
                session.reset(cold);
                Ok(())
            })
        });
    }
    type Act = fn(&mut Session, &str) -> Done<()>;
    let one_word: [(&str, Act); 6] = [
        ("unit", Session::unit),
        ("mode", Session::mode),
        ("command", Session::command),
        ("model_miss", Session::model_miss),
        ("jam", |session, axis| session.jam(axis, true)),
        ("free", |session, axis| session.jam(axis, false)),
    ];
    for (word, act) in one_word {
        engine.register_fn(
            word,
            move |context: NativeCallContext<'_>, t: &mut Handle, name: Text| -> Rhai<()> {
                t.call(&context, |session| act(session, &name))
            },
        );
    }
    engine.register_fn(
        "model",
        |context: NativeCallContext<'_>, t: &mut Handle, name: Text, score: Dynamic| -> Rhai<()> {
            t.call(&context, |session| session.model(&name, float("a score", &score)?, &[]))
        },
    );
    engine.register_fn(
        "model",
        |context: NativeCallContext<'_>,
         t: &mut Handle,
         name: Text,
         score: Dynamic,
         outputs: Array|
         -> Rhai<()> {
            t.call(&context, |session| {
                let outputs = outputs.iter().map(|value| Ok(float("an output value", value)? as f32));
                session.model(&name, float("a score", &score)?, &outputs.collect::<Done<Vec<_>>>()?)
            })
        },
    );
    engine.register_fn(
        "turn",
        |context: NativeCallContext<'_>, t: &mut Handle, axis: Text, position: Dynamic| -> Rhai<()> {
            t.call(&context, |session| session.turn(&axis, float("a position", &position)?))
        },
    );
    engine.register_fn(
        "trip",
        |context: NativeCallContext<'_>, t: &mut Handle, axis: Text, code: i64| -> Rhai<()> {
            t.call(&context, |session| session.trip(&axis, code))
        },
    );
}
