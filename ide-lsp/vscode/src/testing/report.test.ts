import { test } from "node:test";
import assert from "node:assert/strict";
import { differing, explanation } from "./report.ts";

test("a failure tells the story that led there", () => {
  const finding = { code: "T201", message: "io.lamp is false, expected true", help: null, path: "tests/press.rhai", line: 6, column: 7 };
  const changes = [{ seconds: 0.06, name: "io.ram.up", before: "false", after: "true" }];
  assert.equal(
    explanation(finding, changes, ["here"]),
    "io.lamp is false, expected true [T201]\n\nwhat changed last:\n  0.060 s  io.ram.up  false -> true\n\nprinted:\n  here",
  );
  assert.equal(explanation({ ...finding, help: "did you mean" }, [], []), "io.lamp is false, expected true [T201]\ndid you mean");
});

test("an equal log has nothing to say, another one names the cycle and what differs", () => {
  assert.equal(differing({ cycles: 3004, difference: null }), undefined);
  const tags = [{ tag: "valve.down", recorded: "true", replayed: "false" }];
  const same = { cycle: 2000, tags, hash: ["f0", "f0"] } as const;
  assert.equal(
    differing({ cycles: 1999, difference: same }),
    "cycle 2000 is the first that differs\n  io.valve.down: recorded true, replayed false",
  );
  const other = differing({ cycles: 1999, difference: { ...same, hash: ["f0", "f1"] } });
  assert.match(other ?? "", /state hash: recorded f0, replayed f1/);
});
