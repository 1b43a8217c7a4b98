// The runtime panel.

import * as vscode from "vscode";
import type { Monitor } from "../control/monitor.ts";
import { rows, type Row } from "./rows.ts";

/** Faster, nobody can read it. */
const REFRESH_MS = 250;

export class RuntimeTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #monitor: Monitor;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
    this.#subscriptions = [
      monitor.onDidAttach(() => this.#changed.fire()),
      monitor.onDidChange(() => this.#soon()),
    ];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const folded = row.id === "machine" ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
    const item = new vscode.TreeItem(row.label, row.rows === undefined ? vscode.TreeItemCollapsibleState.None : folded);
    item.id = row.id;
    item.description = row.description;
    item.tooltip = row.tooltip === undefined || row.tooltip === "" ? `${row.label}  ${row.description}` : row.tooltip;
    // Without this, only the tooltip would be read out.
    item.accessibilityInformation = { label: `${row.label} ${row.description}` };
    if (row.context !== undefined) item.contextValue = row.context;
    if (row.icon !== undefined) {
      const colour = row.tone === undefined ? undefined : new vscode.ThemeColor(`list.${row.tone}Foreground`);
      item.iconPath = new vscode.ThemeIcon(row.icon, colour);
    }
    return item;
  }

  getChildren(row?: Row): Row[] {
    if (row !== undefined) return [...(row.rows ?? [])];
    const now = this.#monitor.now;
    return now === undefined ? [] : rows(now.description, now.view);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#changed.fire();
    }, REFRESH_MS);
  }
}
