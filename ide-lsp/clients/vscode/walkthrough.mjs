// The walkthrough, done literally: from an empty window, by its own buttons and what it says beside them, to a cell that
// was changed, tested, run, looked into, debugged, and whose run is a replay test.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { goToBreakpointAndBack, lineOf, setBreakpoint } from "./debugging.mjs";
import { ink, PANEL } from "./machine.mjs";
import { eventually } from "./place.mjs";
import { Workbench } from "./workbench.mjs";

const STEP = ".getting-started-step";
const EXPLORER = ".test-explorer";

class Walkthrough {
  constructor(bench) {
    this.bench = bench;
    this.page = bench.page;
  }

  /** Unfold a step, unless it is. While the page is being made, it may fold again. */
  async step(title) {
    this.title = title;
    await eventually(`the step ${title} is unfolded`, async () => {
      if (await this.page.locator(`${STEP}.expanded`, { hasText: title }).first().isVisible()) return true;
      await this.page.locator(STEP, { hasText: title }).first().click({ timeout: 5000 });
      return false;
    });
  }

  /** A button of the step. */
  async press(label) {
    await eventually(`${label} is pressed`, async () => {
      await this.step(this.title);
      await this.page.locator(`${STEP}.expanded .monaco-button`, { hasText: label }).first().click({ timeout: 5000 });
      return true;
    });
  }

  /** The step says of itself that it is done. */
  async done() {
    const step = this.page.locator(STEP, { hasText: this.title }).first();
    await step.locator('[role="checkbox"][aria-checked="true"]').waitFor();
  }

  /** The text beside the steps. */
  async beside(text) {
    const body = this.page.frameLocator(".getting-started-media iframe").frameLocator("iframe").locator("body", { hasText: text });
    await eventually(`it says ${text}`, async () => {
      await this.step(this.title);
      return body.isVisible();
    });
  }

  /** From wherever one is, back to it. */
  async back() {
    await this.bench.tab(/Welcome|Walkthrough/);
  }
}

export function walkthrough(test, place) {
  test("the walkthrough leads from nothing to a running, debugged, replay-tested cell", async () => {
    const folder = place().empty("walkthrough");
    const page = await place().window();
    const bench = new Workbench(page);
    const walk = new Walkthrough(bench);
    await bench.command("Welcome: Open Walkthrough");
    await bench.choose("From nothing to a running cell");

    await walk.step("Find sensai");
    await walk.press("Is It There?");
    await page.locator(".notification-toast", { hasText: /sensai \d+\.\d+/ }).first().waitFor();
    await walk.done();

    await walk.step("Make a cell");
    await walk.press("New Cell");
    await bench.choose("Pneumatic press");
    await bench.answer("my-cell");
    await bench.chooseFolder("in which folder", folder);
    const cell = join(folder, "my-cell");
    await eventually("the cell is there", () => existsSync(join(cell, "programs/press.rhai")));

    // The window opens it, and the walkthrough goes on there.
    await page.waitForURL(/folder=.*my-cell/);
    await page.locator(`${STEP}.expanded`, { hasText: "Change its program" }).waitFor();
    await walk.done();
    await walk.step("Change its program");
    await walk.beside("how long the ram stays at the bottom");
    await bench.tidy();
    await place().picture(page, "walkthrough");
    await bench.tab("press.rhai");
    await bench.ready();
    const dwell = lineOf(cell, "const DWELL");
    await bench.goTo(dwell);
    await page.keyboard.press("Shift+End");
    await page.keyboard.type("const DWELL = 0.150;        // s, at the bottom");
    await walk.back();
    await walk.press("Check the Cell");
    // The terminal's text is a picture; its title is not.
    await page.locator(".panel", { hasText: "check my-cell" }).first().waitFor();
    await eventually("the program is changed", () => /^const DWELL = 0\.150;/m.test(readFileSync(join(cell, "programs/press.rhai"), "utf8")));
    await walk.done();

    await walk.step("Test it");
    await walk.press("Run All Tests");
    await walk.press("Show the Test Explorer");
    await bench.row(EXPLORER, /my-cell.*passed/i);
    await walk.done();

    await walk.step("Run it");
    await walk.press("Run in Simulation and Record");
    await bench.status("my-cell: run").waitFor();
    await walk.done();

    await walk.step("Look inside");
    await walk.press("Runtime Panel");
    await bench.row(PANEL, /^my-cell.*run/);
    await bench.open(PANEL, "Programs");
    await bench.row(PANEL, /^press [0-9a-f]{8}$/);
    await bench.tab("press.rhai");
    await bench.goTo(dwell + 20);
    await eventually("values stand beside the text", async () => /io\.ram\.down = (true|false)/.test(await bench.text()));
    await walk.back();
    await walk.press("Open the Scope");
    await bench.webview().locator(".heading", { hasText: "my-cell" }).waitFor();
    await eventually("there is a curve", async () => (await ink(bench.webview().locator("canvas"))) > 5000);
    await walk.back();
    await walk.done();
    await walk.press("Stop the Run");
    await bench.status("no cell runs").waitFor();
    const [log, ...others] = readdirSync(join(cell, "logs")).filter((name) => name.endsWith(".snlog"));
    assert.ok(log !== undefined && others.length === 0, "one run was recorded");

    await walk.step("Go back in time");
    await bench.tab("press.rhai");
    const line = lineOf(cell, 'this.step = "press";');
    await setBreakpoint(bench, line);
    await walk.back();
    await walk.press("Debug a Log");
    await bench.choose(log);
    await goToBreakpointAndBack(bench, line, () => undefined);
    await bench.debug("Stop");
    await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
    await walk.back();
    await walk.done();

    await walk.step("Keep it as a test");
    await walk.press("Keep a Log as a Replay Test");
    await bench.choose(log);
    await bench.answer("first-run");
    await eventually("the log is kept", () => existsSync(join(cell, "tests/first-run.snlog")));
    await walk.press("Run All Tests");
    await bench.view("Testing");
    await bench.row(EXPLORER, /my-cell.*passed/i);
    await bench.unfold(EXPLORER);
    await bench.row(EXPLORER, /first-run\.snlog.*passed/i);
    await walk.done();
    await walk.beside("The log is copied into");
    await bench.tidy();
    await place().picture(page, "walkthrough-done");
  });
}
