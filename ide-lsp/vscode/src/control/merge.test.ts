import { test } from "node:test";
import assert from "node:assert/strict";
import { merge } from "./merge.ts";

// RFC 7396, appendix A.
const CASES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [["a", "b"], ["c", "d"], ["c", "d"]],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("the cases of RFC 7396", () => {
  for (const [target, patch, expected] of CASES) {
    assert.deepEqual(plain(merge(target, patch)), expected, JSON.stringify([target, patch]));
  }
});

test("what was told before stays as it was", () => {
  const target = { tags: { a: { value: 1, valid: true } } };
  const merged = merge(target, { tags: { a: { value: 2 } } });
  assert.deepEqual(target, { tags: { a: { value: 1, valid: true } } });
  assert.deepEqual(plain(merged), { tags: { a: { value: 2, valid: true } } });
});

test("a tag called like a property of every object is only a tag", () => {
  const merged = merge({}, JSON.parse('{"__proto__": {"value": 1}}'));
  assert.equal(JSON.stringify(merged), '{"__proto__":{"value":1}}');
  assert.equal(({} as { value?: number }).value, undefined);
});
