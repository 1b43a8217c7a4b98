// The extension in a real VS Code, against the real `sensai`.

import { after, before, test } from "node:test";
import { Place } from "./place.mjs";
import { debugging } from "./debugging.mjs";
import { language } from "./language.mjs";
import { machine } from "./machine.mjs";
import { testing } from "./testing.mjs";
import { walkthrough } from "./walkthrough.mjs";

let opened;
const place = () => opened;

/** No test may hang; on a busy machine VS Code takes minutes to start. */
const LIMIT = { timeout: 900_000 };

/** What is on the screen when a test fails says more than its message. */
function pictured(name, body) {
  test(name, LIMIT, async (context) => {
    try {
      await body(context);
    } catch (error) {
      await opened?.pictureOfFailure(name);
      throw error;
    } finally {
      opened?.endRuns();
    }
  });
}

before(async () => {
  opened = await Place.open();
}, LIMIT);
after(() => opened?.close());

for (const part of [language, testing, machine, debugging, walkthrough]) part(pictured, place);
