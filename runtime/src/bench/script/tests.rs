use super::{
    c::{Process, compiler},
    cases::{self, CYCLES},
    subject::{Subject, Work},
    tiers::{ScriptForm, Surroundings},
};

/// What a column must give before it is compared; without a clock.
#[test]
fn all_forms_of_a_program_give_the_same_outputs() {
    let has_c = compiler().is_some();
    for mut case in cases::all().expect("the programs run on their machines") {
        let around = Surroundings::new(&case);
        let native = around.native(true).expect("it compiles");
        let unchecked = around.native(false).expect("it compiles");
        let interpreted = around.interpreted().expect("it compiles");
        let check = |name: &str, subject: &mut dyn Subject| {
            let pass = subject.run(Work::Whole, 1).expect(name);
            assert_eq!(pass.checksum, case.checksum, "{} {name}", case.name);
        };
        let script = |program| ScriptForm::new(&around, program, &case.stream);
        check("native", &mut script(Box::new(native)));
        check("unchecked", &mut script(Box::new(unchecked)));
        check("interpreted", &mut script(interpreted));
        if has_c {
            for level in ["-O2", "-O3"] {
                let directory = tempfile::tempdir().expect("a directory");
                let mut process = Process::start(&case, level, directory.path()).expect("it is built");
                check(level, &mut process);
            }
        }
        let again = case.rust.run(Work::Whole, 2).expect("Rust");
        assert_eq!(again.checksum, case.checksum, "a second pass begins where the first did");
    }
}

/// A stream that leaves outputs as they are would compare nothing.
#[test]
fn the_streams_move_the_outputs() {
    for case in cases::all().expect("the programs run on their machines") {
        assert_eq!(case.stream.len(), CYCLES * case.inputs.len());
        let still = case.outputs.len() - case.alive;
        assert!(
            still * 20 <= case.outputs.len(),
            "{}: {still} of {} stand still",
            case.name,
            case.outputs.len()
        );
    }
}
