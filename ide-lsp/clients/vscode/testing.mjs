// The Test Explorer: program tests and replay tests, green and red.

import assert from "node:assert/strict";
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Workbench } from "./workbench.mjs";

const WRONG = `
fn test_the_lamp_is_never_lit(t) {
    ready(t);
    t.expect("io.lamp", false);
}
`;

/** A log of a run in virtual time, below the cell. */
export function record(place, cell, name, cycles = 3000) {
  const log = join(cell, name);
  mkdirSync(dirname(log), { recursive: true });
  const ran = place.sensai(["run", cell, "--virtual", "--quiet", "--cycles", String(cycles), "--log", log]);
  assert.equal(ran.code, 0, ran.output);
  return log;
}

export function testing(test, place) {
  test("program tests and replay tests are green and red", async () => {
    const cell = place().copy("pneumatic-press", "testing");
    appendFileSync(join(cell, "tests/press.rhai"), WRONG);
    const good = record(place(), cell, "tests/good.snlog");
    const words = ["log", "patch", good, "--cycle", "2000", "--output-bit", "0", "-o", join(cell, "tests/changed.snlog")];
    const patched = place().sensai(words);
    assert.equal(patched.code, 0, patched.output);

    const page = await place().window(cell, "tests/press.rhai");
    const bench = new Workbench(page);
    await page.waitForSelector(".monaco-editor .view-line");
    await bench.view("Testing");
    const explorer = ".test-explorer";
    await bench.row(explorer, /testing/);
    await bench.command("Test: Run All Tests");
    await bench.row(explorer, /testing.*(fail)/i);
    await bench.unfold(explorer);
    for (const shown of [
      /good\.snlog.*passed/i,
      /changed\.snlog.*failed/i,
      /a stroke counts a good part.*passed/i,
      /the lamp is never lit.*failed/i,
    ]) {
      await bench.row(explorer, shown);
    }
    await place().picture(page, "tests");
  });
}
