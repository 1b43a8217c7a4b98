// The runtime panel.

import * as vscode from "vscode";
import type { Monitor } from "../control/monitor.ts";
import type { Online } from "../server/online.ts";
import { Disk } from "./disk.ts";
import { Nodes, type Node } from "./nodes.ts";
import { rows } from "./rows.ts";

/** Faster, nobody can read it. */
const REFRESH_MS = 400;

export class RuntimeTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #monitor: Monitor;
  readonly #disk: Disk;
  readonly #changed = new vscode.EventEmitter<Node[] | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  #nodes = new Nodes();
  readonly #view: vscode.TreeView<Node>;
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;

  constructor(monitor: Monitor, online: Online) {
    this.#monitor = monitor;
    this.#disk = new Disk(online);
    this.#view = vscode.window.createTreeView("sensai.runtime", { treeDataProvider: this });
    this.#subscriptions = [
      this.#disk,
      this.#view,
      this.#view.onDidExpandElement(({ element }) => this.#fold(element, true)),
      this.#view.onDidCollapseElement(({ element }) => this.#fold(element, false)),
      this.#view.onDidChangeVisibility(() => this.#soon()),
      this.#disk.onDidChange(() => this.#soon()),
      monitor.onDidAttach(() => this.#begin()),
      monitor.onDidChange(() => this.#soon()),
    ];
  }

  getTreeItem({ row }: Node): vscode.TreeItem {
    const folded = row.id === "machine" ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
    const item = new vscode.TreeItem(row.label, row.rows === undefined ? vscode.TreeItemCollapsibleState.None : folded);
    item.id = row.id;
    item.description = row.description;
    // Without this, only the tooltip would be read out.
    item.accessibilityInformation = { label: `${row.label} ${row.description}` };
    if (row.context !== undefined) item.contextValue = row.context;
    if (row.icon !== undefined) {
      const colour = row.tone === undefined ? undefined : new vscode.ThemeColor(`list.${row.tone}Foreground`);
      item.iconPath = new vscode.ThemeIcon(row.icon, colour);
    }
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, { row }: Node): vscode.TreeItem {
    item.tooltip = row.tooltip === undefined || row.tooltip === "" ? `${row.label}  ${row.description}` : row.tooltip;
    return item;
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return [...this.#nodes.top];
    node.open = true;
    return [...node.nodes];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  /** While it was folded, nothing in it was drawn. */
  #fold(node: Node, open: boolean): void {
    node.open = open;
    if (open) this.#changed.fire([node]);
  }

  /** Another cell, or none. */
  #begin(): void {
    this.#nodes = new Nodes();
    this.#take();
    this.#changed.fire(undefined);
  }

  #take(): readonly Node[] | "all" {
    const now = this.#monitor.now;
    return this.#nodes.take(now === undefined ? [] : rows(now.description, now.view, (path) => this.#disk.sha256(path)));
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#view.visible) return;
      const changed = this.#take();
      if (changed === "all") this.#changed.fire(undefined);
      else if (changed.length > 0) this.#changed.fire([...changed]);
    }, REFRESH_MS);
  }
}
