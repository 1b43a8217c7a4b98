// The walkthrough, done by its own words: from an empty folder to a cell that runs and is recorded.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./place.mjs";
import { Workbench } from "./workbench.mjs";

export function walkthrough(test, place) {
  test("the walkthrough leads from nothing to a recorded run", async () => {
    const folder = place().empty("walkthrough");
    const page = await place().window(folder);
    const bench = new Workbench(page);
    await bench.command("Welcome: Open Walkthrough");
    await bench.choose("From nothing to a running cell");
    const step = (title) => page.locator(".getting-started-step", { hasText: title }).first();
    await step("Make a cell").waitFor();
    await step("Make a cell").click();
    await place().picture(page, "walkthrough");
    await page.locator(".getting-started-step .monaco-button", { hasText: "New Cell" }).first().click();
    await bench.choose("Pneumatic press");
    await bench.answer("first");
    const cell = join(folder, "first");
    await eventually("the cell is there", () => existsSync(join(cell, "cell.toml")));
    await bench.ready();

    await bench.command("Sensai: Check the Cell");
    // The terminal's text is a picture; its title is not.
    await page.locator(".panel", { hasText: "check first" }).first().waitFor();

    await bench.command("Sensai: Run in Simulation and Record");
    await bench.status("first: run").waitFor();
    await bench.command("Sensai: Stop the Runs Started Here");
    await bench.status("no cell runs").waitFor();
    const logs = readdirSync(join(cell, "logs")).filter((name) => name.endsWith(".snlog"));
    assert.equal(logs.length, 1);
    const replayed = place().sensai(["replay", join(cell, "logs", logs[0])]);
    assert.equal(replayed.code, 0, replayed.output);
  });
}
