// The running cell that the window shows: found by itself as long as there is only one, chosen where there are several.

import * as vscode from "vscode";
import { Connection } from "./connection.ts";
import { folders, sockets } from "./sockets.ts";
import { merge } from "./merge.ts";
import { PROTOCOL, SECTIONS, type Description, type Hello, type View } from "./view.ts";

/** How often somebody looks whether a cell runs. */
const LOOK_MS = 2000;

export interface Attached {
  readonly path: string;
  readonly hello: Hello;
  readonly description: Description;
  readonly connection: Connection;
  /** As told until now; replaced as a whole. */
  view: View;
}

export class Monitor implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #attached = new vscode.EventEmitter<Attached | undefined>();
  /** Values are new. */
  readonly onDidChange = this.#changed.event;
  /** It is another cell, or none. */
  readonly onDidAttach = this.#attached.event;
  #now: Attached | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A look that is under way; there is never a second one. */
  #looking = false;
  /** Somebody wants no cell until he chooses one. */
  #detached = false;
  /** Protocols that were complained about. */
  readonly #complained = new Set<string>();

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
      void vscode.window.showInformationMessage("Sensai: no cell runs on this machine");
      return;
    }
    const items = found.map(({ path, hello }) => ({ label: hello.cell, description: path, path }));
    const chosen = await vscode.window.showQuickPick(items, { title: "Cells that run" });
    if (chosen === undefined) return;
    this.#detached = false;
    await this.attach(chosen.path);
  }

  async attach(path: string): Promise<void> {
    this.#leave();
    const connection = await Connection.open(path, {
      patched: (patch) => this.#patch(patch),
      closed: () => {
        if (this.#now?.connection === connection) this.#leave();
      },
    });
    try {
      const hello = await connection.request<Hello>("hello");
      if (hello.protocol !== PROTOCOL) throw new Error(`it speaks protocol ${hello.protocol}, expected ${PROTOCOL}`);
      const description = await connection.request<Description>("describe");
      this.#now = { path, hello, description, connection, view: {} };
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
    if (this.#now === undefined) throw new Error("no cell runs");
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
    this.#looking = true;
    try {
      const found = await this.#candidates();
      const [only] = found;
      if (only !== undefined && found.length === 1 && this.#now === undefined) await this.attach(only.path);
    } catch {
      // Gone between looking and attaching: the next look tells.
    } finally {
      this.#looking = false;
    }
  }

  /** Cells that run and speak our protocol. */
  async #candidates(): Promise<{ path: string; hello: Hello }[]> {
    const setting = vscode.workspace.getConfiguration("sensai").get<string>("controlSocket", "").trim();
    const paths = setting === "" ? await sockets(folders(process.env)) : [setting];
    const asked = await Promise.all(paths.map((path) => this.#greet(path)));
    return asked.filter((one) => one !== undefined);
  }

  async #greet(path: string): Promise<{ path: string; hello: Hello } | undefined> {
    try {
      const connection = await Connection.open(path);
      const hello = await connection.request<Hello>("hello").finally(() => connection.close());
      if (hello.protocol === PROTOCOL) return { path, hello };
      if (!this.#complained.has(path)) {
        this.#complained.add(path);
        const text = `the runtime at ${path} speaks protocol ${hello.protocol}, this extension ${PROTOCOL}: use those of one version`;
        void vscode.window.showWarningMessage(`Sensai: ${text}`);
      }
    } catch {
      // A leftover of a runtime that died, or one that may not be spoken to.
    }
    return undefined;
  }
}
