import { test } from "node:test";
import assert from "node:assert/strict";
import { cells, parseExport, writeTable } from "./csv.ts";
import { Trace } from "./trace.ts";
import { firstCrossing, lastCrossing } from "./trigger.ts";

const FORCE = { name: "force", unit: "N", kind: "number" } as const;

function trace(...samples: readonly (readonly [number, number])[]): Trace {
  const of = new Trace(FORCE);
  for (const [time, value] of samples) of.push(time, value);
  return of;
}

test("a value holds until the next one", () => {
  const of = trace([1, 10], [2, 20], [4, 40]);
  assert.deepEqual([0.5, 1, 1.9, 2, 3.9, 4, 9].map((time) => of.at(time)), [undefined, 10, 10, 20, 20, 40, 40]);
  assert.deepEqual(of.range(1.5, 3), [10, 20]);
  assert.equal(trace().range(0, 1), undefined);
});

test("columns keep the extremes of what falls onto them", () => {
  const samples = Array.from({ length: 1000 }, (_, index) => [index, index === 777 ? 99 : 0] as const);
  const columns = trace(...samples).columns(0, 1000, 10);
  assert.equal(columns.length, 10);
  assert.deepEqual(columns.map((column) => column?.max), [0, 0, 0, 0, 0, 0, 0, 99, 0, 0]);
  assert.deepEqual(columns[7], { first: 0, last: 0, min: 0, max: 99 });
});

test("nothing is shown where nothing is known", () => {
  const columns = trace([2, 1], [3, 1]).columns(0, 5, 5);
  assert.deepEqual(columns.map((column) => column !== undefined), [false, false, true, true, false]);
});

test("a trace is bounded, and begins anew with a new run", () => {
  const of = new Trace(FORCE, 100);
  for (let index = 0; index < 1000; index += 1) of.push(index, index);
  assert.ok(of.length <= 125 && of.end === 999);
  of.push(1, 5);
  assert.deepEqual([of.length, of.begin, of.end], [1, 1, 1]);
});

test("a trigger finds the crossing", () => {
  const of = trace([0, 0], [1, 5], [2, 12], [3, 20], [4, 3], [5, 30]);
  const at = (edge: "rising" | "falling" | "either", after: number) => firstCrossing(of, { signal: "force", edge, level: 10 }, after);
  assert.deepEqual([at("rising", 0), at("rising", 2), at("falling", 0), at("either", 2), at("rising", 5)], [2, 5, 4, 4, undefined]);
  assert.equal(lastCrossing(of, { signal: "force", edge: "rising", level: 10 }, 4.5), 2);
  assert.equal(lastCrossing(of, { signal: "force", edge: "rising", level: 99 }, 9), undefined);
});

test("an exported log becomes its tags", () => {
  const text = [
    'cycle,time [ns],flags,fault,inbox,start,start.valid,force.ram [N],force.ram.valid,text',
    '1,1000000,A B,,"Start 0, 1",true,1,-0.5,1,idle',
    "2,2000000,A,,,false,1,inf,0,idle",
    "",
  ].join("\n");
  const table = parseExport(text);
  assert.deepEqual(table.signals, [
    { name: "start", unit: "", kind: "bool" },
    { name: "force.ram", unit: "N", kind: "number" },
  ]);
  assert.deepEqual([...table.times], [0.001, 0.002]);
  assert.deepEqual(table.values.map((row) => [...row]), [[1, 0], [-0.5, Infinity]]);
  assert.throws(() => parseExport("a,b\n1,2\n"), /time \[ns\]/);
});

test("cells with quotes", () => {
  assert.deepEqual(cells('a,"b, ""c""",d\r'), ["a", 'b, "c"', "d"]);
});

test("what is exported can be read", () => {
  const signals = [FORCE, { name: "up", unit: "", kind: "bool" }] as const;
  assert.equal(writeTable(signals, [[0.5, [1.25, 1]], [1, [NaN, 0]]]), "time [s],force [N],up\n0.5,1.25,true\n1,NaN,false\n");
});
