// The Test Explorer: a cell's program tests, and its logs under `tests/`, which must replay equal.

import * as vscode from "vscode";
import * as path from "node:path";
import { cellName, cellOf, findCells } from "../cells.ts";
import { debugLog } from "../debug.ts";
import type { Program } from "../program.ts";
import { listPrograms, runPrograms } from "./programs.ts";
import { listReplays, runReplay } from "./replays.ts";
import type { Kind, Runner } from "./runner.ts";

/** Files whose change may change the list of tests. */
const WATCHED = "**/{tests/*.rhai,tests/**/*.snlog,cell.toml}";

/** Editors write a file in several steps. */
const QUIET_MS = 300;

export class Tests implements vscode.Disposable {
  readonly #program: Program;
  readonly #controller: vscode.TestController;
  readonly #kinds = new WeakMap<vscode.TestItem, Kind>();
  readonly #subscriptions: vscode.Disposable[];
  readonly #stale = new Map<string, NodeJS.Timeout>();
  /** The last search for all tests; none before somebody has wanted to see them. */
  #known: Promise<void> | undefined;

  constructor(program: Program) {
    this.#program = program;
    this.#controller = vscode.tests.createTestController("sensai", "Sensai");
    this.#controller.resolveHandler = (item) => (item === undefined ? this.#discover() : Promise.resolve());
    this.#controller.refreshHandler = () => this.#discover();
    const run = (request: vscode.TestRunRequest, token: vscode.CancellationToken) => this.#run(request, token);
    this.#controller.createRunProfile("Run", vscode.TestRunProfileKind.Run, run, true);
    const debug = (request: vscode.TestRunRequest) => this.#debug(request);
    this.#controller.createRunProfile("Debug the replay", vscode.TestRunProfileKind.Debug, debug, false);
    const watcher = vscode.workspace.createFileSystemWatcher(WATCHED);
    const changed = (file: vscode.Uri) => this.#changed(file);
    this.#subscriptions = [
      this.#controller,
      watcher,
      watcher.onDidCreate(changed),
      watcher.onDidChange(changed),
      watcher.onDidDelete(changed),
    ];
  }

  /** Find the tests of all cells. */
  #discover(): Promise<void> {
    this.#known = this.#discoverAll();
    return this.#known;
  }

  async #discoverAll(): Promise<void> {
    const cells = await findCells();
    const gone = [...this.#controller.items].map(([id]) => id).filter((id) => !cells.includes(id));
    for (const id of gone) this.#controller.items.delete(id);
    await Promise.all(cells.map((cell) => this.#discoverCell(cell)));
  }

  async #discoverCell(cell: string): Promise<void> {
    const old = this.#controller.items.get(cell);
    const root = old ?? this.#controller.createTestItem(cell, cellName(cell), vscode.Uri.file(path.join(cell, "cell.toml")));
    this.#kinds.set(root, { of: "cell", cell });
    const [programs, replays] = await Promise.all([
      listPrograms(this.#program, this.#controller, this.#kinds, cell),
      listReplays(this.#controller, this.#kinds, cell),
    ]);
    if (programs.why === undefined) {
      root.error = undefined;
      root.children.replace([...programs.items, ...replays]);
    } else {
      // While a program has errors nobody knows its tests: those that were known stay.
      root.error = programs.why;
      for (const item of replays) root.children.add(item);
    }
    if (root.children.size > 0 || root.error !== undefined) this.#controller.items.add(root);
    else this.#controller.items.delete(cell);
  }

  #changed(file: vscode.Uri): void {
    const cell = cellOf(file);
    if (cell === undefined) return void this.#discover();
    clearTimeout(this.#stale.get(cell));
    this.#stale.set(
      cell,
      setTimeout(() => {
        this.#stale.delete(cell);
        void this.#discoverCell(cell);
      }, QUIET_MS),
    );
  }

  /** Whoever runs all tests means those that are there now, whether they are shown already or not. */
  async #settle(): Promise<void> {
    await (this.#known ?? this.#discover());
    const cells = [...this.#stale.keys()];
    for (const timer of this.#stale.values()) clearTimeout(timer);
    this.#stale.clear();
    await Promise.all(cells.map((cell) => this.#discoverCell(cell)));
  }

  async #run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    await vscode.workspace.saveAll(false);
    await this.#settle();
    const run = this.#controller.createTestRun(request);
    const runner: Runner = { program: this.#program, run, token };
    try {
      const byCell = new Map<string, vscode.TestItem[]>();
      for (const item of this.#leaves(request)) {
        const kind = this.#kinds.get(item);
        if (kind === undefined) continue;
        run.enqueued(item);
        byCell.set(kind.cell, [...(byCell.get(kind.cell) ?? []), item]);
      }
      for (const [cell, items] of byCell) {
        const of = (wanted: Kind["of"]) => items.filter((item) => this.#kinds.get(item)?.of === wanted);
        await runPrograms(runner, cell, of("program"), this.#kinds);
        for (const item of of("replay")) await runReplay(runner, item, this.#kinds);
      }
    } finally {
      run.end();
    }
  }

  /** Debugging a replay test begins where it last differed. */
  async #debug(request: vscode.TestRunRequest): Promise<void> {
    for (const item of this.#leaves(request)) {
      const kind = this.#kinds.get(item);
      if (kind?.of !== "replay") continue;
      return debugLog(item.uri, kind.differs);
    }
    const text = "program tests cannot be debugged, replay tests can: record a run, and keep its log as a test";
    void vscode.window.showInformationMessage(`Sensai: ${text}`);
  }

  /** What is to run: items without parts. */
  #leaves(request: vscode.TestRunRequest): vscode.TestItem[] {
    const excluded = new Set(request.exclude ?? []);
    const leaves: vscode.TestItem[] = [];
    const take = (item: vscode.TestItem): void => {
      if (excluded.has(item)) return;
      if (item.children.size === 0) leaves.push(item);
      for (const [, child] of item.children) take(child);
    };
    const all = request.include ?? [...this.#controller.items].map(([, item]) => item);
    for (const item of all) take(item);
    return leaves;
  }

  dispose(): void {
    for (const timer of this.#stale.values()) clearTimeout(timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
