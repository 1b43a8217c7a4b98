import { test } from "node:test";
import assert from "node:assert/strict";
import { Nodes, type Node } from "./nodes.ts";
import type { Row } from "./rows.ts";

function row(id: string, description: string, rows?: readonly Row[]): Row {
  return { id, label: id, description, ...(rows === undefined ? {} : { rows }) };
}

function tree(cycle: string, tags: readonly string[], tooltip = ""): Row[] {
  const inside = tags.map((value, index) => ({ ...row(`tags/${index}`, value), tooltip }));
  return [row("machine", "run", [row("machine/cycle", cycle)]), row("tags", `${tags.length}`, inside)];
}

const ids = (of: readonly Node[] | "all") => (of === "all" ? of : of.map((node) => node.row.id));

test("only what has changed and is unfolded is drawn anew", () => {
  const nodes = new Nodes();
  assert.equal(nodes.take(tree("1", ["a", "b"])), "all");
  assert.deepEqual(ids(nodes.take(tree("2", ["x", "b"]))), [], "nothing is unfolded");
  const [machine, tags] = nodes.top;
  assert.ok(machine && tags);
  machine.open = true;
  assert.deepEqual(ids(nodes.take(tree("3", ["y", "b"]))), ["machine/cycle"]);
  tags.open = true;
  assert.deepEqual(ids(nodes.take(tree("3", ["z", "b"]))), ["tags/0"]);
  assert.deepEqual(ids(nodes.take(tree("3", ["z", "b"], "other"))), []);
  assert.equal(tags.nodes[0]?.row.tooltip, "other", "asked for later");
});

test("a group is drawn anew when there is more in it, a node stays the same one", () => {
  const nodes = new Nodes();
  nodes.take(tree("1", ["a"]));
  const [machine, tags] = nodes.top;
  assert.ok(machine && tags);
  [machine.open, tags.open] = [true, true];
  const [first] = tags.nodes;
  assert.deepEqual(ids(nodes.take(tree("1", ["b", "c"]))), ["tags"], "with its content, which is not named again");
  assert.equal(tags.nodes[0], first);
  assert.equal(nodes.top[1], tags);
  assert.equal(nodes.take([row("machine", "run")]), "all");
});
