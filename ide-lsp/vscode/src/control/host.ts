// A machine in a network, as `sensai host add` has noted it: connecting to it, and knowing it by its certificate.

import { readFile, stat } from "node:fs/promises";
import * as tls from "node:tls";

/** What `sensai host list --json` says of a machine; paths are whole. */
export interface Noted {
  readonly address: string;
  readonly fingerprint?: string;
  readonly ca?: string;
  readonly token_file?: string;
}

export interface Host extends Noted {
  readonly name: string;
}

/** Where a cell runs: the path of a socket on this computer, or a machine. */
export type Place = string | Host;

/** How long a machine may take to answer at all. */
const CONNECT_MS = 5000;

export function label(place: Place): string {
  return typeof place === "string" ? place : `${place.name} (${place.address})`;
}

/** The machine of that name. Throws if there is none. */
export function noted(list: Readonly<Record<string, Noted>>, name: string): Host {
  const found = Object.hasOwn(list, name) ? list[name] : undefined;
  if (found !== undefined) return { name, ...found };
  const names = Object.keys(list);
  const help = names.length === 0 ? "note it with `sensai host add`" : `there are: ${names.join(", ")}`;
  throw new Error(`no machine is noted as ${name}; ${help}`);
}

/** The token that is shown to it. */
export async function token(host: Host): Promise<string> {
  if (host.token_file === undefined) throw new Error(`no token is noted for ${host.name}: \`sensai host add\` it again`);
  const { mode } = await stat(host.token_file);
  if ((mode & 0o077) !== 0) throw new Error(`${host.token_file} may be read by others: chmod 600 ${host.token_file}`);
  return (await readFile(host.token_file, "utf8")).trim();
}

/** A secured connection to the right machine, or an error; nothing has been said on it yet. */
export async function dial(host: Host): Promise<tls.TLSSocket> {
  const at = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(host.address);
  if (at === null) throw new Error(`${host.address} is no address: expected HOST:PORT`);
  const name = at[1] ?? at[2] ?? "";
  const expected = host.fingerprint === undefined ? undefined : plain(host.fingerprint);
  const options: tls.ConnectionOptions = { host: name, port: Number(at[3]), minVersion: "TLSv1.3" };
  // One certificate is right, whoever signed it: it is compared below, before anything is sent.
  if (expected !== undefined) options.rejectUnauthorized = false;
  else if (host.ca !== undefined) options.ca = await readFile(host.ca);
  else throw new Error(`how is ${host.name} known to be the right machine? \`sensai host add\` it again`);
  return new Promise((resolve, reject) => {
    const socket = tls.connect(options);
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new Error(`${label(host)}: ${reason}`));
    };
    socket.setTimeout(CONNECT_MS, () => fail("it does not answer"));
    socket.once("error", (error) => fail(error.message));
    socket.once("secureConnect", () => {
      const got = plain(socket.getPeerCertificate().fingerprint256 ?? "");
      if (expected !== undefined && got !== expected) {
        fail(`its certificate is not the one that is expected: expected sha256:${expected}, got sha256:${got}`);
        return;
      }
      socket.setTimeout(0);
      socket.removeAllListeners("error");
      socket.removeAllListeners("timeout");
      resolve(socket);
    });
  });
}

/** The digits alone, however they are written. */
function plain(fingerprint: string): string {
  return fingerprint.trim().toLowerCase().replace(/^sha256:/, "").replaceAll(":", "");
}
