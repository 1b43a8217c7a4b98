// A connection to a running cell's control socket, here or in a network: lines of JSON, answers in the order of the requests.

import * as net from "node:net";
import { dial, token, type Place } from "./host.ts";

/** More than the runtime lets wait for a client. */
const LINE_MAX = 64 * 1024 * 1024;

/** An answer takes less, and a subscriber hears something at least once a second: such a silence means that it is gone. */
const SILENCE_MS = 5000;

export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string, help: string | undefined) {
    super(help === undefined ? message : `${message} (${help})`);
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Line {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly help?: string };
  readonly event?: string;
  readonly patch?: unknown;
  readonly reason?: string;
}

export interface Listener {
  /** A subscriber's merge patch. */
  patched?(patch: unknown): void;
  /** The connection is over; once. */
  closed?(reason: string): void;
}

export class Connection {
  readonly #socket: net.Socket;
  readonly #listener: Listener;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #rest: Buffer[] = [];
  #restLength = 0;
  #over = false;
  #subscribed = false;
  /** Why the runtime says that it ends. */
  #reason: string | undefined;

  private constructor(socket: net.Socket, listener: Listener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#end(error.message));
    socket.setTimeout(SILENCE_MS, () => {
      if (this.#subscribed || this.#waiting.size > 0) this.#end("the runtime is silent");
    });
    socket.on("close", () => this.#end(this.#reason ?? "the runtime has gone"));
  }

  static async open(place: Place, listener: Listener = {}): Promise<Connection> {
    if (typeof place === "string") return new Connection(await connect(place), listener);
    const secret = await token(place);
    const connection = new Connection(await dial(place), listener);
    try {
      await connection.request("authenticate", { token: secret });
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  request<T>(method: string, params: object = {}): Promise<T> {
    if (this.#over) return Promise.reject(new Error("the connection to the runtime is closed"));
    this.#last += 1;
    const id = this.#last;
    this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** From now on there are patches, and their absence ends the connection. */
  async subscribe(params: { sections?: readonly string[]; hz: number }): Promise<void> {
    await this.request("subscribe", params);
    this.#subscribed = true;
  }

  close(): void {
    this.#end("closed");
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    for (;;) {
      const end = rest.indexOf(10);
      if (end < 0) break;
      this.#rest.push(rest.subarray(0, end));
      const line = Buffer.concat(this.#rest).toString();
      this.#rest = [];
      this.#restLength = 0;
      rest = rest.subarray(end + 1);
      this.#line(line);
    }
    this.#rest.push(rest);
    this.#restLength += rest.length;
    if (this.#restLength > LINE_MAX) this.#end("the runtime sends a line without an end");
  }

  #line(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.#end("what listens there is no runtime: it sends no JSON");
      return;
    }
    if (line.event === "patch") this.#listener.patched?.(line.patch);
    else if (line.event === "closing") this.#reason = line.reason ?? "the run has ended";
    else if (line.id !== undefined) this.#answer(line.id, line);
    else if (line.error !== undefined) this.#end(line.error.message);
  }

  #answer(id: number, line: Line): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (line.error === undefined) waiting?.resolve(line.result);
    else waiting?.reject(new Refused(line.error.code, line.error.message, line.error.help));
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(reason));
    this.#waiting.clear();
    this.#listener.closed?.(reason);
  }
}

function connect(path: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.createConnection(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
