import { test } from "node:test";
import assert from "node:assert/strict";
import { findProgram } from "./find.ts";

const places = { setting: "", extension: "/ext", path: ["", "/usr/bin", "/opt/bin"] };
const among = (...files: string[]) => (file: string) => files.includes(file);

test("what is set comes before what is brought along, and that before the path", () => {
  const all = among("/own/sensai", "/ext/server/sensai", "/opt/bin/sensai");
  assert.deepEqual(findProgram({ ...places, setting: "/own/sensai" }, all), { program: "/own/sensai" });
  assert.deepEqual(findProgram(places, all), { program: "/ext/server/sensai" });
  assert.deepEqual(findProgram(places, among("/opt/bin/sensai")), { program: "/opt/bin/sensai" });
});

test("a setting that leads nowhere is said, not passed over", () => {
  const found = findProgram({ ...places, setting: " /gone/sensai " }, among("/opt/bin/sensai"));
  assert.ok("missing" in found && found.missing.includes("/gone/sensai"));
});

test("a setting may be a name on the path", () => {
  const found = findProgram({ ...places, setting: "sensai-next" }, among("/usr/bin/sensai-next"));
  assert.deepEqual(found, { program: "/usr/bin/sensai-next" });
});

test("nothing anywhere says what to do", () => {
  const found = findProgram(places, () => false);
  assert.ok("missing" in found && found.missing.includes("sensai.path"));
});
