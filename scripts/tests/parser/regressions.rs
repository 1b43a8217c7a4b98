//! Texts that once showed a difference between our parser and Rhai's.

/// Texts in which the first errors of both were once on different lines.
pub const FIRST_ERRORS: [&str; 4] = [
    r###"
fn cycle() {
    let x; const Y = -1;
    this.a.b[x].c += 2; x = Y; this = x; x **= 2; x <<= 1;
    switch this.step {
        "one" | "two" if x > 1 => this.next(),
        0..5 | 7..=9 => { x -= 1; }
        'c' | true | () => return,
        [1, 2] | #{ a: 1 } | Fn("helper") => let z = 1,
        _ => if x { break_it() } else { go_on() }
    
->
}
    while x < 10 { x += 1; if x == 5 { continue; } }
    loop { break x; }
    do { x -="###,
    r###"
fn cycle() {
    let x; const Y = -1;
    this.a.b[x].c += 2; x = Y; this = x; x **= 2; x <<= 1;
    switch this.step {
        0 | "two" if x > 1 => this.next(),
        0..5 | 7..=9 => { x -= 1; }
        'c' | true | () => return,
        [1, 2] | #{ a: 1 } | Fn("helper") => let z = 1,
        _ => if x { break_it() } else { go_on() }
    ===}
    while x < 10 { x += 1; if x == 5 { continue; } }
    loop { break x; }
    do { x -= 1 } until x < 0;
    do { x += 1 } while x < 10;
    for value in [1, 2, 3] { this.sum += value; }
    for (value, index) in 0..10 { { { ; } } this.at[index] = value }
    try { throw "wrong"!in } catch (error) { print(error) }
    try { this.run() } catch { throw }
    import "other";
    x
}"###,
    r###"
fn cycle() {
    let x; const Y = -1;
    this.a.b[x].c += 2; x = Y; this = x; x **= 2; x <<= 1;
    switch this.step {
        "one" | "two" if x > 1 => this.next(),
        0..5 | 7..=9 => { x -= 1; }
        'c' | true | () => return,
        [1, 2] | #{ a: 1 } | Fn("helper") => let z = 1,
        _ => if x { break_it() } else { go_on() }
\   }
    while x < 10 { x += 1; if x == 5 { continue; } }
    loop { break x; }
    do "###,
    r###"
fn cycle() {
    let x; const Y = -1;
    this.a.b[x].c += 2; x = Y; this = x; x **= 2; x <<= 1;
    switch this.step {
        "one" | "two" if x > 1 => this.next(),
        0..5 | 7..=9 => { x -= 1; }
        'c' | true | () => return,
        [1, 2] | #{ a: 1 } | Fn("helper") => let z = 1,
        _ => if x { break_it() } else { go_on() }
    __
    while x < 10 { x += 1; if x == 5 { continue; } }
    loop { break x; }
    do { x -= 1 } until x < 0;
    do { x += 1 } while"###,
];
