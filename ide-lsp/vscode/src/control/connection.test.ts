import { test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import * as net from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Connection, Refused } from "./connection.ts";

/** A runtime that answers each line with what `answer` makes of it. */
async function runtime(t: TestContext, answer: (line: string) => string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "sensai-control-"));
  const path = join(folder, "cell.sock");
  const server = net.createServer((socket) => {
    socket.on("error", () => socket.destroy());
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) socket.write(answer(line));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

test("answers find their requests, refusals with what helps", async (t) => {
  const path = await runtime(t, (line) => {
    const { id, method } = JSON.parse(line) as { id: number; method: string };
    const error = { code: "refused", message: "cannot start", help: "legal now: stop" };
    return `${JSON.stringify(method === "start" ? { id, error } : { id, result: method })}\n`;
  });
  const connection = await Connection.open(path);
  const [hello, start, status] = await Promise.allSettled(
    ["hello", "start", "status"].map((method) => connection.request(method)),
  );
  assert.deepEqual(hello, { status: "fulfilled", value: "hello" });
  assert.deepEqual(status, { status: "fulfilled", value: "status" });
  assert.ok(start?.status === "rejected" && start.reason instanceof Refused);
  assert.equal(start.reason.message, "cannot start (legal now: stop)");
  assert.equal(start.reason.code, "refused");
  connection.close();
});

test("lines in pieces, events between answers, the reason of the end", async (t) => {
  const patches: unknown[] = [];
  const path = await runtime(t, () => '{"event":"patch","patch":{"cycle":1}}\n{"id":1,"result":"ü"}\n{"event":"closing","reason":"the end"}\nnonsense\n');
  const closed = new Promise<string>((resolve) => {
    const opened = Connection.open(path, { patched: (patch) => patches.push(patch), closed: resolve });
    void opened.then(async (connection) => assert.equal(await connection.request("hello"), "ü"));
  });
  assert.match(await closed, /no JSON/);
  assert.deepEqual(patches, [{ cycle: 1 }]);
});

test("requests that wait when it ends are refused", async (t) => {
  const path = await runtime(t, () => "");
  const connection = await Connection.open(path);
  const waits = connection.request("hello");
  connection.close();
  await assert.rejects(waits);
  await assert.rejects(connection.request("hello"), /closed/);
});

test("nobody listens", async () => {
  await assert.rejects(Connection.open("/nowhere/cell.sock"), /ENOENT/);
});
