import { test } from "node:test";
import assert from "node:assert/strict";
import { rows, type Row } from "./rows.ts";
import type { Description, View } from "../control/view.ts";

const DESCRIPTION: Description = {
  cell: "press",
  interval_ns: 1e6,
  tasks: [{ name: "main", interval_ns: 1e6 }],
  devices: [{ name: "valves", type: "EL2008" }],
  alarms: [{ name: "red_bin", text_en: "red bin full", help_en: "empty it" }],
  parameters: [{ name: "depth", type: "f64", unit: "mm", range: [30, 48] }],
  tags: [
    { name: "force.ram", kind: "input", type: "f64", unit: "N" },
    { name: "clamp", kind: "output", type: "bool" },
  ],
};

const VIEW: View = {
  cycle: 12,
  runtime: { state: "run" },
  bus: { interface: "sim", states: "OP", answering: 6, expected: 6 },
  tasks: { main: { overruns: 0, execution: { p50: 22000, p99: 57343 }, start_error: { p99: 31743, max: 623779 } } },
  devices: { valves: { state: "OP", lost_links: 0, port_errors: 0 } },
  alarms: { red_bin: { state: "normal" } },
  parameters: { depth: 43 },
  tags: { "force.ram": { value: 3.7, valid: true }, clamp: { value: false, valid: true } },
};

function find(all: readonly Row[], id: string): Row {
  const found = all.flatMap((row) => [row, ...(row.rows ?? [])]).find((row) => row.id === id);
  assert.ok(found, id);
  return found;
}

test("a healthy machine", () => {
  const all = rows(DESCRIPTION, VIEW);
  assert.deepEqual(all.map((row) => row.id), ["machine", "tasks", "devices", "alarms", "parameters", "tags"]);
  assert.equal(find(all, "machine").description, "run");
  assert.equal(find(all, "machine/jitter").description, "p99 31.7 µs, max 624 µs");
  assert.equal(find(all, "tags/force.ram").description, "3.7 N");
  assert.equal(find(all, "parameters/depth").description, "43 mm");
  assert.ok(all.every((row) => row.tone === undefined));
});

test("what is wrong is seen from outside", () => {
  const view: View = {
    ...VIEW,
    runtime: { state: "fault" },
    devices: { valves: { state: "SAFE-OP" } },
    alarms: { red_bin: { state: "unacknowledged" } },
    tags: { "force.ram": { value: 3.7, valid: false }, clamp: { value: true, valid: true, forced: true } },
    forced: { clamp: { value: true, unforced: false } },
  };
  const all = rows(DESCRIPTION, view);
  for (const id of ["machine", "devices", "alarms", "tags"]) assert.equal(find(all, id).tone, "error", id);
  assert.equal(find(all, "alarms/red_bin").context, "alarm.open");
  assert.equal(find(all, "tags/clamp").description, "true  forced");
  assert.equal(find(all, "machine/forced").description, "1: clamp");
  assert.equal(find(all, "machine/forced").tooltip, "clamp: true instead of false");
});

const RUNS = "0123456789abcdef";

function programsOf(view: View, disk: Readonly<Record<string, string>> = {}): { all: Row[]; press: Row } {
  const program = { path: "programs/press.rhai", sha256: RUNS, state: { step: "idle", settle: { IN: true, PT: 0.05, Q: false, ET: 0.02, M: 1 }, list: [1, 2] } };
  const all = rows(DESCRIPTION, { ...VIEW, programs: { press: program }, ...view }, (path) => disk[path]);
  return { all, press: find(all, "programs/press") };
}

test("a program shows which text of it runs, and its state", () => {
  const { press } = programsOf({}, { "programs/press.rhai": RUNS });
  assert.equal(press.description, "01234567");
  assert.deepEqual([press.context, press.tone], ["program", undefined]);
  assert.deepEqual(press.rows?.map(({ label, description }) => `${label} ${description}`), [
    'step "idle"',
    "settle Q false, ET 0.02, IN true, PT 0.05, …",
    "list [1, 2]",
  ]);
  assert.deepEqual(press.rows?.[1]?.rows?.map(({ id }) => id).slice(0, 2), ["programs/press/settle/IN", "programs/press/settle/PT"]);
});

test("a file that is not what runs, and a reload that was undone, are warned of", () => {
  const differs = programsOf({}, { "programs/press.rhai": "other" });
  assert.equal(differs.press.description, "01234567, file differs");
  assert.deepEqual([differs.press.context, find(differs.all, "programs").tone], ["program.differs", "warning"]);

  const reload = { number: 3, programs: ["press"], cycle: 500, probation: 1000 };
  const tried = programsOf({ reload: { ...reload, state: "probation", left: 400 } });
  assert.equal(tried.press.description, "01234567, reload 3 on probation");
  assert.equal(find(tried.all, "machine/reload").description, "press: may be undone for 400 of 1000 runs");
  assert.equal(tried.press.tone, undefined);

  const undone = programsOf({ reload: { ...reload, state: "undone", left: 0, undone: 700, why_undone: "F313 worse" } });
  assert.equal(undone.press.description, "01234567, reload 3 undone");
  assert.equal(find(undone.all, "machine/reload").description, "undone: F313 worse");
  assert.deepEqual([undone.press.tone, find(undone.all, "machine/reload").tone], ["warning", "warning"]);
  assert.match(undone.press.tooltip ?? "", /F313 worse/);

  const other = programsOf({ reload: { ...reload, state: "kept", programs: ["slow"] } });
  assert.equal(other.press.description, "01234567");
});

test("a runtime that tells nothing yet", () => {
  const all = rows(DESCRIPTION, {});
  assert.equal(find(all, "machine").description, "?");
  assert.equal(find(all, "tags/clamp").description, "");
});
