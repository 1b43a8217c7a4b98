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

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** The socket says whose it is: of the cells of the workspace the server keeps the one that runs there. */
  async #follow(): Promise<void> {
    await this.#server.ask("sensai/detach", {});
    const socket = this.#monitor.now?.path;
    if (socket === undefined) return;
    for (const cell of (await findCells()).slice(0, CELLS_MAX)) {
      await this.#server.ask("sensai/attach", { cell: vscode.Uri.file(cell).toString(), socket });
    }
  }

  /** Not this cell, or gone: what runs again is found by the monitor. */
  #told(told: Told): void {
    if (told.state === "lost") void this.#server.ask("sensai/detach", { cell: told.cell });
  }
}
