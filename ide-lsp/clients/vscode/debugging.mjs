// A recorded log in the debugger: a breakpoint, and a step back.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./place.mjs";
import { record } from "./testing.mjs";
import { Workbench } from "./workbench.mjs";

const STACK = ".debug-call-stack";
const VARIABLES = ".debug-variables";
const PROGRAM = "programs/press.rhai";

/** Number of the line with this text. */
export function lineOf(cell, text) {
  return readFileSync(join(cell, PROGRAM), "utf8").split("\n").findIndex((line) => line.includes(text)) + 1;
}

/** A breakpoint in the open program, at the statement that begins a stroke. */
export async function setBreakpoint(bench, line) {
  await bench.goTo(line);
  await bench.page.keyboard.press("F9");
  await bench.page.waitForSelector('.editor-instance [class*="codicon-debug-breakpoint"]');
}

/** The log is open, at its first statement: on to the breakpoint, a picture, and back by one statement. */
export async function goToBreakpointAndBack(bench, line, picture) {
  await bench.page.locator(".debug-toolbar").waitFor();
  await bench.row(STACK, /press\.cycle/);
  await bench.debug("Continue");
  await bench.row(STACK, new RegExp(`press\\.cycle, line ${line}\\b`));
  // The statement has not run yet.
  await bench.row(VARIABLES, /^step, value "idle"/);
  await bench.row(VARIABLES, /^settle, value .*Q = true/);
  await picture();
  await bench.debug("Step Back");
  await bench.row(STACK, new RegExp(`press\\.cycle, line ${line - 1}\\b`));
  await bench.debug("Step Over");
  await bench.row(STACK, new RegExp(`press\\.cycle, line ${line}\\b`));
}

export function debugging(test, place) {
  test("a log stops at a breakpoint, steps back, and goes to any cycle", async () => {
    const cell = place().copy("pneumatic-press", "debugging");
    record(place(), cell, "logs/run.snlog");
    const page = await place().window(cell, PROGRAM);
    const bench = new Workbench(page);
    await bench.ready();
    const line = lineOf(cell, 'this.step = "press";');
    await setBreakpoint(bench, line);
    await bench.command("Sensai: Debug This Log");
    await bench.choose("run.snlog");
    await goToBreakpointAndBack(bench, line, async () => {
      await bench.open(VARIABLES, "Inputs (io)");
      await bench.row(VARIABLES, /^ram\.up, value true/);
      await bench.tidy();
      await place().picture(page, "debug");
    });

    // The same statement of the stroke after, then back to it, then to a cycle by its number.
    const where = async () => /cycle \d+/.exec(await page.locator(".pane-header", { hasText: /cycle \d+, place \d+/ }).first().innerText())?.[0];
    const first = await where();
    await bench.debug("Continue");
    await bench.row(VARIABLES, /^good, value .*CV = 1\b/);
    await bench.debug("Reverse");
    await bench.row(VARIABLES, /^good, value .*CV = 0\b/);
    await bench.row(STACK, new RegExp(`press\\.cycle, line ${line}\\b`));
    await eventually(`it is in ${first} again`, async () => (await where()) === first);
    await bench.debug("Go to Cycle");
    await bench.answer("2000");
    // The statement that a cycle begins with, behind one stroke: the run was in virtual time, and always the same.
    await bench.row(VARIABLES, /^peak, value 1084\.7$/);
    await bench.row(STACK, new RegExp(`press\\.cycle, line ${lineOf(cell, "this.settle.run(")}\\b`));

    await bench.debug("Stop");
    await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  });
}
