import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folders, sockets } from "./sockets.ts";

test("the user's own folder comes first", () => {
  assert.deepEqual(folders({ XDG_RUNTIME_DIR: "/run/user/1" }), ["/run/user/1/sensai", "/run/sensai"]);
  assert.deepEqual(folders({ XDG_RUNTIME_DIR: "" }), ["/run/sensai"]);
});

test("locks beside sockets are none, and folders need not exist", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "sensai-sockets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["a.sock", "a.sock.lock"]) writeFileSync(join(folder, name), "");
  assert.deepEqual(await sockets(["/nowhere", folder]), [join(folder, "a.sock")]);
});
