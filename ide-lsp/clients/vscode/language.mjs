// What one sees while writing a program.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./place.mjs";
import { Workbench } from "./workbench.mjs";

const PROGRAM = "programs/press.rhai";

/** The example, with a mistake in it if one is asked for. */
function example(place, name, mistake) {
  const cell = place.copy("pneumatic-press", name);
  if (mistake !== undefined) {
    const file = join(cell, PROGRAM);
    writeFileSync(file, readFileSync(file, "utf8").replace(...mistake));
  }
  return cell;
}

export function language(test, place) {
  test("a mistake has a squiggle, a code, and a page behind it", async () => {
    const cell = example(place(), "squiggle", ["this.settle.Q && this.start", "this.settle.QQ && this.start"]);
    const page = await place().window(cell, PROGRAM);
    const bench = new Workbench(page);
    await page.waitForSelector(".squiggly-error");
    const text = await bench.hover(bench.word("QQ"));
    assert.match(text, /is a TON without pin `?QQ/);
    assert.match(text, /S218/);
    await place().picture(page, "squiggle");
    await page.keyboard.press("Escape");
    await bench.goTo(29, 35);
    await bench.command("Sensai: Explain a Finding");
    await bench.webview().locator("body", { hasText: "S218" }).waitFor();
  });

  test("hovering over a tag tells its unit and what it is bound to", async () => {
    const page = await place().window(example(place(), "hover"), PROGRAM);
    const bench = new Workbench(page);
    await bench.ready();
    await bench.goTo(34, 47);
    const text = await bench.hover(page.locator(".editor-instance .view-line", { hasText: "max(this.peak" }).locator("span > span", { hasText: /^ram$/ }).first());
    assert.match(text, /\bN\b/);
    assert.match(text, /force\.channel_1\.value/);
    await place().picture(page, "hover");
  });

  test("a tag is completed", async () => {
    const page = await place().window(example(place(), "completion"), PROGRAM);
    const bench = new Workbench(page);
    await bench.ready();
    // An empty line of `cycle`.
    await bench.goTo(24, 1);
    await page.keyboard.type("io.ne");
    await page.keyboard.press("Control+Space");
    await bench.row(".suggest-widget.visible", /nest/);
    await page.keyboard.type("st.");
    await bench.row(".suggest-widget.visible", /height/);
    await place().picture(page, "completion");
    await page.keyboard.press("Escape");
  });

  test("a tag is renamed in the program and in cell.toml", async () => {
    const cell = example(place(), "rename");
    const page = await place().window(cell, PROGRAM);
    const bench = new Workbench(page);
    await bench.ready();
    const line = readFileSync(join(cell, PROGRAM), "utf8").split("\n").findIndex((text) => text.includes("io.lamp")) + 1;
    await bench.goTo(line, 9);
    await page.keyboard.press("F2");
    const input = page.locator(".rename-box input, input.rename-input").first();
    await input.waitFor({ state: "visible" });
    await input.fill("beacon");
    await page.keyboard.press("Enter");
    await eventually("both files say beacon", () => {
      const program = readFileSync(join(cell, PROGRAM), "utf8");
      const config = readFileSync(join(cell, "cell.toml"), "utf8");
      return program.includes("io.beacon =") && !program.includes("io.lamp") && /^beacon\s+=/m.test(config);
    });
    const checked = place().sensai(["check", cell]);
    assert.equal(checked.code, 0, checked.output);
  });

  test("the check's findings become problems", async () => {
    const cell = example(place(), "problems", ["param.timeout", "param.time_out"]);
    const page = await place().window(cell, "cell.toml");
    const bench = new Workbench(page);
    await page.waitForSelector(".monaco-editor .view-line");
    await bench.command("Sensai: Check the Cell");
    await bench.command("Problems: Focus on Problems View");
    await bench.row(".markers-panel", /time_out/);
  });
}
