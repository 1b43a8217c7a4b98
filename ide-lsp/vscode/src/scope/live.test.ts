import { test } from "node:test";
import assert from "node:assert/strict";
import { firstShown, liveSignals } from "./live.ts";

const SIGNALS = liveSignals({
  cell: "press",
  tags: [
    { name: "up", kind: "input", type: "bool" },
    { name: "force", kind: "input", type: "f64", unit: "N" },
    { name: "judged", kind: "memory", type: "i64", len: 2 },
    { name: "label", kind: "memory", type: "text" },
  ],
  axes: [{ name: "ram", unit: "mm" }],
});

test("tags, elements and axes become signals, texts do not", () => {
  const names = SIGNALS.map(({ name, unit }) => `${name} ${unit}`.trim());
  assert.deepEqual(names.slice(0, 4), ["up", "force N", "judged[0]", "judged[1]"]);
  assert.deepEqual(names.slice(4), [
    "axis.ram.position mm",
    "axis.ram.set_position mm",
    "axis.ram.velocity mm/s",
    "axis.ram.following_error mm",
    "axis.ram.torque %",
  ]);
  assert.deepEqual(firstShown(SIGNALS), ["force", "axis.ram.position", "up"]);
});

test("values are read from what was told, and are none where nothing was", () => {
  const tags = { up: { value: true }, force: { value: "inf" }, judged: { value: [3, 4] } };
  const values = SIGNALS.map((signal) => signal.read({ tags, axes: { ram: { position: 1.5 } } }));
  assert.deepEqual(values.slice(0, 5), [1, Infinity, 3, 4, 1.5]);
  assert.ok(values.slice(5).every(Number.isNaN));
});
