import { test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import { X509Certificate } from "node:crypto";
import { Connection, Refused } from "./connection.ts";
import { label, noted, type Host } from "./host.ts";

/** Node itself makes no certificates. */
const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";

const TOKEN = `sensai_${"0a".repeat(32)}`;

interface Machine {
  readonly folder: string;
  readonly host: Host;
  /** What it has heard. */
  readonly heard: string[];
}

/** A machine that knows one token, with a certificate made for this test. */
async function machine(t: TestContext): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), "sensai-host-"));
  const at = (name: string): string => join(folder, name);
  const subject = ["-subj", "/CN=cell", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...made, ...subject, "-keyout", at("key.pem"), "-out", at("certificate.pem")], { stdio: "ignore" });
  writeFileSync(at("token"), `${TOKEN}\n`, { mode: 0o600 });
  const heard: string[] = [];
  const options = { key: readFileSync(at("key.pem")), cert: readFileSync(at("certificate.pem")) };
  const server = tls.createServer(options, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().trim().split("\n")) {
        heard.push(line);
        const { id, method, params } = JSON.parse(line) as { id: number; method: string; params: { token?: string } };
        const error = { code: "unauthenticated", message: "the token `maria` was revoked" };
        const good = method !== "authenticate" || params.token === TOKEN;
        socket.write(`${JSON.stringify(good ? { id, result: method } : { id, error, protocol: 1 })}\n`);
      }
    });
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const { port } = server.address() as net.AddressInfo;
  const fingerprint = `sha256:${new X509Certificate(options.cert).fingerprint256.replaceAll(":", "").toLowerCase()}`;
  return { folder, heard, host: { name: "press", address: `127.0.0.1:${port}`, fingerprint, token_file: at("token") } };
}

test("the token is shown first, to the machine with this certificate", { skip }, async (t) => {
  const { host, heard } = await machine(t);
  const connection = await Connection.open(host);
  assert.equal(await connection.request("hello"), "hello");
  connection.close();
  assert.deepEqual(heard.map((line) => (JSON.parse(line) as { method: string }).method), ["authenticate", "hello"]);
});

test("another certificate is told no token", { skip }, async (t) => {
  const { host, heard } = await machine(t);
  const other = `sha256:${"00".repeat(32)}`;
  await assert.rejects(Connection.open({ ...host, fingerprint: other }), (error: Error) => {
    assert.match(error.message, new RegExp(`expected ${other}, got ${host.fingerprint}`));
    return true;
  });
  assert.deepEqual(heard, []);
});

test("who vouches for a machine may stand in the place of its certificate", { skip }, async (t) => {
  const { folder, host } = await machine(t);
  const { fingerprint: _, ...bare } = host;
  const connection = await Connection.open({ ...bare, ca: join(folder, "certificate.pem") });
  connection.close();
  await assert.rejects(Connection.open(bare), /known to be the right machine/);
});

test("a token that opens nothing, one that others may read, one that is not there", { skip }, async (t) => {
  const { folder, host } = await machine(t);
  const file = join(folder, "token");
  writeFileSync(file, "sensai_0");
  await assert.rejects(Connection.open(host), (error: Error) => {
    assert.ok(error instanceof Refused && error.code === "unauthenticated");
    assert.match(error.message, /was revoked/);
    return true;
  });
  chmodSync(file, 0o644);
  await assert.rejects(Connection.open(host), /chmod 600/);
  const { token_file: _, ...without } = host;
  await assert.rejects(Connection.open(without), /no token is noted for press/);
});

test("what speaks no TLS is no machine", { skip }, async (t) => {
  const { host } = await machine(t);
  const plain = net.createServer((socket) => socket.on("error", () => socket.destroy()).end("220 mail\r\n"));
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  t.after(() => plain.close());
  const address = `127.0.0.1:${(plain.address() as net.AddressInfo).port}`;
  await assert.rejects(Connection.open({ ...host, address }), /^Error: press \(127\.0\.0\.1:/);
  await assert.rejects(Connection.open({ ...host, address: "127.0.0.1" }), /expected HOST:PORT/);
});

test("machines have the names that they were noted under", () => {
  const list = { press: { address: "192.168.1.10:7443", fingerprint: "x" } };
  const host = noted(list, "press");
  assert.equal(label(host), "press (192.168.1.10:7443)");
  assert.equal(label("/run/sensai/press.sock"), "/run/sensai/press.sock");
  assert.throws(() => noted(list, "pres"), /no machine is noted as pres; there are: press/);
  assert.throws(() => noted({}, "toString"), /sensai host add/);
});
