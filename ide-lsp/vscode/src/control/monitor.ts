// The running cell that the window shows: found by itself as long as there is only one, chosen where there are several.

import * as vscode from "vscode";
import type { Program } from "../program.ts";
import { Connection } from "./connection.ts";
import { label, noted, type Noted, type Place } from "./host.ts";
import { folders, sockets } from "./sockets.ts";
import { merge } from "./merge.ts";
import { PROTOCOL, SECTIONS, type Description, type Hello, type View } from "./view.ts";

/** How often somebody looks whether a cell runs. */
const LOOK_MS = 2000;

/** The same, for a machine in a network. */
const LOOK_FAR_MS = 10_000;

export interface Attached {
  readonly place: Place;
  readonly hello: Hello;
  readonly description: Description;
  readonly connection: Connection;
  /** As told until now; replaced as a whole. */
  view: View;
}

interface Candidate {
  readonly place: Place;
  readonly hello: Hello;
}

export class Monitor implements vscode.Disposable {
  readonly #program: Program;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #attached = new vscode.EventEmitter<Attached | undefined>();
  /** Values are new. */
  readonly onDidChange = this.#changed.event;
  /** It is another cell, or none. */
  readonly onDidAttach = this.#attached.event;
  #now: Attached | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When a machine in a network is looked for again. */
  #farAt = 0;
  /** A look that is under way; there is never a second one. */
  #looking = false;
  /** Somebody wants no cell until he chooses one. */
  #detached = false;
  /** Why the machine that the setting names was not reached, with a colon before it; empty: it was. */
  #unreached = "";
  /** Protocols that were complained about. */
  readonly #complained = new Set<string>();

  constructor(program: Program) {
    this.#program = program;
  }

  get now(): Attached | undefined {
    return this.#now;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    void this.#look();
  }

  /** Choose among the cells that run. */
  async choose(): Promise<void> {
    const found = await this.#candidates();
    if (found.length === 0) {
      const host = this.#host();
      const where = host === "" ? "on this machine" : `that can be reached on ${host}${this.#unreached}`;
      void vscode.window.showInformationMessage(`Sensai: no cell runs ${where}`);
      return;
    }
    const items = found.map(({ place, hello }) => ({ label: hello.cell, description: label(place), place }));
    const chosen = await vscode.window.showQuickPick(items, { title: "Cells that run" });
    if (chosen === undefined) return;
    this.#detached = false;
    await this.attach(chosen.place);
  }

  async attach(place: Place): Promise<void> {
    this.#leave();
    const connection = await Connection.open(place, {
      patched: (patch) => this.#patch(patch),
      closed: () => {
        if (this.#now?.connection === connection) this.#leave();
      },
    });
    try {
      const hello = await connection.request<Hello>("hello");
      if (hello.protocol !== PROTOCOL) throw new Error(`it speaks protocol ${hello.protocol}, expected ${PROTOCOL}`);
      const description = await connection.request<Description>("describe");
      this.#now = { place, hello, description, connection, view: {} };
      const hz = vscode.workspace.getConfiguration("sensai").get<number>("refreshRate", 5);
      await connection.subscribe({ sections: SECTIONS, hz });
    } catch (error) {
      connection.close();
      this.#now = undefined;
      throw error;
    }
    await vscode.commands.executeCommand("setContext", "sensai.attached", true);
    await vscode.commands.executeCommand("setContext", "sensai.forces", this.#now.hello.methods.includes("force"));
    this.#attached.fire(this.#now);
  }

  detach(): void {
    this.#detached = true;
    this.#leave();
  }

  /** A command, with an error that says why not. */
  async command(method: string, params: object): Promise<void> {
    if (this.#now === undefined) throw new Error("no cell runs that this window is attached to");
    await this.#now.connection.request(method, params);
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#now?.connection.close();
    this.#now = undefined;
    this.#changed.dispose();
    this.#attached.dispose();
  }

  #patch(patch: unknown): void {
    if (this.#now === undefined) return;
    this.#now.view = merge(this.#now.view, patch) as View;
    this.#changed.fire();
  }

  #leave(): void {
    const left = this.#now;
    if (left === undefined) return;
    this.#now = undefined;
    left.connection.close();
    for (const fact of ["attached", "forces"]) void vscode.commands.executeCommand("setContext", `sensai.${fact}`, false);
    this.#attached.fire(undefined);
  }

  async #look(): Promise<void> {
    if (this.#now !== undefined || this.#detached || this.#looking) return;
    if (this.#host() !== "") {
      if (performance.now() < this.#farAt) return;
      this.#farAt = performance.now() + LOOK_FAR_MS;
    }
    this.#looking = true;
    try {
      const found = await this.#candidates();
      const [only] = found;
      if (only !== undefined && found.length === 1 && this.#now === undefined) await this.attach(only.place);
    } catch {
      // Gone between looking and attaching: the next look tells.
    } finally {
      this.#looking = false;
    }
  }

  /** The machine that the setting names; empty: this one. */
  #host(): string {
    return vscode.workspace.getConfiguration("sensai").get<string>("host", "").trim();
  }

  /** Where cells may run: on the machine that the setting names, else at the sockets here. */
  async #places(): Promise<readonly Place[]> {
    const host = this.#host();
    const setting = vscode.workspace.getConfiguration("sensai").get<string>("controlSocket", "").trim();
    if (host === "") return setting === "" ? await sockets(folders(process.env)) : [setting];
    const ended = await this.#program.run(["host", "list", "--json"]);
    if (ended.code !== 0) throw new Error(ended.stderr.trim());
    return [noted(JSON.parse(ended.stdout) as Record<string, Noted>, host)];
  }

  /** Cells that run and speak our protocol. */
  async #candidates(): Promise<Candidate[]> {
    try {
      this.#unreached = "";
      const asked = await Promise.all((await this.#places()).map((place) => this.#greet(place)));
      return asked.filter((one) => one !== undefined);
    } catch (error) {
      this.#unreached = `: ${error instanceof Error ? error.message : String(error)}`;
      return [];
    }
  }

  async #greet(place: Place): Promise<Candidate | undefined> {
    try {
      const connection = await Connection.open(place);
      const hello = await connection.request<Hello>("hello").finally(() => connection.close());
      if (hello.protocol === PROTOCOL) return { place, hello };
      if (!this.#complained.has(label(place))) {
        this.#complained.add(label(place));
        const text = `the runtime at ${label(place)} speaks protocol ${hello.protocol}, this extension ${PROTOCOL}: use those of one version`;
        void vscode.window.showWarningMessage(`Sensai: ${text}`);
      }
    } catch (error) {
      // A leftover of a runtime that died, or one that may not be spoken to.
      if (typeof place !== "string") this.#unreached = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    return undefined;
  }
}
