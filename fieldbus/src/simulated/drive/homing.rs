//! Homing, IEC 61800-7-201 section 10 (CiA 402 part 2 and ETG.6010, homing mode).
//!
//! All methods are one sequence: seek a switch, go back off it, pass its edge slowly, go on to the index pulse; each
//! of them with some of these left out.

/// Switches at the drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// At the negative end of travel.
    pub negative: bool,
    /// At the positive end of travel.
    pub positive: bool,
    /// Homing switch.
    pub home: bool,
}

/// Which of them a method looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    None,
    Negative,
    Positive,
    Home,
}

/// One method. Directions are -1, 0 (left out) and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Method {
    signal: Signal,
    /// Until the signal is active, fast.
    seek: f64,
    /// Turn round at a limit switch while seeking.
    bounces: bool,
    /// Until it is inactive, fast.
    back: f64,
    /// Until it is `edge`, slowly.
    last: f64,
    edge: bool,
    /// On to the next index pulse.
    index: bool,
}

impl Method {
    /// By its number in object 0x6098; `None` if there is no such method.
    fn of(number: i8) -> Option<Self> {
        let index = matches!(number, 1..=14 | 33 | 34);
        // Without index pulse: the same, 16 higher.
        let number = if (17..=30).contains(&number) { number - 16 } else { number };
        let limit = |signal, seek: f64| (signal, seek, false, 0.0, -seek, false);
        let home = |seek, bounces, back, last, edge| (Signal::Home, seek, bounces, back, last, edge);
        let (signal, seek, bounces, back, last, edge) = match number {
            1 => limit(Signal::Negative, -1.0),
            2 => limit(Signal::Positive, 1.0),
            3 => home(1.0, false, 0.0, -1.0, false),
            4 => home(1.0, false, -1.0, 1.0, true),
            5 => home(-1.0, false, 0.0, 1.0, false),
            6 => home(-1.0, false, 1.0, -1.0, true),
            7 => home(1.0, true, 0.0, -1.0, false),
            8 => home(1.0, true, -1.0, 1.0, true),
            9 => home(1.0, true, 1.0, -1.0, true),
            10 => home(1.0, true, 0.0, 1.0, false),
            11 => home(-1.0, true, 0.0, 1.0, false),
            12 => home(-1.0, true, 1.0, -1.0, true),
            13 => home(-1.0, true, -1.0, 1.0, true),
            14 => home(-1.0, true, 0.0, -1.0, false),
            33 => (Signal::None, 0.0, false, 0.0, -1.0, true),
            34 => (Signal::None, 0.0, false, 0.0, 1.0, true),
            _ => return None,
        };
        Some(Self { signal, seek, bounces, back, last, edge, index })
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Phase {
    /// Not started, or interrupted.
    #[default]
    Idle,
    /// Fast in this direction until the signal is active.
    Seek(f64),
    /// Coming to rest on the switch.
    Settle(f64),
    /// The switch was overrun: slowly back in this direction, onto it.
    Return(f64),
    /// Fast, off the switch.
    Back,
    /// Slowly, over the edge.
    Edge,
    /// Slowly, to the index pulse.
    Index,
    /// The home is found; coming to rest.
    Found,
    /// At rest, home found.
    Done,
    /// No such method, no speed, or the wrong limit switch.
    Failed,
}

/// What the sequence sees in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Senses {
    /// Switches now.
    pub switches: Switches,
    /// Encoder's position now, in revolutions.
    pub position: f64,
    /// Where the index pulse lay if it was passed in this tick.
    pub index: Option<f64>,
    /// The drive's own demand has come to rest.
    pub is_at_rest: bool,
}

/// A homing run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Homing {
    phase: Phase,
    method: Option<Method>,
    /// rev/s of the searches for switch and zero.
    speeds: [f64; 2],
    /// Homing start, bit 4 of the controlword, as of the last tick.
    pub is_requested: bool,
}

impl Homing {
    /// Begin with this method. True if the present position is the home (35 and 37).
    pub fn start(&mut self, method: i8, speeds: [f64; 2]) -> bool {
        self.speeds = speeds;
        self.method = Method::of(method);
        if matches!(method, 35 | 37) {
            self.phase = Phase::Found;
            return true;
        }
        self.phase = match self.method {
            Some(_) if !speeds.iter().all(|speed| *speed > 0.0) => Phase::Failed,
            Some(method) if method.signal != Signal::None => Phase::Seek(method.seek),
            Some(_) => Phase::Index,
            None => Phase::Failed,
        };
        false
    }

    /// Stop where it is; what is done stays done.
    pub fn interrupt(&mut self) {
        if self.is_running() {
            self.phase = Phase::Idle;
        }
    }

    /// Not yet at its end.
    pub fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Done | Phase::Failed)
    }

    /// Home was found.
    pub fn is_attained(&self) -> bool {
        matches!(self.phase, Phase::Found | Phase::Done)
    }

    /// It could not be found.
    pub fn has_failed(&self) -> bool {
        self.phase == Phase::Failed
    }

    /// Home was found, and the motor is at rest.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The velocity that this phase wants, in rev/s.
    pub fn velocity(&self) -> f64 {
        let [fast, slow] = self.speeds;
        let last = self.method.map_or(0.0, |method| method.last);
        match self.phase {
            Phase::Seek(direction) => direction * fast,
            Phase::Return(direction) => direction * slow,
            Phase::Back => self.method.map_or(0.0, |method| method.back) * fast,
            Phase::Edge | Phase::Index => last * slow,
            Phase::Idle | Phase::Settle(_) | Phase::Found | Phase::Done | Phase::Failed => 0.0,
        }
    }

    /// One tick. The position of the home, when it is found.
    pub fn step(&mut self, senses: &Senses) -> Option<f64> {
        if self.phase == Phase::Found && senses.is_at_rest {
            self.phase = Phase::Done;
        }
        let method = self.method?;
        let switches = senses.switches;
        let signal = match method.signal {
            Signal::None => false,
            Signal::Negative => switches.negative,
            Signal::Positive => switches.positive,
            Signal::Home => switches.home,
        };
        if matches!(self.phase, Phase::Seek(_)) && signal {
            // Already there, perhaps with the limit switch hit behind it.
        } else if self.runs_into_a_limit(&method, switches) {
            self.phase = match self.phase {
                Phase::Seek(direction) if method.bounces && direction == method.seek => {
                    Phase::Seek(-direction)
                }
                _ => Phase::Failed,
            };
            return None;
        }
        let sought = if method.back == 0.0 { Phase::Edge } else { Phase::Back };
        match self.phase {
            Phase::Seek(direction) if signal => self.phase = Phase::Settle(direction),
            Phase::Settle(direction) if senses.is_at_rest => {
                self.phase = if signal { sought } else { Phase::Return(-direction) };
            }
            Phase::Return(_) if signal => self.phase = sought,
            Phase::Back if !signal => self.phase = Phase::Edge,
            Phase::Edge if signal == method.edge && method.index => self.phase = Phase::Index,
            Phase::Edge if signal == method.edge => return self.found(Some(senses.position)),
            Phase::Index => return self.found(senses.index),
            _ => {}
        }
        None
    }

    fn found(&mut self, position: Option<f64>) -> Option<f64> {
        if position.is_some() {
            self.phase = Phase::Found;
        }
        position
    }

    /// Into one that the method does not look for.
    fn runs_into_a_limit(&self, method: &Method, switches: Switches) -> bool {
        let velocity = self.velocity();
        (velocity > 0.0 && switches.positive && method.signal != Signal::Positive)
            || (velocity < 0.0 && switches.negative && method.signal != Signal::Negative)
    }
}
