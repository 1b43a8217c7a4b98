// The files of the cell that runs, as they are on the disk: whether a program's text is the one that runs.

import * as vscode from "vscode";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Online } from "../server/online.ts";

export class Disk implements vscode.Disposable {
  readonly #online: Online;
  readonly #changed = new vscode.EventEmitter<void>();
  /** Something else is known. */
  readonly onDidChange = this.#changed.event;
  /** By absolute path; none: it is being read, or cannot be. */
  readonly #known = new Map<string, string | undefined>();
  readonly #subscriptions: vscode.Disposable[];

  constructor(online: Online) {
    this.#online = online;
    const watcher = vscode.workspace.createFileSystemWatcher("**/*.rhai");
    const forget = ({ fsPath }: vscode.Uri): void => {
      this.#known.delete(fsPath);
      this.#changed.fire();
    };
    this.#subscriptions = [
      watcher,
      watcher.onDidChange(forget),
      watcher.onDidCreate(forget),
      watcher.onDidDelete(forget),
      online.onDidChange(() => this.#changed.fire()),
    ];
  }

  /** SHA-256 of a file of the running cell, hexadecimal; nothing as long as it is not known. */
  sha256(file: string): string | undefined {
    const { cell } = this.#online;
    if (cell === undefined) return undefined;
    const whole = path.join(cell, file);
    if (!this.#known.has(whole)) {
      this.#known.set(whole, undefined);
      void this.#read(whole);
    }
    return this.#known.get(whole);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  async #read(file: string): Promise<void> {
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes === undefined) return;
    this.#known.set(file, createHash("sha256").update(bytes).digest("hex"));
    this.#changed.fire();
  }
}
