// A cell that runs, and logs of cells that ran.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./place.mjs";
import { record } from "./testing.mjs";
import { Workbench } from "./workbench.mjs";

export const PANEL = '[id="workbench.view.extension.sensai"]';

/** The example, which otherwise ends by itself. */
function endless(place, name) {
  const cell = place.copy("pneumatic-press", name);
  const file = join(cell, "cell.toml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^stop_after.*$/m, ""));
  return cell;
}

const cycleOf = (text) => Number(/cycle (\d+)/.exec(text)?.[1]);

/** What is drawn, as the number of pixels that are not of the most frequent colour. */
export function ink(canvas) {
  return canvas.evaluate((of) => {
    const { data } = of.getContext("2d").getImageData(0, 0, of.width, of.height);
    const counts = new Map();
    for (let at = 0; at < data.length; at += 4) {
      const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    return data.length / 4 - Math.max(...counts.values());
  });
}

export function machine(test, place) {
  test("a cell that runs is in the status bar, the panel and the scope", async () => {
    const cell = endless(place(), "running");
    const stop = place().run(cell, ["--spin", "off"]);
    const page = await place().window(cell, "programs/press.rhai");
    const bench = new Workbench(page);
    const status = bench.status("pneumatic-press: run");
    await status.waitFor();
    const first = await status.innerText();
    assert.match(first, /pneumatic-press: run · cycle \d+ \(1 ms\) · jitter [\d.]+ (ns|µs|ms)/);
    await eventually("cycles go on", async () => cycleOf(await status.innerText()) > cycleOf(first));

    await bench.view("Sensai");
    await bench.row(PANEL, /pneumatic-press.*run/);
    await bench.row(PANEL, /^bus.*OP, 6 of 6 on sim/);
    await bench.open(PANEL, "Devices");
    await bench.row(PANEL, /valves.*EL2008 OP/);
    await bench.open(PANEL, "Tags");
    await bench.row(PANEL, /force\.ram.* N/);
    await eventually("values stand beside the text", async () => /io\.ram\.down = (true|false)/.test(await bench.text()));
    await bench.tidy();
    await place().picture(page, "runtime");

    await bench.command("Sensai: Set a Parameter");
    await bench.choose("force_min");
    await bench.answer("900");
    await eventually("the runtime has the parameter", () => /\b900\b/.test(place().sensai(["ctl", "param", "force_min"]).output));

    await bench.command("Sensai: Open the Scope");
    const scope = bench.webview();
    await scope.locator(".heading", { hasText: "pneumatic-press" }).waitFor();
    const canvas = scope.locator("canvas");
    await eventually("there is a curve", async () => (await ink(canvas)) > 5000);
    // A window of ten seconds fills itself.
    await page.waitForTimeout(10_000);
    await bench.tidy();
    await place().picture(page, "scope-live");

    stop();
    await bench.status("no cell runs").waitFor();
  });

  test("a log opens in the scope, with cursors and their differences", async () => {
    const cell = place().copy("pneumatic-press", "logged");
    record(place(), cell, "logs/run.snlog", 6000);
    const page = await place().window(cell);
    const bench = new Workbench(page);
    const entry = (name) => page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first();
    // While the window is being made, the explorer takes a click and shows nothing for it.
    await eventually("the log is open", async () => {
      if (!(await entry("run.snlog").isVisible())) await entry("logs").click({ timeout: 5000 });
      await entry("run.snlog").click({ timeout: 5000 });
      return page.locator(".tabs-container .tab", { hasText: "run.snlog" }).first().isVisible();
    });
    const scope = bench.webview();
    await scope.locator(".heading", { hasText: "run.snlog" }).waitFor();
    await scope.locator(".signals label", { hasText: "force.ram [N]" }).waitFor();
    await eventually("there are curves", async () => (await ink(scope.locator("canvas"))) > 5000);
    await scope.locator("button", { hasText: "cursors" }).click();
    await scope.locator("tr", { hasText: "force.ram" }).waitFor();
    const head = await scope.locator("tr").first().innerText();
    assert.match(head, /A [\d.]+ s.*B [\d.]+ s.*B − A [\d.]+ s/s);

    await scope.locator('select[title="Signal of the trigger"]').selectOption("valve.down");
    await scope.locator('select[title="Trigger"]').selectOption("normal");
    await scope.locator("button", { hasText: "+" }).click();
    await scope.locator("button", { hasText: "▶" }).last().click();
    await bench.tidy();
    await place().picture(page, "scope-log");

    await scope.locator("button", { hasText: "CSV" }).click();
    const file = join(cell, "scope.csv");
    await bench.saveAs(file);
    await eventually("the table is written", () => /^time \[s\],/.test(readFileSync(file, "utf8")));
  });
}
