//! The numeric profile: the same bits on every machine, in every build.
//!
//! Each block runs a fixed random history; the hash of all its states is written down here. Run this test in another
//! build or on another machine (`qemu-x86_64 -cpu Nehalem`, aarch64): a hash that differs is a bit that differs. Who changes a
//! block on purpose changes its hash here, and the profile's id with it.

mod common;

use common::Random;
use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry::{blocks, functions};

/// FNV-1a, 64 bits.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

const EXPECTED: &str = "\
TON 1c2376efcd66810f
TOF 9f09a6a6c5e316b2
TP 8a7cc25bcd1b75c6
CTU b3c77afc708db91c
CTD b1b9789a635438ec
CTUD 5289b21ff5ffef55
R_TRIG 3640bb6486edb625
F_TRIG 5c45b73da911437d
SR 7a42fd7707e8b77a
RS d9ead4729d8a1863
PID baa67f7c1cafc6d8
RAMP 68122732c9ca28f2
HYSTERESIS 93b5b7849c70659a
LAG1 90519a9d5d595b38
LOWPASS 7926e3f7139eb664
HIGHPASS e98aefe89df5c0ff
NOTCH 441ab9833b261f74
KALMAN d8a43a0e331e341c
LINFIT 60b26e7ce88a62f0
MOVING 2fa28960a0da707b
TABLE 292ed603d97cedbf
CYLINDER 3cb3c141d7bd2e13
SPRING_PART b54360fffe5b9531
ELASTIC_PLASTIC 9311f0ae09094555
MASS df44941343b9e38a
SPRING_DAMPER 917b484ba9eb86e6
CONVEYOR 7f3a6b339d711209
VALVE 913c9363180717b9
THERMAL_MASS 3816786e5d0bd0f1
SENSOR 9e3654ff155246eb
NOISE 1136dd227eaa6f01
min(i64,i64) 4ea1b79b9fba354f
min(f64,f64) 9447ca1cebb32829
max(i64,i64) 3b008fe9d6ed0a39
max(f64,f64) b29759fdd9f61ff8
clamp(i64,i64,i64) 9536bfd587005ba8
clamp(f64,f64,f64) 2c8ecdddac4d7620
abs(i64) 14d10c096d9d1fda
abs(f64) 62066ff4f11589cc
sign(i64) e3f033a5cce7396d
sign(f64) 8499138a2f444fdd
sqrt(f64) a9b4787ff19bf239
sin(f64) b0bc4c1fc9acf106
cos(f64) 9140c3bfa494ae85
tan(f64) dcbc009d188457d9
asin(f64) 9f86e51a7fdd22f8
acos(f64) 50c0368860a6928a
atan(f64) 2e0a4b34d4e8d5b5
atan2(f64,f64) e32b6455ed9bd367
hypot(f64,f64) 12ac870e32ce75bd
exp(f64) f24e32493100b2fe
ln(f64) e5b0dff4e59fb9ff
log10(f64) e6ef17cc679341ad
pow(f64,f64) f6b3bd1c7e91d2e9
pow(i64,i64) 303ba56a08680cac
floor(f64) 1e3909d7bfa9ba79
ceil(f64) c3ebacc76002cdf4
round(f64) 90015abfa291b0a7
round_even(f64) 90015abfa291b0a7
trunc(f64) 20b944782dc9a2a0
to_int(f64) 96670c8bdc53fc0a
to_float(i64) 4f314bb6eb995d07
to_radians(f64) 6050f90026369e8e
to_degrees(f64) 2deb637b1050a238
deadband(f64,f64) 57f25a58b13e9b48
lerp(f64,f64,f64) 64b1b0e33c7ee9ad
scale(f64,f64,f64,f64,f64) 2ca046f7ccb51ca7
is_finite(f64) 879372027eab6285
is_nan(f64) 6641cef8165e5e85
";

/// Name and hash, a line each.
fn hashes() -> String {
    let mut text = String::new();
    for block in blocks() {
        let mut hash = Hash::new();
        for seed in 0..20 {
            let mut random = Random(seed);
            let mut state = vec![0; block.size];
            random.construct(block, &mut state);
            for _ in 0..500 {
                let result = random.call(block).make(block, &mut state);
                hash.add(&state);
                hash.add(&result.ok().flatten().unwrap_or_default().to_le_bytes());
            }
        }
        text += &format!("{} {:016x}\n", block.name, hash.0);
    }
    for function in functions() {
        let mut hash = Hash::new();
        let mut random = Random(1);
        for _ in 0..2000 {
            let arguments: Vec<Value> = function
                .arguments
                .iter()
                .map(|scalar| match scalar {
                    ScalarType::Bool => Value::Bool(random.below(2) == 1),
                    ScalarType::I64 => Value::I64(random.integer()),
                    ScalarType::F64 => Value::F64(random.float()),
                })
                .collect();
            hash.add(&function.call(&arguments).map_or(0x5eed, Value::to_bits).to_le_bytes());
        }
        let types: Vec<_> = function.arguments.iter().map(|scalar| scalar.name()).collect();
        text += &format!("{}({}) {:016x}\n", function.name, types.join(","), hash.0);
    }
    text
}

#[test]
fn every_bit_is_the_one_written_down() {
    let actual = hashes();
    let differing: Vec<_> =
        actual.lines().filter(|line| !EXPECTED.lines().any(|expected| expected == *line)).collect();
    assert!(
        actual == EXPECTED,
        "not the bits of the numeric profile (or a block changed, was added or removed):\n{}\nall:\n{actual}",
        differing.join("\n")
    );
}
