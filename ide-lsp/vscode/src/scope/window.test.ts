import { test } from "node:test";
import assert from "node:assert/strict";
import { Trace } from "./trace.ts";
import { TimeWindow, seconds, ticks } from "./window.ts";

/** A pulse of one second, every ten. */
function pulses(until: number): Trace {
  const trace = new Trace({ name: "pulse", unit: "", kind: "bool" });
  for (let time = 0; time <= until; time += 1) trace.push(time, time % 10 === 5 ? 1 : 0);
  return trace;
}

const RISING = { signal: "pulse", edge: "rising", level: 0.5 } as const;

test("zooming keeps what is under the mouse", () => {
  const of = new TimeWindow();
  of.zoom(0.5, 2);
  assert.deepEqual([of.from, of.to], [1, 6]);
  of.pan(1);
  assert.deepEqual([of.from, of.to, of.follows], [2, 7, false]);
  for (let count = 0; count < 200; count += 1) of.zoom(0.5, 3);
  assert.ok(of.length >= 0.99e-5 && Number.isFinite(of.from));
});

test("without a trigger the newest is shown", () => {
  const of = new TimeWindow();
  of.advance(42, undefined, RISING, "off");
  assert.deepEqual([of.from, of.to], [32, 42]);
});

test("with a trigger the last whole event is shown, once or always", () => {
  const trace = pulses(34);
  const of = new TimeWindow();
  of.fit(0, 5);
  of.follows = true;
  assert.equal(of.advance(trace.end, trace, RISING, "normal"), false);
  assert.deepEqual([of.from, of.to, of.follows], [24, 29, true]);
  assert.equal(of.advance(trace.end, trace, RISING, "single"), true);
  assert.equal(of.follows, false);
});

test("from event to event", () => {
  const trace = pulses(34);
  const of = new TimeWindow();
  of.fit(0, 5);
  assert.ok(of.jump(trace, RISING, true));
  assert.deepEqual([of.from, of.to], [4, 9]);
  assert.ok(of.jump(trace, RISING, true));
  assert.equal(of.from, 14);
  assert.ok(of.jump(trace, RISING, false));
  assert.equal(of.from, 4);
  assert.ok(!of.jump(trace, RISING, false));
});

test("grids are round", () => {
  const fine = ticks(0.3, 1.3, 5).map((time) => Number(time.toFixed(6)));
  assert.deepEqual(fine, [0.4, 0.6, 0.8, 1, 1.2]);
  assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual([seconds(1.25), seconds(0.04), seconds(0.0000125), seconds(0)], ["1.25 s", "40 ms", "12.5 µs", "0 s"]);
});
