// The language server shows live values of the cell that the window is attached to: it is told which.

import * as vscode from "vscode";
import { findCells } from "../cells.ts";
import type { Monitor } from "../control/monitor.ts";
import type { Server } from "./client.ts";

/** Cells that the server follows at a time. */
const CELLS_MAX = 8;

/** What the server says of a cell that it follows. */
interface Told {
  readonly cell: string;
  readonly state: "connecting" | "online" | "lost" | "detached";
}

export class Online implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  /** It is another folder. */
  readonly onDidChange = this.#changed.event;
  #cell: string | undefined;
  readonly #server: Server;
  readonly #monitor: Monitor;
  readonly #subscriptions: vscode.Disposable[];

  constructor(server: Server, monitor: Monitor) {
    this.#server = server;
    this.#monitor = monitor;
    this.#subscriptions = [
      monitor.onDidAttach(() => void this.#follow()),
      server.onDidStart(() => void this.#follow()),
      server.onDidTell("sensai/online", (told) => this.#told(told as Told)),
    ];
  }

  /** Folder of the cell that the window is attached to, if it is one of the workspace. */
  get cell(): string | undefined {
    return this.#cell;
  }

  dispose(): void {
    this.#changed.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** The runtime says whose it is: of the cells of the workspace the server keeps the one that runs there. */
  async #follow(): Promise<void> {
    this.#is(undefined);
    await this.#server.ask("sensai/detach", {});
    const place = this.#monitor.now?.place;
    if (place === undefined) return;
    const at = typeof place === "string" ? { socket: place } : { host: place.name };
    for (const cell of (await findCells()).slice(0, CELLS_MAX)) {
      await this.#server.ask("sensai/attach", { cell: vscode.Uri.file(cell).toString(), ...at });
    }
  }

  /** Not this cell, or gone: what runs again is found by the monitor. */
  #told(told: Told): void {
    const folder = vscode.Uri.parse(told.cell).fsPath;
    if (told.state === "online") this.#is(folder);
    else if (folder === this.#cell) this.#is(undefined);
    if (told.state === "lost") void this.#server.ask("sensai/detach", { cell: told.cell });
  }

  #is(cell: string | undefined): void {
    if (cell === this.#cell) return;
    this.#cell = cell;
    this.#changed.fire();
  }
}
