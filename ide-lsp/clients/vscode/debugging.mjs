// A recorded log in the debugger: a breakpoint, and a step back.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./place.mjs";
import { record } from "./testing.mjs";
import { Workbench } from "./workbench.mjs";

export function debugging(test, place) {
  test("a log stops at a breakpoint, and steps back", async (context) => {
    if (place().sensai(["debug-adapter", "--help"]).code !== 0) {
      context.skip("this sensai has no debug-adapter");
      return;
    }
    const cell = place().copy("pneumatic-press", "debugging");
    record(place(), cell, "logs/run.snlog");
    const page = await place().window(cell, "programs/press.rhai");
    const bench = new Workbench(page);
    await bench.ready();
    const lines = readFileSync(join(cell, "programs/press.rhai"), "utf8").split("\n");
    const line = lines.findIndex((text) => text.includes('this.step = "press";')) + 1;
    await bench.goTo(line, 1);
    await page.keyboard.press("F9");
    await page.waitForSelector('[class*="codicon-debug-breakpoint"]');

    await bench.command("Sensai: Debug This Log");
    await bench.choose("run.snlog");
    const toolbar = page.locator(".debug-toolbar");
    await toolbar.waitFor();
    const stack = ".debug-call-stack";
    // It begins at the first statement of the log's first cycle.
    await bench.view("Run and Debug");
    await bench.row(stack, /press\.cycle/);
    await bench.command("Debug: Continue");
    await bench.row(stack, new RegExp(`press\\.cycle.*${line}`));
    const values = await bench.row(".debug-variables", /State \(this\)/);
    assert.ok(values);
    await place().picture(page, "debug");

    await bench.command("Debug: Step Back");
    await eventually("it is at the statement before", async () => {
      const rows = await bench.rows(stack);
      return rows.some((row) => new RegExp(`press\\.cycle.*${line - 1}`).test(row));
    });
    await bench.command("Debug: Stop");
    await toolbar.waitFor({ state: "hidden" });
  });
}
